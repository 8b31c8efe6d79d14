"""Every setting: its default, its type and range, and above it its meaning; docs/settings.md is made from this file.

The settings of what a crawl keeps and writes are in `default_output_settings.py`.
"""
# ruff: noqa: E501 a meaning is one line: docs/settings.md is made from these lines

from typing import Annotated

from aioscrapy.default_output_settings import *  # noqa: F403 one module has all settings
from aioscrapy.header_setting import HeaderTable
from aioscrapy.setting_types import (
    Bytes,
    Choice,
    Component,
    ComponentOrders,
    Count,
    Encoding,
    Flag,
    Handlers,
    LogLevel,
    Many,
    Name,
    Names,
    Number,
    OptionalPath,
    OptionalText,
    PartsOfNames,
    Priority,
    Seconds,
    Statuses,
    Table,
    Text,
    Whole,
)

# -- Project

# Name of the project. With the spider's name it identifies a shared crawl.
BOT_NAME: Name = "aioscrapybot"
# Packages with spiders.
SPIDER_MODULES: Names = []
# Package in which `aioscrapy genspider` writes.
NEWSPIDER_MODULE: OptionalText = ""
# Package with the project's own commands (subclasses of ScrapyCommand).
COMMANDS_MODULE: OptionalText = None
# Folder with the folders spiders/, the templates of `aioscrapy genspider`, and project/, those of `startproject`. None: our own.
TEMPLATES_DIR: OptionalPath = None
# Editor that `aioscrapy edit` starts. None: the variable EDITOR, else vi.
EDITOR: OptionalText = None
# Contracts that `aioscrapy check` knows: dotted path -> order. None: switch one of SPIDER_CONTRACTS_BASE off.
SPIDER_CONTRACTS: ComponentOrders = {}
# Built-in contracts; SPIDER_CONTRACTS overrides them.
SPIDER_CONTRACTS_BASE: ComponentOrders = {
    "aioscrapy.callback_contracts.UrlContract": 1,
    "aioscrapy.callback_contracts.CallbackKeywordArgumentsContract": 1,
    "aioscrapy.callback_contracts.MetadataContract": 1,
    "aioscrapy.callback_contracts.MethodContract": 1,
    "aioscrapy.callback_contracts.BodyContract": 1,
    "aioscrapy.callback_contracts.HeaderContract": 1,
    "aioscrapy.callback_contracts.CookieContract": 1,
    "aioscrapy.callback_contracts.ReturnsContract": 2,
    "aioscrapy.callback_contracts.ScrapesContract": 3,
}
# Fetch a start URL once. False: as in Scrapy, it is fetched again if a page links to it. A CrawlSpider always does so, and a
# spider that imports `scrapy` does so if this is not set and the crawl is in memory.
FILTER_START_URLS: Flag = True
# False: a CrawlSpider follows no links, whatever its rules say.
CRAWLSPIDER_FOLLOW_LINKS: Flag = True
# Class that finds the spiders, with Scrapy's interface. None: aioscrapy.spiderloader.SpiderLoader.
SPIDER_LOADER_CLASS: Annotated[str | None, Component(optional=True)] = None
# True: warn about a spider module that can't be imported and leave it out. False: end with an error.
SPIDER_LOADER_WARN_ONLY: Flag = True

# -- Concurrency and politeness

