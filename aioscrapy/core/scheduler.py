"""The frontier as the engine sees it: reserve a request, commit its page; here for one process."""

import asyncio
import logging
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import AsyncGenerator, Callable, Container
from typing import Any, ClassVar

from aioscrapy import signals
from aioscrapy.context import CrawlContext
from aioscrapy.core.politeness import Politeness
from aioscrapy.dupefilters.base import LocalDupeFilter
from aioscrapy.ends import End, Reason, end_for
from aioscrapy.exceptions import DontCloseSpider
from aioscrapy.http.hosts import slot_of
from aioscrapy.http.request import Request
from aioscrapy.log import logger
from aioscrapy.queue.base import SEED, Entry, Lease, Page, State
from aioscrapy.queue.memory import MemoryQueue

SEEDS_AHEAD = 100_000  # requests that wait in memory, at which `start_requests` is not asked for more
IDLE_AGAIN_S = 5.0  # seconds between two `spider_idle` signals while a handler keeps the crawl open


class Scheduler(ABC):
    """Gives out one request at a time that its host may take now, and takes the finished pages.

    All workers of the engine share one; whoever finds nothing waits here until something changes.
    """

    resumable: ClassVar[bool]
    """Whether a page that is given back is crawled again, by another process or after a restart."""

    def __init__(
        self,
        crawler: CrawlContext,
        politeness: Politeness,
        fingerprint: Callable[[Request], bytes],
        seen: Container[bytes],
    ) -> None:
        def known(request: Request) -> bool:
            return not request.dont_filter and fingerprint(request) in seen

        self.known = known
        """Tells whether `accept` would refuse a request now. No method: most links of a page end in it."""
        self._stats = crawler.stats
        self._signals = crawler.signals
        self._spider = crawler.spider
        self._fingerprint = fingerprint
        self._close_on_idle = crawler.settings.getbool("CLOSE_SPIDER_ON_IDLE")
        self._debug_duplicates = crawler.settings.getbool("DUPEFILTER_DEBUG")
        self.logs_filtered = logger.isEnabledFor(logging.DEBUG)  # `accept` logs the next that it refuses
        self._waiters: deque[asyncio.Future[None]] = deque()
        self._stopping = False
        self.politeness = politeness
        self.end: End | None = None
        """How the crawl ended, as far as the frontier proves it; None while it is not over."""
        politeness.on_free = self._host_free

    @abstractmethod
    async def open(self) -> State:
        """Join the crawl."""

    @abstractmethod
    def run(self) -> AsyncGenerator[Page]:
        """Talk to the store until the crawl is over or stopped; yield every page that becomes visible."""

    @abstractmethod
    async def reserve(self) -> Lease | None:
        """Wait for a request that its host may take now; None when the crawl is over or stopping."""

    @abstractmethod
    def accept(self, request: Request) -> Entry | None:
        """Turn what a callback yielded into an entry of its page; None where it is known to be seen.

        Raises:
            SerializeError: the request can't travel; names the part.
        """

    def pack_item(self, item: Any) -> bytes | None:
        """Return an item as the store keeps it, for `Page.packed_items`; None where items are not kept there.

        Raises:
            SerializeError: the item can't be written.
        """
        return None

    @abstractmethod
    async def commit(self, page: Page) -> bool:
        """Hand over a page. True: it is visible now; False: `run` or `close` gives it once it is visible."""

    @abstractmethod
    def waiting(self) -> int:
        """Return the requests that are known to wait."""

    def stop(self) -> None:
        """Give out nothing any more; the workers that wait get None."""
        self._stopping = True
        self._wake_all()

    @abstractmethod
    async def close(self) -> list[Page]:
        """Leave the crawl; returns the pages that became visible and that `run` has not given."""

    @abstractmethod
    def _host_free(self, host: str) -> None:
        """Note that a host which was busy may take a request again."""

    def _all_done(self, handled: int, fruitless: int) -> End:
        """Return the end of a crawl of which nothing is left, with its numbers of such pages."""
        if fruitless and not handled:
            return end_for(Reason.ALL_FAILED, f"all {fruitless} requests failed; the log says why")
        return end_for(Reason.FINISHED)

    def _entry(self, request: Request, fingerprint: bytes | None) -> Entry:
        return Entry(request, fingerprint, slot_of(request))

    def count_filtered(self, count: int) -> None:
        """Count requests that were `known`."""
        self._stats.inc_value("dupefilter/filtered", count)

    def _dropped(self, request: Request) -> None:
        """Count and, once, log a duplicate."""
        self.count_filtered(1)
        if self.logs_filtered:
            self.logs_filtered = self._debug_duplicates
            last = "" if self._debug_duplicates else " (no more will be shown, see DUPEFILTER_DEBUG)"
            logger.debug("Filtered duplicate request: %s%s", request, last)

    async def _announce(self, page: Page) -> None:
        """Tell the handlers of `request_scheduled` what is on this page."""
        if self._signals.connected(signals.request_scheduled):
            for entry in page.entries:
                await self._signals.send(
                    signals.request_scheduled, request=entry.request, spider=self._spider
                )

    async def _may_close(self) -> bool:
        """Ask the handlers of `spider_idle` whether an idle crawl may end."""
        answers = await self._signals.send(signals.spider_idle, spider=self._spider)
        kept = any(isinstance(answer, DontCloseSpider) for answer in answers)
        return self._close_on_idle and not kept

    async def _wait(self) -> None:
        waiter = asyncio.get_running_loop().create_future()
        self._waiters.append(waiter)
        try:
            await waiter
        except asyncio.CancelledError:
            if waiter.done() and not waiter.cancelled():
                self._wake(1)  # the news was for somebody: pass it on
            raise

    def _wake(self, count: int) -> None:
        waiters = self._waiters
        while waiters and count > 0:
            waiter = waiters.popleft()
            if not waiter.done():
                waiter.set_result(None)
                count -= 1

    def _wake_all(self) -> None:
        self._wake(len(self._waiters))


