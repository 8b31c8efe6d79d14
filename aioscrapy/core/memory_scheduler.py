"""The frontier of a crawl in the memory of one process."""

import asyncio
from collections.abc import AsyncGenerator, Callable

from aioscrapy import signals
from aioscrapy.context import CrawlContext
from aioscrapy.core.politeness import Politeness
from aioscrapy.core.proof import end_of_done
from aioscrapy.core.scheduler import Frontier
from aioscrapy.dupefilters.base import LocalDupeFilter
from aioscrapy.feeds.feeds import Feeds
from aioscrapy.http.request import Request
from aioscrapy.queue.base import SEED, Entry, Lease, Page, State
from aioscrapy.queue.memory import MemoryQueue

# Waiting requests at which `start_requests` is held back.
SEEDS_AHEAD = 100_000
# Seconds between two `spider_idle` signals while a handler keeps the crawl open.
IDLE_AGAIN_S = 5.0


class MemoryScheduler(Frontier):
    """Keeps requests as objects; a page is visible when it is committed."""

    resumable = False

    def __init__(
        self,
        crawler: CrawlContext,
        politeness: Politeness,
        fingerprint: Callable[[Request], bytes],
        queue: MemoryQueue,
        dupefilter: LocalDupeFilter,
        feeds: Feeds | None = None,
    ) -> None:
        super().__init__(crawler, politeness, fingerprint, dupefilter, feeds)
        self._queue = queue
        self._ready = queue.ready
        self._seen_now = dupefilter.add
        self._leased = 0
        self._handled = 0
        self._fruitless = 0
        self._on_empty = crawler.signals.receivers(signals.scheduler_empty)
        self._begun = False  # seeding has been leased
        # the task that seeds also has to take the requests
        self._alone = crawler.settings.getint("CONCURRENT_REQUESTS") <= 1
        self._room: asyncio.Future[None] | None = None  # seeding waits for it
        self._idle_check = False
        self._keep_open: asyncio.TimerHandle | None = None

    async def open(self) -> State:
        if self._feeds is not None:
            await self._feeds.open(None)
        return State.OPEN

    async def run(self) -> AsyncGenerator[Page]:
        """End at once: `commit` makes pages visible."""
        return
        yield

    async def reserve(self) -> Lease | None:
        while not self.stopping:
            if not self._begun:
                self._begun = True
                self._leased += 1
                return Lease(None, SEED, 0, "", 0)
            lease = self._ready.pop(self.politeness.is_free)
            if lease is not None:
                self.politeness.take(lease.host)
                self._leased += 1
                if self._room is not None and len(self._ready) < SEEDS_AHEAD // 2:
                    self._room.set_result(None)
                    self._room = None
                return lease
            if self._on_empty and not self._ready:
                await self._signals.send(signals.scheduler_empty)
            if not self._leased and not self._ready and not self._idle_check:
                await self._idle()
                continue
            await self._wait()
        return None

    def accept(self, request: Request) -> Entry | None:
        if self.on_scheduled and self._refused(request):
            return None
        fingerprint = None if request.dont_filter else self._fingerprint(request)
        if fingerprint is not None and not self._seen_now(fingerprint):
            self._dropped(request)
            return None
        return self._entry(request, fingerprint)

    def push(self, request: Request) -> None:
        entry = self.accept(request)
        if entry is not None:
            self._queue.push(entry)
            self._stats.inc_value("scheduler/enqueued")
            self._wake(1)

    def idle(self) -> bool:
        return not self._leased and not self._ready

    async def commit(self, page: Page) -> bool:
        if not page.final and len(self._ready) >= SEEDS_AHEAD:
            await self._wait_for_room(page)
        if page.records and self._feeds is not None:
            self._feeds.write(page.records)
        for entry in page.entries:
            if entry.delay_s > 0:
                self._later(entry)
            else:
                self._queue.push(entry)
        if page.entries:
            self._stats.inc_value("scheduler/enqueued", len(page.entries))
        if page.final and page.lease is not None:
            self._leased -= 1
            if page.give_back:
                self._again(page.lease)
            self._handled += page.handled
            self._fruitless += page.fruitless
            if page.lease.request is not None:
                self.politeness.done(page.lease.host)
        self._wake(len(page.entries) + 1)
        return True

    def waiting(self) -> int:
        return len(self._ready)

    def stop(self) -> None:
        super().stop()
        if self._room is not None:
            self._room.set_result(None)  # the seeding task looks at `stopping`
            self._room = None
        if self._keep_open is not None:
            self._keep_open.cancel()

    async def close(self) -> list[Page]:
        """Close the feeds; the queue ends with the process."""
        if self._feeds is not None:
            await self._feeds.close(finished=True)
        return []

    def _again(self, lease: Lease) -> None:
        """Put a lease back to its old place."""
        if lease.request is None:
            self._begun = False
        else:
            self._ready.push(lease.host, lease.key, lease)

    async def _wait_for_room(self, page: Page) -> None:
        """Hold `start_requests` back while enough requests wait."""
        if page.lease is None or page.lease.request is not None:
            return  # all tasks could be in callbacks, and nobody would take the waiting requests
        if self._alone:
            await asyncio.sleep(0)
            return
        if not self.stopping:
            self._room = asyncio.get_running_loop().create_future()
            await self._room

    def _later(self, entry: Entry) -> None:
        """Hold a request back for its delay; it counts as leased, so that the crawl does not end."""
        self._leased += 1

        def due() -> None:
            self._leased -= 1
            self._queue.push(entry)
            self._wake(1)

        asyncio.get_running_loop().call_later(entry.delay_s, due)

    async def _idle(self) -> None:
        """End the crawl, unless a handler of `spider_idle` or a setting keeps it open."""
        self._idle_check = True
        try:
            if await self._may_close():
                if not self._leased and not self._ready:
                    self.end = end_of_done(self._handled, self._fruitless)
                    self.stop()
                return
        finally:
            self._idle_check = False
        if not self._leased and not self._ready:
            self._keep_open = asyncio.get_running_loop().call_later(IDLE_AGAIN_S, self._wake, 1)
            await self._wait()
