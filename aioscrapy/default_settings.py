"""Every setting with its default; the comment behind it is its meaning and its unit, and its page in docs."""
# ruff: noqa: E501 one setting, one line: docs/settings.md is made from these lines

# -- Project
BOT_NAME = "aioscrapybot"  # name of the project; with the spider's name the identity of a shared crawl
SPIDER_MODULES: list[str] = []  # packages in which spiders are looked for
NEWSPIDER_MODULE = ""  # package in which `aioscrapy genspider` writes
SPIDER_LOADER_WARN_ONLY = True  # a spider module that can't be imported is named in a warning and left out; False: it ends the command

# -- Concurrency and politeness
CRAWL_PROCESSES = (
    1  # worker processes of this machine that work on a crawl together (`aioscrapy crawl --processes`)
)
CONCURRENT_REQUESTS = 16  # pages that one worker process carries at once, from request to commit
CONCURRENT_REQUESTS_PER_DOMAIN = 8  # requests at once to one host, of one worker (POLITENESS_SCOPE)
POLITENESS_SCOPE = (
    "worker"  # who keeps these limits: each "worker" for itself, or all of the "crawl" together
)
DOWNLOAD_DELAY = 0.0  # seconds between two requests to one host
RANDOMIZE_DOWNLOAD_DELAY = True  # vary DOWNLOAD_DELAY between half and one and a half of it
AUTOTHROTTLE_ENABLED = False  # adapt the delay of each host to its latency
AUTOTHROTTLE_START_DELAY = 5.0  # seconds of delay before the first latency is known
AUTOTHROTTLE_MAX_DELAY = 60.0  # seconds of delay at the most
AUTOTHROTTLE_TARGET_CONCURRENCY = 1.0  # requests that each host should have to carry at once, on average
AUTOTHROTTLE_DEBUG = False  # log every change of a delay
ROBOTSTXT_OBEY = False  # fetch each host's robots.txt first and drop what it forbids
ROBOTSTXT_CRAWL_DELAY_MAX = 60.0  # seconds of robots.txt's Crawl-delay that are kept to at the most; 0: none
ROBOTSTXT_USER_AGENT: str | None = (
    None  # the name to look for in robots.txt; None: that of the User-Agent header
)

# -- Requests and downloads
USER_AGENT = (
    "aioscrapy (+https://pypi.org/project/aioscrapy-scrapyd/)"  # User-Agent header where a request has none
)
DEFAULT_REQUEST_HEADERS = {
    "Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
    "Accept-Language": "en",
}  # headers of every request that has not set them
DOWNLOAD_HANDLERS: dict[
    str, str | None
] = {}  # URL scheme -> download handler class; None switches a scheme off
DOWNLOAD_HANDLERS_BASE = {
    "http": "aioscrapy.handlers.aiohttp.AioHttpDownloadHandler",
    "https": "aioscrapy.handlers.aiohttp.AioHttpDownloadHandler",
}  # the built-in ones; overlay them by DOWNLOAD_HANDLERS_TYPE or DOWNLOAD_HANDLERS
DOWNLOAD_HANDLERS_TYPE = "aiohttp"  # HTTP client: aiohttp, wreq or curl_cffi (docs/handlers.md); httpx and requests of aio-scrapy are taken for aiohttp, others are refused
CURL_CFFI_ARGS: dict[
    str, object
] = {}  # arguments of curl_cffi's AsyncSession, such as {"impersonate": "chrome"}, where it downloads
DOWNLOAD_TIMEOUT = 180.0  # seconds until a download without its complete body is given up; meta["download_timeout"] overrides
DOWNLOAD_MAXSIZE = (
    1024 * 1024 * 1024
)  # bytes of body (after decompression) at which a download is given up; 0: no limit
DOWNLOAD_WARNSIZE = 32 * 1024 * 1024  # bytes of body at which a warning is logged; 0: never
DOWNLOAD_VERIFY_SSL = False  # check the certificates of https hosts
HTTPPROXY_ENABLED = True  # honour meta["proxy"] and the variables http_proxy, https_proxy, no_proxy
USE_PROXY = False  # let PROXY_HANDLER choose the proxy of each request (aio-scrapy's pools of proxies)
PROXY_HANDLER: str | None = (
    None  # class that knows proxies: aioscrapy.proxy.redis.RedisProxy, or one derived from aioscrapy.proxy.AbsProxy
)
PROXY_QUEUE_ALIAS = "proxy"  # alias in REDIS_ARGS of the Redis that RedisProxy reads
PROXY_KEY = ""  # key of RedisProxy's sorted set: proxy -> score, the best have 100
PROXY_MAX_COUNT = 16  # proxies that a worker process keeps at the most
PROXY_MIN_COUNT = 1  # proxies below which it takes new ones
PROXY_ALLOW_STATUS_CODE = [404]  # statuses from 400 on that don't speak against a proxy
COOKIES_ENABLED = True  # keep the cookies that servers set, by host and meta["cookiejar"]
COOKIES_DEBUG = False  # log the cookies sent and received
REDIRECT_ENABLED = True  # follow redirects
REDIRECT_MAX_TIMES = 20  # redirects after which a request is given up
METAREFRESH_ENABLED = True  # follow <meta http-equiv="refresh"> too
METAREFRESH_MAXDELAY = 100  # seconds of wait in a meta refresh above which it is not followed
REDIRECT_PRIORITY_ADJUST = 2  # added to the priority of a redirected request
RETRY_ENABLED = True  # send failed requests again
RETRY_TIMES = 2  # further attempts after the first; meta["max_retry_times"] overrides
RETRY_AFTER_MAX = (
    300.0  # seconds to leave a host alone at the most when it asks for it (Retry-After); 0: don't
)
RETRY_HTTP_CODES = [500, 502, 503, 504, 522, 524, 408, 429]  # statuses that are worth another attempt
RETRY_PRIORITY_ADJUST = -1  # added to the priority of a retried request
HTTPERROR_ALLOW_ALL = False  # give responses of every status to callbacks, not only of 200 to 299
HTTPERROR_ALLOWED_CODES: list[int] = []  # further statuses that callbacks get
REFERER_ENABLED = True  # set the Referer header to the page on which the link stood
REFERRER_POLICY = "no-referrer-when-downgrade"  # which Referer is sent, a name of the W3C's policies; meta["referrer_policy"] overrides
DEPTH_LIMIT = 0  # links away from a start URL at which a crawl ends; 0: no limit
DEPTH_PRIORITY = 0  # subtracted from the priority of a request, once for each link away from the start
DEPTH_STATS_VERBOSE = False  # count requests by depth in the stats
URLLENGTH_LIMIT = 2083  # characters above which a URL is dropped; 0: no limit

