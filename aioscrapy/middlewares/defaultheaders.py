"""Set the headers that a request does not have: DEFAULT_REQUEST_HEADERS and User-Agent."""

from collections.abc import Mapping
from typing import Any, Self

from aioscrapy.context import CrawlContext
from aioscrapy.exceptions import NotConfigured
from aioscrapy.hooks import UNREAD, leave_out
from aioscrapy.http.headers import Headers
from aioscrapy.http.request import Request


class DefaultHeadersMiddleware:
    """Sets the default headers, except those whose value is None."""

    def __init__(self, headers: Mapping[str, Any]) -> None:
        self._headers = Headers({name: value for name, value in headers.items() if value is not None})

    @classmethod
    def from_crawler(cls, crawler: CrawlContext) -> Self:
        """Create the middleware; leave it out if there are no default headers."""
        middleware = cls(crawler.settings.getdict("DEFAULT_REQUEST_HEADERS"))
        if not middleware._headers:
            raise NotConfigured
        return middleware

    def process_request(self, request: Request, spider: Any = UNREAD) -> None:
        """Set the missing headers."""
        request.headers.fill(self._headers)


class UserAgentMiddleware:
    """Sets the User-Agent: the spider's `user_agent`, else the setting USER_AGENT."""

    _header: Headers | None = None
    user_agent: Any = None

    def __init__(self, user_agent: Any = "Scrapy") -> None:
        self.user_agent = user_agent

    @classmethod
    def from_crawler(cls, crawler: CrawlContext) -> Self:
        """Create the middleware; no hook is called without a user agent of the spider or the settings."""
        user_agent = getattr(crawler.spider, "user_agent", None) or crawler.settings["USER_AGENT"]
        middleware = cls(user_agent)
        if not user_agent and cls is UserAgentMiddleware:
            leave_out(middleware)
        return middleware

    def process_request(self, request: Request, spider: Any = UNREAD) -> None:
        """Set the header if it is missing."""
        header = self._header
        if header is None:
            header = self._header = Headers({"User-Agent": self.user_agent} if self.user_agent else {})
        request.headers.fill(header)

    def spider_opened(self, spider: Any) -> None:
        """Take the `user_agent` of this spider, if it has one."""
        self.user_agent, self._header = getattr(spider, "user_agent", self.user_agent), None
