"""Cookies: those that servers set are kept and sent back, those of Request.cookies are sent too."""

import logging
from collections.abc import Iterator, Mapping
from email.message import Message
from http.cookiejar import Cookie, CookieJar, DefaultCookiePolicy
from typing import Any
from urllib.parse import urlsplit
from urllib.request import Request as UrllibRequest

from aioscrapy.context import CrawlContext
from aioscrapy.http.request import Request
from aioscrapy.http.response import Response

logger = logging.getLogger(__name__)

_SENT = "_cookies_sent"  # meta key: the header that we made for an earlier attempt of this request


class CookiesMiddleware:
    """Keeps cookie jars, one for each meta["cookiejar"] and site.

    Request.cookies (a dict, or a list of dicts with name, value and optionally domain, path, secure) go into
    the jar first, for the path / unless they name another. With meta["dont_merge_cookies"], or where
    COOKIES_ENABLED is false, nothing is kept and only Request.cookies are sent. A Cookie header that a
    request brings itself wins.

    A site is the last two labels of a host name: a cookie can't be valid beyond them, so that one request
    looks at few cookies however many hosts are crawled.

    Source: RFC 6265, as far as http.cookiejar goes.
    """

    def __init__(self, *, keep: bool, debug: bool) -> None:
        self._keep = keep
        self._debug = debug
        self._jars: dict[tuple[Any, str], CookieJar] = {}

    @classmethod
    def from_crawler(cls, crawler: CrawlContext) -> "CookiesMiddleware":
        """Take whether to keep cookies, and whether to log them."""
        settings = crawler.settings
        return cls(keep=settings.getbool("COOKIES_ENABLED"), debug=settings.getbool("COOKIES_DEBUG"))

    def process_request(self, request: Request) -> None:
        """Set the Cookie header."""
        meta, headers = request.meta, request.headers
        if _SENT in meta:
            ours = meta.pop(_SENT)
            if headers.get("Cookie") == ours.encode():
                headers.pop("Cookie", None)
        if not self._jars and not request.cookies:
            return
        jar = self._jar_for(request)
        if jar is None:
            return
        asked = _for_cookiejar(request.url)
        for cookie in _cookies_of(request):
            jar.set_cookie_if_ok(cookie, asked)
        jar.add_cookie_header(asked)
        value = asked.get_header("Cookie")
        if value is not None and "Cookie" not in headers:
            headers["Cookie"] = value
            if not self._is_apart(request):  # what comes from a jar may be another one at the next attempt
                meta[_SENT] = value
            if self._debug:
                logger.debug("Sending cookies to: %s\nCookie: %s", request, value)

    def process_response(self, request: Request, response: Response) -> Response:
        """Keep the cookies that a response sets."""
        if "Set-Cookie" not in response.headers or self._is_apart(request):
            return response
        key = (request.meta.get("cookiejar"), _site(request.url))
        jar = self._jars.get(key)
        if jar is None:
            jar = self._jars[key] = _empty_jar()
        jar.extract_cookies(_Received(response), _for_cookiejar(request.url))  # type: ignore[arg-type]  # cookiejar asks for info() only
        if self._debug:
            set_cookies = b"\nSet-Cookie: ".join(response.headers.getlist("Set-Cookie"))
            logger.debug("Received cookies from: %s\nSet-Cookie: %s", response, set_cookies.decode("latin-1"))
        return response

    def _is_apart(self, request: Request) -> bool:
        """Tell whether a request neither takes cookies from the jar nor puts some into it."""
        return not self._keep or bool(request.meta.get("dont_merge_cookies"))

    def _jar_for(self, request: Request) -> CookieJar | None:
        """Return the jar of a request; a new one where it brings cookies; else None."""
        if self._is_apart(request):
            return _empty_jar() if request.cookies else None
        key = (request.meta.get("cookiejar"), _site(request.url))
        jar = self._jars.get(key)
        if jar is None and request.cookies:
            jar = self._jars[key] = _empty_jar()
        return jar


class _Received:
    """The Set-Cookie headers of a response, as http.cookiejar wants to read them."""

    def __init__(self, response: Response) -> None:
        self._message = Message()
        for value in response.headers.getlist("Set-Cookie"):
            self._message["Set-Cookie"] = value.decode("latin-1")

    def info(self) -> Message:
        return self._message


def _empty_jar() -> CookieJar:
    strict = DefaultCookiePolicy.DomainStrictNonDomain  # without a Domain a cookie is for its host only
    return CookieJar(DefaultCookiePolicy(strict_domain=True, strict_ns_domain=strict))


def _for_cookiejar(url: str) -> UrllibRequest:
    """Return a request as http.cookiejar wants to read it."""
    return UrllibRequest(url)  # noqa: S310 never opened


def _site(url: str) -> str:
    """Return the last two labels of a URL's host; the whole host where it is an address."""
    host = urlsplit(url).hostname or ""
    last = host.rpartition(".")[2]
    if last.isdigit() or ":" in host:
        return host
    return ".".join(host.rsplit(".", 2)[-2:])


def _cookies_of(request: Request) -> Iterator[Cookie]:
    """Give the cookies that a request brings, without those that have no name or no value."""
    cookies: Any = request.cookies
    if isinstance(cookies, Mapping):
        cookies = [{"name": name, "value": value} for name, value in cookies.items()]
    for given in cookies or ():
        name, value = _text(given.get("name")), _text(given.get("value"))
        if not name or value is None:
            logger.warning("Cookie without name or value in %s: %r", request, given)
            continue
        yield _cookie(name, value, given, request.url)


def _cookie(name: str, value: str, given: Mapping[str, Any], url: str) -> Cookie:
    """Return one cookie for the host of `url`, or for the domain that was given."""
    parts = urlsplit(url)
    domain = (_text(given.get("domain")) or "").lower()
    host = (parts.hostname or "").lower()
    path = _text(given.get("path"))
    if domain and domain.lstrip(".") != host:
        cookie_domain = domain if domain.startswith(".") else f".{domain}"
    else:
        host = f"[{host}]" if ":" in host else host
        cookie_domain = host if "." in host else f"{host}.local"  # as http.cookiejar calls it
    return Cookie(
        version=0,
        name=name,
        value=value,
        port=None,
        port_specified=False,
        domain=cookie_domain,
        domain_specified=cookie_domain.startswith("."),
        domain_initial_dot=cookie_domain.startswith("."),
        path=path or "/",
        path_specified=True,
        secure=bool(given.get("secure", parts.scheme == "https")),
        expires=None,
        discard=True,
        comment=None,
        comment_url=None,
        rest={},
    )


def _text(value: Any) -> str | None:
    """Return a part of a cookie as text; None stays None."""
    if value is None:
        return None
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
