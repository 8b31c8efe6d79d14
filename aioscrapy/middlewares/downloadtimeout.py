"""Set the time limit of the spider on each request."""

from typing import Any, Self

from aioscrapy.context import CrawlContext
from aioscrapy.exceptions import NotConfigured
from aioscrapy.hooks import UNREAD
from aioscrapy.http.request import Request


class DownloadTimeoutMiddleware:
    """Sets meta["download_timeout"] (seconds) to the spider's `download_timeout` if a request has none.

    Without that attribute the download handler takes DOWNLOAD_TIMEOUT.
    """

    def __init__(self, timeout: float = 180.0) -> None:
        self._timeout_s = timeout

    @classmethod
    def from_crawler(cls, crawler: CrawlContext) -> Self:
        """Create the middleware; leave it out if the spider has no time limit, or 0."""
        timeout = getattr(crawler.spider, "download_timeout", None)
        if not timeout or not float(timeout):
            raise NotConfigured
        return cls(float(timeout))

    def process_request(self, request: Request, spider: Any = UNREAD) -> None:
        """Set the time limit if the request has none."""
        request.meta.setdefault("download_timeout", self._timeout_s)
