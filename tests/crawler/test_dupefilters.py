"""Duplicate filters: exact, Bloom and none, in memory and in Redis; a fingerprint is new once."""

import asyncio
from collections.abc import Callable, Iterable
from hashlib import blake2b
from itertools import chain
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aioscrapy.dupefilters import disk, memory
from aioscrapy.dupefilters import redis as in_redis
from aioscrapy.exceptions import SettingError
from support.context import context
from support.crawling import Everything, crawl
from support.frontier import TAG, Worker, crawl_id, numbers, page
from support.site import Site

Mark = Callable[[Iterable[bytes]], list[bool]]


def fingerprint(number: int, kind: str = "u") -> bytes:
    return blake2b(f"{kind}{number}".encode(), digest_size=16).digest()


def fingerprints(count: int, kind: str = "u") -> list[bytes]:
    return [fingerprint(number, kind) for number in range(count)]


def bloom(**settings: Any) -> in_redis.BloomDupeFilter:
    return in_redis.BloomDupeFilter.from_crawler(context(settings))


def marker(redis: Any, made: in_redis.RedisDupeFilter, key: str = "filter") -> Mark:
    """Return a function that marks fingerprints by the Lua that ships: was each of them new?"""
    source = "local FILTER = 1\n" + made.lua + "\nlocal new = {}\n"
    source += "for i, fp in ipairs(ARGV) do new[i] = mark(fp) and 1 or 0 end\nmarked()\nreturn new"
    script = redis.register_script(source)

    def mark(given: Iterable[bytes]) -> list[bool]:
        return [bool(new) for new in script(keys=[key], args=list(given))]

    return mark


@pytest.fixture(params=["memory", "redis set", "redis bloom"])
def mark(request: pytest.FixtureRequest) -> Mark:
    """Mark fingerprints in each kind of filter that remembers."""
    if request.param == "memory":
        local = memory.RFPDupeFilter.from_crawler(context())
        return lambda given: [local.add(fp) for fp in given]
    request.getfixturevalue("redis_url")
    redis = request.getfixturevalue("redis")
    made = bloom() if "bloom" in request.param else in_redis.RFPDupeFilter.from_crawler(context())
    return marker(redis, made)


def test_a_fingerprint_is_new_once(mark: Mark) -> None:
    first = fingerprints(3000)
    assert mark(first) == [True] * 3000
    assert mark(first) == [False] * 3000
    assert mark([fingerprint(1, "v"), fingerprint(1, "v"), fingerprint(1)]) == [True, False, False]


def test_fingerprints_may_hold_any_byte(mark: Mark) -> None:
    odd = [bytes(16), b"\xff" * 16, b"\n" * 16, b"}{" * 8, bytes(range(16))]
    assert mark(odd) == [True] * len(odd)
    assert mark(odd) == [False] * len(odd)


@given(st.lists(st.binary(min_size=16, max_size=16)))
def test_the_exact_filter_agrees_with_a_set(given_fps: list[bytes]) -> None:
    made = memory.RFPDupeFilter()
    assert sum(made.add(fp) for fp in given_fps) == len(set(given_fps)) == len(made)


def test_a_cleared_filter_has_forgotten_everything() -> None:
    made = memory.RFPDupeFilter()
    made.add(fingerprint(1))
    made.clear()
    assert len(made) == 0
    assert made.add(fingerprint(1))


def test_no_filter_calls_everything_new(redis_url: str, redis: Any) -> None:
    nothing = memory.BaseDupeFilter()
    assert [nothing.add(fingerprint(1)) for _ in range(2)] == [True, True]
    assert not nothing.remembers
    mark = marker(redis, in_redis.BaseDupeFilter())
    assert mark([fingerprint(1), fingerprint(1)]) == [True, True]
    assert redis.dbsize() == 0


def test_the_names_of_aio_scrapy_are_there() -> None:
    assert disk.DiskRFPDupeFilter is disk.RFPDupeFilter
    assert in_redis.RedisRFPDupeFilter is in_redis.RFPDupeFilter
    assert in_redis.RedisBloomDupeFilter is in_redis.BloomDupeFilter


# -- The Bloom filter: memory, growth, rate


def test_twenty_urls_cost_little_whatever_the_bound_is(redis_url: str, redis: Any) -> None:
    mark = marker(redis, bloom(BLOOMFILTER_BIT=30, BLOOMFILTER_HASH_NUMBER=6))
    mark(fingerprints(20))
    assert redis.memory_usage("filter") < 100 * 1024


