"""Count requests to the network and their responses."""

from aioscrapy.context import CrawlContext
from aioscrapy.exceptions import NotConfigured
from aioscrapy.http.request import Request
from aioscrapy.http.response import Response
from aioscrapy.stats import StatsCollector


class DownloaderStats:
    """Counts requests, responses, exceptions, and bytes in the format of HTTP/1.1.

    The bytes of a response include its body after decompression.
    """

    def __init__(self, stats: StatsCollector) -> None:
        self._inc = stats.inc_value

    @classmethod
    def from_crawler(cls, crawler: CrawlContext) -> "DownloaderStats":
        """Create the middleware; leave it out if DOWNLOADER_STATS is false."""
        if not crawler.settings.getbool("DOWNLOADER_STATS"):
            raise NotConfigured
        return cls(crawler.stats)

    def process_request(self, request: Request) -> None:
        """Count a request."""
        method = request.method
        self._inc("downloader/request_count")
        self._inc(f"downloader/request_method_count/{method}")
        size = len(method) + len(request.url) + len(request.body) + request.headers.size()
        self._inc("downloader/request_bytes", size + len("  HTTP/1.1\r\n\r\n"))

    def process_response(self, request: Request, response: Response) -> Response:
        """Count a response."""
        self._inc("downloader/response_count")
        self._inc(f"downloader/response_status_count/{response.status}")
        size = len(response.body) + response.headers.size() + len("HTTP/1.1 200 OK\r\n\r\n")
        self._inc("downloader/response_bytes", size)
        return response

    def process_exception(self, request: Request, exception: Exception) -> None:
        """Count a failure."""
        cls = type(exception)
        self._inc("downloader/exception_count")
        self._inc(f"downloader/exception_type_count/{cls.__module__}.{cls.__qualname__}")
