"""Text responses; they are decoded and parsed on first use."""

import functools
import json
import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, cast

from aioscrapy.http.headers import HeadersArgument
from aioscrapy.http.request import Request
from aioscrapy.http.response import Response
from aioscrapy.http.url import href_of

if TYPE_CHECKING:
    from aioscrapy.selector import Selector, SelectorList

_UNSET = object()
_ENCODING = 5  # position of `encoding` in the arguments of `follow` after the callback
HEAD = 4096  # characters that may have the encoding, <base> and meta refresh, as in w3lib and Scrapy
_utf8_header = re.compile(rb"[a-z]+/[a-z+.-]+; *charset=utf-8", re.IGNORECASE).fullmatch
_first_boms = frozenset(b"\x00\xfe\xff\xef")


class TextResponse(Response):
    """A response whose body is text in some encoding."""

    attributes: tuple[str, ...] = (*Response.attributes, "encoding")
    selector_type: str | None = None

    __slots__ = ("_detected", "_encoding", "_head", "_json", "_selector", "_text")

    def __init__(
        self,
        url: str,
        status: int = 200,
        headers: HeadersArgument = None,
        body: Any = b"",
        *args: Any,
        encoding: str | None = None,
        **kwargs: Any,
    ) -> None:
        self._encoding = encoding
        self._detected: str | None = None
        self._text: str | None = None
        self._head: str | None = None
        self._json: Any = _UNSET
        self._selector: Selector | None = None
        super().__init__(url, status, headers, body, *args, **kwargs)

    def _bytes(self, body: Any) -> bytes:
        if not isinstance(body, str):
            return super()._bytes(body)
        if self._encoding is None:
            raise TypeError(f"{type(self).__name__} needs an encoding for a body that is str")
        self._text = body
        return body.encode(self._encoding)

    @property
    def encoding(self) -> str:
        """The argument, else by byte order mark, Content-Type, <meta> or <?xml; else a guess by the bytes."""
        if self._encoding is not None:
            return self._encoding
        if self._detected is None:
            self._detected = self._detect()
        return self._detected

    def _detect(self) -> str:
        header: bytes = self._headers.get(b"Content-Type", b"") if self._headers is not None else b""
        body = self._body
        if _utf8_header(header) and not (body and body[0] in _first_boms):
            return "utf-8"
        from aioscrapy.http.charset import detect

        return detect(header, body)

    # Subclasses of programs for Scrapy call these four.
    _DEFAULT_ENCODING = "utf-8"

    def _headers_encoding(self) -> str | None:
        """Return the encoding in Content-Type; None if it names none that Python knows."""
        from aioscrapy.http.charset import by_header

        return by_header(self.headers.get(b"Content-Type", b""), b"")

    def _declared_encoding(self) -> str | None:
        """Return the encoding of the argument, a byte order mark, the header or the body; None if absent."""
        from aioscrapy.http.charset import declared

        return self._encoding or declared(self.headers.get(b"Content-Type", b""), self.body)

    def _body_inferred_encoding(self) -> str:
        """Return the encoding by the bytes alone."""
        from aioscrapy.http.charset import detect

        return detect(b"", self.body)

    @property
    def text(self) -> str:
        """The body as str, without a byte order mark; bytes that can't be decoded become U+FFFD."""
        if self._text is None:
            self._text = self._decode()
        return self._text

    def _decode(self) -> str:
        encoding, body = self.encoding, self._body
        if encoding == "utf-8" and not (body and body[0] in _first_boms):
            return body.decode("utf-8", "replace")
        from w3lib.encoding import read_bom, to_unicode

        from aioscrapy.http.charset import codec

        # Browsers replace some encodings by larger ones: ISO-8859-1 by CP1252, GB2312 by GB18030.
        real = codec(encoding) or "utf-8"
        by_bom, bom = read_bom(body)
        if by_bom is not None and bom is not None and by_bom.startswith(real):
            real, body = by_bom, body[len(bom) :]
        return str(to_unicode(body, real))

    def json(self) -> Any:
        """Return the JSON value of the body; it is parsed once.

        Raises:
            ValueError: it is not JSON.
        """
        if self._json is _UNSET:
            try:
                self._json = json.loads(self._body)
            except UnicodeDecodeError:
                self._json = json.loads(self.text)
        return self._json

    def lower_head(self) -> str:
        """Return the first 4096 characters in lower case, for a cheap check that a tag is missing."""
        if self._head is None:
            self._head = self.text[:HEAD].lower()
        return self._head

    def _base_url(self) -> str:
        if "<base" not in self.lower_head():
            return self._url
        from w3lib.html import get_base_url

        try:
            return str(get_base_url(self.text[:HEAD], self._url, self.encoding))
        except ValueError:  # browsers ignore a base that is not a URL
            return self._url

    @property
    def selector(self) -> "Selector":
        """The parsed page."""
        if self._selector is None:
            self._selector = _selector_class()(self)
        return self._selector

    def css(self, query: str) -> "SelectorList":
        """Return the matches of a CSS query."""
        return self.selector.css(query)

    def xpath(self, query: str, **kwargs: Any) -> "SelectorList":
        """Return the matches of an XPath query; `kwargs` are its $variables, `namespaces` its prefixes."""
        return self.selector.xpath(query, **kwargs)

    def jmespath(self, query: str, **kwargs: Any) -> "SelectorList":
        """Return the matches of a JMESPath query."""
        return cast("SelectorList", self.selector.jmespath(query, **kwargs))

    def follow(self, url: Any, callback: Any = None, *args: Any, **kwargs: Any) -> Request:
        if len(args) > _ENCODING:
            args = (*args[:_ENCODING], args[_ENCODING] or self.encoding, *args[_ENCODING + 1 :])
        elif kwargs.get("encoding") is None:
            kwargs["encoding"] = self.encoding
        return super().follow(url, callback, *args, **kwargs)

    def follow_all(
        self,
        urls: Iterable[Any] | None = None,
        callback: Any = None,
        *,
        css: str | None = None,
        xpath: str | None = None,
        **kwargs: Any,
    ) -> Iterator[Request]:
        """Yield the requests for several links: of `urls`, or the matches of a query. See `follow`.

        Elements that a query (or a SelectorList) found and that have no link are passed over.

        Raises:
            ValueError: not exactly one of `urls`, `css` and `xpath`.
        """
        if sum(argument is not None for argument in (urls, css, xpath)) != 1:
            raise ValueError("follow_all wants exactly one of urls, css, xpath")
        if css is not None:
            urls = self.css(css)
        elif xpath is not None:
            urls = self.xpath(xpath)
        if hasattr(urls, "getall"):
            urls = _links(urls or ())
        return super().follow_all(urls or (), callback, **kwargs)


@functools.cache
def _selector_class() -> "type[Selector]":
    """Return the class; it loads lxml, which a crawl of JSON does not need."""
    from aioscrapy.selector import Selector

    return Selector


def _links(selectors: Iterable[Any]) -> Iterator[str]:
    for selector in selectors:
        try:
            yield href_of(selector)
        except (ValueError, TypeError):
            continue


class HtmlResponse(TextResponse):
    """An HTML page."""

    selector_type = "html"
    __slots__ = ()


class XmlResponse(TextResponse):
    """An XML document."""

    selector_type = "xml"
    __slots__ = ()


class JsonResponse(TextResponse):
    """A JSON document."""

    selector_type = "json"
    __slots__ = ()
