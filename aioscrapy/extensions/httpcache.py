"""The policies of the HTTP cache, which decide what may be kept and used again."""

import contextlib
import time
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit
from weakref import WeakKeyDictionary

from aioscrapy.extensions.httpcache_storages import (
    DbmCacheStorage,
    FilesystemCacheStorage,
    SqliteCacheStorage,
)
from aioscrapy.http import Request, Response
from aioscrapy.settings import Settings

__all__ = [
    "DbmCacheStorage",
    "DummyPolicy",
    "FilesystemCacheStorage",
    "RFC2616Policy",
    "RFC9111Policy",
    "SqliteCacheStorage",
    "parse_cachecontrol",
    "rfc1123_to_epoch",
]

Directives = dict[bytes, bytes | None]

# Statuses that may be reused without a hint of the server (RFC 9111, 4.2.2), as long as browsers do it.
_FOR_GOOD = {300, 301, 308}
_YEAR_S = 365 * 24 * 3600


class DummyPolicy:
    """Reuses every response for ever: for crawls without a network, and while a spider is written."""

    def __init__(self, settings: Settings) -> None:
        self.ignore_schemes = settings.getlist("HTTPCACHE_IGNORE_SCHEMES")
        self.ignore_http_codes = [int(code) for code in settings.getlist("HTTPCACHE_IGNORE_HTTP_CODES")]

    def should_cache_request(self, request: Request) -> bool:
        """Return True if the response to this request may be kept."""
        return urlsplit(request.url).scheme not in self.ignore_schemes

    def should_cache_response(self, response: Response, request: Request) -> bool:
        """Return True if this response may be kept."""
        return response.status not in self.ignore_http_codes

    def is_cached_response_fresh(self, cachedresponse: Response, request: Request) -> bool:
        """Return True if a kept response can be used without asking the server."""
        return True

    def is_cached_response_valid(
        self, cachedresponse: Response, response: Response, request: Request
    ) -> bool:
        """Return True if the server's response lets the kept one be used."""
        return True


class RFC9111Policy:
    """Reuses what the headers of requests and responses allow, as a private cache does.

    Source: RFC 9111. With HTTPCACHE_ALWAYS_STORE every response is kept that does not forbid it.
    """

    def __init__(self, settings: Settings) -> None:
        self.always_store = settings.getbool("HTTPCACHE_ALWAYS_STORE")
        self.ignore_schemes = settings.getlist("HTTPCACHE_IGNORE_SCHEMES")
        self.ignore_response_cache_controls = [
            name.encode().lower() for name in settings.getlist("HTTPCACHE_IGNORE_RESPONSE_CACHE_CONTROLS")
        ]
        self._directives: WeakKeyDictionary[Request | Response, Directives] = WeakKeyDictionary()

    def should_cache_request(self, request: Request) -> bool:
        """Return True if the response to this request may be kept."""
        if urlsplit(request.url).scheme in self.ignore_schemes:
            return False
        return b"no-store" not in self._of(request)

    def should_cache_response(self, response: Response, request: Request) -> bool:
        """Return True if this response may be kept, and can ever be used again."""
        directives = self._of(response)
        if b"no-store" in directives or response.status == 304:
            return False
        if self.always_store or b"max-age" in directives or b"Expires" in response.headers:
            return True
        if response.status in _FOR_GOOD:
            return True
        has_validator = b"Last-Modified" in response.headers or b"ETag" in response.headers
        return response.status in {200, 203, 401} and has_validator

    def is_cached_response_fresh(self, cachedresponse: Response, request: Request) -> bool:
        """Return True if a kept response is not too old; else let the request ask whether it has changed."""
        ours, theirs = self._of(cachedresponse), self._of(request)
        if b"no-cache" in ours or b"no-cache" in theirs:
            return False
        lifetime_s, age_s = self._lifetime_s(cachedresponse), _age_s(cachedresponse)
        limit_s = _seconds(theirs, b"max-age")
        if limit_s is not None:
            lifetime_s = min(lifetime_s, limit_s)
        if age_s < lifetime_s:
            return True
        if b"max-stale" in theirs and b"must-revalidate" not in ours:
            stale_s = _seconds(theirs, b"max-stale")
            if theirs[b"max-stale"] is None or (stale_s is not None and age_s < lifetime_s + stale_s):
                return True
        for validator, question in ((b"Last-Modified", b"If-Modified-Since"), (b"ETag", b"If-None-Match")):
            if validator in cachedresponse.headers:
                request.headers[question] = cachedresponse.headers[validator]
        return False

    def is_cached_response_valid(
        self, cachedresponse: Response, response: Response, request: Request
    ) -> bool:
        """Return True if it has not changed, or if the server fails and the kept one may be stale."""
        if response.status >= 500 and b"must-revalidate" not in self._of(cachedresponse):
            return True
        return response.status == 304

    def _of(self, message: Request | Response) -> Directives:
        directives = self._directives.get(message)
        if directives is None:
            directives = parse_cachecontrol(message.headers.get(b"Cache-Control") or b"")
            if isinstance(message, Response):
                for name in self.ignore_response_cache_controls:
                    directives.pop(name, None)
            self._directives[message] = directives
        return directives

    def _lifetime_s(self, response: Response) -> float:
        """Return for how long a response is fresh, in seconds."""
        limit_s = _seconds(self._of(response), b"max-age")
        if limit_s is not None:
            return limit_s
        date_s = rfc1123_to_epoch(response.headers.get(b"Date")) or time.time()
        if b"Expires" in response.headers:
            expires_s = rfc1123_to_epoch(response.headers[b"Expires"])
            return max(0.0, expires_s - date_s) if expires_s else 0.0
        modified_s = rfc1123_to_epoch(response.headers.get(b"Last-Modified"))
        if modified_s and modified_s <= date_s:
            return (date_s - modified_s) / 10  # the usual tenth: RFC 9111, 4.2.2
        return _YEAR_S if response.status in _FOR_GOOD else 0.0


class RFC2616Policy(RFC9111Policy):
    """The same under the name that Scrapy has for it."""


def parse_cachecontrol(header: bytes) -> Directives:
    """Return the directives of a Cache-Control header: name -> value; None for one without a value."""
    directives: Directives = {}
    for directive in header.split(b","):
        name, separator, value = directive.strip().partition(b"=")
        if name:
            directives[name.strip().lower()] = value.strip().strip(b'"') if separator else None
    return directives


def rfc1123_to_epoch(date: bytes | str | None) -> int | None:
    """Return the seconds since 1970 of a date in a header; None if it can't be read."""
    text = date.decode("ascii", "replace") if isinstance(date, bytes) else date
    with contextlib.suppress(TypeError, ValueError, OverflowError, IndexError):
        if text:
            when = parsedate_to_datetime(text)
            return int((when if when.tzinfo else parsedate_to_datetime(f"{text} +0000")).timestamp())
    return None


def _seconds(directives: Directives, name: bytes) -> int | None:
    try:
        return max(0, int(directives[name] or b""))
    except (KeyError, ValueError):
        return None


def _age_s(response: Response) -> float:
    """Return the age of a response in seconds (RFC 9111, 4.2.3)."""
    now_s = time.time()
    date_s = rfc1123_to_epoch(response.headers.get(b"Date")) or now_s
    age_s = max(0.0, now_s - date_s)
    with contextlib.suppress(ValueError):
        age_s = max(age_s, int(response.headers.get(b"Age") or b"0"))
    return age_s
