"""The name of Scrapy's middleware that unpacks bodies: here the download handler does."""

from typing import Any, Self

from aioscrapy.context import CrawlContext
from aioscrapy.hooks import UNREAD
from aioscrapy.http.request import Request
from aioscrapy.http.response import Response

# The codings that the download handlers unpack.
ACCEPTED_ENCODINGS = [b"gzip", b"deflate", b"br", b"zstd"]


class HttpCompressionMiddleware:
    """Passes everything on, so that a project may name it, switch it off or derive from it."""

    def __init__(self, stats: Any = None, *, crawler: CrawlContext | None = None) -> None:
        self.stats = stats
        self.crawler = crawler

    @classmethod
    def from_crawler(cls, crawler: CrawlContext) -> Self:
        """Create the middleware."""
        return cls(crawler=crawler)

    def process_request(self, request: Request, spider: Any = UNREAD) -> None:
        """Do nothing."""

    def process_response(
        self, request: Request, response: Response, spider: Any = UNREAD
    ) -> Response | Request:
        """Return the response, whose body is plain."""
        return response
