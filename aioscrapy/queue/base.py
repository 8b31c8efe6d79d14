"""What travels between the engine and the stores of the frontier, and what a store must offer."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, ClassVar

from aioscrapy.context import CrawlContext
from aioscrapy.http.request import Request

PRIORITY_LIMIT = 2**20
"""Priorities are kept between -2**20 and 2**20 - 1; what lies beyond counts as the limit."""

SEED = 0
"""The id of the lease to run `start_requests`; the ids of requests begin at 1."""


class Order(StrEnum):
    """In which order waiting requests leave a queue."""

    PRIORITY = "priority"  # the highest number first, the oldest first among equals
    FIFO = "fifo"
    LIFO = "lifo"


def urgency(order: Order, priority: int, seq: int) -> int:
    """Return the sort key of the `seq`th request: the smallest leaves first; below 2**53 (exact in Redis)."""
    if order is Order.LIFO:
        return 2**32 - 1 - seq
    if order is Order.FIFO:
        return seq
    clamped = max(-PRIORITY_LIMIT, min(PRIORITY_LIMIT - 1, priority))
    return (PRIORITY_LIMIT - 1 - clamped) * 2**32 + seq


@dataclass(slots=True, eq=False)
class Entry:
    """A request on its way into the frontier."""

    request: Request
    fingerprint: bytes | None  # None: it passes the filter unasked (dont_filter)
    host: str
    delay_s: float = 0.0  # seconds until it may leave
    payload: bytes = b""  # the serialised request, for stores outside this process


@dataclass(slots=True, eq=False)
class Lease:
    """A request that this worker holds until it commits its page or gives it back."""

    request: Request | None  # None: run `start_requests` (the id is SEED)
    id: int
    token: int  # fencing: a commit with another token than the store's is refused
    host: str
    key: int  # where it stood in the order
    start_s: float = 0.0  # seconds to wait before it begins: its turn at a host that the workers share


@dataclass(slots=True, eq=False)
class Page:
    """What one lease led to; becomes visible in one step, or not at all.

    `final` False commits a piece of a long output: the lease stays.
    """

    lease: Lease | None  # None: pushed from outside the crawl
    entries: list[Entry] = field(default_factory=list)
    items: list[tuple[Any, Any]] = field(default_factory=list)  # (item, response)
    packed_items: list[bytes] = field(default_factory=list)  # the same, where the store keeps them
    failure: str = ""  # why the page is a dead letter
    final: bool = True
    give_back: bool = False  # not done: ready again for anybody, at its old place


@dataclass(slots=True)
class Manners:
    """How the workers of a crawl treat each host together, and what this one has learnt of some hosts."""

    limit: int = 0  # requests at once to one host, over all workers; 0: each worker keeps limits of its own
    delay_s: float = 0.0  # seconds between two requests to one host, over all workers
    jitter: bool = False  # vary the delay between half and one and a half of it
    delays: dict[str, float] = field(default_factory=dict)  # host -> another delay, in seconds
    pauses: dict[str, float] = field(default_factory=dict)  # host -> seconds to leave it alone from now


class State(StrEnum):
    """What a store says of the crawl."""

    OPEN = "open"
    IDLE = "idle"  # seeded and nothing left, but it may not finish by itself
    FINISHED = "finished"
    LATE = "late"  # the crawl that we came for has just ended
    STOPPED = "stopped"  # somebody stopped the crawl; it can be resumed
    GONE = "gone"  # the store has no such crawl: somebody deleted it, or the store has lost all


@dataclass(slots=True)
class Reply:
    """The answer to one exchange."""

    accepted: Sequence[bool]  # one a page: False where the lease had been taken away
    leases: Sequence[Lease]
    state: State
    lost: bool = False  # this worker was given up: it holds only the leases of this reply
    fell_back: bool = False  # it was because the store has forgotten answers that it gave
    waiting: int = 0  # requests ready, in the whole crawl
    filtered: int = 0  # entries that the filter had seen
    broken: Sequence[tuple[Lease, str]] = ()  # leases whose request can't be read, and why
    next_due_s: float | None = None  # seconds until a delayed request is due
    cursor: int = 0  # what `wait` goes on from


class Store(ABC):
    """Where the requests of a crawl wait, outside the engine's process: Redis or a file.

    One call, `exchange`, does everything that changes it, in one atomic step.
    """

    shared: ClassVar[bool] = True  # more than one process may work on it
    order: ClassVar[Order] = Order.PRIORITY
    dupefilter: ClassVar[str]  # dotted path of the filter that belongs to it

    @classmethod
    @abstractmethod
    async def from_crawler(cls, crawler: CrawlContext) -> "Store":
        """Make a store from the settings."""

    @abstractmethod
    async def open(self, dupefilter: Any) -> State:
        """Find or make the crawl and join it; LATE or FINISHED where there is nothing to join.

        Raises:
            QueueError: the store can't be reached at all.
            ConfigError: it can't work with this filter.
        """

    async def begin_again(self) -> bool:
        """Make the crawl that is GONE anew; False where it was deleted, so that its workers shall end.

        Raises:
            QueueError: no answer.
        """
        return False

    @abstractmethod
    def pack(self, entry: Entry) -> None:
        """Fill the entry's payload.

        Raises:
            SerializeError: the request can't travel; names the part.
        """

    def pack_item(self, item: Any) -> bytes | None:
        """Return an item as the store keeps it; None where it keeps none.

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
        manners: Manners | None = None,
    ) -> Reply:
        """Commit all `pages`, then lease up to `want` requests, in one atomic step and one round trip.

        Args:
            pages: what is done, given back, or a piece of a longer output.
            want: requests to lease at the most.
            busy: hosts of which no request is wanted.
            cap: requests of one host to lease at the most; 0: no limit.
            may_finish: when nothing is left the crawl is finished; else the state is IDLE.
            manners: what the store keeps to over all workers, where there can be others.

        Repeating a call after an error is safe: what the first one did is not done twice.

        Raises:
            QueueError: no answer; call again with the same pages.
        """

    @abstractmethod
    async def wait(self, cursor: int, timeout_s: float) -> None:
        """Return when something has changed since the exchange that gave `cursor`, or after the time."""

    @abstractmethod
    async def close(self) -> None:
        """Leave the crawl: everything that this worker holds is ready for others."""
