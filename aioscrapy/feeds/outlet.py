"""A feed whose records the store keeps: who writes its file, and how far it is written."""

import json
import logging
import socket
import time
from collections.abc import Sequence

from aioscrapy.feeds.feed import Feed
from aioscrapy.feeds.store import FeedState, FeedStore

logger = logging.getLogger("aioscrapy.extensions.feedexport")

LOCK_S = 0.5  # seconds between two attempts to take over a file from another process
_BATCH = 1000  # records in one round trip


class Outlet:
    """The way from the store to one file.

    One process writes a file: the one that has its lock. The others only commit records for it; when that
    process has ended, one of them takes over.

    Attributes:
        feed: the feed.
        state: what the store knows of it.
        writes: this process has the lock of the file.
        failed: the file can't be written; its records stay in the store.
    """

    def __init__(self, feed: Feed, store: FeedStore, name: str = "") -> None:
        self.feed = feed
        self.name = name or name_of(feed, shared=store.shared)
        self.state = FeedState(self.name, 0)
        self.writes = False
        self.failed = ""
        self._store = store
        self._waits = False
        self._next_attempt = 0.0
        self._lost = False  # the store has lost something
        self._fell_back = False  # and pages are crawled again

    @property
    def is_current(self) -> bool:
        """Whether the file has every record that the store had at the last exchange."""
        return self.writes and self.state.written == self.state.total and not self._lost

    async def open(self) -> None:
        """Register the feed, and begin its file or go on with it, unless another process writes it.

        Raises:
            FeedError: the file can't be used.
        """
        self.state = await self._register()
        await self.catch_up()

    def committed(self, records: Sequence[bytes], total: int, *, fell_back: bool) -> bool:
        """Write the records that this process has committed; False if `catch_up` has to be called.

        Args:
            records: of this process, in their order.
            total: the store's number of records, these included.
            fell_back: the store has lost recent writes, whose pages are crawled again.
        """
        expected = self.state.total + len(records)
        if fell_back or total < expected:
            self._lost, self._fell_back = True, self._fell_back or fell_back
        in_order = self.is_current and total == expected
        self.state.total = total
        if in_order:
            self._write(records)
        return in_order or bool(self.failed)

    async def catch_up(self) -> None:
        """Write the records of the store that the file lacks, if this process may write the file."""
        if self._lost:
            await self._accept_loss()
        if self.failed or not (self.writes or await self._take_over()):
            return
        while self.state.written < self.state.total and not self.failed:
            records = await self._records(self.state.written + _BATCH)
            if not records:
                self.failed = f"{self.state.total - self.state.written} items are missing in the store"
                return
            self._write(records)

    async def save(self) -> None:
        """Remove the written records from the store."""
        if self.writes:
            await self._store.save(self.state.progress)

    async def _register(self) -> FeedState:
        return await self._store.register(self.name, options_of(self.feed))

    async def _take_over(self) -> bool:
        """Become the writer of the file; False if another process is."""
        if time.monotonic() < self._next_attempt:
            return False
        self._next_attempt = time.monotonic() + LOCK_S
        if not self.feed.file.lock():
            if not self._waits:
                self._waits = True
                logger.info("Another process of this crawl writes the items to %s", self.feed.uri)
            return False
        self.state = state = await self._register()  # another process may have written since
        if state.length is None:
            state.length = state.base = self.feed.begin()
            await self._store.save(state.progress, state.base)
        else:
            self.feed.resume(state.length, state.written, await self._records(state.total))
        self.writes = True
        return True

    async def _accept_loss(self) -> None:
        """Go back to what the store still knows."""
        base = self.state.base
        state = await self._register()
        if state.length is None:  # it knows nothing: the crawl begins again, or only this key is gone
            state.length, state.base = base if self._fell_back else self.feed.file.size, base
            if self.writes:
                await self._store.save(state.progress, base)
        self.state = state
        if self.writes and self._fell_back:
            if state.length < self.feed.file.size:
                self.feed.file.cut(state.length)
            self.feed.resume(state.length, state.written, [])
        self._lost = self._fell_back = False

    async def _records(self, last: int) -> list[bytes]:
        state, records = self.state, list[bytes]()
        last = min(last, state.total)
        while len(records) < last - state.written:
            first = state.written + len(records)
            batch = await self._store.records(state.number, first, min(last, first + _BATCH))
            if not batch:
                break
            records += batch
        return records

    def _write(self, records: Sequence[bytes]) -> None:
        try:
            for record in records:
                self.feed.write(record)
                self.state.written += 1
        except OSError as exc:
            self.failed = str(exc)
        self.state.length = self.feed.file.size


def name_of(feed: Feed, *, shared: bool) -> str:
    """Return the name of a feed in the store: its path, and in a shared store where that path is."""
    if feed.file.path is None or not feed.file.is_regular:
        return f"{socket.gethostname()}:0:{feed.uri}"
    path = str(feed.file.path.absolute())
    return f"{socket.gethostname()}:{feed.file.inode}:{path}" if shared else path


def options_of(feed: Feed) -> bytes:
    """Return the options by which another process can go on with the file."""
    return json.dumps(feed.options).encode()
