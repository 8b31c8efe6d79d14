"""Set the time limit for the download of a request."""

from aioscrapy.context import CrawlContext
from aioscrapy.exceptions import NotConfigured
from aioscrapy.http.request import Request


class DownloadTimeoutMiddleware:
    """Sets meta["download_timeout"] (seconds) if a request has none.

    The value is the spider's `download_timeout`, else the setting DOWNLOAD_TIMEOUT.
    """

    def __init__(self, timeout_s: float) -> None:
        self._timeout_s = timeout_s

    @classmethod
    def from_crawler(cls, crawler: CrawlContext) -> "DownloadTimeoutMiddleware":
        """Read the time limit; 0 leaves the middleware out."""
        timeout = getattr(crawler.spider, "download_timeout", None)
        timeout_s = float(timeout) if timeout is not None else crawler.settings.getfloat("DOWNLOAD_TIMEOUT")
        if not timeout_s:
            raise NotConfigured
        return cls(timeout_s)

    def process_request(self, request: Request) -> None:
        """Set the time limit, if the request has none."""
        request.meta.setdefault("download_timeout", self._timeout_s)
