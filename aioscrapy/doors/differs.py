"""What is there and differs from Scrapy, in one line each; a path covers what is below it."""

DIFFERS: dict[str, str] = {
    "core.scheduler": "a SCHEDULER of the project works in a crawl of one process in memory",
    "core.downloader.handlers.http11": "aiohttp downloads, or the client of DOWNLOAD_HANDLERS_BASE",
    "core.downloader.handlers.http2": "wreq downloads where it is installed, else aiohttp by HTTP/1.1",
    "crawler.Crawler.stop": "stops at once without a Deferred; there is nothing to wait for",
    "downloadermiddlewares.cookies": "COOKIES_ENABLED = False keeps none, but sends Request.cookies",
    "downloadermiddlewares.redirect.MetaRefreshMiddleware": "to itself only if the page sets a cookie",
    "downloadermiddlewares.httpcompression": (
        "our download handlers unpack bodies; the middleware runs in a crawl with a handler of the project, "
        "or if the project names it"
    ),
    "dupefilters": "a filter of Scrapy's interface works in a crawl of one process in memory",
    "extensions.memusage": "it runs if a limit is set, and sends no mail",
    "exporters": "an exporter packs an item first and then writes it; see docs/feeds.md",
    "signals.bytes_received": "sent by the download handler aiohttp",
    "signals.headers_received": "sent by the download handler aiohttp",
    "signals.request_dropped": "in a shared crawl only for links that this worker knows",
    "signals.spider_error": "`failure` is the exception, with the methods of a Failure",
    "spidermiddlewares.metacopy": "it warns if SPIDER_MIDDLEWARES names it",
    "spidermiddlewares.start": "meta['is_start_request'] is set if SPIDER_MIDDLEWARES names it",
    "spiders.Spider.start": "a class method that runs a script (aio-scrapy); `async def start` is used",
    "utils.curl": "a body without a Content-Type gets the one that curl sends",
    "utils.reactor": "its functions do nothing: the crawl runs the reactor that a project imports",
}
