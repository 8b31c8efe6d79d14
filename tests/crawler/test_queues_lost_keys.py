"""A Redis that forgets keys of a crawl: no worker hangs, and no crawl lacks pages in silence."""

import asyncio
import random
import re
from collections import Counter
from typing import Any

import msgpack
import pytest
from redis.exceptions import RedisError

from aioscrapy.crawls.keys import OWN
from aioscrapy.crawls.member import Member
from aioscrapy.crawls.script import lua
from aioscrapy.db import db_manager
from aioscrapy.dupefilters.redis import RFPDupeFilter
from aioscrapy.ends import Reason
from aioscrapy.exceptions import StoreError
from aioscrapy.queue.base import Entry, Lease, Page, State
from aioscrapy.queue.joining import source
from aioscrapy.queue.redis import SpiderPriorityQueue
from support.context import context
from support.frontier import TAG, Worker, crawl_id, figures, page, redis_settings

FIRST, LAST = range(1, 11), range(11, 21)  # pages of the seeding; each leads to one of the others
SPIDER_KEYS = ("current", "crawls")
MOMENTS = ("seeded", "at work", "near the end")
SHORT = {
    "CONCURRENT_REQUESTS": 2,
    "SCHEDULER_PREFETCH": 0,
    "SCHEDULER_LEASE": 1.0,
    "SCHEDULER_HEARTBEAT": 0.2,
}


async def crawl_to_the_end(worker: Worker, visits: Counter[int]) -> None:
    """Do all that is left; each of the first pages leads to another, after a short delay or at once."""
    while (lease := await worker.take()) is not None:
        if lease.request is None:
            await worker.done(lease, *(page(number) for number in FIRST))
            continue
        number = number_of(lease)
        visits[number] += 1
        links = [page(number + 10)] if number in FIRST else []
        entries = worker.entries(links)
        if number % 2:
            for entry in entries:
                entry.delay_s = 0.3
        await worker.done(lease, *entries)


def all_cases() -> list[Any]:
    """Return every key with every moment, then some random sets of keys."""
    paced = ("ready", "hosts", "leased", "slots", "resting")
    cases: list[tuple[tuple[str, ...], str, str]] = []
    for suffix in (*OWN, *SPIDER_KEYS):
        for moment in MOMENTS:
            scopes = ("worker", "crawl") if suffix in paced else ("worker",)
            cases += [((suffix,), moment, scope) for scope in scopes]
    source = random.Random(7)
    for _ in range(20):
        lost = source.sample([*OWN, *SPIDER_KEYS], source.randint(2, 6))
        cases.append((tuple(lost), source.choice(MOMENTS), source.choice(("worker", "crawl"))))
    return [pytest.param(*case, id="-".join((*case[0], *case[1:]))) for case in cases]


def number_of(lease: Lease) -> int:
    assert lease.request is not None
    return int(lease.request.url.rpartition("/")[2])


@pytest.mark.parametrize(("lost", "moment", "scope"), all_cases())
async def test_lost_keys_are_noticed(
    redis_url: str, redis: Any, no_connection_is_left: None, lost: tuple[str, ...], moment: str, scope: str
) -> None:
    filter_class = "BloomDupeFilter" if "bloom" in lost else "RFPDupeFilter"
    settings = redis_settings(
        redis_url,
        POLITENESS_SCOPE=scope,
        CONCURRENT_REQUESTS_PER_DOMAIN=3,
        DUPEFILTER_CLASS=f"aioscrapy.dupefilters.redis.{filter_class}",
        **SHORT,
    )
    visits: Counter[int] = Counter()
    async with Worker(settings) as one, Worker(settings) as other:
        await one.seed(*(page(number) for number in FIRST))
        for _ in range({"seeded": 0, "at work": 3, "near the end": 9}[moment]):
            lease = await one.take_request()
            visits[number_of(lease)] += 1
            await one.done(lease, page(number_of(lease) + 10))
        held = [await one.take_request(), await other.take_request()]
        own = f"{TAG}:{crawl_id(one)}"
        redis.delete(*(f"{TAG if suffix in SPIDER_KEYS else own}:{suffix}" for suffix in lost))
        for lease, worker in zip(held, (one, other), strict=True):
            visits[number_of(lease)] += 1
            await worker.done(lease, *([page(number_of(lease) + 10)] if number_of(lease) in FIRST else []))
        async with asyncio.timeout(20):
            await asyncio.gather(*(crawl_to_the_end(worker, visits) for worker in (one, other)))
            await asyncio.gather(one.ended(), other.ended())
        ends = [worker.scheduler.end for worker in (one, other)]
        missing = {*FIRST, *LAST} - set(visits)
        doubled = {number for number, count in visits.items() if count > 1}
        reasons = {end.reason for end in ends if end}
        assert reasons, ends
        if missing or (doubled and {"seen", "bloom"} & set(lost)):
            assert Reason.FINISHED not in reasons, (missing, doubled, ends)
        if missing and "meta" not in lost:
            errors = " ".join(end.error for end in ends if end)
            assert re.search(rf"{len(missing)} of \d+ requests are missing", errors) or missing & set(LAST), (
                ends
            )


