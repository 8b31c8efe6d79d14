"""Set the User-Agent header, if a request does not have it."""

from aioscrapy.context import CrawlContext
from aioscrapy.exceptions import NotConfigured
from aioscrapy.http.headers import Headers
from aioscrapy.http.request import Request


class UserAgentMiddleware:
    """Sets the spider's `user_agent`, else the setting USER_AGENT."""

    def __init__(self, user_agent: str) -> None:
        self._header = Headers({"User-Agent": user_agent})

    @classmethod
    def from_crawler(cls, crawler: CrawlContext) -> "UserAgentMiddleware":
        """Create the middleware; leave it out if neither the spider nor the settings have a user agent."""
        user_agent = getattr(crawler.spider, "user_agent", None) or crawler.settings["USER_AGENT"]
        if not user_agent:
            raise NotConfigured
        return cls(user_agent)

    def process_request(self, request: Request) -> None:
        """Set the header, if the request does not have it."""
        request.headers.fill(self._header)
