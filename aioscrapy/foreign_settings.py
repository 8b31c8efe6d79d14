"""Settings of Scrapy, scrapy-redis and aio-scrapy that nothing reads here, and what to use instead."""

_MAIL = "no mail is sent here"
_TELNET = "there is no telnet console here"
_REMOTE = "there is no remote control here; use aioscrapy crawls and jobs"
_TWISTED = "asyncio runs the crawl here"
_QUEUE = "use SCHEDULER_QUEUE_CLASS"
_DNS = "the HTTP client resolves names; DOWNLOAD_TIMEOUT limits the whole download"
_TLS = "use DOWNLOADER_CLIENT_TLS_METHOD and DOWNLOADER_CLIENT_TLS_CIPHERS"
_DATABASE = "there is no such database connection here; open yours in a pipeline"
_LOCAL_CACHE = "the frontier has no such cache here; SCHEDULER_PREFETCH is the nearest"
_REDIS = 'use REDIS_ARGS = {"queue": {"url": "redis://…"}}'
_KIND_OF_KEY = "the kind of the key decides: a list, a set or a sorted set"

INSTEAD: dict[str, str] = {
    # Scrapy
    "AJAXCRAWL_ENABLED": "there is no such middleware here",
    "AJAXCRAWL_MAXSIZE": "there is no such middleware here",
    "COMPRESSION_ENABLED": "the HTTP client unpacks bodies; send Accept-Encoding: identity to get plain ones",
    "CONCURRENT_ITEMS": "a page's items pass the pipelines one by one; CONCURRENT_REQUESTS limits pages",
    "CONCURRENT_REQUESTS_PER_IP": "use CONCURRENT_REQUESTS_PER_DOMAIN",
    "DEFAULT_ITEM_CLASS": "items are dicts, dataclasses, attrs or pydantic objects here",
    "DNSCACHE_ENABLED": _DNS,
    "DNSCACHE_SIZE": _DNS,
    "DNS_RESOLVER": _DNS,
    "DNS_TIMEOUT": _DNS,
    "DOWNLOADER": "use DOWNLOAD_HANDLERS and DOWNLOADER_MIDDLEWARES",
    "DOWNLOADER_CLIENTCONTEXTFACTORY": _TLS,
    "DOWNLOADER_CLIENT_TLS_VERBOSE_LOGGING": _TLS,
    "DOWNLOADER_HTTPCLIENTFACTORY": "use DOWNLOAD_HANDLERS",
    "FORCE_CRAWLER_PROCESS": _TWISTED,
    "FTP_PASSIVE_MODE": "no page is fetched by ftp://; for feeds and file stores use FEED_STORAGE_FTP_ACTIVE",
    "HTTP2_MAX_FRAME_SIZE": 'HTTP/2 is there with DOWNLOAD_HANDLERS_TYPE = "wreq"',
    "HTTPPROXY_AUTH_ENCODING": "the login of a proxy is UTF-8 here",
    "HTTPX_HTTP2_ENABLED": 'HTTP/2 is there with DOWNLOAD_HANDLERS_TYPE = "wreq"',
    "ITEM_PROCESSOR": "use ITEM_PIPELINES",
    "LOG_COLOR": "the log has no colours here",
    "LOG_SHORT_NAMES": "use LOG_FORMAT",
    "LOG_UNSERIALIZABLE_REQUESTS": "a request that can't be stored is always an error here",
    "MAIL_FROM": _MAIL,
    "MAIL_HOST": _MAIL,
    "MAIL_PASS": _MAIL,
    "MAIL_PORT": _MAIL,
    "MAIL_SSL": _MAIL,
    "MAIL_TLS": _MAIL,
    "MAIL_USER": _MAIL,
    "MEMDEBUG_NOTIFY": _MAIL,
    "MEMUSAGE_NOTIFY_MAIL": _MAIL,
    "REACTOR_THREADPOOL_MAXSIZE": _TWISTED,
    "REMOTE_CONTROL_ENABLED": _REMOTE,
    "REMOTE_CONTROL_JOBS_DIR": _REMOTE,
    "REMOTE_CONTROL_OUTPUT_MAX_BYTES": _REMOTE,
    "REMOTE_CONTROL_TIMEOUT_DEFAULT": _REMOTE,
    "REMOTE_CONTROL_TIMEOUT_MAX": _REMOTE,
    "REMOTE_CONTROL_TRACEBACK_MAX_BYTES": _REMOTE,
    "REQUEST_FINGERPRINTER_IMPLEMENTATION": "use REQUEST_FINGERPRINTER_CLASS or the FINGERPRINT_ settings",
    "SCHEDULER_DEBUG": "DUPEFILTER_DEBUG logs duplicates",
    "SCHEDULER_DISK_QUEUE": "use JOBDIR",
    "SCHEDULER_MEMORY_QUEUE": _QUEUE,
    "SCHEDULER_PRIORITY_QUEUE": _QUEUE,
    "SCHEDULER_START_DISK_QUEUE": "use JOBDIR",
    "SCHEDULER_START_MEMORY_QUEUE": _QUEUE,
    "SCRAPER_SLOT_MAX_ACTIVE_SIZE": "CONCURRENT_REQUESTS and DOWNLOAD_MAXSIZE limit the memory of pages",
    "STATSMAILER_RCPTS": _MAIL,
    "TELNETCONSOLE_ENABLED": _TELNET,
    "TELNETCONSOLE_HOST": _TELNET,
    "TELNETCONSOLE_PASSWORD": _TELNET,
    "TELNETCONSOLE_PORT": _TELNET,
    "TELNETCONSOLE_USERNAME": _TELNET,
    "TWISTED_DNS_RESOLVER": _DNS,
    "TWISTED_REACTOR": _TWISTED,
    "TWISTED_REACTOR_ENABLED": _TWISTED,
    "WARN_ON_GENERATOR_RETURN_VALUE": "a value that a callback returns beside its yields is always reported",
    # scrapy-redis
    "REDIS_DECODE_RESPONSES": _REDIS,
    "REDIS_START_URLS_AS_SET": _KIND_OF_KEY,
    "REDIS_START_URLS_AS_ZSET": _KIND_OF_KEY,
    "SCHEDULER_DUPEFILTER_CLASS": "use DUPEFILTER_CLASS",
    "SCHEDULER_DUPEFILTER_KEY": "the crawl names its keys (docs/redis.md); use CRAWL_ID",
    "SCHEDULER_IDLE_BEFORE_CLOSE": "use CLOSE_SPIDER_ON_IDLE",
    "SCHEDULER_QUEUE_KEY": "the crawl names its keys (docs/redis.md); use CRAWL_ID",
    # aio-scrapy
    "CONCURRENT_PARSER": "CONCURRENT_REQUESTS limits the pages from request to commit",
    "DOWNLOAD_HANDLERS_MAP": "use DOWNLOAD_HANDLERS_TYPE or DOWNLOAD_HANDLERS",
    "DUPEFILTER_SET_KEY_TTL": "a mark and its request are one step here; use CRAWL_KEEP",
    "ENQUEUE_CACHE_NUM": _LOCAL_CACHE,
    "GET_REQUESTS_COUNT": _LOCAL_CACHE,
    "LOG_BACKUP_COUNT": "use LOG_RETENTION",
    "LOG_MAX_BYTES": 'use LOG_ROTATION = "20 MB"',
    "MONGO_ARGS": _DATABASE,
    "MYSQL_ARGS": _DATABASE,
    "PG_ARGS": _DATABASE,
    "RABBITMQ_ARGS": "there is no RabbitMQ queue here; use aioscrapy.queue.redis",
    "SAVE_CACHE_INTERVAL": "items are written as their pages are committed here",
    "SAVE_CACHE_NUM": "items are written as their pages are committed here",
    "USE_THREAD": "curl_cffi runs in the event loop here",
}

