"""Bodies in the format of gzip."""

import struct
from gzip import GzipFile
from io import BytesIO
from typing import Any

_BLOCK = 1 << 16


def gunzip(data: bytes, *, max_size: int = 0) -> bytes:
    """Return the contents of a gzip file, as far as it can be read.

    Raises:
        OSError, EOFError, struct.error: nothing of it can be read.
        ValueError: the contents have more than `max_size` bytes (0: no limit).
    """
    contents = BytesIO()
    with GzipFile(fileobj=BytesIO(data)) as file:
        while True:
            try:
                block = file.read1(_BLOCK)
            except (OSError, EOFError, struct.error):
                if contents.tell():
                    break
                raise
            if not block:
                break
            contents.write(block)
            if max_size and contents.tell() > max_size:
                raise ValueError(f"the contents have more than {max_size} bytes")
    return contents.getvalue()


def gzip_magic_number(response: Any) -> bool:
    """Return True if the body is a gzip file."""
    return bool(response.body[:3] == b"\x1f\x8b\x08")
