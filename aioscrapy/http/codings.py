"""Content codings: a body is unpacked as it arrives, in pieces of bounded size, as leniently as browsers do.

Source: RFC 9110, 8.4; RFC 1950 to 1952 (zlib, deflate, gzip); RFC 9659 (the window of zstd).
"""

import re
import zlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any

try:
    import brotli
except ImportError:
    brotli = None
try:
    from compression import zstd  # Python 3.14
except ImportError:
    try:
        from backports import zstd
    except ImportError:
        zstd = None

# bytes of one piece that comes out of a decoder
_PIECE = 64 * 1024
# log2 of the largest window that a server may ask for: 8 MiB
_ZSTD_WINDOW = 23
# bytes of a header that may come before the first piece, and bytes that tell a stream from text
_LONGEST_START = 128 * 1024
_ENOUGH = 16
_GZIP_MAGIC = b"\x1f\x8b"
_GZIP_TRAILER = 8
_ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
_binary = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]").search


class CodingError(ValueError):
    """A body is not in the coding that its headers name, or is damaged."""


class UnpackedSizeError(ValueError):
    """A body unpacks to more bytes than it may have."""

    def __init__(self, decompressed_size: int, max_size: int) -> None:
        super().__init__(
            f"The number of bytes decompressed so far ({decompressed_size} B) exceeded the specified maximum "
            f"({max_size} B)."
        )
        self.decompressed_size = decompressed_size


class Decoder(ABC):
    """Unpacks one coding.

    `is_complete`: the end of the packed stream was reached; bytes behind it are ignored.
    """

    is_complete = False

    @abstractmethod
    def feed(self, data: bytes) -> Iterator[bytes]:
        """Yield what the next packed bytes unpack to, in pieces of about 64 KiB.

        Raises:
            CodingError: they can't be unpacked.
        """


class _Inflate(Decoder):
    """gzip and deflate; a checksum that is wrong or missing does not matter, as in browsers.

    Servers mix up the names, so the first bytes decide: gzip, zlib or, if the name is deflate, a raw stream.
    """

    def __init__(self, may_be_raw: bool = False) -> None:
        self._may_be_raw = may_be_raw
        self._inflate: Any = None
        self._held = b""  # bytes before a stream that wait for more

    def feed(self, data: bytes) -> Iterator[bytes]:
        data, self._held = self._held + data, b""
        while data:
            if self._inflate is None:
                size = _next_member(data) if self.is_complete else self._stream_start(data)
                if size is None:
                    ends = self.is_complete and not data.startswith(_GZIP_MAGIC, _GZIP_TRAILER)
                    self._held = data[: _GZIP_TRAILER + 2 if ends else _LONGEST_START]
                    return
                data, self._inflate = data[size:], zlib.decompressobj(-zlib.MAX_WBITS)
            yield from self._pieces(data)
            if not self._inflate.eof:
                return
            data, self._inflate, self.is_complete = self._inflate.unused_data, None, True

    def _stream_start(self, data: bytes) -> int | None:
        """Return the number of bytes before the deflate stream; None if more bytes are needed to know."""
        if len(data) < 2:
            return None
        if data.startswith(_GZIP_MAGIC):
            return _gzip_head(data)
        if data[0] & 0x0F == 8 and data[0] >> 4 <= 7 and int.from_bytes(data[:2]) % 31 == 0:
            return 2
        if not self._may_be_raw:
            raise CodingError("neither a gzip nor a zlib stream")
        return 0

    def _pieces(self, data: bytes) -> Iterator[bytes]:
        inflate = self._inflate
        try:
            while True:
                if piece := inflate.decompress(data, _PIECE):
                    yield piece
                data = inflate.unconsumed_tail
                # zlib may hold more than a full piece, also without further input
                if inflate.eof or not (data or len(piece) == _PIECE):
                    return
        except zlib.error as exc:
            raise CodingError(str(exc)) from None


def _next_member(data: bytes) -> int | None:
    """Return the number of bytes before the next stream of a gzip file; None where no other follows yet."""
    if not data.startswith(_GZIP_MAGIC, _GZIP_TRAILER):
        return None
    head = _gzip_head(data[_GZIP_TRAILER:])
    return None if head is None else _GZIP_TRAILER + head


def _gzip_head(data: bytes) -> int | None:
    """Return the length of a gzip header; None if it is not complete."""
    if len(data) < 10:
        return None
    if data[2] != 8:
        raise CodingError(f"gzip: unknown method {data[2]}")
    flags, size = data[3], 10
    if flags & 4:
        size += 2 + int.from_bytes(data[10:12], "little")
    for flag in (8, 16):  # a file name and a comment, each with a zero at its end
        if flags & flag:
            end = data.find(b"\0", size)
            if end < 0:
                return None
            size = end + 1
    size += 2 if flags & 2 else 0
    return size if size <= len(data) else None


