"""Keys of a crawl that another program has changed: no worker hangs, and the end names the damage."""

import asyncio
from typing import Any

import msgpack
import pytest

from aioscrapy.crawls.catalog import Crawls
from aioscrapy.crawls.progress import progress
from aioscrapy.db import RedisClients, db_manager
from aioscrapy.dupefilters.redis import RFPDupeFilter
from aioscrapy.ends import Reason
from aioscrapy.exceptions import ConfigError, StoreError
from aioscrapy.feeds.store import FeedProgress
from aioscrapy.queue.base import Entry, Page, State
from aioscrapy.queue.redis import SpiderPriorityQueue
from support.context import context
from support.frontier import TAG, Worker, crawl_id, page, redis_settings

GARBAGE = ("abc", "", "1.5", "1e400", "nan", "-5", "9" * 30, b"\x00\xff")
COUNTERS = (
    *("seq", "token", "wake", "marks", "cookies", "done", "failed", "items", "filtered", "refused"),
    *("handled", "fruitless", "workers_lost", "repair_at", "repair_leases_at", "filter_lost", "items_lost"),
)
FIELDS = [
    *(("meta", field, value) for field in COUNTERS for value in GARBAGE),
    *(("meta", "damaged", value) for value in GARBAGE if value != "-5"),
    *(("meta", "state", value) for value in GARBAGE),
    *(("feeds", field, value) for field in ("1.total", "1.written") for value in GARBAGE),
    ("feeds", "1.written", "2"),  # more than there ever were
]


async def test_a_field_that_is_not_a_count_is_named_and_nothing_is_changed(
    redis_url: str, redis: Any, no_connection_is_left: None
) -> None:
    crawler = context(redis_settings(redis_url))
    await db_manager.from_settings(crawler.settings)
    for suffix, field, value in FIELDS:
        redis.flushall()
        store = await SpiderPriorityQueue.from_crawler(crawler)
        assert await store.open(RFPDupeFilter()) is State.OPEN
        [seed] = (await store.exchange([], 1)).leases
        await store.feeds.register("a", b"{}")
        redis.hset(f"{TAG}:{store.crawl_id}:feeds", mapping={"1.name": "a", "1.total": 1, "1.written": 0})
        redis.hset(f"{TAG}:{store.crawl_id}:{suffix}", field, value)
        entry = Entry(page(1), b"1" * 16, "a")
        store.pack(entry)
        before = {name: redis.dump(name) for name in redis.keys("*")}
        with pytest.raises(StoreError, match=rf"WRONGTYPE.*({field}|state)"):
            await store.exchange([Page(seed, [entry])], 1, feeds=[FeedProgress(1, 1, 5)])
        assert {name: redis.dump(name) for name in redis.keys("*")} == before, (suffix, field, value)


async def test_a_crawl_that_lost_one_field_of_its_state_is_not_created_again_for_ever(
    shared: dict[str, Any], redis: Any
) -> None:
    for field in ("state", "seq", "token"):
        redis.flushall()
        async with Worker(shared) as worker:
            await worker.seed(page(1))
            lease = await worker.take_request()
            redis.hdel(f"{TAG}:{crawl_id(worker)}:meta", field)
            await worker.done(lease)
            await worker.ended()


SETTINGS = {"SCHEDULER_LEASE": 0.5, "SCHEDULER_HEARTBEAT": 0.1, "SCHEDULER_PREFETCH": 0}
# suffix, field or member (None: all), value or score, whether a request is lost by it
ENTRIES: list[tuple[str, Any, Any, bool]] = [
    *(("slots", None, value, False) for value in GARBAGE),
    *(("resting", "example.com", score, False) for score in ("inf", 1e300, "-inf")),
    *(("delayed", None, score, False) for score in ("inf", 1e300, "-inf")),
    *(("ready", None, score, False) for score in ("inf", -1, 0.5)),
    *(("ready", "", score, True) for score in ("inf", -1, 0.5)),
    *(("hosts", None, score, False) for score in ("inf", "-inf")),
    *(("leased", None, value, True) for value in ("abc", "", "\n1\n")),
]


