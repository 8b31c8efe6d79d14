"""Set the headers that a request does not have: DEFAULT_REQUEST_HEADERS, User-Agent and Authorization."""

from collections.abc import Mapping
from typing import Any, Self
from urllib.parse import urlsplit

from aioscrapy import signals
from aioscrapy.context import CrawlContext
from aioscrapy.exceptions import NotConfigured, SettingError
from aioscrapy.hooks import UNREAD, leave_out
from aioscrapy.http.headers import Headers, basic_login
from aioscrapy.http.request import Request
from aioscrapy.log import logger


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


class HttpAuthMiddleware:
    """Sends a user name and a password to a domain and its subdomains (HTTP basic authentication).

    The first of these that is set applies: meta["http_user"], meta["http_pass"] and meta["http_auth_domain"]
    (without a domain: wherever the request goes), the spider's attributes of the same names, the settings
    HTTPAUTH_USER, _PASS and _DOMAIN. Spider and settings must set the domain, so that no other host gets the
    password; None means every host.

    Source: RFC 7617.
    """

    def __init__(self) -> None:
        self._auth: bytes | None = None
        self._domain: str | None = None

    @classmethod
    def from_crawler(cls, crawler: CrawlContext) -> Self:
        """Create the middleware.

        Raises:
            SettingError: HTTPAUTH_USER or HTTPAUTH_PASS is set, and HTTPAUTH_DOMAIN is not.
        """
        middleware, settings = cls(), crawler.settings
        user, password = settings.get("HTTPAUTH_USER", ""), settings.get("HTTPAUTH_PASS", "")
        if user or password:
            if settings.getpriority("HTTPAUTH_DOMAIN") == 0:
                raise SettingError("HTTPAUTH_DOMAIN", "set it with HTTPAUTH_USER (None: every host)")
            middleware._auth, middleware._domain = basic_login(user, password), settings["HTTPAUTH_DOMAIN"]
        if crawler.spider is not None and cls.spider_opened is HttpAuthMiddleware.spider_opened:
            try:
                middleware.spider_opened(crawler.spider)
            except AttributeError as exc:
                logger.warning("HttpAuthMiddleware sends nothing: %s", exc)
        else:
            crawler.signals.connect(middleware.spider_opened, signals.spider_opened)
        return middleware

    def spider_opened(self, spider: Any) -> None:
        """Take the name and the password of this spider, if it has them.

        Raises:
            AttributeError: it has no `http_auth_domain`.
        """
        user, password = getattr(spider, "http_user", ""), getattr(spider, "http_pass", "")
        if user or password:
            if not hasattr(spider, "http_auth_domain"):
                raise AttributeError(
                    "the spider has http_user or http_pass, but no http_auth_domain (None: every host)"
                )
            self._auth, self._domain = basic_login(user, password), spider.http_auth_domain

    def process_request(self, request: Request, spider: Any = UNREAD) -> None:
        """Set the Authorization header, if the request has none."""
        meta, auth, domain = request.meta, self._auth, self._domain
        if meta.get("http_user") or meta.get("http_pass"):
            auth, domain = (
                basic_login(meta.get("http_user", ""), meta.get("http_pass", "")),
                meta.get("http_auth_domain"),
            )
        if auth is None or "Authorization" in request.headers:
            return
        if not domain or _is_in(request.url, domain.lower()):
            request.headers["Authorization"] = auth


def _is_in(url: str, domain: str) -> bool:
    host = urlsplit(url).hostname or ""
    return host == domain or host.endswith(f".{domain}")