class _Brotli(Decoder):
    """Brotli; the library refuses bytes behind a stream, so that what was fed is kept for a second look."""

    def __init__(self) -> None:
        self._brotli = brotli.Decompressor()
        self._fed: list[bytes] = []
        self._size = 0  # bytes that came out

    def feed(self, data: bytes) -> Iterator[bytes]:
        if self.is_complete:
            return
        self._fed.append(data)
        try:
            yield from self._pieces(self._brotli, data)
        except brotli.error as exc:
            yield from self._without_tail(exc)
        self.is_complete = self._brotli.is_finished()
        if self.is_complete:
            self._fed.clear()

    def _pieces(self, stream: Any, data: bytes) -> Iterator[bytes]:
        while piece := stream.process(data, output_buffer_limit=_PIECE):
            self._size += len(piece)
            yield piece
            data = b""  # an empty piece is the only sign that there is no more

    def _without_tail(self, problem: Exception) -> Iterator[bytes]:
        """Yield what did not come out before the error, from a new stream that ends at its own end."""
        known, self._size, self._brotli = self._size, 0, brotli.Decompressor()
        *before, last = self._fed
        for data in (*before, *(last[at : at + 1] for at in range(len(last)))):
            try:
                for piece in self._pieces(self._brotli, data):
                    if self._size > known:
                        yield piece[-(self._size - known) :]
            except brotli.error:
                break
            if self._brotli.is_finished():
                return
        raise CodingError(str(problem)) from None


class _Zstd(Decoder):
    def __init__(self) -> None:
        self._zstd = self._frame()
        self._held = b""  # bytes behind a frame that wait for more

    @staticmethod
    def _frame() -> Any:
        return zstd.ZstdDecompressor(options={zstd.DecompressionParameter.window_log_max: _ZSTD_WINDOW})

    def feed(self, data: bytes) -> Iterator[bytes]:
        data, self._held = self._held + data, b""
        try:
            while data or not (self.is_complete or self._zstd.needs_input):
                if self.is_complete:
                    if not data.startswith(_ZSTD_MAGIC):
                        self._held = data[: len(_ZSTD_MAGIC)]
                        return
                    self._zstd = self._frame()
                if piece := self._zstd.decompress(data, _PIECE):
                    yield piece
                self.is_complete = self._zstd.eof
                data = self._zstd.unused_data if self.is_complete else b""
        except zstd.ZstdError as exc:
            raise CodingError(str(exc)) from None


_DECODERS: dict[str, Callable[[], Decoder] | None] = {
    "gzip": _Inflate,
    "x-gzip": _Inflate,
    "deflate": partial(_Inflate, may_be_raw=True),
    "br": _Brotli if brotli is not None else None,
    "zstd": _Zstd if zstd is not None else None,
}
_PACKAGES = {"br": "brotli", "zstd": "backports.zstd"}

#: The Accept-Encoding header of a request that has none of its own.
ACCEPTED = ", ".join(name for name, decoder in _DECODERS.items() if decoder is not None and name != "x-gzip")


def decoders(values: Iterable[bytes]) -> list["Unpacker"]:
    """Return what unpacks a body with these Content-Encoding headers, in the order of unpacking.

    A name that is not a coding (none, identity, utf-8) is passed over: the body is as it is.

    Raises:
        CodingError: a package that unpacks the coding is not installed.
    """
    names = b",".join(values).decode("latin-1").lower().split(",")
    layers = []
    for name in (part.strip() for part in reversed(names)):
        if name not in _DECODERS:
            continue
        decoder = _DECODERS[name]
        if decoder is None:
            raise CodingError(f"Content-Encoding {name}: {_PACKAGES[name]} is not installed")
        layers.append(Unpacker(decoder()))
    return layers


class Unpacker:
    """A decoder that passes on what was never packed, whatever the headers say."""

    def __init__(self, decoder: Decoder) -> None:
        self._decoder: Decoder | None = decoder
        self._is_begun = False
        # what was fed before the first piece came out; None from there on
        self._start: bytes | None = b""

    @property
    def is_complete(self) -> bool:
        """The end of the packed stream was reached, or nothing was packed."""
        return self._decoder is None or self._decoder.is_complete or self._start == b""

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Yield what the next bytes unpack to.

        Raises:
            CodingError: they are damaged.
        """
        if self._start is not None and self._decoder is not None:
            if len(self._start) > _LONGEST_START:
                raise CodingError(f"nothing comes out of {len(self._start)} bytes")
            self._start += data
            if not self._is_begun:
                if len(self._start) < _ENOUGH:
                    return
                data, self._is_begun = self._start, True
                if _is_text(data[:64]):
                    self._decoder = None
        if self._decoder is None:
            yield data
            return
        yield from self._unpack(self._decoder, self._decoder.feed(data))

    def finish(self) -> Iterator[bytes]:
        """Yield a body that was too short to begin with.

        Raises:
            CodingError: it is damaged.
        """
        start, decoder = self._start, self._decoder
        if self._is_begun or not start or decoder is None:
            return
        if len(start) > 1 and _is_text(start):
            self._decoder = None
            yield start
            return
        yield from self._unpack(decoder, decoder.feed(start))
        if self._decoder and not decoder.is_complete and _is_text(start):
            self._decoder = None  # one letter; the empty stream of brotli is one, too
            yield start

    def _unpack(self, decoder: Decoder, pieces: Iterator[bytes]) -> Iterator[bytes]:
        try:
            for piece in pieces:
                self._start = None
                yield piece
        except CodingError:
            if self._start is None or not _is_text(self._start):
                raise
            self._decoder = None
            yield self._start


def _is_text(data: bytes) -> bool:
    """Return True for text, which no coding's stream looks like after its first few bytes."""
    return not _binary(data) and data.isascii()
