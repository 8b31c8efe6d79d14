"""Requests: fingerprint, forms of text, from a dict."""

import hashlib
import json
import logging
from collections.abc import Iterable
from typing import Any, Protocol, Self
from urllib.parse import urlunparse
from weakref import WeakKeyDictionary

from w3lib.http import basic_auth_header
from w3lib.url import canonicalize_url

from aioscrapy.http.curl import request_to_curl  # noqa: F401 its path in Scrapy
from aioscrapy.http.request import Request
from aioscrapy.http.stored_request import arguments_of
from aioscrapy.utils.httpobj import urlparse_cached
from aioscrapy.utils.misc import load_object
from aioscrapy.utils.python import to_bytes, to_unicode

logger = logging.getLogger(__name__)

_fingerprint_cache: WeakKeyDictionary[Any, dict[Any, bytes]] = WeakKeyDictionary()


def fingerprint(
    request: Request, *, include_headers: Iterable[bytes | str] | None = None, keep_fragments: bool = False
) -> bytes:
    """Return Scrapy's fingerprint of a request: SHA-1 of method, canonical URL, body and these headers.

    It is for programs that compare fingerprints with those of Scrapy. The duplicate filter has its own.
    """
    names = tuple(to_bytes(name).lower() for name in sorted(include_headers or ()))
    verbatim = bool(request.meta.get("verbatim_url"))
    results = _fingerprint_cache.setdefault(request, {})
    key = (names, keep_fragments, verbatim)
    if key not in results:
        url = request.url if verbatim else canonicalize_url(request.url, keep_fragments=keep_fragments)
        data = {
            "method": request.method,
            "url": url,
            "body": request.body.hex(),
            "headers": {
                name.hex(): [value.hex() for value in request.headers.getlist(name)]
                for name in names
                if name in request.headers
            },
        }
        results[key] = hashlib.sha1(json.dumps(data, sort_keys=True).encode(), usedforsecurity=False).digest()
    return results[key]


def request_fingerprint(
    request: Request, include_headers: Iterable[bytes | str] | None = None, keep_fragments: bool = False
) -> str:
    """Return the fingerprint as hexadecimal digits: what old packages import."""
    return fingerprint(request, include_headers=include_headers, keep_fragments=keep_fragments).hex()


class RequestFingerprinterProtocol(Protocol):
    """What REQUEST_FINGERPRINTER_CLASS has to offer."""

    def fingerprint(self, request: Request) -> bytes:
        """Return the bytes that identify the request."""


class RequestFingerprinter:
    """Scrapy's default fingerprinter, for subclasses and for REQUEST_FINGERPRINTER_CLASS."""

    def __init__(self, crawler: Any = None) -> None:
        self._fingerprint = fingerprint

    @classmethod
    def from_crawler(cls, crawler: Any) -> Self:
        """Create it."""
        return cls(crawler)

    def fingerprint(self, request: Request) -> bytes:
        """Return the fingerprint of the function `fingerprint`."""
        return self._fingerprint(request)


def request_httprepr(request: Request) -> bytes:
    """Return the request as an HTTP message, for people; the client sends other headers too."""
    parts = urlparse_cached(request)
    target = urlunparse(("", "", parts.path or "/", parts.params, parts.query, ""))
    head = [f"{request.method} {target} HTTP/1.1".encode(), b"Host: " + to_bytes(parts.hostname or "")]
    if request.headers:
        head.append(request.headers.to_string())
    return b"\r\n".join([*head, b"", request.body])


def request_authenticate(request: Request, username: str, password: str) -> None:
    """Add a login by HTTP's basic authentication."""
    request.headers["Authorization"] = basic_auth_header(username, password)


def referer_str(request: Request) -> str | None:
    """Return the Referer header as str; None if there is none."""
    referer = request.headers.get("Referer")
    return None if referer is None else to_unicode(referer, errors="replace")


def request_from_dict(d: dict[str, Any], *, spider: Any = None) -> Request:
    """Create a request from a dict of `Request.to_dict`; the spider has the methods of its callbacks.

    Raises:
        ValueError: the spider has no method of this name.
    """
    fields = dict(d)
    request_class = load_object(fields.pop("_class")) if "_class" in fields else Request
    arguments = {n: value for n, value in arguments_of(fields).items() if n in request_class.attributes}
    for part in ("callback", "errback"):
        if arguments.get(part) and spider:
            name = str(arguments[part])
            if not hasattr(spider, name):
                raise ValueError(f"Method {name!r} not found in: {spider}")
            arguments[part] = getattr(spider, name)
    request: Request = request_class(**arguments)
    return request