# -- Spiders, items, extensions
DOWNLOADER_MIDDLEWARES: dict[
    str, int | None
] = {}  # class -> order: low numbers stand near the engine; None removes one
DOWNLOADER_MIDDLEWARES_BASE = {
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
}  # the built-in ones; overlay them by DOWNLOADER_MIDDLEWARES
DOWNLOADER_STATS = True  # count requests, responses, bytes and statuses
SPIDER_MIDDLEWARES: dict[
    str, int | None
] = {}  # class -> order: low numbers stand near the engine; None removes one
SPIDER_MIDDLEWARES_BASE = {
    "aioscrapy.middlewares.httperror.HttpErrorMiddleware": 50,
    "aioscrapy.middlewares.referer.RefererMiddleware": 700,
    "aioscrapy.middlewares.urllength.UrlLengthMiddleware": 800,
    "aioscrapy.middlewares.depth.DepthMiddleware": 900,
    "aioscrapy.middlewares.offsite.OffsiteMiddleware": 950,
}  # the built-in ones; overlay them by SPIDER_MIDDLEWARES
ITEM_PIPELINES: dict[str, int | None] = {}  # class -> order: an item passes the low numbers first
ITEM_PIPELINES_BASE: dict[
    str, int | None
] = {}  # pipelines that are always there; overlay them by ITEM_PIPELINES
EXTENSIONS: dict[str, int | None] = {}  # class -> order
EXTENSIONS_BASE = {
    "aioscrapy.extensions.corestats.CoreStats": 0,
    "aioscrapy.extensions.logcount.LogCount": 0,
    "aioscrapy.extensions.closespider.CloseSpider": 0,
    "aioscrapy.extensions.feedexport.FeedExporter": 0,
    "aioscrapy.extensions.logstats.LogStats": 0,
    "aioscrapy.extensions.spiderstate.SpiderState": 0,
    "aioscrapy.extensions.throttle.AutoThrottle": 0,
}  # the built-in ones; overlay them by EXTENSIONS
CLOSESPIDER_TIMEOUT = 0.0  # seconds after which the crawl is closed; 0: never
CLOSESPIDER_TIMEOUT_NO_ITEM = 0.0  # seconds without an item after which the crawl is closed; 0: never
CLOSESPIDER_ITEMCOUNT = 0  # items after which the crawl is closed; 0: never
CLOSESPIDER_PAGECOUNT = 0  # responses after which the crawl is closed; 0: never
CLOSESPIDER_PAGECOUNT_NO_ITEM = (
    0  # responses in a row without an item after which the crawl is closed; 0: never
)
CLOSESPIDER_ERRORCOUNT = 0  # errors in callbacks after which the crawl is closed; 0: never
CLOSE_SPIDER_ON_IDLE = True  # end when nothing is left to do; False: wait for more

