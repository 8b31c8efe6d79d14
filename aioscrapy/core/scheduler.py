"""The frontier as the engine sees it: reserve a request, commit its page."""

import asyncio
import logging
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import AsyncGenerator, Callable, Container
from typing import Any, ClassVar

from aioscrapy import signals
from aioscrapy.context import CrawlContext
from aioscrapy.core.politeness import Politeness
from aioscrapy.ends import End
from aioscrapy.exceptions import CloseSpider, DontCloseSpider, IgnoreRequest
from aioscrapy.feeds.feeds import Feeds
from aioscrapy.http.hosts import HostSlot, slot_of
from aioscrapy.http.request import Request
from aioscrapy.log import logger
from aioscrapy.queue.base import Entry, Lease, Page, State
from aioscrapy.queue.hosts import HostQueue


class Frontier(ABC):
    """Leases requests whose hosts may take one now, and takes the finished pages.

    All tasks of the engine share it; a task without a request waits here.

    Attributes:
        stopping: no more requests are leased.
        end: the end of the crawl that the frontier proves; None until then.
    """

    _ready: HostQueue[Lease]
    resumable: ClassVar[bool]
    """Whether a page that is given back is crawled again, by another process or after a restart."""

    def __init__(
        self,
        crawler: CrawlContext,
        politeness: Politeness,
        fingerprint: Callable[[Request], bytes],
        seen: Container[bytes],
        feeds: Feeds | None,
    ) -> None:
        def known(request: Request) -> bool:
            try:
                return not request.dont_filter and fingerprint(request) in seen
            except Exception:  # noqa: BLE001 it is raised again by accept, for the scraper to report
                return False

        self.known = known
        """True if `accept` would drop a request. Not a method, for speed: most links of a page end here."""
        self._stats = crawler.stats
        self._stop = crawler.stop
        self._signals = crawler.signals
        self.on_scheduled = crawler.signals.receivers(signals.request_scheduled)
        self.on_dropped = crawler.signals.receivers(signals.request_dropped)
        self._spider = crawler.spider
        self._fingerprint = fingerprint
        self._close_on_idle = crawler.settings.getbool("CLOSE_SPIDER_ON_IDLE")
        self._debug_duplicates = crawler.settings.getbool("DUPEFILTER_DEBUG")
        self.logs_filtered = logger.isEnabledFor(logging.DEBUG)  # `accept` logs the next duplicate
        self._feeds = feeds
        self._waiters: deque[asyncio.Future[None]] = deque()
        self.stopping = False
        self.politeness = politeness
        self.end: End | None = None
        politeness.on_free = self._host_free

    @abstractmethod
    async def open(self) -> State:
        """Join the crawl."""

    @abstractmethod
    def run(self) -> AsyncGenerator[Page]:
        """Talk to the store until the crawl is over or stopped; yield every page that becomes visible."""

    @abstractmethod
    async def reserve(self) -> Lease | None:
        """Wait for a request whose host may take it now; return None when the crawl is over or stopping."""

    @abstractmethod
    def accept(self, request: Request) -> Entry | None:
        """Return the entry of a request for its page; None if it is a known duplicate, or a handler drops it.

        Raises:
            SerializeError: the request can't travel; names the part.
        """

    def pack_item(self, item: Any) -> bytes | None:
        """Return an item in the form in which the store keeps it; None if it keeps no items.

        Raises:
            SerializeError: the item can't be written.
        """
        return None

    def keep_item(self, page: Page, item: Any, response: Any) -> None:
        """Put an item onto its page as the store and the feeds keep it.

        Raises:
            SerializeError: the store can't keep the item.
        """
        packed = self.pack_item(item)
        if packed is not None:
            page.packed_items.append(packed)
        if self._feeds is not None:
            page.records += self._feeds.pack(item, response)

    @abstractmethod
    async def commit(self, page: Page) -> bool:
        """Take a page. Return True if it is visible now; False if `run` or `close` gives it when it is."""

    @abstractmethod
    def push(self, request: Request) -> None:
        """Put a request into the frontier that no page has; a duplicate is dropped.

        Raises:
            SerializeError: as for `accept`.
        """

    @abstractmethod
    def idle(self) -> bool:
        """Return True if no page is in progress and no request waits, as far as this process knows."""

    @abstractmethod
    def waiting(self) -> int:
        """Return the number of requests that are known to wait."""

    def stop(self) -> None:
        """Lease nothing more; waiting tasks get None."""
        self.stopping = True
        self._wake_all()

    @abstractmethod
    async def close(self) -> list[Page]:
        """Leave the crawl; return the pages that became visible and that `run` has not given."""

    def _host_free(self, host: str) -> None:
        """Note that a busy host may take a request again."""
        self._ready.release(host)
        self._wake(1)

    def _entry(self, request: Request, fingerprint: bytes | None) -> Entry:
        if request.meta and type(request.meta.get("download_slot")) is HostSlot:
            del request.meta["download_slot"]  # of another request; not for the store
        return Entry(request, fingerprint, slot_of(request))

    def count_filtered(self, count: int) -> None:
        """Count requests that were `known`."""
        self._stats.inc_value("dupefilter/filtered", count)

    def _dropped(self, request: Request) -> None:
        """Count and, once, log a duplicate."""
        self.count_filtered(1)
        if self.on_dropped:
            self._signals.send_soon(signals.request_dropped, request=request, spider=self._spider)
        if self.logs_filtered:
            self.logs_filtered = self._debug_duplicates
            last = "" if self._debug_duplicates else " (no more will be shown, see DUPEFILTER_DEBUG)"
            logger.debug("Filtered duplicate request: %s%s", request, last)

    def _refused(self, request: Request) -> bool:
        """Announce a request, before the duplicate filter; return True if a handler drops it."""
        sent = self._signals.send_catch_log(signals.request_scheduled, request=request, spider=self._spider)
        if not any(isinstance(result, IgnoreRequest) for _, result in sent):
            return False
        if self.on_dropped:
            self._signals.send_soon(signals.request_dropped, request=request, spider=self._spider)
        return True

    async def _may_close(self) -> bool:
        """Return True if an idle crawl may end: no handler of `spider_idle` keeps it open."""
        results = await self._signals.send(signals.spider_idle, spider=self._spider)
        kept_open = any(isinstance(result, DontCloseSpider) for result in results)
        closes = [result for result in results if isinstance(result, CloseSpider)]
        if closes and not kept_open:
            self._stop(closes[0].reason)
        return self._close_on_idle and not kept_open

    async def _wait(self) -> None:
        waiter = asyncio.get_running_loop().create_future()
        self._waiters.append(waiter)
        try:
            await waiter
        except asyncio.CancelledError:
            if waiter.done() and not waiter.cancelled():
                self._wake(1)  # pass the wake-up on to another task
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
