"""Store the cookies of servers and send them back; send the cookies of Request.cookies too."""

import json
import logging
from collections.abc import Iterator, Mapping
from typing import Any, Self
from urllib.parse import urlsplit

from aioscrapy.context import CrawlContext
from aioscrapy.hooks import UNREAD
from aioscrapy.http.cookies import (
    Cookie,
    CookieJar,
    cookie_of,
    entry_of,
    is_host_only,
    may_set_domain,
    parse_set_cookie,
    site_of,
    site_of_host,
)
from aioscrapy.http.hosts import host_of
from aioscrapy.http.request import Request
from aioscrapy.http.response import Response
from aioscrapy.shared_cookies import SharedCookies

logger = logging.getLogger(__name__)

# meta key: the Cookie header of an earlier attempt of this request, as Latin-1
_SENT = "_cookies_sent"


class CookiesMiddleware:
    """Keeps one cookie jar per meta["cookiejar"] and site.

    Request.cookies (a dict, or a list of dicts with name, value and optionally domain, path, secure) are put
    into the jar first; their default path is /. With meta["dont_merge_cookies"], or if COOKIES_ENABLED is
    false, no cookie is stored and only Request.cookies are sent. A request's own Cookie header wins.
    """

    def __init__(self, debug: bool = False) -> None:
        self._keep = True
        self._debug = debug
        self._jars: dict[tuple[Any, str], CookieJar] = {}
        self._shared: SharedCookies | None = None

    @property
    def jars(self) -> "Jars":
        """meta["cookiejar"] -> the cookies of all sites with that label; Scrapy's interface."""
        return Jars(self._jars)

    @classmethod
    def from_crawler(cls, crawler: CrawlContext) -> Self:
        """Read COOKIES_ENABLED and COOKIES_DEBUG; take the crawl's shared cookies."""
        middleware = cls(crawler.settings.getbool("COOKIES_DEBUG"))
        middleware._keep = crawler.settings.getbool("COOKIES_ENABLED")
        if middleware._keep and crawler.cookies is not None:
            middleware._shared = crawler.cookies
            crawler.cookies.connect(middleware._shared_name, middleware._replace)
        return middleware

    def process_request(self, request: Request, spider: Any = UNREAD) -> None:
        """Set the Cookie header."""
        meta, headers = request.meta, request.headers
        if _SENT in meta:
            ours = meta.pop(_SENT)
            if headers.get("Cookie") == ours.encode("latin-1"):
                headers.pop("Cookie", None)
        if not self._jars and not request.cookies:
            return
        jar = self._jar_for(request)
        if jar is None:
            return
        for cookie in _cookies_of(request):
            self._put(request, jar, cookie)
        value = jar.header(request.url)
        if value is None or "Cookie" in headers:
            return
        headers["Cookie"] = value
        if not self._is_separate(request):  # the jar may change before the next attempt
            meta[_SENT] = value.decode("latin-1")
        if self._debug:
            logger.debug("Sending cookies to: %s\nCookie: %s", request, value.decode("latin-1"))

    def process_response(self, request: Request, response: Response, spider: Any = UNREAD) -> Response:
        """Store the cookies of a response."""
        if "Set-Cookie" not in response.headers or self._is_separate(request):
            return response
        lines = response.headers.getlist("Set-Cookie")
        jar = self._jars.setdefault(_jar_key(request), CookieJar())
        for line in lines:
            cookie = parse_set_cookie(line, request.url)
            if cookie is not None:
                self._put(request, jar, cookie)
        if self._debug:
            set_cookies = b"\nSet-Cookie: ".join(lines)
            logger.debug("Received cookies from: %s\nSet-Cookie: %s", response, set_cookies.decode("latin-1"))
        return response

    def _is_separate(self, request: Request) -> bool:
        """Return True if a request neither reads nor changes the jar."""
        return not self._keep or bool(request.meta.get("dont_merge_cookies"))

    def _put(self, request: Request, jar: CookieJar, cookie: Cookie) -> None:
        """Put a cookie into its jar; tell the other workers if that changes the jar."""
        before = jar.get(cookie.key)
        try:
            jar.put(cookie)
        except ValueError as exc:
            logger.warning("A cookie of %s is left out: %s", request, exc)
            return
        after = jar.get(cookie.key)
        if before == after or self._shared is None or self._is_separate(request):
            return
        if (name := self._shared_name(request)) is not None:
            entry, value = entry_of(None, cookie)
            self._shared.record(name, entry, value if after is not None else b"")

    def _shared_name(self, request: Request) -> str | None:
        """Return the name of a request's jar in the store; None without a jar, or with a private one."""
        if self._is_separate(request):
            return None
        try:
            return json.dumps(_jar_key(request))
        except (TypeError, ValueError):
            return None

    def _replace(self, name: str, entries: Mapping[str, bytes]) -> None:
        """Put the cookies that all workers have set into a jar, in the place of those in it."""
        label, site = json.loads(name)
        self._jars[label, site] = jar = CookieJar()
        for entry, value in sorted(entries.items()):
            try:
                jar.put(cookie_of(entry, value)[1])
            except (ValueError, TypeError):  # another program may write to the store
                logger.warning("A shared cookie of %s can't be read: %r", site, value[:80])

    def _jar_for(self, request: Request) -> CookieJar | None:
        """Return the jar of a request; a new jar if the request has cookies; else None."""
        if self._is_separate(request):
            return CookieJar() if request.cookies else None
        key = _jar_key(request)
        jar = self._jars.get(key)
        if jar is None and request.cookies:
            jar = self._jars[key] = CookieJar()
        return jar


