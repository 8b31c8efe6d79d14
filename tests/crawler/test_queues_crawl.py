"""Which crawl a worker joins in Redis, what its keys are, and how it ends."""

import asyncio
import json
import logging
from typing import Any

import pytest

from aioscrapy.open_crawls import open_crawls
from aioscrapy.queue.base import Page, State
from aioscrapy.settings import Settings
from support.frontier import TAG, Worker, crawl_id, figures, numbers, page

SHORT = {"SCHEDULER_LEASE": 0.4, "SCHEDULER_HEARTBEAT": 0.1}


async def run_one(shared: dict[str, Any], *requests: Any, **attributes: Any) -> tuple[str, list[int]]:
    """Run a crawl with one worker to its end; returns its id and the pages that it did."""
    async with Worker(shared, **attributes) as worker:
        assert worker.state is State.OPEN
        await worker.seed(*requests)
        came = numbers(await worker.rest())
        await worker.ended()
        return crawl_id(worker), came


async def test_a_rerun_after_the_window_is_a_new_crawl(shared: dict[str, Any]) -> None:
    no_window = {**shared, "CRAWL_JOIN_WINDOW": 0}
    first, done = await run_one(no_window, page(1))
    second, done_again = await run_one(no_window, page(1))
    assert first != second
    assert done == done_again == [1]


