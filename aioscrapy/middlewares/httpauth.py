"""HTTP basic authentication: name and password of a request, of the spider, or of the settings."""

import base64
from typing import Any, Self
from urllib.parse import urlsplit

from aioscrapy import signals
from aioscrapy.context import CrawlContext
from aioscrapy.exceptions import SettingError
from aioscrapy.hooks import UNREAD
from aioscrapy.http.request import Request
from aioscrapy.log import logger


class HttpAuthMiddleware:
    """Sends a user name and a password to a domain and its subdomains.

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
            middleware._auth, middleware._domain = _basic(user, password), settings["HTTPAUTH_DOMAIN"]
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
            self._auth, self._domain = _basic(user, password), spider.http_auth_domain

    def process_request(self, request: Request, spider: Any = UNREAD) -> None:
        """Set the Authorization header, if the request has none."""
        if "Authorization" in request.headers:
            return
        meta = request.meta
        if meta.get("http_user") or meta.get("http_pass"):
            auth: bytes | None = _basic(meta.get("http_user", ""), meta.get("http_pass", ""))
            domain = meta.get("http_auth_domain")
        else:
            auth, domain = self._auth, self._domain
        if auth is not None and (not domain or _is_in(request.url, domain.lower())):
            request.headers["Authorization"] = auth


def _basic(user: str, password: str) -> bytes:
    return b"Basic " + base64.b64encode(f"{user}:{password}".encode())


def _is_in(url: str, domain: str) -> bool:
    host = urlsplit(url).hostname or ""
    return host == domain or host.endswith(f".{domain}")
