"""Scrapy's paths below the root, and where their names are here; see `finder.py`.

To add a name: write it in `NAMES` under its path in Scrapy, behind the module of ours that has it.
A module of ours that has all names of one of Scrapy's modules is a row of `MODULES`. A file of ours at
Scrapy's own path needs no row.
"""

from functools import cache

from aioscrapy.doors.absent import ABSENT

# Scrapy's module -> the module of ours that is the same
MODULES: dict[str, str] = {
    "core.downloader.handlers.aiohttp": "handlers.aiohttp",
    "core.downloader.handlers.curl_cffi": "handlers.curl_cffi",
    "downloadermiddlewares.cookies": "middlewares.cookies",
    "downloadermiddlewares.defaultheaders": "middlewares.defaultheaders",
    "downloadermiddlewares.downloadtimeout": "middlewares.downloadtimeout",
    "downloadermiddlewares.httpauth": "middlewares.httpauth",
    "downloadermiddlewares.httpcache": "middlewares.httpcache",
    "downloadermiddlewares.httpcompression": "middlewares.httpcompression",
    "downloadermiddlewares.httpproxy": "middlewares.httpproxy",
    "downloadermiddlewares.offsite": "middlewares.offsite",
    "downloadermiddlewares.redirect": "middlewares.redirect",
    "downloadermiddlewares.retry": "middlewares.retry",
    "downloadermiddlewares.robotstxt": "middlewares.robotstxt",
    "downloadermiddlewares.stats": "middlewares.stats",
    "downloadermiddlewares.useragent": "middlewares.useragent",
    "http.request.form": "http.form",
    "http.request.json_request": "http.json_request",
    "http.response.text": "http.text",
    "http.request.rpc": "http.xmlrpc_request",
    "libs.downloader.defaultheaders": "middlewares.defaultheaders",
    "libs.downloader.downloadtimeout": "middlewares.downloadtimeout",
    "libs.downloader.retry": "middlewares.retry",
    "libs.downloader.stats": "middlewares.stats",
    "libs.downloader.useragent": "middlewares.useragent",
    "libs.extensions.closespider": "extensions.closespider",
    "libs.extensions.corestats": "extensions.corestats",
    "libs.extensions.logstats": "extensions.logstats",
    "libs.extensions.throttle": "extensions.throttle",
    "libs.spider.depth": "middlewares.depth",
    "libs.spider.httperror": "middlewares.httperror",
    "libs.spider.offsite": "middlewares.offsite",
    "libs.spider.referer": "middlewares.referer",
    "libs.spider.urllength": "middlewares.urllength",
    "settings.default_settings": "default_settings",
    "spidermiddlewares.base": "middlewares.base",
    "spidermiddlewares.depth": "middlewares.depth",
    "spidermiddlewares.httperror": "middlewares.httperror",
    "spidermiddlewares.metacopy": "middlewares.metacopy",
    "spidermiddlewares.offsite": "middlewares.offsite",
    "spidermiddlewares.referer": "middlewares.referer",
    "spidermiddlewares.start": "middlewares.start",
    "spidermiddlewares.urllength": "middlewares.urllength",
}

