"""Cookies as in browsers, as plain values that a store can keep.

Source: RFC 6265, sections 5.1 to 5.4, with additions of browsers (draft-ietf-httpbis-rfc6265bis): a cookie
without a name, a limit for its size, and a line with a control character, which is left out.
"""

import json
import re
import time
from collections.abc import Iterator
from ipaddress import ip_address
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from aioscrapy.http.cookie_date import parse_cookie_date
from aioscrapy.http.hosts import host_of

MAX_BYTES = 4096  # of name and value together
MAX_COOKIES = 180  # of one jar, as Chromium keeps for a site
_MAX_ATTRIBUTE = 1024  # characters of an attribute's value
_SECURE_SCHEMES = frozenset({"https", "wss"})
_SECOND_LEVEL = frozenset(("ac", "co", "com", "edu", "gov", "int", "mil", "net", "ne", "nom", "or", "org"))

_control = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]").search
_seconds = re.compile(r"-?[0-9]+").fullmatch


class Cookie(NamedTuple):
    """One cookie; the list of its values, as JSON or MessagePack returns it, creates the same cookie.

    Text has one Latin-1 character per byte, so that the server gets every byte back unchanged. `domain`: in
    lower case, without a leading dot. `expires`: seconds since 1970; None: the end of the crawl.
    """

    name: str
    value: str
    domain: str
    host_only: bool
    path: str
    secure: bool
    expires: float | None = None

    @property
    def key(self) -> tuple[str, str, str]:
        """Cookies with the same key replace each other."""
        return self.name, self.domain, self.path


class CookieJar:
    """The cookies of one site, the oldest first; at most `MAX_COOKIES`."""

    def __init__(self) -> None:
        self._by_key: dict[tuple[str, str, str], Cookie] = {}

    def __iter__(self) -> Iterator[Cookie]:
        return iter(self._by_key.values())

    def __len__(self) -> int:
        return len(self._by_key)

    def put(self, cookie: Cookie) -> None:
        """Store a cookie, or delete it if it has expired.

        Raises:
            ValueError: it can't be sent: every request with this jar would fail.
        """
        if not _is_sendable(cookie):
            raise ValueError(f"the cookie {cookie.name!r} can't be part of a header")
        if cookie.expires is not None and cookie.expires <= time.time():
            self._by_key.pop(cookie.key, None)
            return
        self._by_key[cookie.key] = cookie
        if len(self._by_key) > MAX_COOKIES:
            del self._by_key[next(iter(self._by_key))]

    def get(self, key: tuple[str, str, str]) -> Cookie | None:
        """Return the cookie with this key; None if there is none."""
        return self._by_key.get(key)

    def discard(self, key: tuple[str, str, str]) -> None:
        """Delete the cookie with this key, if there is one."""
        self._by_key.pop(key, None)

    def header(self, url: str) -> bytes | None:
        """Return the Cookie header for a request; None if no cookie matches."""
        if not self._by_key:
            return None
        parts = urlsplit(url)
        host, path = host_of(url), parts.path or "/"
        secure = parts.scheme in _SECURE_SCHEMES or _is_loopback(host)
        now = time.time()
        matches = [
            cookie
            for cookie in self._by_key.values()
            if (cookie.domain == host if cookie.host_only else _domain_matches(host, cookie.domain))
            and _path_matches(path, cookie.path)
            and (secure or not cookie.secure)
            and (cookie.expires is None or cookie.expires > now)
        ]
        matches.sort(key=lambda cookie: -len(cookie.path))  # a stable sort: the oldest first
        pairs = (f"{cookie.name}={cookie.value}" if cookie.name else cookie.value for cookie in matches)
        return "; ".join(pairs).encode("latin-1") if matches else None

    def make_cookies(self, response: Any, request: Any) -> list[Cookie]:
        """Return the acceptable cookies of a response; Scrapy's interface."""
        lines = response.headers.getlist("Set-Cookie")
        cookies = (parse_set_cookie(line, request.url) for line in lines)
        return [cookie for cookie in cookies if cookie is not None and _is_sendable(cookie)]

    def extract_cookies(self, response: Any, request: Any) -> None:
        """Store the cookies of a response; Scrapy's interface."""
        for cookie in self.make_cookies(response, request):
            self.put(cookie)

    def add_cookie_header(self, request: Any) -> None:
        """Set the Cookie header of a request that has none; Scrapy's interface."""
        value = self.header(request.url)
        if value is not None:
            request.headers.setdefault("Cookie", value)

    def set_cookie(self, cookie: Any) -> None:
        """Store a cookie of `http.cookiejar`; Scrapy's interface.

        Raises:
            ValueError: it can't be sent.
        """
        self.put(own_cookie(cookie))

    def set_cookie_if_ok(self, cookie: Any, request: Any) -> None:
        """Store a cookie of `http.cookiejar` if the host of the request may set it; Scrapy's interface."""
        if may_set_domain(host_of(request.url), cookie.domain.removeprefix(".")):
            self.set_cookie(cookie)

    def clear(self, domain: str | None = None, path: str | None = None, name: str | None = None) -> None:
        """Delete all cookies, or those of a domain, of a path in it, of a name there; Scrapy's interface."""
        chosen = {"domain": domain and domain.removeprefix("."), "path": path, "name": name}
        for cookie in tuple(self):
            if all(value is None or getattr(cookie, key) == value for key, value in chosen.items()):
                self.discard(cookie.key)

    def clear_session_cookies(self) -> None:
        """Delete the cookies that end with the crawl; Scrapy's interface."""
        for cookie in tuple(self):
            if cookie.expires is None:
                self.discard(cookie.key)

    @property
    def jar(self) -> Any:
        """The cookies in a new CookieJar of `http.cookiejar`; Scrapy's interface."""
        from aioscrapy.http.standard_cookies import standard_jar

        return standard_jar(self)

    @property
    def _cookies(self) -> Any:
        """Domain -> path -> name -> cookie of `http.cookiejar`; programs for Scrapy read it."""
        return self.jar._cookies


