"""The contract of the frontier, kept by every queue: memory, disk and Redis, in each of the three orders."""

import asyncio
import time
from pathlib import Path
from typing import Any

import pytest

from aioscrapy import signals
from aioscrapy.exceptions import ConfigError, DontCloseSpider, SerializeError
from aioscrapy.http import Request
from aioscrapy.queue.base import Page
from support.frontier import EAGER, SOON_S, Worker, numbers, page

BACKENDS = ("memory", "disk", "redis")
CLASSES = {"priority": "SpiderPriorityQueue", "fifo": "SpiderQueue", "lifo": "SpiderStack"}


@pytest.fixture(params=BACKENDS)
def backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def settings(
    backend: str, tmp_path: Path, request: pytest.FixtureRequest, no_connection_is_left: None
) -> dict[str, Any]:
    """Settings of a priority queue of this backend."""
    made: dict[str, Any] = {"SCHEDULER_QUEUE_CLASS": f"aioscrapy.queue.{backend}.SpiderPriorityQueue"}
    if backend == "disk":
        made["JOBDIR"] = str(tmp_path / "job")
    if backend == "redis":
        made["REDIS_ARGS"] = {"queue": {"url": request.getfixturevalue("redis_url")}}
    return made


@pytest.mark.parametrize("order", CLASSES)
async def test_requests_leave_in_their_order(settings: dict[str, Any], backend: str, order: str) -> None:
    queue = {"SCHEDULER_QUEUE_CLASS": f"aioscrapy.queue.{backend}.{CLASSES[order]}"}
    priorities = {1: 0, 2: 5, 3: -5, 4: 5, 5: 0, 6: 2_000_000, 7: -2_000_000, 8: 0}
    async with Worker({**settings, **EAGER, **queue}) as worker:
        await worker.seed(*(page(number, priority=height) for number, height in priorities.items()))
        came = numbers(await worker.rest())
    expected = {
        "priority": [6, 2, 4, 1, 5, 8, 3, 7],
        "fifo": [1, 2, 3, 4, 5, 6, 7, 8],
        "lifo": [8, 7, 6, 5, 4, 3, 2, 1],
    }
    assert came == expected[order]


async def test_a_more_urgent_request_overtakes_those_that_wait(settings: dict[str, Any]) -> None:
    async with Worker({**settings, **EAGER}) as worker:
        await worker.seed(page(1), page(2), page(3))
        first = await worker.take_request()
        await worker.done(first, page(4, priority=1), page(5))
        assert numbers(await worker.rest()) == [4, 2, 3, 5]


async def test_equals_of_many_hosts_leave_in_the_order_in_which_they_came(settings: dict[str, Any]) -> None:
    async with Worker({**settings, **EAGER}) as worker:
        await worker.seed(*(page(number, host=f"h{number % 7}.example") for number in range(1, 61)))
        assert numbers(await worker.rest()) == list(range(1, 61))


async def test_a_request_travels_whole(settings: dict[str, Any]) -> None:
    sent = Request(
        "http://example.com/form?a=1",
        callback="parse",
        method="POST",
        headers={"X-Kind": ["one", "two"]},
        body=b"\xff\x00raw",
        cookies={"session": "abc"},
        meta={"depth": 2, "tags": ["a", "b"]},
        cb_kwargs={"page": 3},
        priority=7,
        flags=["seen"],
    )
    async with Worker(settings) as worker:
        await worker.seed(sent)
        got = (await worker.take_request()).request
        assert got is not None
        spider = worker.crawler.spider
        assert got.to_dict(spider) == sent.to_dict(spider)


async def test_a_page_is_seen_once(settings: dict[str, Any]) -> None:
    async with Worker(settings) as worker:
        await worker.seed(page(1), page(1), page(2))
        await worker.done(await worker.take_request(), page(1), page(2), page(3))
        await worker.done(await worker.take_request(), page(1), page(2), page(3))
        assert numbers(await worker.rest()) == [3]
        assert worker.stat("dupefilter/filtered") == 6
        assert worker.stat("scheduler/enqueued") == 3


async def test_dont_filter_passes_unasked_and_leaves_no_mark(settings: dict[str, Any]) -> None:
    async with Worker(settings) as worker:
        await worker.seed(page(1, dont_filter=True), page(1, dont_filter=True), page(1))
        assert numbers(await worker.rest()) == [1, 1, 1]


