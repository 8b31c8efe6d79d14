"""Public names of Scrapy that do not exist here, and what to use instead; a path covers what is below it."""

_TLS = "use DOWNLOADER_CLIENT_TLS_METHOD, DOWNLOADER_CLIENT_TLS_CIPHERS and DOWNLOAD_VERIFY_SSL"
_MAIL = "no mail is sent; connect to the signal spider_closed and send one with smtplib"
_REMOTE = "use aioscrapy crawls and aioscrapy jobs to look into a crawl and to end it"
_HANDLER = "choose the HTTP client by DOWNLOAD_HANDLERS_TYPE (docs/handlers.md)"

_BROWSER = "no browser is controlled here; derive a handler from aioscrapy.handlers.base.DownloadHandler"
_DATABASE = "write a pipeline of your own that opens the database (docs/components.md)"

ABSENT: dict[str, str] = {
    "contrib": "Scrapy removed it long ago; import from scrapy.spiders, scrapy.linkextractors and so on",
    "core.downloader.handlers.httpx": 'use DOWNLOAD_HANDLERS_TYPE = "wreq" for HTTP/2',
    "core.downloader.handlers.pyhttpx": 'use DOWNLOAD_HANDLERS_TYPE = "curl_cffi"',
    "core.downloader.handlers.requests": "aiohttp fetches here (DOWNLOAD_HANDLERS_TYPE)",
    "core.downloader.handlers.webdriver": _BROWSER,
    "libs.downloader.ja3fingerprint": 'use DOWNLOAD_HANDLERS_TYPE = "curl_cffi" and meta["impersonate"]',
    "libs.extensions.metric": "the node serves the figures of all jobs to Prometheus (docs/monitoring.md)",
    "libs.pipelines.mongo": _DATABASE,
    "libs.pipelines.mysql": _DATABASE,
    "libs.pipelines.pg": _DATABASE,
    "loader.processors": "import them from itemloaders.processors",
    "queue.rabbitmq": "there is no RabbitMQ queue; use aioscrapy.queue.redis",
    "db.absmanager": _DATABASE,
    "db.aiomongo": _DATABASE,
    "db.aiomysql": _DATABASE,
    "db.aiopg": _DATABASE,
    "db.aiorabbitmq": "there is no RabbitMQ queue; use aioscrapy.queue.redis",
    "core.downloader.contextfactory": _TLS,
    "core.downloader.tls": _TLS,
    "core.downloader.handlers.ftp": "ftp:// is not supported; download such files in a pipeline",
    "core.downloader.handlers.s3": "s3:// is not supported; download such files in a pipeline",
    "core.downloader.webclient": _HANDLER,
    "pipelines.ItemProcessorProtocol": "ITEM_PROCESSOR is not supported; use ITEM_PIPELINES",
    "pqueues": "use SCHEDULER_QUEUE_CLASS: the frontier has the queues of the hosts apart, and priorities",
    "squeues": "use SCHEDULER_QUEUE_CLASS for the order, and JOBDIR for a queue on disk",
    "extensions.remote_control": _REMOTE,
    "extensions.telnet": _REMOTE,
    "extensions.statsmailer": _MAIL,
    "mail": _MAIL,
    "scrapy_redis.picklecompat": "the frontier is stored as JSON; import pickle itself for data of your own",
    "resolver": "the HTTP client resolves names",
    "utils.ssl": _TLS,
    "extension": "use crawler.get_extension(Class), or crawler.extensions.middlewares",
    "interfaces": "a class with the methods is enough; nothing is declared",
    "middleware": "use crawler.get_downloader_middleware(Class) and its relatives",
    "core.spidermw": "use crawler.get_spider_middleware(Class)",
    "core.downloader.middleware": "use crawler.get_downloader_middleware(Class)",
    "core.downloader.handlers.DownloadHandlers": "use crawler.engine.download(request)",
    "downloadermiddlewares.ajaxcrawl": "there is no such middleware here; sites have no such pages any more",
    "pipelines.ItemPipelineManager": "use crawler.get_item_pipeline(Class)",
    "spidermiddlewares.start": "set meta['is_start_request'] in `start` if your spider reads it",
    "spidermiddlewares.metacopy": "it only warns: pass on the keys of meta that you need",
    "utils.benchserver": "use python -m aioscrapy.demo.site",
    "utils.ftp": "write to ftp:// by a feed or a file store",
}
