"""The fingerprint of a request: the bytes that the duplicate filter stores."""

import re
from collections.abc import Callable, Iterable
from hashlib import blake2b
from typing import Any, Self
from urllib.parse import unquote_plus

from aioscrapy.context import CrawlContext
from aioscrapy.exceptions import SettingError
from aioscrapy.http.request import Request
from aioscrapy.settings import Settings

_CACHED_URLS = 4096  # most links of a page were on earlier pages
_LENGTH = 16  # bytes; the Bloom filter reads three numbers of 32 bits from them
_HEADER = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110, 5.6.2: token
_PARAM = re.compile(r"[^&=#?\s]+")

# w3lib.url.canonicalize_url changes only the order of the query (group 2) and the fragment of URLs of this
# form. All other URLs are passed to it.
_canonical = re.compile(
    r"(https?://[a-z0-9][a-z0-9.-]*(?::[0-9]+)?/[A-Za-z0-9_~./-]*)"
    r"(?:\?([A-Za-z0-9_~.-]+=[A-Za-z0-9_~.-]*(?:&[A-Za-z0-9_~.-]+=[A-Za-z0-9_~.-]*)*))?"
    r"(?:#.*)?"
).fullmatch


class RequestFingerprinter:
    """16 bytes (BLAKE2b) over method, canonical URL and body, or over the request's own `fingerprint`.

    `w3lib.url.canonicalize_url` defines the canonical URL: its query is sorted, and it has no fragment unless
    `keep_fragments` is set. To change more, derive a class and set REQUEST_FINGERPRINTER_CLASS.

    Args:
        include_headers: Names of headers that distinguish requests.
        keep_fragments: The text after the # distinguishes requests.
        ignore_params: Names of query parameters that don't distinguish requests; a * matches any text.
        body: The body distinguishes requests.
    """

    def __init__(
        self,
        include_headers: Iterable[str | bytes] = (),
        keep_fragments: bool = False,
        ignore_params: Iterable[str] = (),
        body: bool = True,
    ) -> None:
        names = {name.decode("latin-1") if isinstance(name, bytes) else name for name in include_headers}
        self._headers = sorted(name.title() for name in names)
        self._keep_fragments = keep_fragments
        self._ignored = _names(ignore_params)
        self._body = body
        by_rules = self._headers or self._ignored or not body
        # chosen here, so that a crawl without rules has no cost
        self._content: Callable[[Request], bytes] = self._by_rules if by_rules else self._by_default
        self._of_url = None if by_rules else _UrlCache(self._by_url)

    @classmethod
    def from_crawler(cls, crawler: CrawlContext) -> Self:
        """Create a fingerprinter from the FINGERPRINT_ settings.

        Raises:
            SettingError: the value of a setting is not valid.
        """
        settings = crawler.settings
        rules: dict[str, Any] = {
            "include_headers": _texts(settings, "FINGERPRINT_HEADERS", _HEADER),
            "keep_fragments": settings.getbool("FINGERPRINT_KEEP_FRAGMENT"),
            "ignore_params": _texts(settings, "FINGERPRINT_IGNORE_PARAMS", _PARAM),
        }
        arguments = {name: value for name, value in rules.items() if value}
        if not settings.getbool("FINGERPRINT_BODY"):
            arguments["body"] = False
        return cls(**arguments)  # without rules none: a subclass may take no arguments

    def fingerprint(self, request: Request) -> bytes:
        """Return the 16 bytes; they are calculated once per request."""
        cached = request._digest
        if cached is not None and cached[0] is self:
            return cached[1]
        digest = blake2b(self._content(request), digest_size=_LENGTH).digest()
        request._digest = (self, digest)
        return digest

    def canonical_url(self, url: str) -> str:
        """Return the form that all URLs of the same page have in common."""
        if not self._keep_fragments:
            match = _canonical(url)
            if match is not None and "/." not in url:
                query = match[2]
                if query is None:
                    return match[1]
                if "&" in query:
                    query = "&".join(sorted(query.split("&"), key=_key_and_value))
                return f"{match[1]}?{query}"
        from w3lib.url import canonicalize_url

        return str(canonicalize_url(url, keep_fragments=self._keep_fragments))

    def _by_default(self, request: Request) -> bytes:
        if request.fingerprint is not None:
            return request.fingerprint.encode()
        return self._head(request.method, request._url) + request._body

    def _by_url(self, url: str) -> bytes:
        return blake2b(self._head("GET", url), digest_size=_LENGTH).digest()

    def _head(self, method: str, url: str) -> bytes:
        # Methods and canonical URLs have no space and no line end, so different requests have different
        # contents.
        return f"{method} {self.canonical_url(url)}\n".encode()

    def _by_rules(self, request: Request) -> bytes:
        if request.fingerprint is not None:
            return request.fingerprint.encode()
        url = request._url if self._ignored is None else _without(request._url, self._ignored)
        head = self._head(request.method, url)
        for name in self._headers:
            values = request.headers.getlist(name)
            head += b"%s: %d\n%s\n" % (name.encode(), len(values), b"\n".join(values))
        return head + request._body if self._body else head