async def test_without_a_filter_everything_passes(settings: dict[str, Any], backend: str) -> None:
    module = "redis" if backend == "redis" else "memory"
    nothing = {"DUPEFILTER_CLASS": f"aioscrapy.dupefilters.{module}.BaseDupeFilter"}
    async with Worker({**settings, **nothing}) as worker:
        await worker.seed(page(1), page(1))
        assert numbers(await worker.rest()) == [1, 1]


async def test_a_delayed_request_leaves_when_it_is_due(settings: dict[str, Any]) -> None:
    async with Worker(settings) as worker:
        (later,) = worker.entries([page(1)])
        later.delay_s = 0.4
        began = time.monotonic()
        await worker.seed(later, page(2))
        assert numbers(await worker.rest()) == [2, 1]
        assert 0.35 < time.monotonic() - began < 2.0


async def test_a_delay_that_begins_while_the_worker_waits_for_news_ends_in_time(
    settings: dict[str, Any],
) -> None:
    async with Worker(settings) as worker:
        await worker.seed(page(1))
        lease = await worker.take_request()
        (later,) = worker.entries([page(2)])
        later.delay_s = 0.4
        waiting = asyncio.create_task(worker.take())
        with pytest.raises(TimeoutError):  # by now it has asked the store, which had nothing
            await asyncio.wait_for(asyncio.shield(waiting), 0.2)
        began = time.monotonic()
        await worker.done(lease, later)
        assert await waiting is not None
        assert 0.35 < time.monotonic() - began < 2.0


async def test_a_busy_host_does_not_starve_the_others(settings: dict[str, Any]) -> None:
    few = {"CONCURRENT_REQUESTS": 2, "CONCURRENT_REQUESTS_PER_DOMAIN": 1, "SCHEDULER_PREFETCH": 2}
    async with Worker({**settings, **few}) as worker:
        slow = [page(number, host="slow.example", priority=9) for number in range(1, 30)]
        await worker.seed(*slow, page(100, host="quick.example"), page(101, host="quick.example"))
        held = await worker.take_request()
        assert held.host == "slow.example"
        for number in (100, 101):
            lease = await worker.take_request()
            assert lease.request is not None
            assert numbers([lease.request.url]) == [number]
            await worker.done(lease)
        await worker.done(held)
        assert len(await worker.rest()) == 28


async def test_a_host_gets_no_more_at_once_than_it_may(settings: dict[str, Any]) -> None:
    three = {"CONCURRENT_REQUESTS": 8, "CONCURRENT_REQUESTS_PER_DOMAIN": 3}
    async with Worker({**settings, **three}) as worker:
        await worker.seed(*(page(number) for number in range(1, 10)))
        held = [await worker.take_request() for _ in range(3)]
        with pytest.raises(TimeoutError):
            await worker.take(0.2)
        await worker.done(held[0])
        await worker.take_request()


async def test_what_is_given_back_returns_to_its_place(settings: dict[str, Any]) -> None:
    async with Worker({**settings, **EAGER}) as worker:
        await worker.seed(page(1), page(2), page(3))
        lease = await worker.take_request()
        await worker.scheduler.commit(Page(lease, give_back=True))
        assert numbers(await worker.rest()) == [1, 2, 3]


async def test_a_given_back_seeding_is_done_again(settings: dict[str, Any]) -> None:
    async with Worker({**settings, **EAGER}) as worker:
        seeding = await worker.take_seeding()
        await worker.scheduler.commit(Page(seeding, worker.entries([page(1)]), final=False))
        await worker.scheduler.commit(Page(seeding, give_back=True))
        await worker.seed(page(2))
        assert sorted(numbers(await worker.rest())) == [1, 2]


async def test_a_piece_is_visible_before_its_page_is_done(settings: dict[str, Any]) -> None:
    async with Worker({**settings, "CONCURRENT_REQUESTS": 2}) as worker:
        seeding = await worker.take_seeding()
        await worker.scheduler.commit(Page(seeding, worker.entries([page(1)]), final=False))
        lease = await worker.take_request()
        await worker.done(lease)
        await worker.done(seeding)
        assert await worker.take() is None


