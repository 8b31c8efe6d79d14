"""The data between the engine and the stores of the frontier, and the interface of a store."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, ClassVar, NamedTuple

from aioscrapy.context import CrawlContext
from aioscrapy.dupefilters.base import DupeFilter
from aioscrapy.feeds.store import FeedProgress, FeedStore
from aioscrapy.http.request import Request
from aioscrapy.shared_cookies import Change

PRIORITY_LIMIT = 2**20
"""Priorities are between -2**20 and 2**20 - 1; others count as the nearest limit."""

SEQUENCES = 2**32
"""A sort key is a multiple of this, for the priority, plus the number of arrival."""

SEED = 0
"""The id of the lease to run `start_requests`; the ids of requests start at 1."""


class Order(StrEnum):
    """The order in which waiting requests leave a queue."""

    PRIORITY = "priority"  # the highest number first, the oldest first among equals
    FIFO = "fifo"
    LIFO = "lifo"


def sort_key(order: Order, priority: int, number: int) -> int:
    """Return the sort key of the request that arrived as this number; below 2**53 (exact in Redis).

    The smallest leaves first.
    """
    if order is Order.LIFO:
        return SEQUENCES - 1 - number
    return sort_base(order, priority) + number


def sort_base(order: Order, priority: int) -> int:
    """Return the part of a sort key that is known before the request has a number."""
    if order is not Order.PRIORITY:
        return 0
    clamped = max(-PRIORITY_LIMIT, min(PRIORITY_LIMIT - 1, priority))
    return (PRIORITY_LIMIT - 1 - clamped) * SEQUENCES


@dataclass(slots=True, eq=False)
class Entry:
    """A request on its way into the frontier."""

    request: Request
    fingerprint: bytes | None  # None: the filter is not asked (dont_filter)
    host: str
    delay_s: float = 0.0  # seconds until it may leave
    payload: bytes = b""  # the serialised request, in stores outside this process


@dataclass(slots=True, eq=False)
class Lease:
    """A request that this worker holds until it commits its page or gives it back."""

    request: Request | None  # None: run `start_requests` (the id is SEED)
    id: int
    token: int  # fencing: the store refuses a commit with another token
    host: str
    key: int  # its place in the order
    start_s: float = 0.0  # seconds until its turn at a host that the workers share


@dataclass(slots=True, eq=False)
class Page:
    """The output of one lease; it becomes visible in one step, or not at all.

    `final` False commits a piece of a long output: the lease stays.
    """

    lease: Lease | None  # None: pushed from outside the crawl
    entries: list[Entry] = field(default_factory=list)
    items: list[tuple[Any, Any]] = field(default_factory=list)  # (item, response; None if nobody reads it)
    packed_items: list[bytes] = field(default_factory=list)  # the same, if the store keeps items
    records: list[tuple[int, bytes]] = field(default_factory=list)  # (position of a feed, packed item)
    failure: str = ""  # the reason, if the request becomes a dead letter
    final: bool = True
    give_back: bool = False  # not done: ready again for any worker, at its old place
    handled: bool = False  # a callback or an errback used it, or it had output
    fruitless: bool = False  # it led to nothing, and nobody wanted that: failed, refused by status, forbidden


@dataclass(slots=True)
class HostLimits:
    """The limits of hosts that all workers of a crawl keep, and what this worker has learnt of some hosts."""

    limit: int = 0  # requests at once to one host, over all workers; 0: each worker keeps its own limits
    delay_s: float = 0.0  # seconds between two requests to one host, over all workers
    jitter: bool = False  # vary the delay between half and one and a half of it
    delays: dict[str, float] = field(default_factory=dict)  # host -> its own delay, in seconds
    pauses: dict[str, float] = field(default_factory=dict)  # host -> seconds from now without a request


class State(StrEnum):
    """The state of a crawl, as its store reports it."""

    OPEN = "open"
    IDLE = "idle"  # seeded and nothing left, but it may not finish yet
    FINISHED = "finished"
    LATE = "late"  # the crawl has just ended
    STOPPED = "stopped"  # by command; it can be resumed
    GONE = "gone"  # deleted, or lost by the store


@dataclass(slots=True)
class Reply:
    """The answer to one exchange."""

    accepted: Sequence[bool]  # one a page: False where the lease had been taken away
    leases: Sequence[Lease]
    state: State
    lost: bool = False  # this worker had lost its leases: it holds only those of this reply
    fell_back: bool = False  # because the store has forgotten replies that it gave
    waiting: int = 0  # requests ready, in the whole crawl
    filtered: int = 0  # entries that the filter knew
    broken: Sequence[tuple[Lease, str]] = ()  # leases whose request can't be read, and the reason
    next_due_s: float | None = None  # seconds until a delayed request is due
    # for each feed of this worker the records that the store ever had; -1: it has lost the feed
    feeds: Sequence[int] = ()
    cursor: int = 0  # the position from which `wait` continues
    handled: int = 0  # pages of the whole crawl with `handled`
    fruitless: int = 0  # pages of the whole crawl with `fruitless`
    seed_failure: str = ""  # why `start_requests` did not run to its end
    cookies_version: int = 0  # changes whenever a worker sets cookies
    problem: str = ""  # what the store has lost of a crawl that has ended, and how much; "" for nothing


class Exchange(NamedTuple):
    """The arguments of `Store.exchange`; one that failed is repeated with the same."""

    pages: list[Page]
    want: int
    busy: list[str]
    cap: int
    may_finish: bool
    limits: HostLimits | None
    feeds: list[FeedProgress]
    cookies: list[Change]


class Store(ABC):
    """The waiting requests of a crawl, outside the engine's process: in Redis or in a file.

    Every change is made by one call, `exchange`, in one atomic step.
    """

    shared: ClassVar[bool] = True  # more than one process may work on it
    order: ClassVar[Order] = Order.PRIORITY
    proof: Reply | None = None  # how the crawl has ended that was opened as FINISHED
    dupefilter: ClassVar[str]  # dotted path of its duplicate filter, if the settings name none

    @classmethod
    @abstractmethod
    async def from_crawler(cls, crawler: CrawlContext) -> "Store":
        """Make the store of the settings."""

    @abstractmethod
    async def open(self, dupefilter: DupeFilter) -> State:
        """Find or create the crawl and join it; return LATE or FINISHED if it has ended.

        Raises:
            QueueError: the store can't be reached.
            ConfigError: the store can't work with this filter.
        """

    async def recreate(self) -> bool:
        """Create the crawl that is GONE again; return False if it was deleted, so that its workers end.

        Raises:
            QueueError: no answer.
        """
        return False

    @abstractmethod
    def pack(self, entry: Entry) -> None:
        """Fill the entry's payload.

        Raises:
            SerializeError: the request can't be stored; the text names the part.
        """

    def pack_item(self, item: Any) -> bytes | None:
        """Return an item as the store keeps it; None if it keeps no items.

        Raises:
            SerializeError: the item can't be written.
        """
        return None

    @abstractmethod
    async def exchange(
        self,
        pages: Sequence[Page],
        want: int,
        *,
        busy: Sequence[str] = (),
        cap: int = 0,
        may_finish: bool = True,
        limits: HostLimits | None = None,
        feeds: Sequence[FeedProgress] = (),
        cookies: Sequence[Change] = (),
    ) -> Reply:
        """Commit all `pages`, then lease up to `want` requests, in one atomic step and one round trip.

        Args:
            pages: done, given back, or a piece of a longer output.
            want: the most requests to lease.
            busy: hosts that must not be leased.
            cap: the most requests of one host to lease; 0: no limit.
            may_finish: the crawl finishes when nothing is left; else its state is IDLE.
            limits: of hosts, which the store keeps over all workers.
            feeds: how far each feed of this worker is written; the positions of records refer to it.
            cookies: that this worker has set.

        A call may be repeated after an error: the store does nothing twice.

        Raises:
            QueueError: no answer; call again with the same pages.
        """

    async def read_cookies(self, jars: Sequence[str]) -> dict[str, dict[str, bytes]]:
        """Return jar -> cookie -> value of these jars, as all workers have set them. One round trip.

        Raises:
            QueueError: no answer.
        """
        return {}

    @abstractmethod
    async def wait(self, cursor: int, timeout_s: float) -> None:
        """Return when something has changed since the exchange that returned `cursor`, or after the time."""

    @property
    @abstractmethod
    def feeds(self) -> FeedStore:
        """The records of the feeds, once the store is open."""

    @abstractmethod
    async def close(self) -> None:
        """Leave the crawl: the leases of this worker are ready for others."""
