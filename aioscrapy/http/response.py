"""A response of any type; a response that is not text has only bytes."""

import ipaddress
import logging
import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from functools import lru_cache
from operator import attrgetter
from typing import Any, NoReturn, Self, TypeVar, cast, overload

from aioscrapy.exceptions import NotSupported
from aioscrapy.http.headers import Headers, HeadersArgument
from aioscrapy.http.request import Request
from aioscrapy.http.url import Base, href_of, join, split_base

logger = logging.getLogger(__name__)

R = TypeVar("R", bound="Response")

_other_scheme = re.compile(r"(?!https?:)[a-zA-Z][a-zA-Z0-9+.-]*:(?!//)").match  # javascript:, mailto:, tel:


# Attributes that mean nothing outside of the crawl.
_OF_THE_CRAWL = frozenset({"request", "certificate"})


@lru_cache(1000)
def _address(text: str) -> Any:
    """Return an IP address as an object; another text itself."""
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return text


class Response:
    """The response of a site; `url` and `body` never change (use `replace`).

    `flags`: words for the log. `certificate`, `ip_address`, `protocol` (such as "HTTP/1.1"): None if the
    download handler does not report them.
    """

    attributes: tuple[str, ...] = (
        "url",
        "status",
        "headers",
        "body",
        "flags",
        "request",
        "certificate",
        "ip_address",
        "protocol",
    )

    __slots__ = (
        "__weakref__",
        "_base",
        "_body",
        "_flags",
        "_headers",
        "_url",
        "certificate",
        "invalid_links",
        "ip_address",
        "protocol",
        "request",
        "status",
    )

    # attrgetter is faster than a method: these are read many times per page. They can't be assigned.
    url = cast("str", property(attrgetter("_url"), doc="The URL of the request."))
    body = cast("bytes", property(attrgetter("_body"), doc="The body, decompressed."))

    def __init__(  # noqa: PLR0913, PLR0917 Scrapy's signature
        self,
        url: str,
        status: int = 200,
        headers: HeadersArgument = None,
        body: Any = b"",
        flags: Iterable[str] | None = None,
        request: Request | None = None,
        certificate: Any = None,
        ip_address: Any = None,
        protocol: str | None = None,
    ) -> None:
        if not isinstance(url, str):
            raise TypeError(f"{type(self).__name__} url must be str, got {type(url).__name__}")
        self._url = url
        self.status = int(status)
        self._headers = Headers(headers) if headers else None
        self._body = body if type(body) is bytes else self._bytes(body)
        self._flags = list(flags) if flags else None
        self.request = request
        self.certificate = certificate
        self.ip_address = _address(ip_address) if isinstance(ip_address, str) else ip_address
        self.protocol = protocol
        self._base: Base | None = None
        self.invalid_links = 0  # links that `follow_all` could not use

    def _bytes(self, body: Any) -> bytes:
        if body is None:
            return b""
        if isinstance(body, (bytes, bytearray, memoryview)):
            return bytes(body)
        raise TypeError(
            "Response body must be bytes; TextResponse and its subclasses take str with an encoding"
        )

    @property
    def headers(self) -> Headers:
        """The headers of the server."""
        if self._headers is None:
            self._headers = Headers()
        return self._headers

    @headers.setter
    def headers(self, headers: HeadersArgument) -> None:
        self._headers = headers if isinstance(headers, Headers) else Headers(headers)

    @property
    def flags(self) -> list[str]:
        """Words for the log."""
        if self._flags is None:
            self._flags = []
        return self._flags

    @flags.setter
    def flags(self, flags: list[str] | None) -> None:
        self._flags = flags

    @property
    def meta(self) -> dict[str, Any]:
        """The meta of the request; the same dict."""
        if self.request is None:
            raise AttributeError(f"{self!r} has no meta: it has no request")
        return self.request.meta

    @property
    def cb_kwargs(self) -> dict[str, Any]:
        """The request's keyword arguments for the callback."""
        if self.request is None:
            raise AttributeError(f"{self!r} has no cb_kwargs: it has no request")
        return self.request.cb_kwargs

    def __repr__(self) -> str:
        return f"<{self.status} {self._url}>"

    def copy(self) -> Self:
        """Return an equal response; headers and flags are copied."""
        return self.replace()

    @overload
    def replace(self, *args: Any, cls: None = None, **kwargs: Any) -> Self: ...

    @overload
    def replace(self, *args: Any, cls: type[R], **kwargs: Any) -> R: ...

    def replace(self, *args: Any, cls: type["Response"] | None = None, **kwargs: Any) -> "Response":
        """Return a copy with other arguments, of the same class or of `cls`."""
        target = cls or type(self)
        for name in self.attributes[len(args) :]:
            if name not in kwargs and name in target.attributes:
                kwargs[name] = getattr(self, name)
        return target(*args, **kwargs)

    def to_dict(self) -> dict[str, Any]:
        """Return the fields of the response, without request and certificate; `_class` is its class.

        `aioscrapy.utils.response.response_from_dict` creates the response again.
        """
        fields = {name: getattr(self, name) for name in self.attributes if name not in _OF_THE_CRAWL}
        fields["headers"] = dict(self.headers.items())
        if type(self) is not Response:
            fields["_class"] = f"{type(self).__module__}.{type(self).__qualname__}"
        return fields

    @classmethod
    def from_dict(cls, d: dict[str, Any]) -> Self:
        """Create a response of this class from a dict of `to_dict`."""
        return cls(**{name: value for name, value in d.items() if name != "_class"})

    def urljoin(self, url: Any) -> str:
        """Return the absolute URL of a link on this page: a str, or a Selector of a link.

        None and [], the results of a query without a match, give the base URL of the page, as in Scrapy.
        """
        base = self._base
        if base is None:
            base = self._base = split_base(self._base_url())
        if isinstance(url, str):
            return join(base, url)
        return join(base, "" if url is None or url == [] else href_of(url))

    def _base_url(self) -> str:
        return self._url

    def follow(self, url: Any, callback: Any = None, *args: Any, **kwargs: Any) -> Request:
        """Return the request for a link on this page; other arguments are those of Request.

        `url` is a str, a Link, or a Selector: an attribute, a text, an <a> or a <link> element.

        Raises:
            ValueError: None, a URL that is not valid, a Selector without a URL, or a list of Selectors.
        """
        if url is None:
            raise ValueError("url can't be None")
        if isinstance(url, list):
            raise ValueError(f"expected a URL, not a list of {len(url)}: use one of its elements")
        if kwargs.get("encoding", "") is None:
            raise ValueError("encoding can't be None")
        return Request(self.urljoin(url), callback, *args, **kwargs)

    def follow_all(self, urls: Iterable[Any], callback: Any = None, **kwargs: Any) -> Iterator[Request]:
        """Yield the requests for several links; see `follow`.

        A link that is not valid is logged and counted (the stat links/invalid_count), and the others are
        followed; links with `javascript:`, `mailto:` and so on are skipped.

        Raises:
            ValueError: a link is None; raised after the other links.
        """
        missing = 0
        for url in urls:
            if url is None:
                missing += 1
                continue
            try:
                request = self.follow(url, callback, **kwargs)
            except (TypeError, ValueError) as exc:
                self._skip(url, exc)
            else:
                yield request
        if missing:
            raise ValueError(f"urls can't contain None ({missing} times on {self!r})")

    def _skip(self, url: Any, exc: Exception) -> None:
        with suppress(TypeError, ValueError):
            if _other_scheme(href_of(url).strip()):
                logger.debug("Skipped a link of %r that is not a page: %r", self, url)
                return
        self.invalid_links += 1
        logger.error("Skipped a link of %r that is not valid: %r: %s", self, url, exc)

    @property
    def text(self) -> str:
        """Raise AttributeError: only text responses have it."""
        raise AttributeError(self._not_text())

    def json(self) -> Any:
        """Raise NotSupported: only text responses have it."""
        self._refuse()

    def css(self, query: str) -> Any:
        """Raise NotSupported: only text responses have it."""
        self._refuse()

    def xpath(self, query: str, **kwargs: Any) -> Any:
        """Raise NotSupported: only text responses have it."""
        self._refuse()

    def jmespath(self, query: str, **kwargs: Any) -> Any:
        """Raise NotSupported: only text responses have it."""
        self._refuse()

    def _refuse(self) -> NoReturn:
        raise NotSupported(self._not_text())

    def _not_text(self) -> str:
        kind = self.headers.get("Content-Type", b"none").decode("latin-1")
        return f"Response content isn't text: {self!r}, Content-Type: {kind}"
