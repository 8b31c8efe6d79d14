"""The records of feeds in every store that keeps them: the same contract for Redis and for a file."""

from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from aioscrapy.db import db_manager
from aioscrapy.dupefilters import disk as disk_filters
from aioscrapy.dupefilters import redis as redis_filters
from aioscrapy.exceptions import StoreError
from aioscrapy.feeds.completion import Completion
from aioscrapy.feeds.feeds import PoolFeeds
from aioscrapy.feeds.options import feed_of
from aioscrapy.feeds.outlet import Outlet
from aioscrapy.feeds.store import FeedProgress, FeedState
from aioscrapy.queue import disk, redis
from aioscrapy.queue.base import Page, State, Store
from aioscrapy.queue.redis import SpiderQueue
from aioscrapy.queue.redis_feeds import RedisFeeds
from aioscrapy.settings import Settings
from support.context import context
from support.frontier import redis_settings


async def opened(kind: str, folder: Path, url: str, **settings: Any) -> Store:
    if kind == "disk":
        on_disk = await disk.SpiderQueue.from_crawler(context({"JOBDIR": str(folder), **settings}))
        assert await on_disk.open(disk_filters.RFPDupeFilter()) is State.OPEN
        return on_disk
    crawler = context(redis_settings(url, CRAWL_ID="feeds", **settings))
    await db_manager.from_settings(crawler.settings)
    in_redis = await redis.SpiderQueue.from_crawler(crawler)
    assert await in_redis.open(redis_filters.RFPDupeFilter()) is State.OPEN
    return in_redis


@pytest.fixture(params=["disk", "redis"])
async def store(request: pytest.FixtureRequest, tmp_path: Path, redis_url: str) -> AsyncIterator[Store]:
    store = await opened(request.param, tmp_path / "job", redis_url)
    yield store
    await store.close()
    await db_manager.close_all()


async def committed(store: Store, progress: FeedProgress, *records: bytes) -> int:
    """Commit a page from outside of the crawl with these records; return the total."""
    page = Page(None, records=[(0, record) for record in records], final=False)
    reply = await store.exchange([page], 0, may_finish=False, feeds=[progress])
    return reply.feeds[0]


async def test_a_new_feed_has_no_length(store: Store) -> None:
    state = await store.feeds.register("name", b'{"format": "jl"}')
    assert (state.name, state.total, state.written, state.length) == ("name", 0, 0, None)
    assert (await store.feeds.register("name", b"other")).options == b'{"format": "jl"}'


async def test_records_stay_until_they_are_saved_as_written(store: Store) -> None:
    feeds = store.feeds
    number = (await feeds.register("name", b"{}")).number
    assert await committed(store, FeedProgress(number, 0, 0), b"one", b"two", b"three") == 3
    assert list(await feeds.records(number, 0, 3)) == [b"one", b"two", b"three"]
    assert await committed(store, FeedProgress(number, 2, 6), b"four") == 4
    [state] = await feeds.states()
    assert (state.total, state.written, state.length) == (4, 2, 6)
    assert list(await feeds.records(number, 2, 4)) == [b"three", b"four"]
    await feeds.save(FeedProgress(number, 4, 15), base=1)
    [state] = await feeds.states()
    assert (state.total, state.written, state.length, state.base) == (4, 4, 15, 1)


async def test_a_feed_with_records_is_not_forgotten(store: Store) -> None:
    feeds = store.feeds
    number = (await feeds.register("name", b"{}")).number
    await committed(store, FeedProgress(number, 0, 0), b"one")
    await feeds.forget(number)
    assert len(await feeds.states()) == 1
    await feeds.save(FeedProgress(number, 1, 3))
    await feeds.forget(number)
    assert await feeds.states() == []


async def test_pages_that_are_given_back_have_no_records(store: Store) -> None:
    number = (await store.feeds.register("name", b"{}")).number
    lease = (await store.exchange([], 1, may_finish=False)).leases[0]
    page = Page(lease, records=[(0, b"one")], give_back=True)
    reply = await store.exchange([page], 0, may_finish=False, feeds=[FeedProgress(number, 0, 0)])
    assert list(reply.feeds) == [0]


async def test_redis_is_reminded_of_a_feed_that_it_has_lost(
    tmp_path: Path, redis_url: str, redis: Any
) -> None:
    store = await opened("redis", tmp_path, redis_url)
    feeds = store.feeds
    state = await feeds.register("name", b"{}")
    await committed(store, FeedProgress(state.number, 0, 0), b"one", b"two")
    assert redis.delete(*redis.keys("*:feeds")) == 1
    assert await committed(store, FeedProgress(state.number, 2, 6), b"three") == -1
    saved = FeedState("name", state.number, total=3, written=0, length=0)
    assert (await feeds.register("name", b"{}", saved)).total == 3
    assert list(await feeds.records(state.number, 2, 3)) == [b"three"]
    await store.close()
    await db_manager.close_all()