# Class of the event loop, such as "uvloop.Loop". None: uvloop if it is installed, else asyncio's own.
ASYNCIO_EVENT_LOOP: Annotated[str | None, Component(optional=True)] = None
# Worker processes of this machine that share a crawl (`aioscrapy crawl --processes`).
CRAWL_PROCESSES: Annotated[int, Whole(1, 256)] = 1
# Pages that a worker handles at once, from request to commit.
CONCURRENT_REQUESTS: Annotated[int, Whole(1, 100_000)] = 16
# Requests at once to one host, per worker or per crawl (POLITENESS_SCOPE). 0: as many as CONCURRENT_REQUESTS.
CONCURRENT_REQUESTS_PER_DOMAIN: Annotated[int, Whole(0, 100_000)] = 8
# The limits and delays of a host hold for each "worker" separately, or for the whole "crawl".
POLITENESS_SCOPE: Annotated[str, Choice("worker", "crawl")] = "worker"
# Seconds between two requests to one host.
DOWNLOAD_DELAY: Seconds = 0.0
# Limits of single hosts, or of meta["download_slot"]: {"a.test": {"concurrency": 1, "delay": 2.0,
# "jitter": 0.2}}. What is left out is that of all hosts. If POLITENESS_SCOPE is "crawl", a concurrency holds in
# each worker.
DOWNLOAD_SLOTS: Annotated[dict[str, dict[str, object]], Table("host or slot", "a dict of limits", dict)] = {}
# Vary DOWNLOAD_DELAY at random, between 0.5 and 1.5 times its value.
RANDOMIZE_DOWNLOAD_DELAY: Flag = True
# The part of DOWNLOAD_DELAY by which it varies: 0.2 gives 80 to 120 %. None: 0.5 if RANDOMIZE_DOWNLOAD_DELAY, else 0.
# If POLITENESS_SCOPE is "crawl", each value above 0 means 0.5.
DOWNLOAD_DELAY_JITTER: Annotated[float | None, Number(0, 1000, optional=True)] = None
# Adapt the delay of a host to its latency.
AUTOTHROTTLE_ENABLED: Flag = False
# Delay in seconds before the first latency is known.
AUTOTHROTTLE_START_DELAY: Seconds = 5.0
# Longest delay in seconds.
AUTOTHROTTLE_MAX_DELAY: Seconds = 60.0
# Average number of requests at once that a host should handle.
AUTOTHROTTLE_TARGET_CONCURRENCY: Annotated[float, Number(0.001, 100_000)] = 1.0
# Log every change of a delay.
AUTOTHROTTLE_DEBUG: Flag = False
# Fetch robots.txt of a host first and drop the requests that it forbids.
ROBOTSTXT_OBEY: Flag = False
# Upper limit for the Crawl-delay of robots.txt, in seconds. 0: ignore it.
ROBOTSTXT_CRAWL_DELAY_MAX: Seconds = 60.0
# Name to look up in robots.txt. None: the User-Agent header of the request.
ROBOTSTXT_USER_AGENT: OptionalText = None
# Reads a robots.txt: a class as aioscrapy.middlewares.robots_parser.RobotParser.
ROBOTSTXT_PARSER: Annotated[str, Component("from_crawler", "allowed")] = (
    "aioscrapy.middlewares.robots_parser.ProtegoRobotParser"
)

# -- Requests and downloads

