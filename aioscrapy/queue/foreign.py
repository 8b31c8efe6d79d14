"""Schedulers of Scrapy's interface (SCHEDULER), for a crawl in the memory of one process."""

import logging
from collections.abc import Callable
from heapq import heappop, heappush
from typing import Any, Self

from aioscrapy import signals
from aioscrapy.components import load_object
from aioscrapy.context import CrawlContext
from aioscrapy.dupefilters.foreign import RFPDupeFilter
from aioscrapy.hooks import settle
from aioscrapy.http.hosts import slot_of
from aioscrapy.http.request import Request
from aioscrapy.queue.base import Entry, Lease
from aioscrapy.queue.hosts import HostQueue
from aioscrapy.queue.memory import MemoryQueue

logger = logging.getLogger(__name__)

# The methods that make a class a scheduler.
INTERFACE = ("has_pending_requests", "enqueue_request", "next_request")


class _Interface(type):
    """A class that every class with the methods of the interface is a subclass of."""

    def __instancecheck__(cls, instance: Any) -> bool:
        return issubclass(type(instance), cls)

    def __subclasscheck__(cls, subclass: type) -> bool:
        if cls is BaseScheduler:
            return all(callable(getattr(subclass, name, None)) for name in INTERFACE)
        return super().__subclasscheck__(subclass)


class BaseScheduler(metaclass=_Interface):
    """Scrapy's base class of schedulers."""

    @classmethod
    def from_crawler(cls, crawler: Any) -> Self:
        """Create it."""
        return cls()

    def open(self, spider: Any) -> Any:
        """Do nothing; for subclasses, also as a coroutine."""

    def close(self, reason: str) -> Any:
        """Do nothing; for subclasses, also as a coroutine."""

    def has_pending_requests(self) -> bool:
        """Return True if a request waits."""
        raise NotImplementedError

    def enqueue_request(self, request: Request) -> bool:
        """Keep a request; return False to drop it."""
        raise NotImplementedError

    def next_request(self) -> Request | None:
        """Take out the request that is crawled next; None if there is none now."""
        raise NotImplementedError


class Scheduler(BaseScheduler):
    """Scrapy's default scheduler, to derive from: the highest priority first, the latest among equals."""

    def __init__(self, dupefilter: Any, *, stats: Any = None, crawler: Any = None, **kwargs: Any) -> None:
        self.df = dupefilter
        self.stats = stats
        self.crawler = crawler
        self.spider: Any = None
        self._heap: list[tuple[int, int, Request]] = []
        self._count = 0

    @classmethod
    def from_crawler(cls, crawler: Any) -> Self:
        """Create it with the filter of DUPEFILTER_CLASS."""
        filter_class = load_object(crawler.settings["DUPEFILTER_CLASS"] or RFPDupeFilter, "DUPEFILTER_CLASS")
        has_factory = hasattr(filter_class, "from_crawler")
        dupefilter = filter_class.from_crawler(crawler) if has_factory else filter_class()
        return cls(dupefilter, stats=crawler.stats, crawler=crawler)

    def open(self, spider: Any) -> Any:
        """Open the filter."""
        self.spider = spider
        return self.df.open()

    def close(self, reason: str) -> Any:
        """Close the filter."""
        return self.df.close(reason)

    def __len__(self) -> int:
        return len(self._heap)

    def has_pending_requests(self) -> bool:
        """Return True if a request waits."""
        return bool(self._heap)

    def enqueue_request(self, request: Request) -> bool:
        """Keep a request; return False for a duplicate."""
        if not request.dont_filter and self.df.request_seen(request):
            self.df.log(request, self.spider)
            return False
        self._count += 1
        heappush(self._heap, (-request.priority, -self._count, request))
        return True

    def next_request(self) -> Request | None:
        """Take out the most urgent request; None if there is none."""
        return heappop(self._heap)[2] if self._heap else None


class ForeignReady(HostQueue[Lease]):
    """The requests that a scheduler has given out and whose hosts were busy; asks it for more.

    Attributes:
        starved: the scheduler says that a request waits, but gave none.
    """

    def __init__(self, scheduler: Any, limit: int) -> None:
        super().__init__()
        self._scheduler = scheduler
        self._limit = limit
        self._seq = 0
        self.starved = False

    def __len__(self) -> int:
        if hasattr(self._scheduler, "__len__"):
            return self._size + len(self._scheduler)
        return self._size + int(bool(self._scheduler.has_pending_requests()))

    def __bool__(self) -> bool:
        return bool(self._size or self._scheduler.has_pending_requests())

    def pop(self, is_free: Callable[[str], bool]) -> Lease | None:
        """Take the next request of a free host; hold at most `limit` of busy hosts."""
        self.starved = False
        while (lease := super().pop(is_free)) is None and self._size < self._limit:
            request = self._scheduler.next_request()
            if request is None:
                self.starved = bool(self._scheduler.has_pending_requests())
                break
            self._seq = seq = self._seq + 1
            host = slot_of(request)
            self.push(host, seq, Lease(request, seq, 0, host, seq))
        return lease


class ForeignQueue(MemoryQueue):
    """The queue of a crawl whose requests are in a scheduler of Scrapy's interface."""

    def __init__(self, scheduler: Any, limit: int) -> None:
        self._scheduler = scheduler
        self.ready: ForeignReady = ForeignReady(scheduler, limit)

    def enqueue(self, request: Request) -> bool:
        """Give a request to the scheduler; return False if it drops it."""
        return bool(self._scheduler.enqueue_request(request))

    def push(self, entry: Entry) -> None:
        """Do nothing: the scheduler has the request since the callback has yielded it."""


async def open_scheduler(scheduler: Any, crawler: CrawlContext) -> None:
    """Open a scheduler of Scrapy's interface, and close it with the crawl."""
    if hasattr(scheduler, "open"):
        await settle(scheduler.open(crawler.spider))
    if hasattr(scheduler, "close"):
        crawler.signals.connect(scheduler.close, signals.spider_closed)
    logger.info("Scheduler of the project: %s", type(scheduler).__qualname__)
