"""The headers of DEFAULT_REQUEST_HEADERS, where a request has not set them."""

from collections.abc import Mapping
from typing import Any

from aioscrapy.context import CrawlContext
from aioscrapy.exceptions import NotConfigured
from aioscrapy.http.headers import Headers
from aioscrapy.http.request import Request


class DefaultHeadersMiddleware:
    """Sets the default headers; one whose value is None is not sent by default."""

    def __init__(self, headers: Mapping[str, Any]) -> None:
        self._headers = Headers({name: value for name, value in headers.items() if value is not None})

    @classmethod
    def from_crawler(cls, crawler: CrawlContext) -> "DefaultHeadersMiddleware":
        """Stay out where there are no default headers."""
        middleware = cls(crawler.settings.getdict("DEFAULT_REQUEST_HEADERS"))
        if not middleware._headers:
            raise NotConfigured
        return middleware

    def process_request(self, request: Request) -> None:
        """Set what is missing."""
        request.headers.fill(self._headers)