# User-Agent header of requests that have none. None or "": send none.
USER_AGENT: OptionalText = "aioscrapy (+https://pypi.org/project/aioscrapy-scrapyd/)"
# Headers of requests that have not set them. None: don't send this header.
DEFAULT_REQUEST_HEADERS: Annotated[
    dict[str, str | bytes | list[str] | None],
    HeaderTable(),
] = {
    "Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
    "Accept-Language": "en",
}
# Download handlers by URL scheme. None: switch a scheme off.
DOWNLOAD_HANDLERS: Handlers = {}
# Built-in download handlers; DOWNLOAD_HANDLERS_TYPE and DOWNLOAD_HANDLERS override them.
DOWNLOAD_HANDLERS_BASE: Handlers = {
    "data": "aioscrapy.handlers.local.DataDownloadHandler",
    "file": "aioscrapy.handlers.local.FileDownloadHandler",
    "http": "aioscrapy.handlers.aiohttp.AioHttpDownloadHandler",
    "https": "aioscrapy.handlers.aiohttp.AioHttpDownloadHandler",
}
# HTTP client: aiohttp, wreq or curl_cffi (docs/handlers.md). The clients httpx and requests of aio-scrapy mean aiohttp; others are refused.
DOWNLOAD_HANDLERS_TYPE: Name = "aiohttp"
# Arguments of curl_cffi's AsyncSession, such as {"impersonate": "chrome"}.
CURL_CFFI_ARGS: Annotated[dict[str, object], Table("argument", "any value", object)] = {}
# Seconds for a download with its complete body. meta["download_timeout"] overrides it.
DOWNLOAD_TIMEOUT: Annotated[float, Number(0.001, 1e9, "seconds")] = 180.0
# Bytes of body, after decompression, at which a download fails. 0: no limit.
DOWNLOAD_MAXSIZE: Bytes = 1024 * 1024 * 1024
# Most times that a compressed body may grow beyond 10 MiB, compared with the bytes that travelled. 0: no limit.
DOWNLOAD_MAXRATIO: Annotated[float, Number(0, 1e9)] = 100
# Fail where a body ends before its declared end. False: take it, with the flag "dataloss". meta["download_fail_on_dataloss"] overrides it.
DOWNLOAD_FAIL_ON_DATALOSS: Flag = True
# Bytes of body at which a warning is logged. 0: never.
DOWNLOAD_WARNSIZE: Bytes = 32 * 1024 * 1024
# Refuse https hosts whose certificate does not verify. False: take them with a warning, without passwords from the settings.
DOWNLOAD_VERIFY_SSL: Flag = False
# The same, under Scrapy's name: True in either refuses such hosts.
DOWNLOAD_VERIFY_CERTIFICATES: Flag = False
# TLS ciphers, in the words of the client's TLS library; old servers need "DEFAULT:@SECLEVEL=0" with aiohttp.
DOWNLOADER_CLIENT_TLS_CIPHERS: OptionalText = "DEFAULT"
# Version of TLS. "TLS": the newest that both sides know.
DOWNLOADER_CLIENT_TLS_METHOD: Annotated[str, Choice("TLS", "TLSv1.0", "TLSv1.1", "TLSv1.2")] = "TLS"
# Oldest version of TLS: TLSv1.0, TLSv1.1, TLSv1.2 or TLSv1.3. For aiohttp, as the next two.
DOWNLOAD_TLS_MIN_VERSION: OptionalText = None
# Newest version of TLS.
DOWNLOAD_TLS_MAX_VERSION: OptionalText = None
# Address of this machine from which requests are sent: "HOST" or ("HOST", PORT).
DOWNLOAD_BIND_ADDRESS: Annotated[str | tuple[str, int] | None, Text(optional=True, also=(tuple,))] = None
# Use meta["proxy"] and the environment variables http_proxy, https_proxy and no_proxy.
HTTPPROXY_ENABLED: Flag = True
# Let PROXY_HANDLER choose the proxy of each request (aio-scrapy's pools of proxies).
USE_PROXY: Flag = False
# Pool of proxies: aioscrapy.proxy.redis.RedisProxy, or a subclass of aioscrapy.proxy.AbsProxy.
PROXY_HANDLER: Annotated[str | None, Component(optional=True)] = None
# Alias in REDIS_ARGS of the Redis that RedisProxy reads.
PROXY_QUEUE_ALIAS: Name = "proxy"
# Key of RedisProxy's sorted set: proxy -> score; the best proxies have 100.
PROXY_KEY: OptionalText = ""
# Most proxies that a worker process keeps.
PROXY_MAX_COUNT: Annotated[int, Whole(1, 1e6)] = 16
# A worker process with fewer proxies takes new ones.
PROXY_MIN_COUNT: Annotated[int, Whole(0, 1e6)] = 1
# HTTP statuses >= 400 that don't count as a failure of the proxy.
PROXY_ALLOW_STATUS_CODE: Statuses = [404]
# Keep the cookies that servers set, by host and meta["cookiejar"].
COOKIES_ENABLED: Flag = True
# The jars of a crawl in Redis or JOBDIR belong to the "crawl" and outlive a process, or to each "worker".
COOKIES_SCOPE: Annotated[str, Choice("crawl", "worker")] = "crawl"
# Log the cookies that are sent and received.
COOKIES_DEBUG: Flag = False
# Follow redirects.
REDIRECT_ENABLED: Flag = True
# Redirects after which a request fails.
REDIRECT_MAX_TIMES: Annotated[int, Whole(-1, 1e9)] = 20
# Follow <meta http-equiv="refresh">, too.
METAREFRESH_ENABLED: Flag = True
# Don't follow a meta refresh that waits longer, in seconds.
METAREFRESH_MAXDELAY: Annotated[float, Number(-1, 1e9, "seconds")] = 100
# A meta refresh inside of these tags is not followed.
METAREFRESH_IGNORE_TAGS: Names = ["noscript"]
# Added to the priority of a redirected request.
REDIRECT_PRIORITY_ADJUST: Priority = 2
# User name for HTTP basic authentication, unless the spider has http_user or http_pass.
HTTPAUTH_USER: Annotated[str, Text(empty=True)] = ""
# Its password.
HTTPAUTH_PASS: Annotated[str, Text(empty=True)] = ""
# Domain that gets them, with its subdomains. None: every host. It must be set with HTTPAUTH_USER.
HTTPAUTH_DOMAIN: OptionalText = ""
# Repeat failed requests.
RETRY_ENABLED: Flag = True
# Further attempts after the first; none if it is 0 or -1. meta["max_retry_times"] overrides it.
RETRY_TIMES: Annotated[int, Whole(-1, 1e9)] = 2
# Longest pause in seconds that a host may ask for (Retry-After). 0: don't pause.
RETRY_AFTER_MAX: Seconds = 300.0
# HTTP statuses that cause another attempt.
RETRY_HTTP_CODES: Statuses = [500, 502, 503, 504, 522, 524, 408, 429]
# Exceptions that cause another attempt: classes or their paths. The default is every failure of a download, also of a download handler of the project.
RETRY_EXCEPTIONS: Annotated[list[object], Many(Component())] = [
    "aioscrapy.exceptions.DownloadError",
    "builtins.OSError",
]
# Level of the line about a request that failed in all attempts.
RETRY_GIVE_UP_LOG_LEVEL: Annotated[str, LogLevel()] = "ERROR"
# Added to the priority of a repeated request.
RETRY_PRIORITY_ADJUST: Priority = -1
# Pass responses of every status to callbacks, not only 200 to 299.
HTTPERROR_ALLOW_ALL: Flag = False
# Further statuses that callbacks receive.
HTTPERROR_ALLOWED_CODES: Statuses = []
# Set the Referer header to the page that had the link.
REFERER_ENABLED: Flag = True
# Which Referer is sent: the name of a policy (W3C, REFERRER_POLICIES), or a class. meta["referrer_policy"] overrides it.
REFERRER_POLICY: Annotated[object, Text(empty=True, also=(type,))] = "scrapy-default"
# Further referrer policies: name -> subclass of aioscrapy.middlewares.referer.ReferrerPolicy. None: remove this name.
REFERRER_POLICIES: Annotated[
    dict[str, object], Table("name", "a class, its path, or None", str, type, type(None))
] = {}
# Most links between a start URL and a page. 0: no limit.
DEPTH_LIMIT: Count = 0
# Subtracted from the priority of a request for every link between it and the start URL.
DEPTH_PRIORITY: Priority = 0
# Count requests by depth in the stats.
DEPTH_STATS_VERBOSE: Flag = False
# Meta keys that a callback may copy without a warning of MetaCopyDetectionMiddleware.
META_COPY_WARN_SKIP_KEYS: Names = []
# Drop URLs with more characters. 0: no limit.
URLLENGTH_LIMIT: Count = 2083