async def test_hosts_that_redis_has_lost_are_found_again(
    redis_url: str, redis: Any, no_connection_is_left: None
) -> None:
    async with Worker(redis_settings(redis_url, **SHORT)) as worker:
        await worker.seed(*(page(1, f"host-{number}") for number in range(2500)))
        lease = await worker.take_request()
        redis.delete(f"{TAG}:{crawl_id(worker)}:hosts")
        await worker.done(lease)
        urls = await worker.rest()
        assert len(urls) == 2499
        await worker.ended()
        assert worker.scheduler.end is not None
        assert worker.scheduler.end.reason == Reason.FINISHED
        assert figures(redis, worker)["missing"] == "0"


async def test_the_leases_of_a_dead_worker_are_found_again_although_redis_has_lost_its_workers(
    redis_url: str, redis: Any, no_connection_is_left: None
) -> None:
    settings = redis_settings(redis_url, **SHORT)
    dead, living = Worker(settings), Worker(settings)
    async with living:
        async with dead:
            await dead.seed(page(1), page(2))
            await dead.take_request()
            await dead.take_request()
            await dead.fall_asleep()
            redis.delete(f"{TAG}:{crawl_id(dead)}:workers")
            assert len(await living.rest()) == 2


async def test_a_key_of_another_type_is_an_error_that_changes_nothing(
    redis_url: str, redis: Any, no_connection_is_left: None
) -> None:
    crawler = context(redis_settings(redis_url, **SHORT))
    await db_manager.from_settings(crawler.settings)
    for suffix in (suffix for suffix in OWN if suffix != "bloom"):
        for begun in (False, True):
            redis.flushall()
            store = await SpiderPriorityQueue.from_crawler(crawler)
            assert await store.open(RFPDupeFilter()) is State.OPEN
            pages = []
            if begun:
                [seed] = (await store.exchange([], 1)).leases
                entry = Entry(page(1), b"1" * 16, "a")
                store.pack(entry)
                pages = [Page(seed, [entry], packed_items=[b"{}"], failure="none")]
            redis.set(f"{TAG}:{store.crawl_id}:{suffix}", "a string")
            before = {name: redis.dump(name) for name in redis.keys("*")}
            with pytest.raises(StoreError, match="WRONGTYPE"):
                await store.exchange(pages, 1)
            assert {name: redis.dump(name) for name in redis.keys("*")} == before, (suffix, begun)


SCRIPTS = {
    "stop": (lua("types.lua", "news.lua", "stop.lua"), ["meta", "wrong"], ["1"]),
    "start data": (lua("types.lua", "start_data.lua"), ["list", "wrong"], ["datum", "{}", ""]),
    "save": (
        lua("types.lua", "feeds.lua") + source("save_feed.lua"),
        ["feeds", "wrong"],
        ["1", "1", "1", "worker", "", ""],
    ),
    "open": (
        lua("types.lua") + source("open.lua"),
        ["none", "wrong", "old", "new", "workers", "deleted"],
        ["", "new", "0", "0", "0", "0", "0"],
    ),
    "retry": (
        lua("types.lua", "member.lua", "news.lua", "retry.lua"),
        ["meta", "failed", "ready", "hosts", "resting", "wrong"],
        ["0", "10"],
    ),
}


