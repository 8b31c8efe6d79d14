"""A chunked body is read the same in pieces of any size, and as browsers read it."""

import pytest

from aioscrapy.handlers.chunks import ChunkError, Chunks


def read(*parts: bytes) -> tuple[bytes, bool]:
    chunks = Chunks()
    body = b"".join(piece for part in parts for piece in chunks.feed(part))
    return body, chunks.is_complete


@pytest.mark.parametrize(
    "framed",
    [
        b"4\r\nabcd\r\n3\r\nefg\r\n0\r\n\r\n",
        b"4\nabcd\n3\nefg\n0\n\n",
        b"004 \t;a = b\r\nabcd\r\n3;\xe9\0\r\nefg\r\n000\r\nodd\r\nX: 1\r\n\r\n",
    ],
)
def test_pieces_of_any_size_are_one_body(framed: bytes) -> None:
    for cut in range(len(framed)):
        assert read(framed[:cut], framed[cut:]) == (b"abcdefg", True)
    assert read(*(framed[at : at + 1] for at in range(len(framed)))) == (b"abcdefg", True)
    assert read(framed[:-1]) == (b"abcdefg", False)
    assert read(framed + b"HTTP/1.1 200 OK\r\n") == (b"abcdefg", True)


@pytest.mark.parametrize(
    "framed",
    [
        b"x\r\n",
        b"-1\r\n",
        b"+1\r\na",
        b"0x1\r\na",
        b" 1\r\na",
        b"1 a\r\na",
        b"\r\n1\r\na",
        b"1\r\nab\r\n",
        b"1" * 20_000,
    ],
)
def test_what_browsers_refuse_is_refused(framed: bytes) -> None:
    with pytest.raises(ChunkError):
        read(framed)