# -- Spiders, items, extensions

# Downloader middlewares; low orders are close to the engine.
DOWNLOADER_MIDDLEWARES: ComponentOrders = {}
# Built-in downloader middlewares; DOWNLOADER_MIDDLEWARES overrides them.
DOWNLOADER_MIDDLEWARES_BASE: ComponentOrders = {
    "aioscrapy.middlewares.offsite.OffsiteMiddleware": 50,
    "aioscrapy.middlewares.robotstxt.RobotsTxtMiddleware": 100,
    "aioscrapy.middlewares.downloadtimeout.DownloadTimeoutMiddleware": 350,
    "aioscrapy.middlewares.defaultheaders.DefaultHeadersMiddleware": 400,
    "aioscrapy.middlewares.httpauth.HttpAuthMiddleware": 410,
    "aioscrapy.middlewares.useragent.UserAgentMiddleware": 500,
    "aioscrapy.middlewares.retry.RetryMiddleware": 550,
    "aioscrapy.middlewares.redirect.MetaRefreshMiddleware": 580,
    "aioscrapy.middlewares.redirect.RedirectMiddleware": 600,
    "aioscrapy.middlewares.cookies.CookiesMiddleware": 700,
    "aioscrapy.middlewares.proxypool.ProxyPoolMiddleware": 740,
    "aioscrapy.middlewares.httpproxy.HttpProxyMiddleware": 750,
    "aioscrapy.middlewares.stats.DownloaderStats": 850,
    "aioscrapy.middlewares.httpcache.HttpCacheMiddleware": 900,
}
# Count requests, responses, bytes and statuses.
DOWNLOADER_STATS: Flag = True
# Spider middlewares; low orders are close to the engine.
SPIDER_MIDDLEWARES: ComponentOrders = {}
# Built-in spider middlewares; SPIDER_MIDDLEWARES overrides them.
SPIDER_MIDDLEWARES_BASE: ComponentOrders = {
    "aioscrapy.middlewares.httperror.HttpErrorMiddleware": 50,
    "aioscrapy.middlewares.referer.RefererMiddleware": 700,
    "aioscrapy.middlewares.urllength.UrlLengthMiddleware": 800,
    "aioscrapy.middlewares.depth.DepthMiddleware": 900,
    "aioscrapy.middlewares.offsite.OffsiteMiddleware": 950,
}
# Item pipelines; an item passes low orders first.
ITEM_PIPELINES: ComponentOrders = {}
# Item pipelines that are always present; ITEM_PIPELINES overrides them.
ITEM_PIPELINES_BASE: ComponentOrders = {}
# Add-ons: classes whose update_settings(settings) sets settings and components; low orders are first.
ADDONS: ComponentOrders = {}
# Extensions; low orders are made first.
EXTENSIONS: ComponentOrders = {}
# Built-in extensions; EXTENSIONS overrides them.
EXTENSIONS_BASE: ComponentOrders = {
    "aioscrapy.extensions.corestats.CoreStats": 0,
    "aioscrapy.extensions.logcount.LogCount": 0,
    "aioscrapy.extensions.closespider.CloseSpider": 0,
    "aioscrapy.extensions.feedexport.FeedExporter": 0,
    "aioscrapy.extensions.logstats.LogStats": 0,
    "aioscrapy.extensions.memdebug.MemoryDebugger": 0,
    "aioscrapy.extensions.memusage.MemoryUsage": 0,
    "aioscrapy.extensions.periodic_log.PeriodicLog": 0,
    "aioscrapy.extensions.spiderstate.SpiderState": 0,
    "aioscrapy.extensions.throttle.AutoThrottle": 0,
}
# Watch the memory of the process, if a limit is set.
MEMUSAGE_ENABLED: Flag = True
# MiB of memory at which the crawl is closed (memusage_exceeded). 0: never.
MEMUSAGE_LIMIT_MB: Count = 0
# MiB of memory at which a warning is logged and the signal memusage_warning_reached is sent. 0: never.
MEMUSAGE_WARNING_MB: Count = 0
# Seconds between two looks at the memory.
MEMUSAGE_CHECK_INTERVAL_SECONDS: Annotated[float, Number(0.001, 1e6, "seconds")] = 60.0
# Count at the end the objects that the garbage collector can't free.
MEMDEBUG_ENABLED: Flag = False
# Log the stats as JSON every LOGSTATS_INTERVAL seconds: True, or {"include": [...], "exclude": [...]} with parts of names.
PERIODIC_LOG_STATS: PartsOfNames = None
# The same for what changed since the line before.
PERIODIC_LOG_DELTA: PartsOfNames = None
# Log the times of these lines.
PERIODIC_LOG_TIMING_ENABLED: Flag = False
# Seconds after which the crawl is closed. 0: never.
CLOSESPIDER_TIMEOUT: Seconds = 0.0
# Seconds without an item after which the crawl is closed. 0: never.
CLOSESPIDER_TIMEOUT_NO_ITEM: Seconds = 0.0
# Items after which the crawl is closed. 0: never.
CLOSESPIDER_ITEMCOUNT: Count = 0
# Responses after which the crawl is closed. 0: never.
CLOSESPIDER_PAGECOUNT: Count = 0
# Responses in a row without an item after which the crawl is closed. 0: never.
CLOSESPIDER_PAGECOUNT_NO_ITEM: Count = 0
# Errors in callbacks after which the crawl is closed. 0: never.
CLOSESPIDER_ERRORCOUNT: Count = 0
# End when no request is left. False: wait for more.
CLOSE_SPIDER_ON_IDLE: Flag = True

