"""The frontier of a crawl whose requests wait in a store: Redis or a file."""

import asyncio
import time
from collections import deque
from collections.abc import AsyncGenerator, Callable
from contextlib import suppress
from typing import Any

from aioscrapy import signals
from aioscrapy.context import CrawlContext
from aioscrapy.core.lease_timers import LeaseTimers
from aioscrapy.core.politeness import Politeness, SharedPoliteness
from aioscrapy.core.proof import end_of_reply, end_of_state
from aioscrapy.core.retrying import FIRST_RETRY_S, until_answered
from aioscrapy.core.scheduler import Frontier
from aioscrapy.ends import Reason
from aioscrapy.exceptions import QueueError, StoreError
from aioscrapy.feeds.feeds import Feeds, Record
from aioscrapy.http.request import Request
from aioscrapy.log import logger
from aioscrapy.queue.base import SEED, Entry, Exchange, Lease, Page, Reply, State, Store
from aioscrapy.queue.hosts import HostQueue

# Fingerprints that a worker remembers, so that a link that it has seen need not be sent.
KNOWN_LIMIT = 200_000
# Seconds for the last exchange, and then for leaving, if the store does not answer.
GOODBYE_S = 1.0


class SharedScheduler(Frontier):
    """Holds a few leased requests ready, and commits many pages in one exchange.

    One task, `run`, talks to the store. During an exchange the next pages gather in the outbox.
    """

    resumable = True

    def __init__(
        self,
        crawler: CrawlContext,
        politeness: Politeness,
        fingerprint: Callable[[Request], bytes],
        store: Store,
        dupefilter: Any,
        feeds: Feeds | None = None,
    ) -> None:
        self._known: set[bytes] = set()
        super().__init__(crawler, politeness, fingerprint, self._known, feeds)
        self._cookies = crawler.cookies
        settings = crawler.settings
        self._fail = crawler.fail
        self._store = store
        self._dupefilter = dupefilter
        self._ready: HostQueue[Lease] = HostQueue()  # leased, not yet begun
        self._seed: Lease | None = None
        self._outbox: list[Page] = []
        self._visible: deque[Page] = deque()  # committed, not yet given by `run`
        self._active = 0
        self._concurrency = settings.getint("CONCURRENT_REQUESTS")
        prefetch = settings["SCHEDULER_PREFETCH"]
        self._prefetch = self._concurrency if prefetch is None else settings.getint("SCHEDULER_PREFETCH")
        if isinstance(politeness, SharedPoliteness):
            self._prefetch = 0  # a lease is a turn at its host, and must not wait here
        self._timers = LeaseTimers(self._begin)  # leases whose turn has not come
        self._per_host = settings.getint("CONCURRENT_REQUESTS_PER_DOMAIN") + self._prefetch
        self._heartbeat_s = settings.getfloat("SCHEDULER_HEARTBEAT")
        self._go = asyncio.Event()  # there is something to exchange
        self._dry = asyncio.Event()  # the store had fewer requests than wanted: wait for news
        self._call: Exchange | None = None  # the exchange in progress
        self._broken = False  # the store can't be written
        self._complete = False  # the store says that the crawl has finished
        self._cursor = 0
        self._due_s: float | None = None
        self._waiting = 0
        self._may_finish = False
        self._kept_open_until = 0.0

    async def open(self) -> State:
        state = await self._store.open(self._dupefilter)
        self.end = end_of_state(state, self._store.proof)
        try:
            if self._feeds is not None and state is not State.STOPPED:
                await self._feeds.open(self._store.feeds, over=state is not State.OPEN)
        except BaseException:
            await self._store.close()
            raise
        return state

    async def run(self) -> AsyncGenerator[Page]:
        listener = asyncio.create_task(self._listen(), name="frontier-news")
        try:
            while True:
                due_s = self._heartbeat_s if self._due_s is None else max(0.01, self._due_s)
                with suppress(TimeoutError):
                    async with asyncio.timeout(min(due_s, self._heartbeat_s)):
                        await self._go.wait()
                self._go.clear()
                try:
                    await until_answered(self._once)
                except StoreError as exc:
                    self._give_up(exc)
                while self._visible:
                    yield self._visible.popleft()
                if self._broken or (self.stopping and not self._active and not self._outbox):
                    return
        finally:
            while not listener.done():  # a call of redis-py may swallow it (see `cancellable`)
                listener.cancel()
                await asyncio.wait([listener], timeout=FIRST_RETRY_S)

    async def reserve(self) -> Lease | None:
        while not self.stopping:
            lease = self._seed
            if lease is not None:
                self._seed = None
                self._active += 1
                return lease
            lease = self._ready.pop(self.politeness.is_free)
            if lease is not None:
                self.politeness.take(lease.host)
                self._active += 1
                if len(self._ready) * 2 < self._prefetch and not self._dry.is_set():
                    self._go.set()
                return lease
            if not self._dry.is_set():
                self._go.set()
            await self._wait()
        return None

    def accept(self, request: Request) -> Entry | None:
        if self.on_scheduled and self._refused(request):
            return None
        fingerprint = None if request.dont_filter else self._fingerprint(request)
        if fingerprint is not None and fingerprint in self._known:
            self._dropped(request)
            return None
        entry = self._entry(request, fingerprint)
        self._store.pack(entry)
        return entry

    def push(self, request: Request) -> None:
        entry = self.accept(request)
        if entry is not None and not self._broken:
            self._outbox.append(Page(None, [entry]))
            self._go.set()

    def idle(self) -> bool:
        return not (self._active or self._ready or len(self._timers) or self._outbox or self._waiting)

    def pack_item(self, item: Any) -> bytes | None:
        return self._store.pack_item(item)

    async def commit(self, page: Page) -> bool:
        if not self._broken:
            self._outbox.append(page)
        if page.final and page.lease is not None:
            self._active -= 1
            if page.lease.request is not None:
                self.politeness.done(page.lease.host)
        self._go.set()
        # The store is slower than the pages: wait. At the end only pieces of endless outputs wait.
        while len(self._outbox) > 2 * self._concurrency and not (self.stopping and page.final):
            await self._wait()
        return False

    def waiting(self) -> int:
        return self._waiting + len(self._ready) + len(self._timers)

    def stop(self) -> None:
        super().stop()
        self._outbox += [
            Page(lease, give_back=True) for lease in (*self._ready.drain(), *self._timers.drain())
        ]
        if self._seed is not None:
            self._outbox.append(Page(self._seed, give_back=True))
            self._seed = None
        self._go.set()

    async def close(self) -> list[Page]:
        with suppress(TimeoutError, QueueError):
            async with asyncio.timeout(GOODBYE_S):
                while not self._broken and (self._outbox or self._call is not None):
                    await self._once()
        if self._feeds is not None:
            await self._feeds.close(finished=self._complete)
        with suppress(TimeoutError, QueueError):
            async with asyncio.timeout(GOODBYE_S):
                await self._store.close()
        return list(self._visible)

    def _give_up(self, exc: StoreError) -> None:
        """End the crawl: the store can't be written. Pages since the last exchange are crawled again."""
        self._fail(Reason.STORE_FAILED, str(exc))
        self._broken = True
        self._outbox.clear()

    async def _once(self) -> None:
        """Run one exchange. A failed one is repeated unchanged; the store recognises its number."""
        self._call = call = self._call or self._plan()
        reply = await self._store.exchange(**call._asdict())
        self._call = None
        if self._cookies is not None:
            requests, read = [lease.request for lease in reply.leases], self._store.read_cookies
            await self._cookies.refresh(requests, reply.cookies_version, call.cookies, read)
        await self._settle(len(call.pages), call.want, reply)

    def _plan(self) -> Exchange:
        held = self._active + len(self._ready) + len(self._timers)
        want = 0 if self.stopping else self._concurrency + self._prefetch - held
        busy = [
            *self._ready.busy_hosts(),
            *(host for host, count in self._ready.sizes() if count >= self._per_host),
        ]
        may_finish = self._may_finish or (
            self._close_on_idle and not self._signals.connected(signals.spider_idle)
        )
        cookies = self._cookies.take_changes() if self._cookies is not None else []
        feeds = self._feeds.progress() if self._feeds is not None else []
        limits = self.politeness.limits()
        pages, want = list(self._outbox), max(0, want)
        return Exchange(pages, want, busy, self._per_host, may_finish, limits, feeds, cookies)

    async def _settle(self, sent: int, want: int, reply: Reply) -> None:
        """Apply the reply of the store, and announce the pages that are now visible."""
        pages, self._outbox = self._outbox[:sent], self._outbox[sent:]
        if reply.lost:
            self._lose(reply)
        for lease in reply.leases:
            if lease.id == SEED:
                self._seed = lease
            elif lease.start_s > 0:
                self._timers.add(lease)
            else:
                self._ready.push(lease.host, lease.key, lease)
        for lease, problem in reply.broken:
            logger.error("A request can't be read and becomes a dead letter: %s", problem)
            self._outbox.append(Page(lease, failure=problem))
            self._go.set()
        self._complete = self._complete or reply.state is State.FINISHED
        self._waiting, self._cursor, self._due_s = reply.waiting, reply.cursor, reply.next_due_s
        if self.stopping:
            if reply.leases:  # they arrived after `stop`
                self.stop()
        elif len(reply.leases) < want:
            self._dry.set()
        else:
            self._dry.clear()
        await self._count(pages, reply)
        await self._react(reply)
        self._wake(max(len(reply.leases), 1) + sent)

    def _lose(self, reply: Reply) -> None:
        """Drop all leases; the store will refuse the pages in progress."""
        self._ready.drain()
        self._timers.drain()
        self._seed = None
        self._known.clear()  # the store may have forgotten them
        self._stats.inc_value("scheduler/leases_lost")
        if reply.fell_back:
            logger.warning("Redis lost the latest commits (crash or failover); those pages are crawled again")
        else:
            logger.warning(
                "This worker was silent for longer than SCHEDULER_LEASE; other workers crawl its pages"
            )

    async def _count(self, pages: list[Page], reply: Reply) -> None:
        sent, records = 0, list[Record]()
        for page, accepted in zip(pages, reply.accepted, strict=True):
            if page.give_back:
                continue
            if accepted:
                sent += len(page.entries)
                records += page.records
                self._remember(page)
                self._visible.append(page)
            else:
                self._stats.inc_value("scheduler/refused")
                if reply.state is not State.GONE:
                    logger.warning("The store refused a page: another worker has its lease (%s)", page.lease)
        if self._feeds is not None:
            await self._feeds.committed(records, reply.feeds, fell_back=reply.fell_back)
        if sent:
            self._stats.inc_value("scheduler/enqueued", sent - reply.filtered)
        if reply.filtered:
            self._stats.inc_value("dupefilter/filtered", reply.filtered)

    def _remember(self, page: Page) -> None:
        known = self._known
        if len(known) > KNOWN_LIMIT:
            known.clear()
        known.update(entry.fingerprint for entry in page.entries if entry.fingerprint is not None)

    async def _react(self, reply: Reply) -> None:
        if reply.state is State.OPEN or self.stopping:
            return
        if reply.state is State.IDLE:
            if time.monotonic() >= self._kept_open_until and await self._may_close():
                self._may_finish = not self._outbox  # a handler may have pushed requests
                self._go.set()
            else:
                self._kept_open_until = time.monotonic() + self._heartbeat_s
            return
        if reply.state is State.GONE:
            if await self._store.recreate():
                logger.warning("Redis lost the whole crawl; it starts again from the start requests")
                self._go.set()
                return
            logger.warning("%s", reply.problem or "The crawl was deleted from Redis; this worker ends")
        self.end = end_of_reply(reply)
        Frontier.stop(self)
        self._go.set()

    def _begin(self, lease: Lease) -> None:
        """Make a lease ready whose turn has come."""
        self._ready.push(lease.host, lease.key, lease)
        self._wake(1)

    async def _listen(self) -> None:
        """Wake `run` when the store has news for a worker that wants more requests."""
        while True:
            await self._dry.wait()
            try:
                await self._store.wait(self._cursor, self._heartbeat_s)
            except QueueError:
                await asyncio.sleep(FIRST_RETRY_S)
            self._dry.clear()
            self._go.set()
