"""Send requests through the proxy of meta["proxy"], else through that of the environment."""

import base64
import re
from typing import Any, Self
from urllib.parse import unquote, urlsplit
from urllib.request import getproxies, proxy_bypass

from aioscrapy.context import CrawlContext
from aioscrapy.exceptions import NotConfigured
from aioscrapy.hooks import UNREAD
from aioscrapy.http.request import Request

_path_and_more = re.compile(r"[/?#].*", re.DOTALL).sub
_without_host = re.compile(r"[^:/]*:(//)?/*(:[0-9]*)?").fullmatch
_LOGIN_PROXY = "_auth_proxy"  # meta key: the proxy of the Proxy-Authorization header
_FROM_ENVIRONMENT = "_scheme_proxy"  # meta key: the proxy comes from the environment of this worker


class HttpProxyMiddleware:
    """Moves user name and password from meta["proxy"] to the Proxy-Authorization header.

    meta["proxy"] = None bypasses the proxies of the environment (http_proxy, https_proxy, no_proxy). The
    header is removed when the proxy changes, so that no proxy gets the password of another.
    """

    def __init__(self, auth_encoding: str | None = None) -> None:
        self._proxies = {scheme: _split_login(url) for scheme, url in getproxies().items() if url}

    @classmethod
    def from_crawler(cls, crawler: CrawlContext) -> Self:
        """Create the middleware; leave it out if HTTPPROXY_ENABLED is false."""
        if not crawler.settings.getbool("HTTPPROXY_ENABLED"):
            raise NotConfigured
        return cls()

    def process_request(self, request: Request, spider: Any = UNREAD) -> None:
        """Set meta["proxy"] (without user name and password) and the header.

        Raises:
            ValueError: the proxy has no host; without one, the request would go directly to the site.
            TypeError: meta["proxy"] is not a text.
        """
        meta = request.meta
        if meta.pop(_FROM_ENVIRONMENT, False):
            meta.pop("proxy", None)
        login: bytes | None = None
        if "proxy" in meta:
            proxy = meta["proxy"]
            if proxy:
                if not isinstance(proxy, str):
                    raise TypeError(f"the proxy of {request} is a {type(proxy).__name__}, not a text")
                proxy, login = _split_login(proxy)
                meta["proxy"] = proxy
        else:
            proxy = None
            if self._proxies:
                proxy, login = self._of_environment(request.url)
                if proxy:
                    meta["proxy"] = proxy
                    meta[_FROM_ENVIRONMENT] = True
        if proxy and _without_host(proxy):
            raise ValueError(f"the proxy of {request} has no host: {proxy!r}")
        self._set_login(request, proxy, login)

    def _of_environment(self, url: str) -> tuple[str | None, bytes | None]:
        """Return the proxy and the login of the environment for a URL: None, None if there is none."""
        parts = urlsplit(url)
        if parts.scheme not in self._proxies or not parts.hostname or proxy_bypass(parts.hostname):
            return None, None
        return self._proxies[parts.scheme]

    @staticmethod
    def _set_login(request: Request, proxy: str | None, login: bytes | None) -> None:
        """Set, keep or remove Proxy-Authorization; a request's own header is for its first proxy."""
        meta, headers = request.meta, request.headers
        if login is not None and proxy:
            headers["Proxy-Authorization"] = b"Basic " + login
            meta[_LOGIN_PROXY] = proxy
        elif _LOGIN_PROXY in meta:
            if meta[_LOGIN_PROXY] != proxy:
                headers.pop("Proxy-Authorization", None)
                del meta[_LOGIN_PROXY]
        elif "Proxy-Authorization" in headers:
            if proxy:
                meta[_LOGIN_PROXY] = proxy
            else:
                headers.pop("Proxy-Authorization", None)


def _split_login(url: str) -> tuple[str, bytes | None]:
    """Return a proxy's URL without the login, and the login encoded for HTTP basic authentication.

    A password may have / ? and # as they are.
    """
    scheme, _, rest = (url if "://" in url else f"http://{url}").strip().partition("://")
    host = _path_and_more("", rest)
    login, _, address = (host if "@" in host else rest).rpartition("@")
    bare = urlsplit(f"{scheme}://{_path_and_more('', address)}").geturl()
    if not login:
        return bare, None
    user, _, password = login.partition(":")
    return bare, base64.b64encode(f"{unquote(user)}:{unquote(password)}".encode())
