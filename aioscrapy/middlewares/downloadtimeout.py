"""Set the time limit of the spider on each request."""

from typing import Any, Self

from aioscrapy import signals
from aioscrapy.context import CrawlContext
from aioscrapy.hooks import UNREAD, leave_out
from aioscrapy.http.request import Request


class DownloadTimeoutMiddleware:
    """Sets meta["download_timeout"] (seconds) to the spider's `download_timeout` if a request has none.

    Without that attribute the download handler takes DOWNLOAD_TIMEOUT.
    """

    def __init__(self, timeout: float = 180.0) -> None:
        self._timeout: float = timeout

    @classmethod
    def from_crawler(cls, crawler: CrawlContext) -> Self:
        """Create the middleware; no hook is called if the spider has no time limit, or 0."""
        middleware = cls(crawler.settings.getfloat("DOWNLOAD_TIMEOUT"))
        if crawler.spider is not None:
            timeout = getattr(crawler.spider, "download_timeout", None)
            if timeout and float(timeout):
                middleware._timeout = float(timeout)
            elif cls is DownloadTimeoutMiddleware:
                leave_out(middleware)
        crawler.signals.connect(middleware.spider_opened, signals.spider_opened)
        return middleware

    def spider_opened(self, spider: Any) -> None:
        """Take the time limit of this spider, if it has one."""
        self._timeout = float(getattr(spider, "download_timeout", None) or self._timeout)

    def process_request(self, request: Request, spider: Any = UNREAD) -> None:
        """Set the time limit if the request has none."""
        if self._timeout:
            request.meta.setdefault("download_timeout", self._timeout)
