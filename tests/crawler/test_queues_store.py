"""The store in Redis itself: repeated calls, fencing tokens, unreadable requests, a server that goes away."""

import asyncio
from itertools import chain
from pathlib import Path
from typing import Any

import pytest

from aioscrapy.db import db_manager
from aioscrapy.dupefilters.redis import RFPDupeFilter
from aioscrapy.exceptions import ConfigError, QueueError
from aioscrapy.queue.base import Entry, Lease, Order, Page, Reply, State, sort_key
from aioscrapy.queue.redis import RedisQueue, SpiderPriorityQueue
from support.context import context
from support.frontier import EAGER, TAG, Worker, crawl_id, figures, numbers, page, redis_settings
from support.redis import RedisServer

pytestmark = pytest.mark.server


async def opened_store(settings: dict[str, Any]) -> RedisQueue:
    crawler = context(settings)
    await db_manager.from_settings(crawler.settings)
    store = await SpiderPriorityQueue.from_crawler(crawler)
    assert await store.open(RFPDupeFilter.from_crawler(crawler)) is State.OPEN
    return store


async def seeded_store(settings: dict[str, Any], *requests: Any, want: int) -> tuple[RedisQueue, list[Lease]]:
    """Return a store whose crawl is seeded with these requests, and `want` leases of them."""
    store = await opened_store(settings)
    (seeding,) = (await store.exchange([], 1)).leases
    reply = await store.exchange([Page(seeding, [packed(store, request) for request in requests])], want)
    return store, list(reply.leases)


def packed(store: RedisQueue, request: Any) -> Entry:
    entry = Entry(request, None, "example.com")
    store.pack(entry)
    return entry


async def test_a_page_that_came_back_to_its_sleeper_is_refused_under_the_old_token(
    shared: dict[str, Any],
) -> None:
    brief = {**shared, "SCHEDULER_LEASE": 0.05}
    store, (lease,) = await seeded_store(brief, page(1), want=1)
    other = await opened_store(shared)
    await asyncio.sleep(0.1)
    await other.exchange([], 0)
    reply = await store.exchange([], 1)
    assert reply.lost
    (again,) = reply.leases
    assert again.id == lease.id
    assert again.token != lease.token
    assert (await store.exchange([Page(lease)], 0)).accepted == [False]
    assert (await store.exchange([Page(again)], 0)).accepted == [True]


async def test_a_repeated_exchange_gives_the_same_answer_and_doubles_nothing(
    shared: dict[str, Any], redis: Any
) -> None:
    store, (lease,) = await seeded_store({**shared, "ITEMS_IN_REDIS": True}, page(1), want=1)
    done = Page(lease, [packed(store, page(2)), packed(store, page(3))], [({"n": 1}, None)], [b'{"n":1}'])
    first = await store.exchange([done], 1)
    store._serial -= 1  # the answer got lost: the caller asks under the old number
    again = await store.exchange([done], 1)
    assert plain(again) == plain(first)
    assert first.accepted == [True]
    rest = await store.exchange([], 10)
    assert len(rest.leases) == 1
    (crawl,) = redis.zrange(f"{TAG}:crawls", 0, -1)
    assert redis.llen(f"{TAG}:{crawl}:items") == 1


def plain(reply: Reply) -> tuple[Any, ...]:
    leases = [(lease.id, lease.token, lease.host, lease.key) for lease in reply.leases]
    return (reply.accepted, leases, reply.state, reply.waiting, reply.filtered, reply.cursor)


async def test_more_than_one_call_of_redis_can_hold_goes_in_one_exchange(
    shared: dict[str, Any], redis: Any
) -> None:
    many = 2500
    store, leases = await seeded_store(
        {**shared, "ITEMS_IN_REDIS": True}, *(page(number) for number in range(many)), want=many
    )
    assert [lease.id for lease in leases] == list(range(1, many + 1))
    assert len({lease.token for lease in leases}) == many
    pages = [Page(lease, packed_items=[b"%d" % lease.id]) for lease in leases]
    reply = await store.exchange(pages, 1)
    assert reply.accepted == [True] * many
    assert reply.state is State.FINISHED
    (crawl,) = redis.zrange(f"{TAG}:crawls", 0, -1)
    items = redis.lrange(f"{TAG}:{crawl}:items", 0, -1)
    assert [int(item) for item in items] == [lease.id for lease in leases]


async def test_the_items_of_a_refused_page_stay_out_and_those_around_it_in(
    shared: dict[str, Any], redis: Any
) -> None:
    store, (first, second, third) = await seeded_store(
        {**shared, "ITEMS_IN_REDIS": True}, page(1), page(2), page(3), want=3
    )
    second.token += 1
    pages = [
        Page(first, packed_items=[b"1a", b"1b"]),
        Page(second, packed_items=[b"2a", b"2b", b"2c"]),
        Page(third, packed_items=[b"3"]),
    ]
    assert (await store.exchange(pages, 0)).accepted == [True, False, True]
    (crawl,) = redis.zrange(f"{TAG}:crawls", 0, -1)
    assert redis.lrange(f"{TAG}:{crawl}:items", 0, -1) == ["1a", "1b", "3"]


