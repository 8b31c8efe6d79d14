"""Pass only responses with status 200 to 299, or an allowed status, to callbacks."""

from typing import Any, Self

from aioscrapy.context import CrawlContext
from aioscrapy.exceptions import IgnoreRequest
from aioscrapy.hooks import passive
from aioscrapy.http.response import Response
from aioscrapy.middlewares.base import SpiderStream
from aioscrapy.settings import Settings


class HttpError(IgnoreRequest):  # Scrapy's name
    """The status of a response is not allowed; the errback gets this error, the callback is not called."""

    fruitless = True

    def __init__(self, response: Response, *args: Any) -> None:
        text = f"Ignoring response {response}: HTTP status code is not handled or not allowed"
        super().__init__(*(args or (text,)))
        self.response = response


class HttpErrorMiddleware(SpiderStream):
    """Rejects responses with other statuses, unless they are allowed.

    The first of these that is set applies: meta["handle_httpstatus_all"], meta["handle_httpstatus_list"],
    HTTPERROR_ALLOW_ALL, the spider's `handle_httpstatus_list`, HTTPERROR_ALLOWED_CODES.
    """

    def __init__(self, settings: Settings) -> None:
        self.handle_httpstatus_all = settings.getbool("HTTPERROR_ALLOW_ALL")
        self.handle_httpstatus_list = [int(code) for code in settings.getlist("HTTPERROR_ALLOWED_CODES")]
        self.crawler: Any = None

    @classmethod
    def from_crawler(cls, crawler: CrawlContext) -> Self:
        """Create the middleware."""
        middleware = cls(crawler.settings)
        middleware.crawler = crawler
        return middleware

    def process_spider_input(self, response: Response, spider: Any = None) -> None:
        """Reject a response whose status is not allowed.

        Raises:
            HttpError: the status is not allowed.
        """
        status = response.status
        if 200 <= status < 300:
            return
        meta = response.meta
        if meta.get("handle_httpstatus_all"):
            return
        allowed = meta.get("handle_httpstatus_list")
        if allowed is None:
            if self.handle_httpstatus_all:
                return
            spider = spider or self.crawler.spider
            allowed = getattr(spider, "handle_httpstatus_list", None) or self.handle_httpstatus_list
        if isinstance(allowed, int):  # one status in the place of a list
            allowed = (allowed,)
        if status not in allowed:
            stats = (self.crawler or spider.crawler).stats
            stats.inc_value("httperror/response_ignored_count")
            stats.inc_value(f"httperror/response_ignored_status_count/{status}")
            raise HttpError(response)

    @passive
    def process_spider_exception(
        self, response: Response, exception: BaseException, spider: Any = None
    ) -> tuple[()] | None:
        """Return () for a response that was rejected; for subclasses, the crawl itself drops it."""
        return () if isinstance(exception, HttpError) else None