async def test_the_feeds_of_a_crawl_that_is_over_are_those_of_an_earlier_one(tmp_path: Path) -> None:
    store = await opened("disk", tmp_path, "")
    number = (await store.feeds.register("name", b"{}")).number
    await committed(store, FeedProgress(number, 0, 0), b"one")
    await store.close()
    again = await opened("disk", tmp_path, "", CRAWL_FRESH=True)
    assert await again.feeds.states() == []
    [(earlier, finished)] = await again.feeds.earlier()
    assert finished
    assert list(await earlier.records(number, 0, 1)) == [b"one"]
    await again.close()


async def test_a_file_of_jobdir_that_is_broken_ends_the_crawl(tmp_path: Path) -> None:
    store = await opened("disk", tmp_path, "")
    assert isinstance(store, disk.DiskQueue)
    await store._in_thread(store._db.execute, "DROP TABLE feeds")
    with pytest.raises(StoreError, match=r"frontier\.sqlite"):
        await store.feeds.states()
    await store.close()


async def test_a_parent_writes_what_its_workers_commit_after_its_last_look(
    tmp_path: Path, redis_url: str
) -> None:
    store = await opened("redis", tmp_path, redis_url)
    path, problems = tmp_path / "items.jl", list[str]()
    feed = feed_of(str(path), {}, Settings())
    feed.prepare(None)
    crawler = context({})
    crawler.fail = lambda reason, problem: problems.append(problem)
    feeds = PoolFeeds([feed], crawler)
    await feeds.open(store.feeds)
    [state] = await store.feeds.states()
    for record in (b'{"n": 1}\n', b'{"n": 2}\n'):
        await feeds.drain()
        await committed(store, FeedProgress(state.number, 0, -1), record)
    await feeds.close(finished=True)
    assert path.read_bytes() == b'{"n": 1}\n{"n": 2}\n'
    assert (await store.feeds.states(), problems) == ([], [])
    await store.close()
    await db_manager.close_all()


class Forgetful(RedisFeeds):
    """Loses the records of a feed whenever they are read."""

    async def records(self, number: int, first: int, last: int) -> Sequence[bytes]:
        await self._redis.delete(self.key_of(number))
        return await super().records(number, first, last)


async def test_records_that_redis_loses_while_it_is_reminded_are_written_by_their_process(
    tmp_path: Path, redis_url: str, redis: Any
) -> None:
    store = await opened("redis", tmp_path, redis_url)
    assert isinstance(store, SpiderQueue)
    feeds = Forgetful(store._redis, store._joining.tag, store.crawl_id, store.worker, 60.0)
    feed = feed_of(str(tmp_path / "items.jl"), {}, Settings())
    feed.prepare(None)
    outlet = Outlet(feed, feeds, Completion(context()))
    await outlet.open()
    redis.delete(feeds._feeds)
    await committed(store, outlet.progress(), b"1\n", b"2\n")  # Redis does not know the feed
    assert not outlet.committed([b"1\n", b"2\n"], -1, fell_back=False)
    await outlet.catch_up()
    assert (tmp_path / "items.jl").read_bytes() == b"1\n2\n"
    assert (outlet.failed, outlet.is_current) == ("", True)
    await store.close()
    await db_manager.close_all()


async def test_a_loss_that_one_worker_sees_is_in_the_end_of_the_crawl(
    tmp_path: Path, redis_url: str, redis: Any
) -> None:
    store = await opened("redis", tmp_path, redis_url)
    await store.feeds.report_lost(12)
    [seed] = (await store.exchange([], 1)).leases
    reply = await store.exchange([Page(seed)], 1)
    assert reply.state is State.FINISHED
    assert "12 items were lost" in reply.problem
    await store.close()
    await db_manager.close_all()


@pytest.mark.parametrize("late", ["in the crawl", "at the end"])
@pytest.mark.parametrize("ending", ["jl", "json"])
@pytest.mark.parametrize("overwrite", [True, False])
async def test_a_worker_that_comes_late_leaves_the_complete_file_alone(
    tmp_path: Path, redis_url: str, redis: Any, late: str, ending: str, overwrite: bool
) -> None:
    def outlet() -> Outlet:
        feed = feed_of(str(tmp_path / f"items.{ending}"), {"overwrite": overwrite}, Settings())
        feed.prepare(None)
        return Outlet(feed, store.feeds, Completion(context()))

    store = await opened("redis", tmp_path, redis_url)
    writer, other = outlet(), outlet()
    await writer.open()
    if late == "in the crawl":
        await other.open()
    record = writer.feed.pack({"a": 1})
    [seed] = (await store.exchange([], 1)).leases
    page = Page(seed, records=[(0, record)])
    reply = await store.exchange([page], 1, feeds=[writer.progress()])
    assert reply.state is State.FINISHED
    writer.committed([record], reply.feeds[0], fell_back=False)
    assert await writer.complete(finished=True)
    writer.feed.file.close()
    whole = (tmp_path / f"items.{ending}").read_bytes()
    if late == "in the crawl":
        other.committed([], -1, fell_back=False)  # its next exchange: Redis does not know the feed any more
        await other.catch_up()
    else:
        await other.open()
    assert not other.writes
    other.feed.file.close()
    assert (tmp_path / f"items.{ending}").read_bytes() == whole
    assert await store.feeds.states() == []
    await store.close()
    await db_manager.close_all()