def own_cookie(cookie: Any) -> Cookie:
    """Return a cookie of `http.cookiejar` as ours."""
    value = (cookie.value or "").encode("utf-8", "replace").decode("latin-1")
    return Cookie(
        cookie.name,
        value,
        cookie.domain.removeprefix(".").lower(),
        not cookie.domain.startswith("."),
        cookie.path,
        bool(cookie.secure),
        cookie.expires,
    )


def parse_set_cookie(line: bytes, url: str) -> Cookie | None:
    """Return the cookie that a Set-Cookie line of a response from `url` sets; None if it is not acceptable.

    A cookie to delete has an expiry time in the past.
    """
    text = line.decode("latin-1")
    if _control(text):
        return None
    pair, _, rest = text.partition(";")
    name, equals, value = (part.strip(" \t") for part in pair.partition("="))
    if not equals:
        name, value = "", name
    if not (name or value) or len(name) + len(value) > MAX_BYTES:
        return None
    attributes = _attributes(rest)
    host = host_of(url)
    domain = attributes.get("domain", "").removeprefix(".").lower()
    if not may_set_domain(host, domain):
        return None
    path = attributes.get("path", "")
    return Cookie(
        name,
        value,
        domain or host,
        host_only=is_host_only(host, domain),
        path=path if path.startswith("/") else _default_path(url),
        secure="secure" in attributes,
        expires=_expiry(attributes),
    )


def entry_of(jar: Any, cookie: Cookie) -> tuple[str, bytes]:
    """Return a cookie of the jar meta["cookiejar"] as an entry of a store: key and value, both JSON.

    Raises:
        TypeError: JSON can't represent the jar's name.
        ValueError: the jar's name contains itself.
    """
    attributes = [cookie.value, cookie.host_only, cookie.secure, cookie.expires]
    return json.dumps([jar, *cookie.key]), json.dumps(attributes).encode()


def cookie_of(key: str, value: bytes) -> tuple[Any, Cookie]:
    """Return the jar's name and the cookie of an entry of `entry_of`.

    Raises:
        ValueError: it is not such an entry.
    """
    jar, name, domain, path = json.loads(key)
    text, host_only, secure, expires = json.loads(value)
    return jar, Cookie(name, text, domain, host_only, path, secure, expires)


def site_of(url: str) -> str:
    """Return the site of a URL, see `site_of_host`."""
    return site_of_host(host_of(url))


def site_of_host(host: str) -> str:
    """Return the last two labels of a host; for an IP address the whole host.

    A cookie is never valid for other sites, so one jar per site keeps the search short.
    """
    return host if _is_address(host) else ".".join(host.rsplit(".", 2)[-2:])


def may_set_domain(host: str, domain: str) -> bool:
    """Return True if a host may set cookies for a domain; "" stands for the host alone."""
    if not domain or domain == host:
        return True
    return _domain_matches(host, domain) and not _is_public_suffix(domain)


def is_host_only(host: str, domain: str) -> bool:
    """Return True if a cookie with this domain attribute ("" for none) is for the host without subdomains."""
    return not domain or _is_address(host) or _is_public_suffix(domain)


def _is_sendable(cookie: Cookie) -> bool:
    """Return True if the cookie is made of bytes without control characters, as Latin-1."""
    texts = (cookie.name, cookie.value, cookie.domain, cookie.path)
    if not all(isinstance(text, str) and not _control(text) for text in texts):
        return False
    if not (cookie.expires is None or isinstance(cookie.expires, int | float)):
        return False
    return all(max(text, default="") < "\u0100" for text in texts[:2])


def _attributes(text: str) -> dict[str, str]:
    """Return attribute in lower case -> value; the last value of a name is used."""
    attributes: dict[str, str] = {}
    for part in text.split(";"):
        name, _, value = (piece.strip(" \t") for piece in part.partition("="))
        if len(value) > _MAX_ATTRIBUTE:
            continue
        name = name.lower()
        if name == "max-age" and not _seconds(value):
            continue
        if name == "expires" and parse_cookie_date(value) is None:
            continue
        attributes[name] = value
    return attributes


def _expiry(attributes: dict[str, str]) -> float | None:
    if (max_age := attributes.get("max-age")) is not None:
        seconds = int(max_age)
        return time.time() + min(seconds, 10**10) if seconds > 0 else 0.0
    return parse_cookie_date(attributes["expires"]) if "expires" in attributes else None


def _default_path(url: str) -> str:
    return urlsplit(url).path.rpartition("/")[0] or "/"


def _path_matches(path: str, cookie_path: str) -> bool:
    if not path.startswith(cookie_path):
        return False
    return len(path) == len(cookie_path) or cookie_path.endswith("/") or path[len(cookie_path)] == "/"


def _domain_matches(host: str, domain: str) -> bool:
    return host == domain or (host.endswith(f".{domain}") and not _is_address(host))


def _is_public_suffix(domain: str) -> bool:
    """Return True for a top-level domain, and for the usual second levels of a country, such as co.uk."""
    labels = domain.split(".")
    if len(labels) == 1:
        return True
    return len(labels) == 2 and len(labels[1]) == 2 and labels[0] in _SECOND_LEVEL


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _is_loopback(host: str) -> bool:
    """Return True for this machine; browsers treat connections to it as secure."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    return _is_address(host) and ip_address(host).is_loopback
