"""All feeds of a crawl: an item is packed, committed with its page, written, and then removed from the store.

The store of the frontier keeps the packed items of a page from its commit until they are saved as written,
together with the length of the file. So an item is in the file once, even if a process or a disk fails.
A crawl in memory has no such store: its items are written when their page is done.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable, Sequence
from typing import Any, ClassVar

from aioscrapy import signals
from aioscrapy.context import CrawlContext
from aioscrapy.ends import error_text
from aioscrapy.exceptions import QueueError, SerializeError
from aioscrapy.feeds.completion import Completion
from aioscrapy.feeds.feed import Feed
from aioscrapy.feeds.outlet import LOCK_S, Outlet
from aioscrapy.feeds.rest import complete_rest
from aioscrapy.feeds.store import FeedProgress, FeedStore
from aioscrapy.feeds.uri import FeedError

logger = logging.getLogger("aioscrapy.extensions.feedexport")

Record = tuple[int, Any]
"""The position of a feed, and an item packed for it; the item for an exporter that writes itself."""


class Feeds:
    """The feeds of one process.

    Signals: feed_slot_closed for each complete file, feed_exporter_closed at the end.

    Args:
        feeds: prepared before `open`.
        crawler: has the stats, the settings and the signals; it fails with an error that keeps the output
            from being complete.

    Attributes:
        pack: returns the records of an item; `pack_item`, or what a FeedExporter of the project decides.

    Stats:
        feedexport/success_count/FileFeedStorage    feeds that are complete (StdoutFeedStorage: to stdout)
        feedexport/failed_count/FileFeedStorage     feeds that could not be written
        feedexport/item_error_count                 items that a format can't represent
    """

    is_writer = True  # this process creates the files
    _for_others = False  # another process writes the records

    def __init__(self, feeds: Sequence[Feed], crawler: CrawlContext) -> None:
        self._feeds = list(feeds)
        self._stats = crawler.stats
        self._settings = crawler.settings
        self._signals = crawler.signals
        self._completion = Completion(crawler)
        self._store: FeedStore | None = None
        self._outlets: list[Outlet] = []
        self.pack: Callable[[Any, Any], list[Record]] = self.pack_item

    def pack_item(self, item: Any, response: Any) -> list[Record]:
        """Return the records of an item; a feed that can't represent it is logged and counted."""
        records = []
        for position, feed in enumerate(self._feeds):
            try:
                record = feed.pack(item, for_others=self._for_others)
            except Exception as exc:  # noqa: BLE001 a value of an item may raise anything; the crawl continues
                self._stats.inc_value("feedexport/item_error_count")
                page = getattr(response, "url", "no page")
                error = exc if isinstance(exc, SerializeError) else error_text(exc)
                logger.error("An item from <%s> is missing in %s: %s", page, feed.uri, error)
                continue
            if record is not None:
                records.append((position, record))
        return records

    def write(self, records: Iterable[Record]) -> None:
        """Write records that no store keeps."""
        for position, record in records:
            feed = self._feeds[position]
            if feed in self._completion.failed:
                continue
            try:
                if feed.ended:
                    feed.next_file()
                    feed.begin()
                feed.write(record)
                if feed.is_full:
                    self._completion.finish(feed)
                    feed.file.close()
            except (OSError, FeedError) as exc:
                self._completion.give_up(feed, f"{exc}: items are missing")
            except Exception as exc:  # noqa: BLE001 an exporter of a project may raise anything
                self._stats.inc_value("feedexport/item_error_count")
                logger.error("An item is missing in %s: %s: %s", feed.uri, type(exc).__name__, exc)

    async def open(self, store: FeedStore | None, *, over: bool = False) -> None:
        """Start or continue all files; complete the files of processes that were killed.

        Args:
            store: of the frontier; None if the crawl is in memory.
            over: the crawl has ended before: only the files of killed processes are completed.

        Raises:
            FeedError: a file can't be used.
            QueueError: the store does not answer.
        """
        if store is not None and over:
            await self._complete(store)
            return
        self._store = store
        if store is not None:
            self._outlets = self._open_outlets(store)
            self._warn_of_limits()
            await complete_rest(store, self._names(), self._settings, finished=False)
            for other, finished in await store.earlier():
                await complete_rest(other, (), self._settings, finished=finished)
        for outlet in self._outlets:
            await outlet.open()
            self._check(outlet)
        self.begin()

    def begin(self) -> None:
        """Start the files of the feeds that no store keeps.

        Raises:
            FeedError: a file can't be used.
        """
        for feed in self._feeds[len(self._outlets) :]:
            feed.begin()

    def progress(self) -> list[FeedProgress]:
        """Return the progress of every feed with a store, for the next exchange."""
        return [outlet.progress() for outlet in self._outlets]

    async def committed(self, records: Sequence[Record], totals: Sequence[int], *, fell_back: bool) -> None:
        """Write the records of the last exchange.

        Args:
            records: of the pages that were committed.
            totals: the store's number of records of each feed, these included; -1 if it has lost the feed.
            fell_back: the store has lost recent writes, whose pages are crawled again.
        """
        await self._completion.announce()
        for position, (outlet, total) in enumerate(zip(self._outlets, totals, strict=False)):
            own = [record for at, record in records if at == position]
            if not outlet.committed(own, total, fell_back=fell_back):
                try:
                    await outlet.catch_up()
                except QueueError as exc:
                    logger.warning("The feed %s waits for the store: %s", outlet.feed.uri, exc)
            self._check(outlet)
        stored = len(self._outlets)
        self.write(record for record in records if record[0] >= stored)

    async def close(self, *, finished: bool) -> None:
        """Write what is left, then the ends of the documents; close all files.

        Args:
            finished: no process of this crawl commits anything any more.
        """
        try:
            if self._store is not None:
                await self._close_outlets(self._store, finished=finished)
        except QueueError as exc:
            if not all(outlet.is_current for outlet in self._outlets):
                self._completion.fail(f"the last items are not in the feeds: {exc}")
            logger.warning("The store does not answer, it keeps the last items of the feeds: %s", exc)
        for feed in self._feeds[len(self._outlets) :]:
            if self._completion.finish(feed) and await self._completion.delivered(feed) and feed.destination:
                feed.file.remove()
        for feed in self._feeds:
            await self._completion.delivered(feed)
            feed.file.close()
        await self._completion.announce()
        await self._signals.send(signals.feed_exporter_closed)

    async def _complete(self, store: FeedStore) -> None:
        """Complete the files that killed processes have left of a crawl that is over, and our empty ones."""
        for feed in self._feeds:
            feed.file.close()
        for problem in await complete_rest(store, (), self._settings, finished=True):
            self._completion.fail(problem)
        for feed in self._feeds:
            self._end_empty(feed)
            feed.file.close()

    def _end_empty(self, feed: Feed) -> None:
        """Complete the empty file of a process that came too late to write anything."""
        if feed.file.is_regular and not feed.file.size and feed.file.lock():
            self._completion.finish(feed)

    def _open_outlets(self, store: FeedStore) -> list[Outlet]:
        self._feeds.sort(key=lambda feed: not feed.is_kept)  # those with a store first
        return [Outlet(feed, store, self._completion) for feed in self._feeds if feed.is_kept]

    def _names(self) -> set[str]:
        return {outlet.name for outlet in self._outlets}

    async def _close_outlets(self, store: FeedStore, *, finished: bool) -> None:
        for outlet in self._outlets:
            await outlet.catch_up()
            while finished and not outlet.writes:
                if not any(state.name == outlet.name for state in await store.states()):
                    break  # the process that writes it has completed it
                await asyncio.sleep(LOCK_S)
                await outlet.catch_up()
            self._check(outlet)
            if outlet.writes:
                await outlet.complete(finished=finished)
                self._check(outlet)
            elif finished:
                self._end_empty(outlet.feed)
        if finished:
            rest = complete_rest(store, self._names(), self._settings, finished=True, wait_s=store.lease_s)
            for problem in await rest:
                self._stats.inc_value("feedexport/failed_count/FileFeedStorage")
                self._completion.fail(problem)

    def _warn_of_limits(self) -> None:
        """Log which feeds are not exactly-once after a kill, or have to be kept whole in the store."""
        for feed in self._feeds:
            if not feed.form.packs:
                logger.warning(
                    "The exporter of %s writes items itself: a kill may lose or double the last ones",
                    feed.uri,
                )
            elif not feed.form.can_be_cut and feed.is_kept:
                logger.info(
                    "A plugin of %s can't be cut: the store keeps all items of the file until it is complete",
                    feed.uri,
                )

    def _check(self, outlet: Outlet) -> None:
        if outlet.failed and outlet.feed not in self._completion.failed:
            self._completion.give_up(
                outlet.feed, f"{outlet.failed}: its items wait in the store until the crawl goes on"
            )


