"""HTTP basic authentication with the name and the password of the spider, or of the settings."""

import base64
from typing import Any
from urllib.parse import urlsplit

from aioscrapy.context import CrawlContext
from aioscrapy.exceptions import NotConfigured
from aioscrapy.hooks import UNREAD
from aioscrapy.http.request import Request


class HttpAuthMiddleware:
    """Sends `http_user` and `http_pass` of the spider to `http_auth_domain` and its subdomains.

    The spider must set the domain, so that no other host gets the password; None means every host.

    Source: RFC 7617.
    """

    def __init__(self, user: str, password: str, domain: str | None) -> None:
        self._header = b"Basic " + base64.b64encode(f"{user}:{password}".encode())
        self._domain = domain.lower() if domain else None

    @classmethod
    def from_crawler(cls, crawler: CrawlContext) -> "HttpAuthMiddleware":
        """Create the middleware; leave it out if the spider has no user name and password."""
        spider, settings = crawler.spider, crawler.settings
        user, password = getattr(spider, "http_user", ""), getattr(spider, "http_pass", "")
        if not user and not password:
            user, password = settings.get("HTTPAUTH_USER", ""), settings.get("HTTPAUTH_PASS", "")
            if not user and not password:
                raise NotConfigured
            return cls(user, password, cls._setting_domain(crawler))
        if not hasattr(spider, "http_auth_domain"):
            raise NotConfigured(
                "the spider has http_user or http_pass, but no http_auth_domain (None: every host)"
            )
        return cls(user, password, spider.http_auth_domain)

    @staticmethod
    def _setting_domain(crawler: CrawlContext) -> str | None:
        if crawler.settings.getpriority("HTTPAUTH_DOMAIN") == 0:
            raise NotConfigured("HTTPAUTH_USER is set, but no HTTPAUTH_DOMAIN (None: every host)")
        domain: str | None = crawler.settings["HTTPAUTH_DOMAIN"]
        return domain

    def process_request(self, request: Request, spider: Any = UNREAD) -> None:
        """Set the Authorization header, if the request has none."""
        if "Authorization" not in request.headers and self._is_for(request.url):
            request.headers["Authorization"] = self._header

    def _is_for(self, url: str) -> bool:
        if self._domain is None:
            return True
        host = urlsplit(url).hostname or ""
        return host == self._domain or host.endswith(f".{self._domain}")