async def test_the_end_is_known_to_all_who_wait(settings: dict[str, Any]) -> None:
    async with Worker(settings) as worker:
        await worker.seed(page(1))
        lease = await worker.take_request()
        waiting = [asyncio.create_task(worker.take()) for _ in range(5)]
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(asyncio.shield(asyncio.gather(*waiting)), 0.2)
        await worker.done(lease)
        assert await asyncio.gather(*waiting) == [None] * 5
        await worker.ended()


async def test_a_crawl_without_start_requests_ends(settings: dict[str, Any]) -> None:
    async with Worker(settings) as worker:
        await worker.seed()
        assert await worker.take() is None
        await worker.ended()


async def test_a_listener_keeps_an_idle_crawl_open(settings: dict[str, Any]) -> None:
    idle = asyncio.Event()

    def keep_open() -> None:
        if not idle.is_set():
            idle.set()
            raise DontCloseSpider

    worker = Worker({**settings, "SCHEDULER_HEARTBEAT": 0.3})
    worker.crawler.signals.connect(keep_open, signals.spider_idle)
    async with worker:
        await worker.seed()
        waiting = asyncio.create_task(worker.take())
        await asyncio.wait_for(idle.wait(), SOON_S)
        await worker.scheduler.commit(Page(None, worker.entries([page(1)])))
        lease = await waiting
        assert lease is not None
        await worker.done(lease)
        assert await worker.take() is None


async def test_stop_sends_the_workers_home(settings: dict[str, Any]) -> None:
    async with Worker(settings) as worker:
        await worker.seed(page(1))
        lease = await worker.take_request()
        waiting = asyncio.create_task(worker.take())
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(asyncio.shield(waiting), 0.1)
        worker.scheduler.stop()
        assert await waiting is None
        await worker.done(lease, page(2))
        assert await worker.take() is None
        await worker.ended()


@pytest.mark.parametrize("backend", ["disk", "redis"], indirect=True)
async def test_what_was_not_done_is_there_for_the_next_process(settings: dict[str, Any]) -> None:
    async with Worker({**settings, **EAGER}) as first:
        await first.seed(page(1), page(2), page(3))
        await first.done(await first.take_request(), page(4))
        await first.take_request()
    async with Worker({**settings, **EAGER}) as second:
        assert numbers(await second.rest()) == [2, 3, 4]
        await second.ended()


@pytest.mark.parametrize("backend", ["disk", "redis"], indirect=True)
async def test_what_can_not_travel_is_refused_at_once(settings: dict[str, Any]) -> None:
    async with Worker(settings) as worker:
        with pytest.raises(SerializeError, match=r"callback of http://example\.com/1"):
            worker.scheduler.accept(page(1, callback=lambda response: None))
        with pytest.raises(SerializeError, match="object"):
            worker.scheduler.accept(page(1, meta={"what": object()}))


@pytest.mark.parametrize("backend", ["disk"], indirect=True)
async def test_a_disk_crawl_starts_anew_after_its_end(settings: dict[str, Any]) -> None:
    for _ in range(2):
        async with Worker(settings) as worker:
            await worker.seed(page(1))
            assert numbers(await worker.rest()) == [1]
            await worker.ended()


@pytest.mark.parametrize("backend", ["disk"], indirect=True)
async def test_two_crawls_can_not_share_a_jobdir(settings: dict[str, Any]) -> None:
    async with Worker(settings) as worker:
        await worker.seed(page(1))
        with pytest.raises(ConfigError, match="is another crawl using it"):
            await Worker(settings).__aenter__()


@pytest.mark.parametrize("backend", ["disk"], indirect=True)
async def test_a_disk_exchange_that_was_cancelled_is_not_done_twice(settings: dict[str, Any]) -> None:
    async with Worker({**settings, **EAGER}) as worker:
        seeding = await worker.take_seeding()
        await worker.done(seeding, *(page(number, dont_filter=True) for number in range(1, 200)))
        await asyncio.sleep(0)  # `run` has begun the exchange, its thread is at work
        await worker.fall_asleep()
        worker.wake_up()
        assert len(await worker.rest()) == 199


@pytest.mark.parametrize("backend", ["memory"], indirect=True)
async def test_a_queue_and_a_filter_of_different_places_are_refused(
    settings: dict[str, Any], redis_url: str
) -> None:
    mixed = {"DUPEFILTER_CLASS": "aioscrapy.dupefilters.redis.RedisBloomDupeFilter"}
    with pytest.raises(ConfigError, match="don't go together"):
        await Worker({**settings, **mixed}).__aenter__()
