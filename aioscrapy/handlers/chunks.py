"""A chunked body, read as browsers read it."""

import re
from collections.abc import Iterator

# bytes of a line with a size, an extension or a trailer
_MAX_LINE = 16 * 1024
_size = re.compile(rb"[0-9A-Fa-f]+(?=[ \t]*(?:;|\Z))").match


class ChunkError(ValueError):
    """What stands between two chunks is not a size, in browsers either."""


class Chunks:
    """Takes the framing off a body: lines may end by a line feed, extensions and trailers may be anything.

    `is_complete`: the last chunk and the trailers have been read.

    Source: RFC 9112, 7.1; what it leaves open is Chromium's reading.
    """

    def __init__(self) -> None:
        self.is_complete = False
        self._held = b""  # a line that is not complete
        self._left = 0  # bytes of the current chunk that are still to come
        self._is_behind_data = False
        self._is_trailer = False

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Yield the pieces of the body that these bytes have.

        Raises:
            ChunkError: browsers refuse them, too.
        """
        data, self._held = self._held + data, b""
        while data and not self.is_complete:
            if self._left:
                piece, data = data[: self._left], data[self._left :]
                self._left -= len(piece)
                yield piece
                continue
            line, end, rest = data.partition(b"\n")
            if len(line) > _MAX_LINE:
                raise ChunkError(f"a line of more than {_MAX_LINE} bytes between two chunks")
            if not end:
                self._held = data
                return
            data = rest
            self._read_line(line.removesuffix(b"\r"))

    def _read_line(self, line: bytes) -> None:
        if self._is_trailer:
            self.is_complete = not line
        elif self._is_behind_data:
            if line:
                raise ChunkError(f"no line end behind a chunk: {line[:20]!r}")
            self._is_behind_data = False
        else:
            match = _size(line)
            if match is None:
                raise ChunkError(f"not the size of a chunk: {line[:20]!r}")
            self._left = int(match[0], 16)
            self._is_trailer, self._is_behind_data = not self._left, bool(self._left)
