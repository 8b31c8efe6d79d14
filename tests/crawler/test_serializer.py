"""Serializers: what goes in comes out; what can't is said in one line."""

import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aioscrapy.exceptions import SerializeError
from aioscrapy.serializer import JsonSerializer, MsgpackSerializer, PickleSerializer, Serializer

DATA = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)
SERIALIZERS: list[Serializer] = [JsonSerializer(), MsgpackSerializer(), PickleSerializer()]
all_serializers = pytest.mark.parametrize("serializer", SERIALIZERS, ids=lambda one: type(one).__name__)


@all_serializers
@given(data=DATA)
def test_what_goes_in_comes_out(serializer: Serializer, data: object) -> None:
    written = serializer.dumps(data)
    assert isinstance(written, bytes)
    assert serializer.loads(written) == data


@all_serializers
def test_what_can_not_be_written_is_said(serializer: Serializer) -> None:
    with pytest.raises(SerializeError, match="can't be written as"):
        serializer.dumps({"a": lambda: None})


@all_serializers
@pytest.mark.parametrize("data", [b"", b"\xc1\xff{", b'{"a"'])
def test_what_can_not_be_read_is_shown(serializer: Serializer, data: bytes) -> None:
    with pytest.raises(SerializeError, match=r"not (JSON|MessagePack|pickle): b"):
        serializer.loads(data)


def test_json_is_compact_and_ascii() -> None:
    assert JsonSerializer.dumps({"a": ["é", "\ud800", 1]}) == b'{"a":["\\u00e9","\\ud800",1]}'


def test_json_refuses_what_contains_itself() -> None:
    loop: list[object] = []
    loop.append(loop)
    with pytest.raises(SerializeError):
        JsonSerializer.dumps(loop)


def test_msgpack_refuses_a_number_that_is_too_large() -> None:
    with pytest.raises(SerializeError, match="MessagePack"):
        MsgpackSerializer.dumps(2**64)


def test_pickle_warns_at_creation(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        PickleSerializer()
    assert "run code" in caplog.text
