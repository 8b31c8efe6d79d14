"""The bodies of forms whose `enctype` is not the usual one.

Source: the HTML Standard, "Multipart form data" and "Plain text form data".
"""

import re
from collections.abc import Callable
from hashlib import sha256

Pairs = list[tuple[bytes, bytes]]

_line_end = re.compile(rb"\r\n|\r|\n").sub
_ESCAPES = ((b"\r", b"%0D"), (b"\n", b"%0A"), (b'"', b"%22"))


def multipart(pairs: Pairs, files: frozenset[bytes]) -> tuple[bytes, str]:
    """Return the body of a form as parts, and its Content-Type; the same pairs give the same bytes.

    The value of a name in `files`, the file inputs without a file, is an empty file.
    """
    digest = sha256(repr(pairs).encode()).hexdigest()[:32]
    boundary = f"----FormBoundary{digest}"
    parts = []
    for name, value in pairs:
        line = _line_end(b"\r\n", name)
        for character, escape in _ESCAPES:
            line = line.replace(character, escape)
        head = b'Content-Disposition: form-data; name="' + line + b'"'
        if name in files and not value:
            head += b'; filename=""\r\nContent-Type: application/octet-stream'
        parts.append(b"--%b\r\n%b\r\n\r\n%b\r\n" % (boundary.encode(), head, value))
    return b"".join(parts) + b"--%b--\r\n" % boundary.encode(), f"multipart/form-data; boundary={boundary}"


def plain_text(pairs: Pairs, files: frozenset[bytes]) -> tuple[bytes, str]:
    """Return the body of a form as lines NAME=VALUE, and its Content-Type."""
    return b"".join(b"%b=%b\r\n" % pair for pair in pairs), "text/plain"


ENCODERS: dict[str, Callable[[Pairs, frozenset[bytes]], tuple[bytes, str]]] = {
    "multipart/form-data": multipart,
    "text/plain": plain_text,
}
