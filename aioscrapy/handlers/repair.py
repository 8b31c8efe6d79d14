"""Heads of answers that a strict parser refuses, rewritten as browsers read them.

Source: RFC 9112, 2.2, 5.2 and 6.3; what RFC 9112 leaves open is Chromium's reading, which the raw answers of
the tests record.
"""

import re
from collections.abc import Container, Iterable

#: Bytes of a head that browsers take at most.
MAX_HEAD = 256 * 1024
_VERSION_10 = {(b"1", b"0"), (b"0", b"9")}

_FRAMING = (b"content-length", b"transfer-encoding")

_head_end = re.compile(rb"\n\r*\n").search
_line_end = re.compile(rb"\r*\n")
_status = re.compile(
    rb"(?:HTTP|ICY)(?:/(?P<major>[0-9]+)(?:\.(?P<minor>[0-9]+))?)?"
    rb"[ \t]*(?P<code>[0-9]{3})?(?P<more>[0-9]*)[^ \t]*(?P<reason>.*)",
    re.IGNORECASE | re.DOTALL,
).match
# Blank bytes, and up to 4 others before the name of the protocol, which Chromium passes over
_junk = re.compile(rb"[\s\xef\xbb\xbf]{0,64}(?:[^\r\n]{1,4}(?=HTTP/))?", re.IGNORECASE).match
_token = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+").fullmatch
_digits = re.compile(rb"[0-9]{1,18}").fullmatch


class HeadError(ValueError):
    """A head has contradictory lengths of its body, or is not one of HTTP."""


def head_size(data: bytes) -> int | None:
    """Return the number of bytes up to the end of the first head; None if it is not complete.

    Blank lines before the head belong to it.
    """
    match = _head_end(data, _start(data))
    return None if match is None else match.end()


def repaired(head: bytes, without: Container[bytes] = ()) -> bytes:
    """Return the head in the form that every parser accepts; what browsers pass over is left out.

    `without`: names in lower case of headers that the parser refuses altogether.

    Raises:
        HeadError: browsers refuse this head, too.
    """
    first, *lines = _line_end.split(head[_start(head) :])
    status = _status(first)
    if status is None:
        raise HeadError(f"not an answer of HTTP: {first[:40]!r}")
    version = b"1.0" if (status["major"], status["minor"]) in _VERSION_10 else b"1.1"
    reason = re.sub(rb"[\x00-\x1f\x7f]", b"", status["reason"]).strip()
    headers = _fields(lines)
    framing = _framing(headers, is_http_11=version == b"1.1")
    others = [
        field for field in headers if (name := field[0].lower()) not in _FRAMING and name not in without
    ]
    fields = b"".join(b"%b: %b\r\n" % field for field in (*others, *framing))
    code = b"999" if status["more"] else status["code"] or b"200"  # 1000 is not an interim answer
    return b"HTTP/%b %b %b\r\n%b\r\n" % (version, code, reason[:1000], fields)


def hides_chunks(values: Iterable[bytes]) -> bool:
    """Return True for a Transfer-Encoding with "chunked", but not as its last word.

    RFC 9112 forbids it. Parsers take the body as it is, browsers as chunked.
    """
    words = [word.strip().lower() for word in b",".join(values).split(b",")]
    return b"chunked" in words[:-1] and words[-1] != b"chunked"


def _start(data: bytes) -> int:
    match = _junk(data)
    return match.end() if match else 0


def _fields(lines: list[bytes]) -> list[tuple[bytes, bytes]]:
    """Return (name, value) for each line that is a header, folded lines joined."""
    fields: list[tuple[bytes, bytes]] = []
    for line in lines:
        if not line:
            break
        if line[:1] in b" \t":
            if fields:
                name, value = fields[-1]
                fields[-1] = name, b"%b %b" % (value, line.strip())
            continue
        name, colon, value = line.partition(b":")
        name = name.rstrip(b" \t")
        if colon and _token(name):
            fields.append((name, value.replace(b"\0", b"").replace(b"\r", b" ").strip(b" \t")))
    return fields


def _framing(fields: list[tuple[bytes, bytes]], is_http_11: bool) -> list[tuple[bytes, bytes]]:
    """Return the header that defines the end of the body; none if the close of the connection ends it."""
    codings = _values(fields, b"transfer-encoding")
    if is_http_11 and b"chunked" in (coding.lower() for coding in codings):
        return [(b"Transfer-Encoding", b"chunked")]
    lengths = set(_values(fields, b"content-length"))
    if not lengths or not all(map(_digits, lengths)):
        return []
    if len({int(length) for length in lengths}) > 1:
        raise HeadError("several different values of Content-Length")
    return [(b"Content-Length", lengths.pop())]


def _values(fields: list[tuple[bytes, bytes]], header: bytes) -> list[bytes]:
    """Return the elements of a header's list, of all its lines."""
    return [part.strip() for name, value in fields if name.lower() == header for part in value.split(b",")]
