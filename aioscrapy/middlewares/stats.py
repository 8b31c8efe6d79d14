"""Count requests to the network and their responses."""

from collections.abc import Mapping
from typing import Any, Self

from aioscrapy.context import CrawlContext
from aioscrapy.exceptions import NotConfigured
from aioscrapy.hooks import UNREAD
from aioscrapy.http.request import Request
from aioscrapy.http.response import Response
from aioscrapy.stats import StatsCollector

# bytes of a message beside its headers and body, and of a request also beside method and URL
_REQUEST_FRAME = len("  HTTP/1.1\r\n\r\n")
_RESPONSE_FRAME = len("HTTP/1.1 200 OK\r\n\r\n")


def get_header_size(headers: Mapping[str, Any]) -> int:
    """Return the bytes of header lines whose values are in lists; other values are not counted."""
    lines = [
        (name, value)
        for name, values in headers.items()
        if isinstance(values, list | tuple)
        for value in values
    ]
    size = sum(len(": ") + len(name) + len(value) for name, value in lines)
    return size + len("\r\n") * max(len(headers) - 1, 0)


class DownloaderStats:
    """Counts requests, responses, exceptions, and bytes in the format of HTTP/1.1.

    The bytes of a response include its body after decompression.
    """

    def __init__(self, stats: StatsCollector) -> None:
        self._stats = stats
        # a STATS_CLASS of Scrapy's interface counts one by one
        self._inc_values = getattr(stats, "inc_values", self._inc_each)

    @classmethod
    def from_crawler(cls, crawler: CrawlContext) -> Self:
        """Create the middleware; leave it out if DOWNLOADER_STATS is false."""
        if not crawler.settings.getbool("DOWNLOADER_STATS"):
            raise NotConfigured
        return cls(crawler.stats)

    def _inc_each(self, counts: dict[str, int]) -> None:
        for name, count in counts.items():
            self._stats.inc_value(name, count)

    def process_request(self, request: Request, spider: Any = UNREAD) -> None:
        """Count a request."""
        method = request.method
        size = len(method) + len(request.url) + len(request.body) + request.headers.size() + _REQUEST_FRAME
        counts = {
            "downloader/request_count": 1,
            f"downloader/request_method_count/{method}": 1,
            "downloader/request_bytes": size,
        }
        self._inc_values(counts)

    def process_response(self, request: Request, response: Response, spider: Any = UNREAD) -> Response:
        """Count a response."""
        counts = {
            "downloader/response_count": 1,
            f"downloader/response_status_count/{response.status}": 1,
            "downloader/response_bytes": len(response.body) + response.headers.size() + _RESPONSE_FRAME,
        }
        self._inc_values(counts)
        return response

    def process_exception(self, request: Request, exception: Exception, spider: Any = UNREAD) -> None:
        """Count a failure."""
        cls = type(exception)
        name = f"{cls.__module__}.{cls.__qualname__}"
        self._inc_values(
            {"downloader/exception_count": 1, f"downloader/exception_type_count/{name}": 1},
        )