@pytest.mark.parametrize(("suffix", "name", "value", "lossy"), ENTRIES)
async def test_damaged_entries_neither_stop_a_crawl_nor_are_they_finished(
    redis_url: str, redis: Any, no_connection_is_left: None, suffix: str, name: Any, value: Any, lossy: bool
) -> None:
    settings = redis_settings(
        redis_url,
        POLITENESS_SCOPE="crawl",
        CONCURRENT_REQUESTS_PER_DOMAIN=2,
        CONCURRENT_REQUESTS=2,
        **SETTINGS,
    )
    async with Worker(settings) as worker:
        entries = worker.entries([page(number) for number in range(1, 7)])
        entries[0].delay_s = 0.2
        await worker.seed(*entries)
        lease = await worker.take_request()
        key = f"{TAG}:{crawl_id(worker)}:{suffix}"
        if suffix in ("slots", "leased"):
            for field in redis.hkeys(key):
                redis.hset(key, field, value)
        else:
            redis.zadd(key, dict.fromkeys(redis.zrange(key, 0, -1) if name is None else [name], value))
        await worker.done(lease)
        async with asyncio.timeout(20):
            urls = await worker.rest()
            await worker.ended()
        end = worker.scheduler.end
        assert end is not None
        assert end.reason == (Reason.PAGES_LOST if lossy else Reason.FINISHED), end
        if not lossy:
            assert len(urls) == 5


async def test_a_user_without_a_command_of_the_frontier_is_refused_at_the_start(
    redis_url: str, redis: Any, no_connection_is_left: None
) -> None:
    rules = ("reset", "on", ">secret", "~*", "+@all", "-xadd", "-zrangebylex", "-@admin")
    redis.execute_command("ACL", "SETUSER", "limited", *rules)
    try:
        url = redis_url.replace("redis://", "redis://limited:secret@")
        crawler = context(redis_settings(url))
        await db_manager.from_settings(crawler.settings)
        store = await SpiderPriorityQueue.from_crawler(crawler)
        with pytest.raises(ConfigError, match="may not use ZRANGEBYLEX, XADD") as refused:
            await store.open(RFPDupeFilter())
        assert "secret" not in str(refused.value)
        assert redis.keys("*") == []
    finally:
        redis.execute_command("ACL", "DELUSER", "limited")


async def test_a_client_that_decodes_is_refused_at_the_start(
    redis_url: str, no_connection_is_left: None
) -> None:
    crawler = context(redis_settings(f"{redis_url}?decode_responses=true"))
    await db_manager.from_settings(crawler.settings)
    store = await SpiderPriorityQueue.from_crawler(crawler)
    with pytest.raises(ConfigError, match="remove decode_responses"):
        await store.open(RFPDupeFilter())


async def test_a_user_that_loses_a_command_in_mid_crawl_ends_the_crawl(
    redis_url: str, redis: Any, no_connection_is_left: None
) -> None:
    redis.execute_command("ACL", "SETUSER", "limited", "reset", "on", ">secret", "~*", "+@all", "-@admin")
    try:
        crawler = context(redis_settings(redis_url.replace("redis://", "redis://limited:secret@")))
        await db_manager.from_settings(crawler.settings)
        store = await SpiderPriorityQueue.from_crawler(crawler)
        await store.open(RFPDupeFilter())
        redis.execute_command("ACL", "SETUSER", "limited", "-evalsha")
        with pytest.raises(StoreError, match="permission"):
            await store.exchange([], 1)
    finally:
        redis.execute_command("ACL", "DELUSER", "limited")


async def test_one_damaged_crawl_does_not_stop_the_list(
    redis_url: str, redis: Any, no_connection_is_left: None
) -> None:
    redis.zadd(f"{TAG}:crawls", {"good": 1, "field": "inf", "type": 2, b"\xff": 3})
    redis.set(f"{TAG}:current", b"\xff")
    redis.set(TAG.replace("tested", "string") + ":crawls", "a string")
    redis.lpush(TAG.replace("tested", "other") + ":current", "a")
    redis.zadd(TAG.replace("tested", "other") + ":crawls", {"other": 1})
    for name in ("good", "field", "type", "other"):
        tag = TAG.replace("tested", "other") if name == "other" else TAG
        redis.hset(f"{tag}:{name}:meta", mapping={"state": "open", "created": 1, "done": 3})
    redis.hset(f"{TAG}:field:meta", mapping={"done": "abc", "finished_at": "9" * 40})
    redis.set(f"{TAG}:type:ready", "a string")
    redis.hset(f"{TAG}:good:failed", mapping={"1": msgpack.packb([1]), "x": b"\xc1", "2": b""})
    clients = RedisClients()
    try:
        clients.configure({"queue": {"url": redis_url}})
        crawls = Crawls(clients("queue"), "", lambda data: {})
        rows = {row.crawl: row for row in await progress(crawls.redis, await crawls.all())}
        assert {name: row.state for name, row in rows.items()} == {
            "good": "open",
            "other": "open",
            "field": "damaged",
            "type": "damaged",
        }
        assert rows["type"].done == 3
        letters = [letter async for letter in crawls.failed(await crawls.find("good"))]
        assert {letter.reason for letter in letters} == {"the dead letter itself is damaged in Redis"}
    finally:
        await clients.close()
