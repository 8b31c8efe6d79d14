"""Each request knows how long its download may take."""

from aioscrapy.context import CrawlContext
from aioscrapy.exceptions import NotConfigured
from aioscrapy.http.request import Request


class DownloadTimeoutMiddleware:
    """Sets meta["download_timeout"] (seconds) where a request has none.

    From the spider's `download_timeout`, else from the setting.
    """

    def __init__(self, timeout_s: float) -> None:
        self._timeout_s = timeout_s

    @classmethod
    def from_crawler(cls, crawler: CrawlContext) -> "DownloadTimeoutMiddleware":
        """Take the time-out; 0 switches it off."""
        timeout = getattr(crawler.spider, "download_timeout", None)
        timeout_s = float(timeout) if timeout is not None else crawler.settings.getfloat("DOWNLOAD_TIMEOUT")
        if not timeout_s:
            raise NotConfigured
        return cls(timeout_s)

    def process_request(self, request: Request) -> None:
        """Set the time-out, if there is none yet."""
        request.meta.setdefault("download_timeout", self._timeout_s)
