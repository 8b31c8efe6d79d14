"""A feed whose records the store keeps: who writes its file, and how far it is written."""

import json
import logging
import time
from collections.abc import Sequence
from dataclasses import replace

from aioscrapy.feeds.completion import Completion
from aioscrapy.feeds.feed import Feed, name_of, packed_options
from aioscrapy.feeds.files import Files
from aioscrapy.feeds.store import FeedProgress, FeedState, FeedStore
from aioscrapy.feeds.uri import FeedError

logger = logging.getLogger("aioscrapy.extensions.feedexport")

LOCK_S = 0.5  # seconds between two attempts to take over a file from another process
_BATCH = 1000  # records in one round trip


class Outlet:
    """The way from the store to one file, or to a row of files.

    One process writes a file: the one that has its lock. The others only commit records for it; when that
    process has ended, one of them takes over.

    Args:
        feed: the feed.
        store: of the frontier.
        completion: completes a file that is full, or the last one.
        name: of the feed in the store, if it is there already.

    Attributes:
        state: what the store knows of the feed; `written` and `length` also count what is written since.
        writes: this process has the lock of the file.
        failed: the file can't be written; its records stay in the store.
    """

    def __init__(self, feed: Feed, store: FeedStore, completion: Completion, name: str = "") -> None:
        self.feed = feed
        self.name = name or name_of(feed, shared=store.shared)
        self.state = FeedState(self.name, 0)
        self.writes = False
        self.failed = ""
        self._store = store
        self._completion = completion
        self._registered = bool(name)  # a feed that the store does not know any more is complete
        self._waits = False
        self._next_attempt = 0.0
        self._files = Files(feed)
        self._first_options = self._known_options = packed_options(feed)
        self._held = self.state.progress  # how far the file holds the records, not only a compressor
        self._saved = self._sent = self.state  # what the store has got last, and gets in this exchange
        self._recent: list[bytes] = []  # own records that are committed and not written
        self._new_file = False  # the store does not know the present file yet
        self._forgotten = False  # the store has lost the feed
        self._fell_back = False  # the store has lost its latest writes: pages are crawled again

    @property
    def is_current(self) -> bool:
        """Whether every record that the store had at the last exchange is written."""
        return (
            self.writes
            and self.state.written == self.state.total
            and not (self._forgotten or self._fell_back or self._new_file)
        )

    async def open(self) -> None:
        """Register the feed, and start or continue its file, unless another process writes it.

        Raises:
            FeedError: the file can't be used.
        """
        self.state = await self._register() or self.state
        self._held = self.state.progress
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
        return bool(self.failed) or (in_order and not self.feed.is_full)

    async def catch_up(self) -> None:
        """Write the records of the store that the file lacks, if this process may write the file."""
        if self._fell_back:
            await self._go_back()
        elif self._forgotten:
            await self._remind()
        if self.failed or not (self.writes or await self._take_over()):
            return
        while self.state.written < self.state.total and not self.failed:
            if (self.feed.is_full or self._new_file) and not await self._next_file():
                return
            written = self.state.written
            records = await self._records(written + _BATCH)
            if records:
                self._write(records)
            elif self.state.total - written == len(self._recent):  # the store has lost them, not this process
                self._write(self._recent)
                del self._recent[: self.state.written - written]
            else:
                await self._lose(self.state.total - written)
                return
        self._recent.clear()
        if self.feed.is_full:
            await self._end_file()

    def progress(self) -> FeedProgress:
        """Return how far the file is written, for the next exchange."""
        self._sent = replace(self.state, written=self._held.written, length=self._held.length)
        return self._held

    async def save(self) -> None:
        """Remove the written records from the store."""
        if not self.writes:
            return
        if not await self._store.save(self.progress()):
            await self._remind()
            await self._store.save(self.progress())
        self._saved = self._sent

    def flush(self) -> bool:
        """Write what is compressed together to the file; False if that fails, or a write before."""
        if self.failed:
            return False
        try:
            self.feed.flush()
        except OSError as exc:
            self.failed = str(exc)
        self._hold()
        return not self.failed

    async def complete(self, *, finished: bool) -> bool:
        """Write the end of the document, and forget the feed if the crawl has finished; False if that fails.

        If another crawl goes on, it cuts the end off again.
        """
        self.flush()
        await self.save()
        complete = not self.failed and self._completion.finish(self.feed)
        if not (complete and await self._completion.delivered(self.feed)):
            return False
        if finished:
            if not self.feed.form.can_be_cut:
                self._hold()  # the file is complete only now
                await self.save()
            await self._store.forget(self.state.number)
            if self.feed.destination is not None:
                self.feed.file.remove()
        return True

    async def _register(self) -> FeedState | None:
        return await self._store.register(self.name, packed_options(self.feed))

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
        self.feed.go_to(json.loads(self.state.options))
        if not self.feed.file.lock():
            if not self._waits:
                self._waits = True
                logger.info("Another process of this crawl writes the items to %s", self.feed.uri)
            return False
        state = await self._state()  # another process may have written since
        if state is None or self.feed.is_elsewhere(json.loads(state.options)):
            self.feed.file.close()
            self.state = state or self.state
            return False
        self.state = state
        await self._continue(state)
        self.writes = True
        return True

    async def _continue(self, state: FeedState) -> None:
        """Begin the file, or go on in it."""
        if state.length is None:
            state.length = state.base = self.feed.begin()
            self._hold()
            options = packed_options(self.feed) if self.feed.batch_size else None
            await self._store.save(state.progress, state.base, options)
        else:
            self.feed.resume(state.length, state.written, await self._records(state.total))
            self._held = state.progress
        self._saved = replace(state)
        self._files.opened(state.base)
        self._first_options = self._known_options = packed_options(self.feed)

    async def _end_file(self) -> None:
        """Complete a full file; before, the store learns that the file has all its items."""
        if not self.feed.ended and not self.failed and not self._new_file:
            if not self.flush():
                return
            await self.save()
            self._completion.finish(self.feed)
            if not self.feed.form.can_be_cut:
                self._hold()  # the file is complete only now

    async def _next_file(self) -> bool:
        """Complete the full file and begin the next one, of which the store knows before it has an item."""
        if not self._new_file:
            await self._end_file()
            if self.failed or self._completion.is_delivering(self.feed):
                return False
            try:
                if not self._files.next():
                    self.writes = False
                    return False
                self.state.length = self.state.base = self.feed.begin()
            except (OSError, FeedError) as exc:
                self.failed = str(exc)
                return False
            self._new_file = True
        progress = FeedProgress(self.state.number, self.state.written, self.state.length or 0)
        await self._store.save(progress, self.state.base, packed_options(self.feed))
        self._held, self._new_file = progress, False
        self._files.opened(self.state.base)
        self._known_options = packed_options(self.feed)
        self._saved = self._sent = replace(self.state)
        return True

    async def _remind(self) -> None:
        """Write to the store what it has lost of this feed; the list of its records is still there."""
        if self.writes:
            saved = replace(self._saved, total=self.state.total)
            state = await self._store.register(self.name, self._known_options, saved) or saved
            self.state.total = state.total
            gap = state.written - self.state.written
            if gap > len(self._recent):
                await self._lose(gap)
            elif gap > 0:
                self._write(self._recent[:gap])
                del self._recent[:gap]
        else:
            self.state = await self._register() or self.state
            self._held = self.state.progress
        self._forgotten = False

    async def _lose(self, count: int) -> None:
        self.failed = f"the store has lost {count} items"
        await self._store.report_lost(count)

    async def _go_back(self) -> None:
        """Cut the file to what the store still knows: the pages since then are crawled again."""
        base = self._files.first_base
        first = FeedState(self.name, self.state.number, length=base, base=base)
        state = await self._store.register(self.name, self._first_options, first if self.writes else None)
        if state is None:  # not known, and this process has not written it
            self._fell_back = self._forgotten = False
            return
        if self.writes:
            self._files.go_back(json.loads(state.options))
            if not self.feed.file.lock():
                self.failed = "another process writes it"
                return
        if state.length is None:  # from before this feed: the crawl starts again
            state.length = state.base = base
            if self.writes:
                await self._store.save(state.progress, state.base)
        self._known_options = state.options
        self.state = state
        if self.writes:
            if state.length < self.feed.file.size:
                self.feed.file.cut(state.length)
            self.feed.resume(state.length, state.written, [])
        self._held = state.progress
        self._saved = replace(state)
        self._fell_back = self._forgotten = self._new_file = False

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
        """Write records until the file is full."""
        for first in range(0, len(records), _BATCH):
            if not self.failed:
                self._write_batch(records[first : first + _BATCH])
        self._hold()

    def _write_batch(self, records: Sequence[bytes]) -> None:
        """Write records in one call of the system: all until the file is full, or none after an error."""
        count = 0
        try:
            with self.feed.file.one_write():
                for record in records:
                    if self.feed.is_full:
                        break
                    self.feed.write(record)
                    count += 1
            self.state.written += count
        except Exception as exc:  # noqa: BLE001 an exporter of a project may raise anything
            self.failed = str(exc) if isinstance(exc, OSError) else f"{type(exc).__name__}: {exc}"

    def _hold(self) -> None:
        """Note how far the file has the records, unless some wait to be compressed."""
        self.state.length = self.feed.file.size
        if not self.feed.waiting:
            self._held = self.state.progress
