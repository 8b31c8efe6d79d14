"""Unpack bodies as Scrapy's middleware does; what our download handlers return is unpacked already.

So this middleware runs only in a crawl with a download handler of the project, or if the project names it or
derives from it.
"""

import logging
from collections.abc import Iterable, Iterator
from typing import Any, Self

from aioscrapy import signals
from aioscrapy.context import CrawlContext
from aioscrapy.exceptions import IgnoreRequest, NotConfigured
from aioscrapy.hooks import UNREAD
from aioscrapy.http.codings import ACCEPTED, CodingError, UnpackedSizeError, Unpacker, decoders
from aioscrapy.http.request import Request
from aioscrapy.http.response import Response
from aioscrapy.http.responsetypes import response_class
from aioscrapy.http.text import TextResponse

logger = logging.getLogger(__name__)

# The codings that can be unpacked here; brotli and zstd need their packages.
ACCEPTED_ENCODINGS = [name.encode() for name in ACCEPTED.split(", ")]
# Bytes of a body without settings: those of DOWNLOAD_MAXSIZE and DOWNLOAD_WARNSIZE in Scrapy.
_MAX_SIZE, _WARN_SIZE = 1 << 30, 32 << 20


# What a packed body begins with, gzip's and zstd's.
_STREAMS = (b"\x1f\x8b", b"\x28\xb5\x2f\xfd")


class HttpCompressionMiddleware:
    """Asks for compressed bodies, and unpacks those that come."""

    def __init__(self, stats: Any = None, *, crawler: CrawlContext | None = None) -> None:
        self.stats = crawler.stats if crawler else stats
        self.crawler = crawler
        self._max_size = crawler.settings.getint("DOWNLOAD_MAXSIZE") if crawler else _MAX_SIZE
        self._warn_size = crawler.settings.getint("DOWNLOAD_WARNSIZE") if crawler else _WARN_SIZE

    @classmethod
    def from_crawler(cls, crawler: CrawlContext) -> Self:
        """Create the middleware; leave it out if COMPRESSION_ENABLED is off."""
        if not crawler.settings.getbool("COMPRESSION_ENABLED", True):
            raise NotConfigured
        try:
            middleware = cls(crawler=crawler)
        except TypeError:  # the constructor of a subclass, from before Scrapy passed the crawler
            middleware = cls(crawler.stats)
        crawler.signals.connect(middleware.open_spider, signals.spider_opened)
        return middleware

    def open_spider(self, spider: Any) -> None:
        """Take the limits that are attributes of the spider."""
        self._max_size = getattr(spider, "download_maxsize", self._max_size)
        self._warn_size = getattr(spider, "download_warnsize", self._warn_size)

    def process_request(self, request: Request, spider: Any = UNREAD) -> Request | Response | None:
        """Set Accept-Encoding, unless the request has it."""
        request.headers.setdefault("Accept-Encoding", b", ".join(ACCEPTED_ENCODINGS))
        return None

    def process_response(
        self, request: Request, response: Response, spider: Any = UNREAD
    ) -> Response | Request:
        """Return the response with its body unpacked; itself if no header says that it is packed.

        Raises:
            IgnoreRequest: the body unpacks to more than DOWNLOAD_MAXSIZE.
            CodingError: it is damaged.
        """
        values = response.headers.getlist("Content-Encoding")
        if request.method == "HEAD" or not values:
            return response
        unknown, known = split(values)
        max_size = request.meta.get("download_maxsize", self._max_size)
        try:
            body = unpacked(response.body, decoders([b",".join(known)]), max_size)
        except UnpackedSizeError as exc:
            text = (
                f"Ignored response {response}: its {len(response.body)} B unpack to more than "
                f"DOWNLOAD_MAXSIZE ({max_size} B)"
            )
            logger.warning(text)
            raise IgnoreRequest(text) from exc
        except CodingError as exc:
            if response.body.startswith(_STREAMS):
                raise
            # many clients unpack a body and leave its header
            logger.debug("%s: the body is not packed as its Content-Encoding says: %s", response, exc)
            body = response.body
        self._note(request, response, body, unknown)
        return _with_body(response, body, unknown)

    def _note(self, request: Request, response: Response, body: bytes, unknown: list[bytes]) -> None:
        warn_size = request.meta.get("download_warnsize", self._warn_size)
        if len(response.body) < warn_size <= len(body):
            logger.warning(
                "%s body size after decompression (%d B) is larger than the download warning size (%d B).",
                *(response, len(body), warn_size),
            )
        if unknown:
            logger.warning(
                "%s cannot decode the response for %s from unsupported encoding(s) '%s'.",
                *(type(self).__name__, response.url, b",".join(unknown).decode("latin-1")),
            )
        if self.stats:
            self.stats.inc_value("httpcompression/response_bytes", len(body))
            self.stats.inc_value("httpcompression/response_count")


def split(values: Iterable[bytes]) -> tuple[list[bytes], list[bytes]]:
    """Return the codings that stay on a body, and those that can be taken off, each in their order."""
    names = [name.strip().lower() for value in values for name in value.split(b",")]
    at = len(names)
    while at and names[at - 1] in {*ACCEPTED_ENCODINGS, b"x-gzip"}:
        at -= 1
    return names[:at], names[at:]


def unpacked(body: bytes, layers: list[Unpacker], max_size: int = 0) -> bytes:
    """Return a body without its codings; as much of a body that was cut as can be unpacked.

    Raises:
        CodingError: nothing of it can be unpacked.
        UnpackedSizeError: it has more than `max_size` bytes (0: no limit).
    """
    parts: list[bytes] = []
    size = 0
    try:
        for piece in _pieces([body], layers):
            parts.append(piece)
            size += len(piece)
            if max_size and size > max_size:
                raise UnpackedSizeError(size, max_size)
    except UnpackedSizeError:
        raise
    except CodingError:
        if not parts:
            raise
    return b"".join(parts)


def _pieces(pieces: Iterable[bytes], layers: list[Unpacker]) -> Iterator[bytes]:
    for layer in layers:
        pieces = _through(pieces, layer)
    yield from pieces


def _through(pieces: Iterable[bytes], layer: Unpacker) -> Iterator[bytes]:
    for piece in pieces:
        yield from layer.feed(piece)
    yield from layer.finish()


def _with_body(response: Response, body: bytes, unknown: list[bytes]) -> Response:
    headers = response.headers.copy()
    if unknown:
        headers["Content-Encoding"] = unknown
    else:
        del headers["Content-Encoding"]
    cls = response_class(headers, response.url, body)
    # the encoding that was guessed from packed bytes is of no use
    encoding: dict[str, Any] = {"encoding": None} if issubclass(cls, TextResponse) else {}
    return response.replace(cls=cls, headers=headers, body=body, **encoding)