# -- Frontier: queue and duplicate filter
SCHEDULER_QUEUE_CLASS = "aioscrapy.queue.memory.SpiderPriorityQueue"  # where requests wait: aioscrapy.queue.memory.* or aioscrapy.queue.redis.*, each with SpiderPriorityQueue, SpiderQueue (FIFO), SpiderStack (LIFO)
SCHEDULER_QUEUE_ALIAS = "queue"  # alias in REDIS_ARGS of the Redis that holds the frontier
DUPEFILTER_CLASS: str | None = (
    None  # remembers what was seen; None: the exact filter that belongs to the queue
)
DUPEFILTER_DEBUG = False  # log every duplicate, not only the first
REQUEST_FINGERPRINTER_CLASS: str | None = (
    None  # class whose fingerprint(request) gives the bytes by which the filter knows a request; None: aioscrapy.http.fingerprint.RequestFingerprinter, which keeps to the FINGERPRINT_ settings
)
FINGERPRINT_IGNORE_PARAMS: list[
    str
] = []  # names of query parameters by which requests don't differ; a * stands for any text: "utm_*"
FINGERPRINT_KEEP_FRAGMENT = False  # requests differ by what stands behind the # of their URLs
FINGERPRINT_HEADERS: list[str] = []  # names of headers by which requests differ
FINGERPRINT_BODY = True  # requests differ by their bodies; False: only by method and URL
SCHEDULER_SERIALIZER = "aioscrapy.serializer.JsonSerializer"  # how requests travel: JsonSerializer, MsgpackSerializer, or (never from a Redis that others write to) PickleSerializer
SCHEDULER_FLUSH_ON_START = (
    False  # drop what an earlier, unfinished crawl left and start anew, unless workers of it are alive
)
KEEP_DUPEFILTER_DATA_ON_CLOSE = (
    False  # the next crawl of this spider knows what this one has seen (incremental crawl)
)
JOBDIR: str | None = None  # folder in which a memory crawl keeps its frontier, to go on after a stop
CRAWL_ID: str | None = (
    None  # name of the shared crawl to work in; also the spider argument `crawl`; None: the spider's current one
)
CRAWL_FRESH = False  # start a new crawl although one is open or has just ended (`aioscrapy crawl --fresh`)
CRAWL_JOIN_WINDOW = 30.0  # seconds after the end of a crawl within which a worker that starts is taken for a late member, not a rerun
CRAWL_KEEP = 259200.0  # seconds that the keys of a finished crawl stay in Redis (items stay until asked)
SCHEDULER_LEASE = 15.0  # seconds without a sign of life after which a worker's pages go to others
SCHEDULER_HEARTBEAT = 5.0  # seconds between two signs of life
SCHEDULER_PREFETCH: int | None = (
    None  # requests that a worker holds ready beyond those it works on; None: as many as CONCURRENT_REQUESTS
)
SCHEDULER_COMMIT_SIZE = 1000  # requests of one page above which its output is committed in pieces
ITEMS_IN_REDIS = (
    False  # keep items in Redis, in the same atomic step as their page: exactly once, whatever dies
)
BLOOMFILTER_BIT = 30  # the Bloom filter may grow to 2**BLOOMFILTER_BIT bits
BLOOMFILTER_HASH_NUMBER = 12  # probes per URL in the Bloom filter
BLOOMFILTER_ERROR_RATE = (
    1e-6  # rate of false positives below which the Bloom filter stays while it may still grow
)
SHUTDOWN_TIMEOUT = 6.0  # seconds that pages in flight may take to end after the first SIGINT or SIGTERM; then they are given back

# -- Redis
REDIS_ARGS: dict[
    str, dict[str, object]
] = {}  # alias -> {url | host, port, db, username, password; max_connections; timeout in seconds to wait for a free connection; any other redis-py argument}; the frontier uses SCHEDULER_QUEUE_ALIAS

# -- Feeds and log
FEEDS: dict[
    str, dict[str, object]
] = {}  # path or file URI -> {format: jsonlines | json | csv | xml; encoding; fields; overwrite; indent}
FEED_EXPORT_ENCODING = "utf-8"  # character encoding of feeds that name none
FEED_EXPORT_FIELDS: list[str] | None = (
    None  # fields and their order, for feeds that name none; None: all, as they come
)
FEED_EXPORT_INDENT: int | None = None  # spaces of indentation in json and xml feeds; None: one item a line
FEED_STORE_EMPTY = True  # write the file although there was no item
LOG_ENABLED = True  # write a log at all
LOG_FILE: str | None = None  # file that the log is written to, appended; None: standard error
LOG_FILE_APPEND = True  # append to LOG_FILE instead of writing it anew
LOG_ENCODING = "utf-8"  # character encoding of LOG_FILE
LOG_LEVEL = "DEBUG"  # least level that is logged
LOG_FORMAT = (
    "%(asctime)s [%(name)s] %(levelname)s: %(message)s"  # form of a log line; LogParser reads the default
)
LOG_DATEFORMAT = "%Y-%m-%d %H:%M:%S"  # form of the time in a log line
LOG_STDOUT = False  # what the spider prints goes to the log
LOGSTATS_INTERVAL = 60.0  # seconds between two lines with pages and items per minute; 0: none
STATS_CLASS = "aioscrapy.stats.StatsCollector"  # class that counts
STATS_DUMP = True  # log all stats at the end
