"""A feed whose records the store keeps: who writes its file, and how far it is written."""

import json
import logging
import socket
import time
from collections.abc import Sequence
from dataclasses import replace

from aioscrapy.feeds.feed import Feed
from aioscrapy.feeds.store import FeedProgress, FeedState, FeedStore

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
        self._registered = bool(name)  # a feed that the store does not know any more is complete
        self._waits = False
        self._next_attempt = 0.0
        self._saved = self.state  # what the store has got last
        self._sent = self.state
        self._recent: list[bytes] = []  # own records that are committed and not written
        self._forgotten = False  # the store has lost the feed
        self._fell_back = False  # the store has lost its latest writes: pages are crawled again

    @property
    def is_current(self) -> bool:
        """Whether the file has every record that the store had at the last exchange."""
        return (
            self.writes
            and self.state.written == self.state.total
            and not (self._forgotten or self._fell_back)
        )

    async def open(self) -> None:
        """Register the feed, and start or continue its file, unless another process writes it.

        Raises:
            FeedError: the file can't be used.
        """
        self.state = await self._register()
        await self.catch_up()
        self._registered = True

    def committed(self, records: Sequence[bytes], total: int, *, fell_back: bool) -> bool:
        """Write the records that this process has committed; False if `catch_up` has to be called.

        Args:
            records: of this process, in their order.
            total: the store's number of records, these included; -1 if it has lost the feed.
            fell_back: the store has lost recent writes, whose pages are crawled again.
        """
        expected = self.state.total + len(records)
        self._fell_back = self._fell_back or fell_back
        self._forgotten = self._forgotten or (total < expected and not fell_back)
        if not (self._forgotten or self._fell_back):
            self._saved = self._sent
        in_order = self.is_current and total == expected
        self.state.total = expected if total < 0 else total
        if in_order:
            self._write(records)
        elif self.writes:
            self._recent += records
        return in_order or bool(self.failed)

    async def catch_up(self) -> None:
        """Write the records of the store that the file lacks, if this process may write the file."""
        if self._fell_back:
            await self._go_back()
        elif self._forgotten:
            await self._remind()
        if self.failed or not (self.writes or await self._take_over()):
            return
        while self.state.written < self.state.total and not self.failed:
            records = await self._records(self.state.written + _BATCH)
            if not records:
                self.failed = f"{self.state.total - self.state.written} items are missing in the store"
                return
            self._write(records)
        self._recent.clear()

    def progress(self) -> FeedProgress:
        """Return how far the file is written, for the next exchange."""
        self._sent = replace(self.state)
        return self.state.progress

    async def save(self) -> None:
        """Remove the written records from the store."""
        if not self.writes:
            return
        if not await self._store.save(self.progress()):
            await self._remind()
            await self._store.save(self.progress())
        self._saved = self._sent

    async def _register(self) -> FeedState:
        return await self._store.register(self.name, options_of(self.feed))

    async def _state(self) -> FeedState | None:
        """Return what the store knows of the feed; None if another process has completed it."""
        if not self._registered:
            return await self._register()
        return next((state for state in await self._store.states() if state.name == self.name), None)

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
        state = await self._state()  # another process may have written since
        if state is None:
            self.feed.file.close()
            return False
        self.state = state
        if state.length is None:
            state.length = state.base = self.feed.begin()
            await self._store.save(state.progress, state.base)
        else:
            self.feed.resume(state.length, state.written, await self._records(state.total))
        self._saved = replace(state)
        self.writes = True
        return True

    async def _remind(self) -> None:
        """Write to the store what it has lost of this feed; the list of its records is still there."""
        if self.writes:
            saved = replace(self._saved, total=self.state.total)
            state = await self._store.register(self.name, options_of(self.feed), saved)
            self.state.total = state.total
            gap = state.written - self.state.written
            if gap > len(self._recent):
                self.failed = f"the store has lost {gap} items"
            elif gap > 0:
                self._write(self._recent[:gap])
        else:
            self.state = await self._register()
        self._forgotten = False

    async def _go_back(self) -> None:
        """Cut the file to what the store still knows: the pages since then are crawled again."""
        base = self.state.base
        state = await self._register()
        if state.length is None:  # from before this feed: the crawl starts again
            state.length = state.base = base
            if self.writes:
                await self._store.save(state.progress, base)
        self.state = state
        if self.writes:
            if state.length < self.feed.file.size:
                self.feed.file.cut(state.length)
            self.feed.resume(state.length, state.written, [])
        self._saved = replace(state)
        self._fell_back = self._forgotten = False

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
