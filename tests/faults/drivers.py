"""The real frontiers as test_property.py drives them: one call an exchange, and a clock that it moves."""

import asyncio
import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from redis.exceptions import ConnectionError as RedisConnectionError

from aioscrapy.core.memory_scheduler import MemoryScheduler
from aioscrapy.db import db_manager
from aioscrapy.dupefilters import disk, memory
from aioscrapy.dupefilters.redis import RFPDupeFilter
from aioscrapy.exceptions import QueueError
from aioscrapy.queue import disk as disk_queues
from aioscrapy.queue import memory as memory_queues
from aioscrapy.queue import redis as redis_queues
from aioscrapy.queue.base import Entry, Lease, Order, Page, Reply, State, Store
from faults.model import DELAY_S, Draft, Sheet
from support.context import context
from support.frontier import TAG, redis_settings

LEASE_S = 60.0  # nobody is given up unless a test says that the time is over
NAMES = {Order.PRIORITY: "SpiderPriorityQueue", Order.FIFO: "SpiderQueue", Order.LIFO: "SpiderStack"}


class Clock(asyncio.SelectorEventLoop):
    """An event loop whose clock can be put forward."""

    ahead_s = 0.0

    def time(self) -> float:
        return super().time() + self.ahead_s


def page_of(sheet: Sheet, entry_of: Callable[[Draft], Entry | None]) -> Page:
    """Return a sheet as the engine hands it over."""
    if sheet.kind == "back":
        return Page(sheet.lease, give_back=True)
    entries = [entry for draft in sheet.drafts if (entry := entry_of(draft)) is not None]
    return Page(
        sheet.lease,
        entries,
        packed_items=list(sheet.items),
        failure=sheet.failure,
        final=sheet.kind == "final",
    )


def entry_of(store: Store, draft: Draft) -> Entry:
    delay_s = DELAY_S if draft.delayed else 0.0
    entry = Entry(draft.request(), draft.fingerprint, draft.host, delay_s)
    store.pack(entry)
    return entry


class InMemory:
    """The frontier of a process without a store."""

    numbered_when_due = True
    keeps_items = False

    def __init__(self, loop: Clock, folder: Path, order: Order) -> None:
        queue: memory_queues.MemoryQueue = getattr(memory_queues, NAMES[order])()
        crawler = context({"CONCURRENT_REQUESTS_PER_DOMAIN": 1000})
        self._loop = loop
        self._filtered = 0
        self._scheduler = MemoryScheduler(
            crawler,
            crawler.politeness,
            lambda request: request.url.encode(),
            queue,
            memory.RFPDupeFilter(),
        )

    async def open(self) -> State:
        return await self._scheduler.open()

    async def exchange(self, sheets: Sequence[Sheet], want: int, **limits: Any) -> Reply:
        self._filtered = 0
        for sheet in sheets:
            await self._scheduler.commit(page_of(sheet, self._entry_of))
        leases: list[Lease] = []
        state = State.OPEN
        while len(leases) < want and state is State.OPEN:
            reserving = asyncio.ensure_future(self._scheduler.reserve())
            for _ in range(5):  # the end needs some turns of the loop
                await asyncio.sleep(0)
            if not reserving.done():
                reserving.cancel()
                break
            lease = reserving.result()
            if lease is None:
                state = State.FINISHED
            else:
                leases.append(lease)
        return Reply(
            [True] * len(sheets),
            leases,
            state,
            waiting=self._scheduler.waiting(),
            filtered=self._filtered,
        )

    async def time_passes(self) -> None:
        self._loop.ahead_s += 2 * DELAY_S
        for _ in range(3):
            await asyncio.sleep(0)

    async def restart(self) -> None:
        raise AssertionError("nothing survives the process")

    async def close(self) -> None:
        self._scheduler.stop()

    def _entry_of(self, draft: Draft) -> Entry | None:
        entry = self._scheduler.accept(draft.request())
        if entry is None:
            self._filtered += 1
            return None
        entry.delay_s = DELAY_S if draft.delayed else 0.0
        assert entry.host == (draft.host or "none")
        return entry


class OnDisk:
    """The frontier in a file of JOBDIR."""

    numbered_when_due = False
    keeps_items = False

    def __init__(self, loop: Clock, folder: Path, order: Order) -> None:
        self._crawler = context({"JOBDIR": str(folder)})
        self._class: type[disk_queues.DiskQueue] = getattr(disk_queues, NAMES[order])
        self._store: disk_queues.DiskQueue

    async def open(self) -> State:
        self._store = await self._class.from_crawler(self._crawler)
        return await self._store.open(disk.RFPDupeFilter())

    async def exchange(
        self, sheets: Sequence[Sheet], want: int, unheard: bool = False, **limits: Any
    ) -> Reply:
        pages = [page_of(sheet, lambda draft: entry_of(self._store, draft)) for sheet in sheets]
        if unheard:
            call = asyncio.ensure_future(self._store.exchange(pages, want, **limits))
            await asyncio.sleep(0)
            call.cancel()
            await asyncio.wait([call])
        return await self._store.exchange(pages, want, **limits)

    async def time_passes(self) -> None:
        db = self._store._db
        await self._store._in_thread(db.execute, "UPDATE requests SET due = 1 WHERE due > 0")

    async def restart(self) -> None:
        await self._store.close()
        await self.open()

    async def fill_disk(self, full: bool) -> None:
        """Let the file grow no more, as on a full disk, or grow again."""
        db = self._store._db
        [(pages,)] = await self._store._in_thread(lambda: db.execute("PRAGMA page_count").fetchall())
        limit = pages if full else 2**30
        await self._store._in_thread(db.execute, f"PRAGMA max_page_count = {limit}")

    async def close(self) -> None:
        await self._store.close()