class MemoryScheduler(Scheduler):
    """The frontier of a crawl of one process: no store, no waiting for one."""

    resumable = False

    def __init__(
        self,
        crawler: CrawlContext,
        politeness: Politeness,
        fingerprint: Callable[[Request], bytes],
        queue: MemoryQueue,
        dupefilter: LocalDupeFilter,
    ) -> None:
        super().__init__(crawler, politeness, fingerprint, dupefilter)
        self._queue = queue
        self._ready = queue.ready
        self._seen_now = dupefilter.add
        self._leased = 0
        self._handled = 0
        self._fruitless = 0
        self._begun = False  # seeding has been leased
        self._alone = crawler.settings.getint("CONCURRENT_REQUESTS") <= 1  # who seeds has to take them too
        self._room: asyncio.Future[None] | None = None  # seeding waits for it
        self._idle_check = False
        self._keep_open: asyncio.TimerHandle | None = None

    async def open(self) -> State:
        return State.OPEN

    async def run(self) -> AsyncGenerator[Page]:
        """End at once: a page is visible when it is committed."""
        return
        yield

    async def reserve(self) -> Lease | None:
        while not self._stopping:
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
            if not self._leased and not self._ready and not self._idle_check:
                await self._idle()
                continue
            await self._wait()
        return None

    def accept(self, request: Request) -> Entry | None:
        fingerprint = None if request.dont_filter else self._fingerprint(request)
        if fingerprint is not None and not self._seen_now(fingerprint):
            self._dropped(request)
            return None
        return self._entry(request, fingerprint)

    async def commit(self, page: Page) -> bool:
        if not page.final and len(self._ready) >= SEEDS_AHEAD:
            await self._wait_for_room(page)
        await self._announce(page)
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
            self._room.cancel()  # who seeds gives its lease back
        if self._keep_open is not None:
            self._keep_open.cancel()

    async def close(self) -> list[Page]:
        """Do nothing: the queue goes with the process."""
        return []

    def _again(self, lease: Lease) -> None:
        """Put a lease back where it stood."""
        if lease.request is None:
            self._begun = False
        else:
            self._ready.push(lease.host, lease.key, lease)

    async def _wait_for_room(self, page: Page) -> None:
        """Hold `start_requests` back while enough requests wait: a million of them need not be here."""
        if page.lease is None or page.lease.request is not None:
            return  # a callback's: were they held back, nobody might be left to take the others
        if self._alone:
            await asyncio.sleep(0)
            return
        self._room = asyncio.get_running_loop().create_future()
        if self._stopping:
            self._room.cancel()
        try:
            await self._room
        finally:
            self._room = None

    def _later(self, entry: Entry) -> None:
        """Keep a request back for its delay; it counts as leased meanwhile, so the crawl doesn't end."""
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
                    self.end = self._all_done(self._handled, self._fruitless)
                    self.stop()
                return
        finally:
            self._idle_check = False
        if not self._leased and not self._ready:
            self._keep_open = asyncio.get_running_loop().call_later(IDLE_AGAIN_S, self._wake, 1)
            await self._wait()

    def _host_free(self, host: str) -> None:
        self._ready.release(host)
        self._wake(1)