# -- Frontier: queue and duplicate filter

# Where requests wait: aioscrapy.queue.memory or aioscrapy.queue.redis, with SpiderPriorityQueue, SpiderQueue (first in, first out) or SpiderStack (last in, first out).
SCHEDULER_QUEUE_CLASS: Annotated[str, Component("shared", "dupefilter")] = (
    "aioscrapy.queue.memory.SpiderPriorityQueue"
)
# Scheduler of Scrapy's interface (enqueue_request, next_request, has_pending_requests), for a crawl of one process in memory. None: the frontier.
SCHEDULER: Annotated[
    str | None, Component("enqueue_request", "next_request", "has_pending_requests", optional=True)
] = None
# Alias in REDIS_ARGS of the Redis that holds the frontier.
SCHEDULER_QUEUE_ALIAS: Name = "queue"
# Duplicate filter. None: the exact filter of the queue.
DUPEFILTER_CLASS: Annotated[str | None, Component(optional=True)] = None
# Log every duplicate, not only the first.
DUPEFILTER_DEBUG: Flag = False
# Class whose fingerprint(request) returns the bytes that identify a request. The default applies the FINGERPRINT_ settings.
REQUEST_FINGERPRINTER_CLASS: Annotated[str | None, Component(optional=True)] = (
    "aioscrapy.http.fingerprint.RequestFingerprinter"
)
# Query parameters that don't distinguish requests. A * matches any text: "utm_*".
FINGERPRINT_IGNORE_PARAMS: Names = []
# The text behind the # of a URL distinguishes requests.
FINGERPRINT_KEEP_FRAGMENT: Flag = False
# Names of headers that distinguish requests.
FINGERPRINT_HEADERS: Names = []
# The body distinguishes requests. False: only method and URL.
FINGERPRINT_BODY: Flag = True
# How requests are encoded: JsonSerializer, MsgpackSerializer, or PickleSerializer, which is safe only in a Redis that no other program writes to.
SCHEDULER_SERIALIZER: Annotated[str, Component("dumps", "loads")] = "aioscrapy.serializer.JsonSerializer"
# Delete an earlier, unfinished crawl and start a new one, unless its workers are alive.
SCHEDULER_FLUSH_ON_START: Flag = False
# Keep the duplicate filter: the next crawl of this spider skips what this one requested.
KEEP_DUPEFILTER_DATA_ON_CLOSE: Flag = False
# Folder in which a memory crawl keeps its frontier, to continue after a stop.
JOBDIR: OptionalPath = None
# Name of the shared crawl to work in; also the spider argument `crawl`. None: the current crawl of the spider.
CRAWL_ID: OptionalText = None
# Start a new crawl even if one is open or has just ended (`aioscrapy crawl --fresh`).
CRAWL_FRESH: Flag = False
# Seconds after the end of a crawl in which a worker that starts counts as a late member, not as a rerun.
CRAWL_JOIN_WINDOW: Seconds = 30.0
# Seconds that Redis keeps the keys of a finished crawl. Items stay until they are exported or deleted.
CRAWL_KEEP: Seconds = 259200.0
# Seconds without a sign of life after which the pages of a worker go to others.
SCHEDULER_LEASE: Annotated[float, Number(0.001, 1e6, "seconds")] = 15.0
# Seconds between two signs of life, at most SCHEDULER_LEASE.
SCHEDULER_HEARTBEAT: Annotated[float, Number(0.001, 1e6, "seconds")] = 5.0
# Requests that a worker holds ready besides those in progress. None: as many as CONCURRENT_REQUESTS.
SCHEDULER_PREFETCH: Annotated[int | None, Whole(0, 100_000, optional=True)] = None
# A page with more requests and items is committed in pieces of this size.
SCHEDULER_COMMIT_SIZE: Annotated[int, Whole(1, 1e6)] = 1000
# Keep items in Redis, in the same atomic step as their page.
ITEMS_IN_REDIS: Flag = False
# The Bloom filter may grow to 2**BLOOMFILTER_BIT bits.
BLOOMFILTER_BIT: Annotated[int, Whole(10, 32)] = 30
# Probes of the Bloom filter for one request.
BLOOMFILTER_HASH_NUMBER: Annotated[int, Whole(1, 32)] = 12
# Rate of false positives of the Bloom filter until it has its full size.
BLOOMFILTER_ERROR_RATE: Annotated[float, Number(1e-12, 0.999)] = 1e-6
# Seconds for the pages in progress after the first SIGINT or SIGTERM; then they are returned to the frontier.
SHUTDOWN_TIMEOUT: Seconds = 6.0