class Jars(Mapping[Any, CookieJar]):
    """meta["cookiejar"] -> a jar over all sites with that label; a jar that is asked for exists."""

    def __init__(self, jars: dict[tuple[Any, str], CookieJar]) -> None:
        self._jars = jars

    def __getitem__(self, label: Any) -> CookieJar:
        return LabelJar(self._jars, label)

    def __iter__(self) -> Iterator[Any]:
        return iter(dict.fromkeys(label for label, _ in self._jars))

    def __len__(self) -> int:
        return len({label for label, _ in self._jars})

    def __bool__(self) -> bool:
        return True


class LabelJar(CookieJar):
    """The cookies of all sites with one label; each is in the jar of its site."""

    def __init__(self, jars: dict[tuple[Any, str], CookieJar], label: Any) -> None:
        super().__init__()
        self._jars, self._label = jars, label

    def __iter__(self) -> Iterator[Cookie]:
        for (label, _), jar in tuple(self._jars.items()):
            if label == self._label:
                yield from tuple(jar)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def put(self, cookie: Cookie) -> None:
        self._jars.setdefault((self._label, site_of_host(cookie.domain)), CookieJar()).put(cookie)

    def get(self, key: tuple[str, str, str]) -> Cookie | None:
        jar = self._jars.get((self._label, site_of_host(key[1])))
        return None if jar is None else jar.get(key)

    def discard(self, key: tuple[str, str, str]) -> None:
        if (jar := self._jars.get((self._label, site_of_host(key[1])))) is not None:
            jar.discard(key)

    def header(self, url: str) -> bytes | None:
        jar = self._jars.get((self._label, site_of(url)))
        return None if jar is None else jar.header(url)


def _jar_key(request: Request) -> tuple[Any, str]:
    """Return the name of a request's jar: meta["cookiejar"], and the site; a list stands for its JSON."""
    label = request.meta.get("cookiejar")
    return json.dumps(label) if isinstance(label, list | tuple | dict) else label, site_of(request.url)


def _cookies_of(request: Request) -> Iterator[Cookie]:
    """Yield the cookies of a request, except those without a name or a value."""
    cookies: Any = request.cookies
    if isinstance(cookies, Mapping):
        cookies = [{"name": name, "value": value} for name, value in cookies.items()]
    for entry in cookies or ():
        if not isinstance(entry, Mapping):
            raise TypeError(f"the cookies of {request} are neither a dict nor a list of dicts")
        name, value = _text(entry.get("name")), _text(entry.get("value"))
        if not name or value is None:
            logger.warning("Cookie without name or value in %s: %r", request, entry)
            continue
        cookie = _cookie(name, value, entry, request.url)
        if cookie is not None:
            yield cookie


def _cookie(name: str, value: str, entry: Mapping[str, Any], url: str) -> Cookie | None:
    """Return a cookie for the host of `url`, or for the entry's domain; None for a foreign domain."""
    host = host_of(url)
    domain = (_text(entry.get("domain")) or "").removeprefix(".").lower()
    if not may_set_domain(host, domain):
        return None
    secure = bool(entry.get("secure", urlsplit(url).scheme == "https"))
    path = _text(entry.get("path")) or "/"
    return Cookie(name, value, domain or host, is_host_only(host, domain), path, secure)


def _text(value: Any) -> str | None:
    """Return a part of a cookie with one character per byte, in UTF-8 as in Scrapy; None for None."""
    if value is None:
        return None
    if not isinstance(value, bytes):
        return str(value).encode("utf-8", "replace").decode("latin-1")
    try:
        value.decode()
    except UnicodeDecodeError:
        return value.decode("latin-1").encode().decode("latin-1")
    return value.decode("latin-1")