async def test_a_late_member_says_so_and_does_nothing(
    shared: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    first, _ = await run_one(shared, page(1))
    with caplog.at_level(logging.INFO):
        async with Worker(shared) as late:
            assert late.state is State.LATE
    assert [line for line in caplog.messages if f"Crawl {first} finished" in line and "--fresh" in line]


async def test_fresh_starts_anew_whatever_the_window_says(shared: dict[str, Any]) -> None:
    first, _ = await run_one(shared, page(1))
    second, done = await run_one({**shared, "CRAWL_FRESH": True}, page(1))
    assert first != second
    assert done == [1]


async def test_an_unfinished_crawl_is_resumed(shared: dict[str, Any]) -> None:
    async with Worker(shared) as first:
        await first.seed(page(1), page(2))
        await first.done(await first.take_request())
        began = crawl_id(first)
    async with Worker(shared) as second:
        assert crawl_id(second) == began
        assert numbers(await second.rest()) == [2]


async def test_flush_drops_an_unfinished_crawl_that_nobody_works_on(shared: dict[str, Any]) -> None:
    flush = {**shared, "SCHEDULER_FLUSH_ON_START": True}
    async with Worker(shared) as first:
        await first.seed(page(1), page(2))
    _, done = await run_one(flush, page(3))
    assert done == [3]


async def test_flush_joins_a_crawl_with_living_workers(shared: dict[str, Any]) -> None:
    flush = {**shared, "SCHEDULER_FLUSH_ON_START": True}
    async with Worker(flush) as first:
        await first.seed(page(1))
        await first.take_request()
        async with Worker(flush) as second:
            assert crawl_id(first) == crawl_id(second)


async def test_the_named_crawl_ends_once(shared: dict[str, Any]) -> None:
    first, done = await run_one({**shared, "CRAWL_ID": "monday"}, page(1))
    assert (first, done) == ("monday", [1])
    async with Worker({**shared, "CRAWL_ID": "monday", "CRAWL_JOIN_WINDOW": 0}) as again:
        assert again.state is State.FINISHED


async def test_a_named_crawl_started_fresh_has_forgotten_everything(shared: dict[str, Any]) -> None:
    named = {**shared, "CRAWL_ID": "monday"}
    await run_one(named, page(1))
    _, done = await run_one({**named, "CRAWL_FRESH": True}, page(1), page(2))
    assert done == [1, 2]


async def test_the_spider_argument_names_a_crawl(shared: dict[str, Any]) -> None:
    first, _ = await run_one(shared, page(1), crawl="tuesday")
    assert first == "tuesday"


async def test_two_ids_do_not_mix(shared: dict[str, Any]) -> None:
    async with (
        Worker({**shared, "CRAWL_ID": "a"}) as first,
        Worker({**shared, "CRAWL_ID": "b"}) as second,
    ):
        await first.seed(page(1), page(2))
        await second.seed(page(1), page(3))
        assert numbers(await first.rest()) == [1, 2]
        assert numbers(await second.rest()) == [1, 3]


async def test_two_projects_do_not_mix(shared: dict[str, Any]) -> None:
    async with Worker(shared) as first, Worker({**shared, "BOT_NAME": "other"}) as second:
        await first.seed(page(1))
        await second.seed(page(2))
        assert numbers(await second.rest()) == [2]
        assert numbers(await first.rest()) == [1]


async def test_a_kept_filter_lets_only_new_pages_pass(shared: dict[str, Any]) -> None:
    keep = {**shared, "KEEP_DUPEFILTER_DATA_ON_CLOSE": True, "CRAWL_JOIN_WINDOW": 0}
    async with Worker(keep) as worker:
        await worker.seed(page(1))
        await worker.done(await worker.take_request(), page(2), page(3))
        assert numbers(await worker.rest()) == [2, 3]
    async with Worker(keep) as worker:
        await worker.seed(page(1))  # start requests pass: news is found from them
        await worker.done(await worker.take_request(), page(2), page(3), page(4))
        assert numbers(await worker.rest()) == [4]


async def test_all_keys_of_a_crawl_share_a_hash_tag(shared: dict[str, Any], redis: Any) -> None:
    async with Worker({**shared, "BOT_NAME": "pro{j}ect"}) as worker:
        await worker.seed(page(1), page(2))
        await worker.done(await worker.take_request(), page(3), failure="ValueError: no")
        await worker.take_request()
        keys = list(redis.scan_iter("*"))
        assert len(keys) >= 8
        assert {key.partition("}")[0] + "}" for key in keys} == {"aioscrapy:{pro(j)ect/tested}"}


async def test_the_keys_of_a_finished_crawl_expire_but_its_items_stay(
    shared: dict[str, Any], redis: Any
) -> None:
    async with Worker({**shared, "CRAWL_KEEP": 100.0, "ITEMS_IN_REDIS": True}) as worker:
        seeding = await worker.take_seeding()
        await worker.scheduler.commit(
            Page(seeding, worker.entries([page(1)]), [({"a": 1}, None)], [b'{"a":1}'])
        )
        await worker.rest()
        crawl = f"{TAG}:{crawl_id(worker)}"
    for key in redis.scan_iter(f"{crawl}:*"):
        left = redis.ttl(key)
        assert left == -1 if key.endswith(":items") else 0 < left <= 100, key
    assert [json.loads(item) for item in redis.lrange(f"{crawl}:items", 0, -1)] == [{"a": 1}]


async def test_a_deleted_crawl_ends_its_workers(shared: dict[str, Any], redis: Any) -> None:
    async with Worker({**shared, **SHORT}) as worker:
        await worker.seed(page(1))
        lease = await worker.take_request()
        redis.delete(*redis.scan_iter(f"{TAG}:{crawl_id(worker)}:*"))
        await worker.done(lease, page(2))
        assert await worker.take() is None
        await worker.ended()


async def test_a_crawl_that_redis_has_forgotten_begins_anew(
    shared: dict[str, Any], redis: Any, caplog: pytest.LogCaptureFixture
) -> None:
    shared = {**shared, **SHORT, "ITEMS_IN_REDIS": True}
    async with Worker(shared) as one, Worker(shared) as other:
        await one.seed(page(1), page(2), page(3))
        before = crawl_id(one)
        leases = [await one.take_request(), await other.take_request()]
        redis.flushall()
        for worker, lease in zip((one, other), leases, strict=True):
            await worker.scheduler.commit(
                Page(lease, worker.entries([page(7)]), [({"n": 0}, None)], [b'{"n":0}'])
            )
        first, second = asyncio.create_task(one.take()), asyncio.create_task(other.take())
        done, waiting = await asyncio.wait([first, second], return_when=asyncio.FIRST_COMPLETED)
        seeder, helper = (one, other) if first in done else (other, one)
        seeding = done.pop().result()
        assert seeding is not None
        assert seeding.request is None
        await seeder.done(seeding, page(1), page(2))
        leases = [await waiting.pop(), await seeder.take_request()]
        assert {lease.request.url for lease in leases if lease and lease.request} == {
            page(1).url,
            page(2).url,
        }
        await helper.done(leases[0])  # type: ignore[arg-type]
        await seeder.done(leases[1])  # type: ignore[arg-type]
        assert await one.rest() == await other.rest() == []
        await one.ended()
        await other.ended()
        assert redis.get(f"{TAG}:current") == before
        assert figures(redis, one) | {"state": "finished", "done": "2", "seq": "2"} == figures(redis, one)
    assert redis.keys(f"{TAG}:*:items") == [], "a page from before was taken"
    assert "lost the whole crawl; it starts again" in caplog.text


async def test_a_crawl_that_was_deleted_by_command_does_not_begin_anew(
    shared: dict[str, Any], redis_url: str, redis: Any, caplog: pytest.LogCaptureFixture
) -> None:
    async with Worker({**shared, **SHORT}) as worker:
        await worker.seed(page(1))
        lease = await worker.take_request()
        await worker.fall_asleep()
        redis.delete(f"{TAG}:{crawl_id(worker)}:workers")  # for so long that nobody counts it
        async with open_crawls(Settings(), redis_url, bot="") as crawls:
            assert await crawls.delete(await crawls.find("tested")) > 0
        assert redis.keys() == [f"{TAG}:{crawl_id(worker)}:deleted"]
        worker.wake_up()
        await worker.done(lease)
        await worker.ended()
    assert "The crawl was deleted" in caplog.text
    async with Worker(shared, crawl=crawl_id(worker)) as again:
        await again.seed(page(1))
        assert numbers(await again.rest()) == [1]
        assert not redis.exists(f"{TAG}:{crawl_id(worker)}:deleted")


async def test_a_stopped_crawl_sends_its_workers_home_and_can_go_on(
    shared: dict[str, Any], redis: Any
) -> None:
    async with Worker({**shared, **SHORT}) as worker:
        await worker.seed(page(1), page(2))
        lease = await worker.take_request()
        meta = f"{TAG}:{crawl_id(worker)}:meta"
        redis.hset(meta, "stopped", 1)
        await worker.done(lease)
        assert await worker.take() is None
        await worker.ended()
    redis.hdel(meta, "stopped")
    async with Worker(shared) as worker:
        assert numbers(await worker.rest()) == [2]