# -- Redis

# What a worker does if the server may delete keys of a crawl, or forgets them at a restart: "warn", "refuse" to crawl, or "off".
REDIS_CHECK: Annotated[str, Choice("warn", "refuse", "off")] = "warn"
# Redis connections: alias -> {url | host, port, db, username, password; max_connections; timeout (seconds to wait for a free connection); any other argument of redis-py}. The frontier uses SCHEDULER_QUEUE_ALIAS.
REDIS_ARGS: Annotated[
    dict[str, dict[str, object]], Table("alias", "a dict with 'url', or 'host' and 'port'", dict)
] = {}

# -- scrapy-redis

# URL of the Redis of the frontier, where REDIS_ARGS names none.
REDIS_URL: OptionalText = None
# Host of this Redis, where there is no REDIS_URL.
REDIS_HOST: OptionalText = None
# Port of this Redis.
REDIS_PORT: Annotated[int, Whole(1, 65535)] = 6379
# Further arguments of redis-py for this Redis, such as db and password.
REDIS_PARAMS: Annotated[dict[str, object], Table("argument", "its value", object)] = {}
# Key of the start URLs of a RedisSpider that names none: a list, a set or a sorted set.
REDIS_START_URLS_KEY: Name = "%(name)s:start_urls"
# Start URLs that a worker reads at once. None: CONCURRENT_REQUESTS.
REDIS_START_URLS_BATCH_SIZE: Annotated[int | None, Whole(1, 1e6, optional=True)] = None
# Encoding of the start URLs.
REDIS_ENCODING: Annotated[str | None, Encoding()] = "utf-8"
# Seconds without work after which the crawl of a RedisSpider ends. 0: never.
MAX_IDLE_TIME_BEFORE_CLOSE: Seconds = 0.0
# Keep the duplicate filter after the end, as KEEP_DUPEFILTER_DATA_ON_CLOSE, in a project of scrapy-redis.
SCHEDULER_PERSIST: Flag = False
# List to which scrapy_redis.pipelines.RedisPipeline appends the items.
REDIS_ITEMS_KEY: Name = "%(spider)s:items"
# Function from an item to the text or bytes in this list. None: JSON.
REDIS_ITEMS_SERIALIZER: Annotated[str | None, Component(optional=True)] = None