class InRedis:
    """One worker of a crawl in Redis; the same class that a crawl uses, with an answer that may get lost."""

    def __init__(self, url: str, crawl: str, order: Order) -> None:
        self._settings = redis_settings(url, CRAWL_ID=crawl, SCHEDULER_LEASE=LEASE_S, ITEMS_IN_REDIS=True)
        self._class: type[redis_queues.RedisQueue] = getattr(redis_queues, NAMES[order])
        self.got: list[Lease] = []  # every lease it ever had, the newest first
        self.pending: Any = None  # the exchange whose answer it has not heard, and what that must be
        self.dry_since: int | None = None  # it waits for news, from this cursor on
        self._store: redis_queues.RedisQueue

    @property
    def name(self) -> str:
        return self._store.worker

    async def open(self) -> State:
        crawler = context(self._settings)
        await db_manager.from_settings(crawler.settings)
        self._store = await self._class.from_crawler(crawler)
        return await self._store.open(RFPDupeFilter())

    async def exchange(self, sheets: Sequence[Sheet], want: int, **limits: Any) -> Reply:
        pages = [page_of(sheet, lambda draft: entry_of(self._store, draft)) for sheet in sheets]
        return await self._store.exchange(pages, want, **limits)

    async def exchange_unheard(
        self, sheets: Sequence[Sheet], want: int, *, done: bool, **limits: Any
    ) -> None:
        """Make an exchange whose answer gets lost, or that does not even reach the server."""
        script = self._store._script
        self._store._script = _Deaf(script, done)  # type: ignore[assignment]
        try:
            await self.exchange(sheets, want, **limits)
        except QueueError:
            return
        finally:
            self._store._script = script
        raise AssertionError("the answer was heard")

    async def close(self) -> None:
        await self._store.close()


class _Deaf:
    def __init__(self, script: Any, done: bool) -> None:
        self._script = script
        self._done = done

    async def run(self, *arguments: Any) -> None:
        if self._done:
            await self._script.run(*arguments)
        raise RedisConnectionError("the line is dead")


class CrawlKeys:
    """What stands in the keys of one crawl."""

    def __init__(self, redis: Any, crawl: str) -> None:
        self._redis = redis
        self._prefix = f"{TAG}:{crawl}:"

    def key(self, suffix: str) -> str:
        return self._prefix + suffix

    def read(self) -> dict[str, Any]:
        """Return all keys as they are; one round trip."""
        with self._redis.pipeline() as pipe:
            pipe.hgetall(self.key("meta")).zrange(self.key("ready"), 0, -1)
            pipe.zrange(self.key("hosts"), 0, -1, withscores=True).hgetall(self.key("leased"))
            pipe.zrange(self.key("delayed"), 0, -1).zrange(self.key("workers"), 0, -1)
            pipe.lrange(self.key("items"), 0, -1).hgetall(self.key("failed")).smembers(self.key("seen"))
            pipe.xrevrange(self.key("wake"), count=1)
            answers = pipe.execute()
        names = (
            "meta",
            "ready",
            "hosts",
            "leased",
            "delayed",
            "workers",
            "items",
            "failed",
            "seen",
            "wake",
        )
        return dict(zip(names, answers, strict=True))

    def poison(self, fields: dict[str, bytes]) -> None:
        """Push an entry as another program does."""
        self._redis.xadd(f"{TAG}:push", fields)

    def evict(self, suffix: str) -> None:
        self._redis.delete(self.key(suffix))

    def forget_pushed(self) -> None:
        """Remove what an earlier crawl of the spider has left."""
        self._redis.delete(f"{TAG}:push")

    def repair_at_once(self) -> None:
        """Let the next exchange look for what is damaged, however short ago the last one did."""
        if self._redis.exists(self.key("meta")):
            self._redis.hset(self.key("meta"), mapping={"repair_at": 0, "repair_leases_at": 0})

    def end_lease_time(self, worker: str) -> None:
        """Let the time of a worker's leases be over."""
        self._redis.zadd(self.key("workers"), {worker: time.time() * 1000 - 60_000}, xx=True)

    def time_passes(self) -> None:
        """Let all delayed requests be due, one after the other."""
        members = self._redis.zrange(self.key("delayed"), 0, -1)
        if members:
            self._redis.zadd(self.key("delayed"), {each: n + 1 for n, each in enumerate(members)})


def sort_key_and_mark(member: bytes) -> tuple[int, int]:
    """Read a member of `ready` or `delayed`: host, newline, 14 hex digits, request."""
    _, _, rest = member.partition(b"\n")
    return int(rest[:14], 16), json.loads(rest[14:])["meta"]["mark"]
