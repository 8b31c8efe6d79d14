"""Set the headers of DEFAULT_REQUEST_HEADERS that a request does not have."""

from collections.abc import Mapping
from typing import Any

from aioscrapy.context import CrawlContext
from aioscrapy.exceptions import NotConfigured
from aioscrapy.http.headers import Headers
from aioscrapy.http.request import Request


class DefaultHeadersMiddleware:
    """Sets the default headers, except those whose value is None."""

    def __init__(self, headers: Mapping[str, Any]) -> None:
        self._headers = Headers({name: value for name, value in headers.items() if value is not None})

    @classmethod
    def from_crawler(cls, crawler: CrawlContext) -> "DefaultHeadersMiddleware":
        """Create the middleware; leave it out if there are no default headers."""
        middleware = cls(crawler.settings.getdict("DEFAULT_REQUEST_HEADERS"))
        if not middleware._headers:
            raise NotConfigured
        return middleware

    def process_request(self, request: Request) -> None:
        """Set the missing headers."""
        request.headers.fill(self._headers)
