"""What a feed asks of the store of the frontier: to keep each item until the file has it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol


class FeedProgress(NamedTuple):
    """How far a feed is written."""

    number: int
    written: int  # records since the start of the crawl
    length: int  # bytes of the file that hold them


@dataclass(slots=True)
class FeedState:
    """What a store knows of one feed.

    Attributes:
        name: host, inode and path of the file; its path alone in the store of one process.
        number: by which the store names it.
        total: records that were committed.
        written: records that the file has.
        length: bytes of the file that hold them; None before the first process has begun the file.
        base: bytes of the file at the start of the crawl.
        options: of the feed, in JSON, with its present file: any worker can go on with it.
        alive: the process that saved it last is a live worker.
    """

    name: str
    number: int
    total: int = 0
    written: int = 0
    length: int | None = None
    base: int = 0
    options: bytes = b"{}"
    alive: bool = False

    @property
    def progress(self) -> FeedProgress:
        """How far it is written."""
        return FeedProgress(self.number, self.written, self.length or 0)


class FeedStore(Protocol):
    """The records of all feeds of a crawl.

    Records enter with the page that they are from, by `Store.exchange`, and leave when they are saved as
    written. Every method is one round trip or a few.

    Raises:
        QueueError: no answer.
    """

    shared: bool  # several processes use it
    lease_s: float  # seconds after which a silent process counts as ended

    async def register(self, name: str, options: bytes, saved: FeedState | None = None) -> FeedState | None:
        """Return the state of the feed of this name, which is created if it is new.

        None if the crawl has finished, and the feed is not known (any more): its file is complete.

        Args:
            name: of the feed.
            options: of the feed, in JSON.
            saved: the state that was saved last, if the store may have lost it.
        """

    async def earlier(self) -> "list[tuple[FeedStore, bool]]":
        """Return the stores of earlier crawls that have records left, and whether each crawl has finished."""

    async def states(self) -> list[FeedState]:
        """Return the states of all feeds of the crawl."""

    async def records(self, number: int, first: int, last: int) -> Sequence[bytes]:
        """Return the records `first` to `last - 1`, counted from 0; fewer if some are missing."""

    async def save(
        self, progress: FeedProgress, base: int | None = None, options: bytes | None = None
    ) -> bool:
        """Remove the records that are written, and remember the length of the file, in one atomic step.

        Args:
            progress: of the feed.
            base: if the file begins: its length.
            options: if the file begins: the options of the feed with the new file.

        Returns False if the store has lost the feed.
        """

    async def report_lost(self, count: int) -> None:
        """Note records that nobody has any more: the crawl must not end as finished."""

    async def forget(self, number: int) -> None:
        """Remove a feed that has no records left."""
