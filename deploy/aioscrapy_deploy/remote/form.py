"""The body of an upload, sent piece by piece."""

import io
from collections.abc import Callable, Mapping, Sequence

Sent = Callable[[int], None]


class Body(io.RawIOBase):
    """The parts of a body, read as one file; an egg in it is not copied.

    `len` is the number of all bytes, `sent` the number of bytes read so far; `on_sent` is called with it.
    """

    def __init__(self, parts: Sequence[bytes], on_sent: Sent | None = None) -> None:
        self._parts = [memoryview(part) for part in parts]
        self._size = sum(map(len, self._parts))
        self._on_sent = on_sent
        self.sent = 0

    def __len__(self) -> int:
        return self._size

    def readable(self) -> bool:
        return True

    def tell(self) -> int:
        return self.sent

    def seek(self, position: int, whence: int = 0) -> int:
        """Go back: requests does at a redirect, although it is told to follow none."""
        self.sent = position
        return position

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]  # all that RawIOBase gives
        start = self.sent
        for part in self._parts:
            if start < len(part):
                piece = part[start : start + len(buffer)]
                buffer[: len(piece)] = piece
                self.sent += len(piece)
                if self._on_sent:
                    self._on_sent(self.sent)
                return len(piece)
            start -= len(part)
        return 0


def egg_form(fields: Mapping[str, str], egg: bytes, on_sent: Sent | None = None) -> tuple[Body, str]:
    """Return the form of addversion.json, text fields and then the egg, and its content type."""
    from urllib3 import encode_multipart_formdata

    marker = b"the egg"  # in the place of the egg; urllib3 writes the rest
    body, content_type = encode_multipart_formdata(
        [*fields.items(), ("egg", ("project.egg", marker, "application/octet-stream"))]
    )
    head, _, tail = body.rpartition(marker)
    return Body([head, egg, tail], on_sent), content_type