@pytest.mark.parametrize("name", SCRIPTS)
def test_no_script_writes_before_it_knows_the_types_of_its_keys(redis: Any, name: str) -> None:
    script, keys, arguments = SCRIPTS[name]
    redis.hset("meta", mapping={"state": "open"})
    redis.rpush("list", "datum")
    redis.hset("feeds", mapping={"1.name": "a", "1.total": 1, "1.written": 0})
    letter = msgpack.packb([b"why", Member(b"a", 1, b"{}").pack()], use_bin_type=False)
    redis.hset("failed", "1", letter)
    redis.set("wrong", "a string")
    before = {key: redis.dump(key) for key in redis.keys("*")}
    with pytest.raises(RedisError, match="WRONGTYPE"):
        redis.eval(script, len(keys), *keys, *arguments)
    assert {key: redis.dump(key) for key in redis.keys("*")} == before
    redis.delete("wrong")
    redis.eval(script, len(keys), *keys, *arguments)
    assert {key: redis.dump(key) for key in redis.keys("*")} != before, "the same call does something"


def test_a_damaged_dead_letter_stays_where_it_is(redis: Any) -> None:
    script, keys, arguments = SCRIPTS["retry"]
    redis.hset("meta", mapping={"state": "open", "failed": 3})
    whole = msgpack.packb([b"why", Member(b"a", 1, b"{}").pack()], use_bin_type=False)
    redis.hset("failed", mapping={"1": b"\xc1", "2": msgpack.packb([1]), "3": whole})
    assert redis.eval(script, len(keys), *keys, *arguments)[1] == 1
    assert (redis.hlen("failed"), redis.zcard("ready"), int(redis.hget("meta", "failed"))) == (2, 1, 2)


async def test_a_worker_that_comes_after_the_end_knows_what_is_missing(
    redis_url: str, redis: Any, no_connection_is_left: None
) -> None:
    settings = redis_settings(redis_url, CRAWL_ID="nightly", **SHORT)
    async with Worker(settings) as worker:
        await worker.seed(*(page(number) for number in range(5)))
        lease = await worker.take_request()
        redis.delete(f"{TAG}:nightly:ready")
        await worker.done(lease)
        await worker.rest()
        await worker.ended()
        first = worker.scheduler.end
    async with Worker(settings) as late:
        assert late.state is State.FINISHED
        assert late.scheduler.end == first
    assert first is not None
    assert first.reason == Reason.PAGES_LOST


async def test_the_ids_of_expired_crawls_are_forgotten(
    redis_url: str, redis: Any, no_connection_is_left: None
) -> None:
    settings = redis_settings(
        redis_url, CRAWL_KEEP=0.2, CRAWL_JOIN_WINDOW=0, **{**SHORT, "SCHEDULER_LEASE": 0.1}
    )
    redis.zadd(f"{TAG}:crawls", {"with-items": 1, "expired": 2, "kept": 3})
    redis.rpush(f"{TAG}:with-items:items", "{}")
    redis.hset(f"{TAG}:kept:meta", "state", "finished")
    async with Worker(settings) as worker:
        await worker.seed()
        await worker.ended()
        assert set(redis.zrange(f"{TAG}:crawls", 0, -1)) == {"with-items", "kept", crawl_id(worker)}


async def test_lost_dead_letters_are_noticed(shared: dict[str, Any], redis: Any) -> None:
    async with Worker(shared) as worker:
        await worker.seed(page(1), page(2))
        await worker.done(await worker.take_request(), failure="no")
        lease = await worker.take_request()
        redis.delete(f"{TAG}:{crawl_id(worker)}:failed")
        await worker.done(lease)
        await worker.rest()
        await worker.ended()
        assert worker.scheduler.end is not None
        assert "1 failed requests are not in the list" in worker.scheduler.end.error
