"""Serializers: what goes in comes out; what can't is said in one line."""

import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aioscrapy.exceptions import SerializeError
from aioscrapy.frontier_settings import serializer_of
from aioscrapy.serializer import JsonSerializer, MsgpackSerializer, PickleSerializer, Serializer, reader_of
from aioscrapy.settings import PRIORITIES, Settings
from support.crawling import SiteSpider, crawl
from support.frontier import redis_settings
from support.site import Site

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


def test_what_other_programs_push_is_json_whatever_the_serializer() -> None:
    for serializer in SERIALIZERS:
        read = reader_of(serializer)
        assert read(b'{"url": "http://a/"}') == {"url": "http://a/"}
        assert read(serializer.dumps({"url": "http://a/"})) == {"url": "http://a/"}


PICKLE = "aioscrapy.serializer.PickleSerializer"


async def test_a_crawl_with_pickle_says_that_its_redis_can_run_code(
    site: Site, redis_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, "aioscrapy"):
        await crawl(
            SiteSpider, redis_settings(redis_url, SCHEDULER_SERIALIZER=PICKLE), site=site.url, pages=2
        )
    assert caplog.text.count("can run code in this process") == 1


def test_a_pool_of_workers_that_takes_pickle_itself_says_nothing(caplog: pytest.LogCaptureFixture) -> None:
    settings = Settings()
    settings.set("SCHEDULER_SERIALIZER", PICKLE, max(PRIORITIES.values()) + 10)
    assert isinstance(serializer_of(settings), PickleSerializer)
    assert not caplog.text