# Values besides None that ask for nothing, and those of Scrapy's project templates.
WITHOUT_EFFECT: dict[str, tuple[object, ...]] = {
    "AJAXCRAWL_ENABLED": (False,),
    "COMPRESSION_ENABLED": (True,),
    "CONCURRENT_REQUESTS_PER_IP": (0,),
    "LOG_SHORT_NAMES": (False,),
    "REMOTE_CONTROL_ENABLED": (False,),
    "REQUEST_FINGERPRINTER_IMPLEMENTATION": ("2.7",),
    "REDIS_START_URLS_AS_SET": (False, True),
    "REDIS_START_URLS_AS_ZSET": (False, True),
    "SCHEDULER_DEBUG": (False,),
    # what is so here: the oldest first, and the hosts apart
    "SCHEDULER_DISK_QUEUE": ("scrapy.squeues.PickleFifoDiskQueue", "scrapy.squeues.MarshalFifoDiskQueue"),
    "SCHEDULER_MEMORY_QUEUE": ("scrapy.squeues.FifoMemoryQueue",),
    "SCHEDULER_PRIORITY_QUEUE": (
        "scrapy.pqueues.DownloaderAwarePriorityQueue",
        "scrapy.pqueues.ScrapyPriorityQueue",
    ),
    "SCHEDULER_IDLE_BEFORE_CLOSE": (0,),
    "TELNETCONSOLE_ENABLED": (False,),
    "TWISTED_REACTOR": ("twisted.internet.asyncioreactor.AsyncioSelectorReactor",),
    "TWISTED_REACTOR_ENABLED": (False, True),
}