async def test_a_page_that_is_over_is_over_for_the_rest_of_its_exchange(
    shared: dict[str, Any], redis: Any
) -> None:
    store, (one, other) = await seeded_store({**shared, "ITEMS_IN_REDIS": True}, page(1), page(2), want=2)
    piece = Page(one, packed_items=[b"piece"], final=False)
    again = Page(one, packed_items=[b"again"])
    back, late = Page(other, give_back=True), Page(other, packed_items=[b"late"])
    reply = await store.exchange([piece, Page(one, packed_items=[b"end"]), again, back, late], 5)
    assert reply.accepted == [True, True, False, True, False]
    assert [lease.id for lease in reply.leases] == [other.id]
    (crawl,) = redis.zrange(f"{TAG}:crawls", 0, -1)
    assert redis.lrange(f"{TAG}:{crawl}:items", 0, -1) == ["piece", "end"]


async def test_an_unreadable_request_is_set_aside_and_the_crawl_goes_on(
    shared: dict[str, Any], redis: Any
) -> None:
    async with Worker(shared) as worker:
        (bad,) = worker.entries([page(1)])
        bad.payload = b"{not json"
        await worker.seed(bad, page(2))
        assert numbers(await worker.rest()) == [2]
        failed = redis.hlen(f"{TAG}:{crawl_id(worker)}:failed")
        assert failed == 1


async def test_a_failed_page_is_a_dead_letter(shared: dict[str, Any], redis: Any) -> None:
    async with Worker(shared) as worker:
        await worker.seed(page(1))
        await worker.done(await worker.take_request(), failure="ValueError: no")
        assert await worker.take() is None
        assert figures(redis, worker)["failed"] == "1"


def test_priorities_are_exact_numbers_in_redis() -> None:
    keys = [sort_key(Order.PRIORITY, priority, 2**32 - 1) for priority in (10**9, 1, 0, -1, -(10**9))]
    assert keys == sorted(keys)
    assert all(float(key) == key < 2**53 for key in keys)


@pytest.mark.usefixtures("no_connection_is_left")
async def test_workers_wait_for_a_redis_that_was_killed_and_lose_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    options = {"appendfsync": "always"}
    with RedisServer(tmp_path, appendonly=True, options=options) as server:
        settings = redis_settings(server.url, **EAGER, SCHEDULER_LEASE=15)
        async with Worker(settings) as first, Worker(settings) as second:
            await first.seed(*(page(number) for number in range(1, 6)))
            held = await first.take_request()
            other = await second.take_request()
            server.kill()
            await first.done(held, page(100))
            await second.done(other, page(101))
            with pytest.raises(TimeoutError):
                await first.take(0.5)
            await asyncio.to_thread(server.start)
            left = chain(*await asyncio.gather(first.rest(), second.rest()))
            assert sorted(numbers(left)) == [3, 4, 5, 100, 101]
        assert [line for line in caplog.messages if line.startswith("Waiting for the frontier")]


@pytest.mark.usefixtures("no_connection_is_left")
async def test_a_redis_that_forgot_the_last_calls_gives_everything_anew(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The links of a page whose commit is forgotten must be taken again, though the worker has seen them."""
    with RedisServer(tmp_path) as server:
        async with Worker(redis_settings(server.url, **{**EAGER, "CONCURRENT_REQUESTS": 2})) as worker:
            await worker.seed(page(1), page(2))
            one, two = await worker.take_request(), await worker.take_request()
            with server.client() as client:
                client.save()
            await worker.done(one, page(3))
            three = await worker.take_request()  # so page 1 is committed, and page 3 leased
            server.kill()
            server.start()
            await worker.done(two, page(4))
            await worker.done(three)
            again = [await worker.take_request(), await worker.take_request()]
            assert sorted(numbers(lease.request.url for lease in again if lease.request)) == [1, 2]
            assert min(lease.token for lease in again) > max(one.token, two.token, three.token)
            for lease in again:
                await worker.done(lease, page(3), page(4))
            assert sorted(numbers(await worker.rest())) == [3, 4]
            assert worker.stat("scheduler/refused") == 2
        assert "Redis lost the latest commits" in caplog.text


@pytest.mark.usefixtures("no_connection_is_left")
async def test_no_redis_at_the_start_is_one_clear_line(tmp_path: Path) -> None:
    server = RedisServer(tmp_path)
    server.start()
    server.stop()
    with pytest.raises(QueueError, match="can't open the crawl in Redis") as caught:
        await Worker(redis_settings(server.url)).__aenter__()
    assert "\n" not in str(caught.value)


@pytest.mark.usefixtures("no_connection_is_left")
async def test_a_redis_queue_without_redis_args_says_what_is_missing() -> None:
    settings = {"SCHEDULER_QUEUE_CLASS": "aioscrapy.queue.redis.SpiderPriorityQueue"}
    with pytest.raises(ConfigError, match="needs REDIS_ARGS"):
        await Worker(settings).__aenter__()