class PoolFeeds(Feeds):
    """The feeds of a crawl by worker processes, in the parent, which alone writes the files."""

    async def drain(self) -> None:
        """Write what the workers have committed."""
        if self._store is None:
            return
        totals = {state.number: state.total for state in await self._store.states()}
        for outlet in self._outlets:
            total = totals.get(outlet.state.number, -1)
            if not outlet.committed((), total, fell_back=0 <= total < outlet.state.total):
                await outlet.catch_up()
            self._check(outlet)
            await outlet.save()
        await self._completion.announce()

    async def close(self, *, finished: bool) -> None:
        """Write what the workers have committed since the last `drain`, and close all files."""
        try:
            await self.drain()
        except QueueError as exc:
            self._completion.fail(f"the last items are not in the feeds: {exc}")
        await super().close(finished=finished)

    def names(self) -> list[str]:
        """Return the names of the feeds, for the workers, in the order of FEEDS."""
        return [outlet.name for outlet in self._outlets]

    def _open_outlets(self, store: FeedStore) -> list[Outlet]:
        # all of them, in the order of FEEDS, by which the workers name them
        return [Outlet(feed, store, self._completion) for feed in self._feeds]


class WorkerFeeds(Feeds):
    """The feeds of a crawl by worker processes, in a worker, which writes no file.

    Attributes:
        names: of the parent's feeds, in the order of FEEDS.
    """

    names: ClassVar[Sequence[str]] = ()
    is_writer = False
    _for_others = True

    def __init__(self, feeds: Sequence[Feed], crawler: CrawlContext) -> None:
        super().__init__(feeds, crawler)
        self._numbers: list[int] = []

    async def open(self, store: FeedStore | None, *, over: bool = False) -> None:
        """Find the feeds in the store, where the parent has registered them."""
        if store is not None and not over:
            states = [await store.register(name, b"{}") for name in self.names]
            self._numbers = [state.number for state in states if state is not None]

    def progress(self) -> list[FeedProgress]:
        return [FeedProgress(number, 0, -1) for number in self._numbers]

    async def committed(self, records: Sequence[Record], totals: Sequence[int], *, fell_back: bool) -> None:
        """Do nothing: the parent writes the records."""

    async def close(self, *, finished: bool) -> None:
        """Do nothing: the parent closes the files."""
