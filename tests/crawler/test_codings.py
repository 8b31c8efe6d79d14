"""Content codings: every size and every split of a body unpacks to the same bytes."""

import gzip
import zlib
from itertools import pairwise

import brotli
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aioscrapy.http.codings import _PIECE, ACCEPTED, CodingError, decoders, zstd


def raw_deflate(data: bytes) -> bytes:
    stream = zlib.compressobj(wbits=-15)
    return stream.compress(data) + stream.flush()


PACKERS = {
    "gzip": gzip.compress,
    "x-gzip": gzip.compress,
    "deflate": zlib.compress,
    "DEFLATE": raw_deflate,
    "br": brotli.compress,
    "zstd": zstd.compress,
    "gzip, br": lambda data: brotli.compress(gzip.compress(data)),
}


def unpack(coding: str, *parts: bytes) -> bytes:
    """Return what the parts unpack to, through every layer, as `Body` does it."""
    layers = decoders([coding.encode()])

    def through(number: int, data: bytes) -> bytes:
        if number == len(layers):
            return data
        return b"".join(through(number + 1, piece) for piece in layers[number].feed(data))

    unpacked = b"".join(through(0, part) for part in parts)
    for number, layer in enumerate(layers):
        unpacked += b"".join(through(number + 1, piece) for piece in layer.finish())
    assert all(layer.is_complete for layer in layers)
    return unpacked


@pytest.mark.parametrize("coding", PACKERS)
@pytest.mark.parametrize(
    "size", [1, 100, _PIECE - 1, _PIECE, _PIECE + 1, 2 * _PIECE, 3 * _PIECE, 10 * _PIECE, 5_000_000]
)
def test_a_body_of_any_size_is_unpacked(coding: str, size: int) -> None:
    for data in (bytes(size), (bytes(range(256)) * (size // 256 + 1))[:size]):
        packed = PACKERS[coding](data)
        assert unpack(coding, packed) == data
        assert unpack(coding, *(packed[at : at + 4096] for at in range(0, len(packed), 4096))) == data


@pytest.mark.parametrize("coding", PACKERS)
@given(st.binary(max_size=300), st.sets(st.integers(0, 400), max_size=5), st.binary(max_size=20))
def test_a_body_that_is_split_anywhere_is_unpacked(
    coding: str, data: bytes, cuts: set[int], tail: bytes
) -> None:
    packed = PACKERS[coding](data)
    if data and not coding.lower().startswith(("gzip", "x-gzip", "zstd")):
        packed += tail  # what looks like a further member would be read as one
    ends = [0, *sorted(cut for cut in cuts if cut < len(packed)), len(packed)]
    assert unpack(coding, *(packed[start:end] for start, end in pairwise(ends) if start < end)) == data


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "zstd"])
@given(st.text(alphabet=st.characters(min_codepoint=32, max_codepoint=126), max_size=200))
def test_text_that_was_never_packed_stays_as_it_is(coding: str, text: str) -> None:
    data = text.encode()
    layer = decoders([coding.encode()])[0]
    unpacked = b"".join([*layer.feed(data[:3]), *layer.feed(data[3:]), *layer.finish()])
    assert unpacked == data or (coding == "br" and len(data) == 1)  # brotli has empty streams of one byte


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "zstd"])
@given(st.binary(min_size=1, max_size=300))
def test_no_bytes_break_a_decoder(coding: str, data: bytes) -> None:
    layer = decoders([coding.encode()])[0]
    try:
        assert len(b"".join([*layer.feed(data), *layer.finish()])) < 1_000_000
    except CodingError as problem:
        assert str(problem)  # noqa: PT017 either end is right


@pytest.mark.parametrize("value", [b"", b"identity", b"none", b"utf-8", b",", b"text/html", b"\xff"])
def test_a_name_that_is_not_a_coding_is_passed_over(value: bytes) -> None:
    assert decoders([value]) == []


def test_what_can_be_unpacked_is_asked_for() -> None:
    assert ACCEPTED == "gzip, deflate, br, zstd"