@pytest.mark.parametrize("probes", [6, 12])
def test_it_grows_with_what_is_in_it_and_keeps_its_rate(redis_url: str, redis: Any, probes: int) -> None:
    made = bloom(BLOOMFILTER_HASH_NUMBER=probes)
    mark = marker(redis, made)
    count = 12_000
    new = sum(sum(mark(fingerprints(count)[start : start + 2000])) for start in range(0, count, 2000))
    assert count - new <= 1  # 1e-6 for each of 12,000: once in 80 runs it would be one
    assert sum(mark(fingerprints(count))) == 0
    layers = filled(redis)
    assert sum(layers) == new
    assert len(layers) >= 2  # the first one was too small
    assert 0 < made.error_rate(layers) < 1e-6
    assert redis.memory_usage("filter") < 2 * 1024 * 1024  # three layers of 4.7 Mbit; Redis allots double


def test_at_its_bound_it_stops_growing_and_says_how_good_it_still_is(redis_url: str, redis: Any) -> None:
    made = bloom(BLOOMFILTER_BIT=16, BLOOMFILTER_HASH_NUMBER=6)
    mark = marker(redis, made)
    new = sum(mark(fingerprints(8000)))
    assert redis.memory_usage("filter") < 32 * 1024
    layers = filled(redis)
    assert layers == [new]
    predicted = made.error_rate(layers)
    asked = fingerprints(4000, "never")
    wrong = mark(asked).count(False) / len(asked)
    assert predicted * 0.5 < wrong < predicted * 2 + 0.05
    assert sum(mark(fingerprints(8000))) == 0  # whatever the rate: it never forgets


def filled(redis: Any) -> list[int]:
    """Return the counts of fingerprints in the header of the filter's string."""
    header = redis.connection_pool.connection_kwargs.get("decode_responses")
    assert header
    fields = redis.bitfield("filter")
    for index in range(16):
        fields.get("u32", f"#{index}")
    return [count for count in fields.execute() if count]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("BLOOMFILTER_BIT", 9),
        ("BLOOMFILTER_BIT", 33),
        ("BLOOMFILTER_HASH_NUMBER", 0),
        ("BLOOMFILTER_HASH_NUMBER", 33),
        ("BLOOMFILTER_ERROR_RATE", 0),
        ("BLOOMFILTER_ERROR_RATE", 1),
    ],
)
def test_a_number_out_of_its_range_is_named(name: str, value: float) -> None:
    with pytest.raises(SettingError, match=name):
        bloom(**{name: value})


@pytest.mark.parametrize("name", ["RFPDupeFilter", "BloomDupeFilter"])
async def test_the_marks_are_set_inside_the_commit(shared: dict[str, Any], redis: Any, name: str) -> None:
    chosen = {"DUPEFILTER_CLASS": f"aioscrapy.dupefilters.redis.{name}"}
    async with Worker({**shared, **chosen}) as first, Worker({**shared, **chosen}) as second:
        await first.seed(page(1), page(2), page(1))
        lease = await second.take_request()
        assert lease.request is not None
        await second.done(lease, page(2), page(3))  # its own memory of links doesn't know page 2
        rest = await asyncio.gather(first.rest(), second.rest())
        assert sorted(numbers([lease.request.url, *chain(*rest)])) == [1, 2, 3]
        assert first.stat("dupefilter/filtered") + second.stat("dupefilter/filtered") == 2
        key = f"{TAG}:{crawl_id(first)}:{'seen' if name.startswith('RFP') else 'bloom'}"
        assert redis.exists(key)


async def test_the_fill_of_the_filter_is_in_the_stats(redis_url: str, site: Site) -> None:
    settings = {
        "SCHEDULER_QUEUE_CLASS": "aioscrapy.queue.redis.SpiderPriorityQueue",
        "DUPEFILTER_CLASS": "aioscrapy.dupefilters.redis.RedisBloomDupeFilter",
        "REDIS_ARGS": {"queue": {"url": redis_url}},
    }
    crawled = await crawl(Everything, settings, site=site.url)
    assert crawled.stat("dupefilter/fingerprints") == len(site.urls)
    assert 0 < crawled.stat("dupefilter/bloom/error_rate") < 1e-6
    assert crawled.stat("dupefilter/bloom/bytes") < 10_000


async def test_a_filter_that_is_too_full_is_a_warning(
    redis_url: str, site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    settings = {
        "SCHEDULER_QUEUE_CLASS": "aioscrapy.queue.redis.SpiderPriorityQueue",
        "DUPEFILTER_CLASS": "aioscrapy.dupefilters.redis.RedisBloomDupeFilter",
        "REDIS_ARGS": {"queue": {"url": redis_url}},
        "BLOOMFILTER_BIT": 10,
        "BLOOMFILTER_HASH_NUMBER": 6,
    }
    crawled = await crawl(Everything, settings, site=site.url)
    assert crawled.stat("dupefilter/bloom/error_rate") > 1e-6
    assert [line for line in caplog.messages if "The Bloom filter is too full" in line]