class _UrlCache(dict[str, bytes]):
    """The results of a function for recent URLs, at half the cost of an lru_cache, which keeps an order."""

    def __init__(self, of_url: Callable[[str], bytes]) -> None:
        self._of_url = of_url

    def __missing__(self, url: str) -> bytes:
        if len(self) >= _CACHED_URLS:
            self.clear()
        digest = self[url] = self._of_url(url)
        return digest


def fingerprint_function(fingerprinter: Any, setting: str) -> Callable[[Request], bytes]:
    """Return a function from a request to 16 bytes; the filters accept no other length.

    Raises:
        SettingError: the object has no method `fingerprint`.
    """
    method = getattr(fingerprinter, "fingerprint", None)
    name = f"{type(fingerprinter).__module__}.{type(fingerprinter).__qualname__}"
    if not callable(method):
        raise SettingError(setting, f"{name} has no method fingerprint(request)")
    if getattr(method, "__func__", None) is RequestFingerprinter.fingerprint:
        return _of_links(fingerprinter)  # not overridden

    def sixteen_bytes(request: Request) -> bytes:
        digest = method(request)
        if not isinstance(digest, bytes):
            raise TypeError(f"{name}.fingerprint returned {type(digest).__name__}, not bytes")
        return digest if len(digest) == _LENGTH else blake2b(digest, digest_size=_LENGTH).digest()

    return sixteen_bytes


def _of_links(fingerprinter: RequestFingerprinter) -> Callable[[Request], bytes]:
    """Return its `fingerprint` as a function that is fast for plain links."""
    of_url, of_any = fingerprinter._of_url, fingerprinter.fingerprint
    if of_url is None:
        return of_any

    def of_link(request: Request) -> bytes:
        if request.method == "GET" and not request._body and request.fingerprint is None:
            return of_url[request._url]
        return of_any(request)

    return of_link


def _names(patterns: Iterable[str]) -> Callable[[str], Any] | None:
    """Return a predicate for parameter names that match a pattern; None without patterns."""
    parts = [re.escape(pattern).replace(r"\*", ".*") for pattern in patterns]
    return re.compile("|".join(parts), re.DOTALL).fullmatch if parts else None


def _without(url: str, ignored: Callable[[str], Any]) -> str:
    """Return the URL without the parameters whose names are ignored."""
    start, mark, fragment = url.partition("#")
    path, question_mark, query = start.partition("?")
    if not question_mark:
        return url
    pairs = query.split("&")
    others = [pair for pair in pairs if not ignored(unquote_plus(pair.partition("=")[0]))]
    if len(others) == len(pairs):
        return url
    return f"{path}{'?' if others else ''}{'&'.join(others)}{mark}{fragment}"


def _texts(settings: Settings, name: str, form: re.Pattern[str]) -> list[str]:
    try:
        texts = settings.getlist(name)
    except TypeError:
        raise SettingError(name, f"{settings[name]!r} is not a list") from None
    for text in texts:
        if not isinstance(text, str) or not form.fullmatch(text):
            raise SettingError(name, f"{text!r} is not a valid name")
    return texts


def _key_and_value(pair: str) -> list[str]:
    return pair.split("=")
