"""Workers that meet the frontier as the engine does, without an engine: open, reserve, accept, commit."""

import asyncio
from collections.abc import Iterable
from contextlib import aclosing
from types import TracebackType
from typing import Any, Self

from aioscrapy.context import CrawlContext
from aioscrapy.core.frontier import build_cookies, build_politeness, build_scheduler, choose_frontier
from aioscrapy.core.scheduler import Frontier
from aioscrapy.db import db_manager
from aioscrapy.http import Request
from aioscrapy.queue.base import Entry, Lease, Page, State
from support.context import context

SOON_S = 10.0  # seconds within which everything that these tests wait for has to happen
EAGER = {"CONCURRENT_REQUESTS": 1, "SCHEDULER_PREFETCH": 0}  # a worker that holds only what it works on


def redis_settings(url: str, **settings: Any) -> dict[str, Any]:
    """Return settings of a shared crawl in this Redis."""
    queue = {"SCHEDULER_QUEUE_CLASS": "aioscrapy.queue.redis.SpiderPriorityQueue"}
    return {**queue, "REDIS_ARGS": {"queue": {"url": url}}, **settings}


class Worker:
    """One worker of a crawl. Use it in an `async with`: it leaves the crawl in an orderly way."""

    def __init__(self, settings: dict[str, Any], **attributes: Any) -> None:
        self.crawler: CrawlContext = context(settings, **attributes)
        self.scheduler: Frontier
        self.state: State
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        settings, spider = self.crawler.settings, self.crawler.spider
        await db_manager.from_settings(settings)
        choice = choose_frontier(settings)
        politeness = build_politeness(settings, spider, shared=choice.shared)
        self.crawler.cookies = build_cookies(settings, stored=choice.stored)
        self.scheduler = await build_scheduler(self.crawler, choice, politeness)
        self.state = await self.scheduler.open()
        if self.state is State.OPEN:
            self.wake_up()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._task is not None:
            self.scheduler.stop()
            await self.fall_asleep()
            await self.scheduler.close()

    def wake_up(self) -> None:
        """Talk to the store, from now on."""
        self._task = asyncio.create_task(self._run())

    async def _run(self) -> None:
        async with aclosing(self.scheduler.run()) as pages:
            async for _ in pages:
                pass

    async def fall_asleep(self) -> None:
        """Say nothing any more, as after SIGSTOP; without a `wake_up` later as after kill -9."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
            if not self._task.cancelled():
                self._task.result()
            self._task = None

    async def ended(self) -> None:
        """Wait until `run` has come to its end by itself."""
        assert self._task is not None
        async with asyncio.timeout(SOON_S):
            await self._task

    async def take(self, timeout_s: float = SOON_S) -> Lease | None:
        """Reserve one lease."""
        async with asyncio.timeout(timeout_s):
            return await self.scheduler.reserve()

    async def take_request(self) -> Lease:
        """Reserve a lease that must be of a request."""
        lease = await self.take()
        assert lease is not None
        assert lease.request is not None
        return lease

    async def take_seeding(self) -> Lease:
        """Reserve the lease to run `start_requests`."""
        lease = await self.take()
        assert lease is not None
        assert lease.request is None
        return lease

    def entries(self, requests: Iterable[Request | Entry]) -> list[Entry]:
        """Return what these requests become, without those that are known to be seen."""
        made = (each if isinstance(each, Entry) else self.scheduler.accept(each) for each in requests)
        return [entry for entry in made if entry is not None]

    async def done(self, lease: Lease, *requests: Request | Entry, failure: str = "") -> None:
        """Commit the page of a lease."""
        await self.scheduler.commit(Page(lease, self.entries(requests), failure=failure))

    async def seed(self, *requests: Request | Entry) -> None:
        """Take the seeding lease, and commit these as the start requests."""
        await self.done(await self.take_seeding(), *requests)

    async def rest(self) -> list[str]:
        """Do all that is left, page by page; returns the URLs in the order in which they came."""
        urls = []
        while (lease := await self.take()) is not None:
            assert lease.request is not None
            urls.append(lease.request.url)
            await self.done(lease)
        return urls

    def stat(self, name: str) -> Any:
        """Return one figure of this worker's stats; 0 where it has none."""
        return self.crawler.stats.get_value(name, 0)


def page(number: int, host: str = "example.com", **arguments: Any) -> Request:
    """Return a request for the page of this number."""
    return Request(f"http://{host}/{number}", **arguments)


def numbers(urls: Iterable[str]) -> list[int]:
    """Return the numbers of such pages."""
    return [int(url.rpartition("/")[2]) for url in urls]


TAG = "aioscrapy:{aioscrapybot/tested}"


def crawl_id(worker: Worker) -> str:
    """Return the id of the crawl that the worker has joined."""
    return str(worker.scheduler._store.crawl_id)  # type: ignore[attr-defined]


def figures(redis: Any, worker: Worker) -> dict[str, str]:
    """Return the counters that the crawl itself keeps."""
    return dict(redis.hgetall(f"{TAG}:{crawl_id(worker)}:meta"))