# Scrapy's module -> {module of ours: its names; NAME=OURS where the name differs}
NAMES: dict[str, dict[str, str]] = {
    "commands": {
        "project_command": "AioScrapyCommand=ScrapyCommand BaseRunSpiderCommand ScrapyCommand",
        "exceptions": "UsageError",
        "command_parser": "ScrapyArgumentParser=CommandParser ScrapyHelpFormatter=HelpFormatter",
    },
    "commands.crawl": {"project_command": "Command=CrawlCommand"},
    "commands.runspider": {"project_command": "Command=RunSpiderCommand"},
    "contracts": {"callback_contracts": "Contract ContractsManager"},
    "contracts.default": {
        "callback_contracts": "BodyContract CallbackKeywordArgumentsContract CookieContract HeaderContract "
        "MetadataContract MethodContract ReturnsContract ScrapesContract UrlContract"
    },
    "core.downloader.handlers": {
        "handlers.base": "BaseDownloadHandler DownloadHandlerProtocol=BaseDownloadHandler"
    },
    "core.downloader.handlers._aiohttp": {
        "handlers.aiohttp": "AiohttpDownloadHandler=AioHttpDownloadHandler"
    },
    "core.downloader.handlers.datauri": {"handlers.local": "DataURIDownloadHandler=DataDownloadHandler"},
    "core.downloader.handlers.file": {"handlers.local": "FileDownloadHandler"},
    "core.downloader.handlers.http": {"handlers.http11": "HTTPDownloadHandler=HTTP11DownloadHandler"},
    "core.downloader.handlers.http11": {
        "exceptions": "TunnelError",
        "handlers.http11": "HTTP11DownloadHandler",
    },
    "core.downloader.handlers.http2": {"handlers.http11": "H2DownloadHandler"},
    "core.downloader.handlers.base": {"handlers.base": "BaseDownloadHandler"},
    "core.engine": {"core.control": "ExecutionEngine=EngineControl"},
    "core.scheduler": {"queue.foreign": "BaseScheduler Scheduler"},
    "db": {"db": "DBManager=DbManager"},
    "db.aioredis": {"db": "AioRedisPoolManager=RedisClients redis_manager"},
    "dupefilters": {"dupefilters.foreign": "BaseDupeFilter RFPDupeFilter"},
    "exceptions": {"exceptions": "AioScrapyDeprecationWarning=ScrapyDeprecationWarning"},
    "item": {"item": "BaseItem=Item DictItem=Item"},
    "resolver": {"utils.datatypes": "dnscache=DNS_CACHE"},
    "interfaces": {"doors.older": "ISpiderLoader"},
    "extensions.feedexport": {
        "doors.hints": "UriParamsCallableT",
        "doors.older": "IFeedStorage build_storage",
    },
    "http": {"http.xmlrpc_request": "XmlRpcRequest"},
    "http.request": {
        "doors.hints": "CookiesT RequestTypeVar VerboseCookie",
        "http.no_callback": "NO_CALLBACK",
    },
    "http.response": {"doors.hints": "ResponseTypeVar"},
    "http.response.html": {"http.text": "HtmlResponse"},
    "http.response.json": {"http.text": "JsonResponse"},
    "http.response.xml": {"http.text": "XmlResponse"},
    "responsetypes": {
        "http.response_types": "ResponseTypes responsetypes",
        "http.responsetypes": "response_class",
    },
    "robotstxt": {
        "middlewares.robots_parser": "ProtegoRobotParser PythonRobotParser RobotParser decode_robotstxt"
    },
    "utils._compression": {
        "http.codings": "_CHUNK_SIZE=_PIECE _DecompressionMaxSizeExceeded=UnpackedSizeError"
    },
    "selector.unified": {"doors.hints": "SelectorType", "selector": "Selector SelectorList"},
    "serializer": {"serializer": "AbsSerializer=Serializer"},
    "signalmanager": {"signals": "SignalManager", "utils.signal": "dispatcher"},
    "utils.console": {"doors.hints": "EmbedFuncT KnownShellsT"},
    "utils.conf": {"utils.conf": "closest_aioscrapy_cfg=closest_scrapy_cfg"},
    "utils.datatypes": {"utils.datatypes": "CaselessDict=CaseInsensitiveDict"},
    "utils.python": {"utils.python": "to_native_str=to_unicode"},
    "spiderloader": {"doors.older": "ISpiderLoader"},
    "spiders.crawl": {"doors.hints": "ProcessLinksT ProcessRequestT"},
    "statscollectors": {
        "doors.hints": "StatsT",
        "stats": "StatsCollector MemoryStatsCollector DummyStatsCollector",
    },
    "utils.misc": {"doors.hints": "SupportsFromCrawler"},
    "utils.ossignal": {"doors.hints": "SignalHandlerT"},
    "utils.url": {"doors.hints": "UrlT"},
}

# Name of a logger in Scrapy, below its root -> ours, where it is not a row of MODULES
LOGGERS: dict[str, str] = {
    **{
        path: path
        for path in (
            *("addons", "crawler", "dupefilters", "pipelines.files", "pipelines.media", "utils.request"),
            *(
                f"extensions.{name}"
                for name in (
                    *("closespider", "debug", "feedexport", "httpcache", "logstats", "memusage"),
                    *("periodic_log", "spiderstate", "throttle"),
                )
            ),
        )
    },
    "statscollectors": "stats",
}

# The beginnings of paths that aio-scrapy has and Scrapy has not
OF_AIO_SCRAPY = (
    *("core.downloader.handlers.DownloadHandlerManager", "core.downloader.handlers.pyhttpx"),
    *("core.downloader.handlers.requests", "core.downloader.handlers.webdriver"),
    *("db.", "dupefilters.DupeFilterBase", "dupefilters.redis.", "exceptions.ProxyException"),
    *("http.WebDriverResponse", "http.response.web_driver", "libs.", "process.", "queue."),
    *("utils.log.AioScrapyLogger", "utils.reqser", "utils.tools."),
)

# Names of the top level that Scrapy's modules import for themselves, and that projects import from there.
PASSED_ON = frozenset(
    {"Field", "FormRequest", "Item", "Request", "Response", "Selector", "Spider", "signals"}
)


@cache
def all_paths() -> frozenset[str]:
    """Return all paths that a row names."""
    return frozenset({*MODULES, *NAMES, *ABSENT})


def home_of(path: str, name: str) -> tuple[str, str] | None:
    """Return the module of ours that has a name of a door, and its name there; None if no row has it.

    The module "" is the root.
    """
    for module, names in NAMES.get(path, {}).items():
        for pair in names.split():
            public, _, ours = pair.partition("=")
            if public == name:
                return module, ours or public
    return ("", name) if name in PASSED_ON else None


def public_name(path: str) -> str:
    """Return the dotted name by which projects import a path: of Scrapy, scrapy-redis or aio-scrapy."""
    if path.startswith("scrapy_redis"):
        return path
    return f"aioscrapy.{path}" if path.startswith(OF_AIO_SCRAPY) else f"scrapy.{path}"


def absence(path: str) -> str:
    """Return the line about a name of Scrapy that does not exist here; "" for a name without a row."""
    if path in ABSENT:
        return f"{public_name(path)} isn't here: {ABSENT[path]}"
    parent = path.rpartition(".")[0]
    return absence(parent) if parent else ""
