"""Files of feeds at their end: written to the last byte, delivered to their server, counted and announced."""

import asyncio
import logging
from pathlib import Path

from aioscrapy import signals
from aioscrapy.context import CrawlContext
from aioscrapy.ends import Reason
from aioscrapy.feeds.feed import Feed
from aioscrapy.feeds.file import FeedFile
from aioscrapy.feeds.slot import FeedSlot
from aioscrapy.feeds.storages import store_file
from aioscrapy.feeds.uri import redacted

logger = logging.getLogger("aioscrapy.extensions.feedexport")


class Completion:
    """Completes the files of all feeds of a process.

    Args:
        crawler: has the stats and the signals; it fails if the output is not complete.

    Attributes:
        failed: feeds that could not be written; they get nothing more.
    """

    def __init__(self, crawler: CrawlContext) -> None:
        self.failed: set[Feed] = set()
        self._crawler = crawler
        self._stats = crawler.stats
        self._deliveries: dict[Feed, list[asyncio.Task[bool]]] = {}
        self._closed: list[FeedSlot] = []  # complete files that are not announced yet

    def fail(self, problem: str) -> None:
        """End the crawl, because its output is not complete."""
        self._crawler.fail(Reason.OUTPUT_FAILED, problem)

    def give_up(self, feed: Feed, problem: str) -> None:
        """Write no more to this feed."""
        self.failed.add(feed)
        logger.error(
            "Error storing %s feed (%d items) in: %s: %s", feed.format, feed.count, feed.label, problem
        )
        self.fail(f"feed {feed.label} can't be written: {problem}")

    def finish(self, feed: Feed) -> bool:
        """Write the end of the document and begin to deliver it; False if the feed is not complete."""
        stored = False
        try:
            stored = feed not in self.failed and feed.finish()
        except OSError as exc:
            self.give_up(feed, str(exc))
        except Exception as exc:  # noqa: BLE001 an exporter of a project may raise anything
            self.give_up(feed, f"{type(exc).__name__}: {exc}")
        if feed in self.failed:
            self._stats.inc_value(f"feedexport/failed_count/{feed.storage}")
            return False
        if stored:
            slot, path = FeedSlot.of(feed), feed.file.path
            if feed.destination is None or path is None:
                self._count(feed, slot)
            else:
                delivery = asyncio.create_task(self._deliver(feed, slot, path, is_full=feed.is_full))
                self._deliveries.setdefault(feed, []).append(delivery)
        return True

    def is_delivering(self, feed: Feed) -> bool:
        """Return True while a complete file of the feed is on its way to its server."""
        return not all(delivery.done() for delivery in self._deliveries.get(feed, ()))

    async def delivered(self, feed: Feed) -> bool:
        """Wait until the server has all complete files of the feed; False if it does not get one."""
        await asyncio.gather(*self._deliveries.pop(feed, ()))
        return feed not in self.failed

    async def announce(self) -> None:
        """Call the handlers of `feed_slot_closed` for the files that are complete now."""
        while self._closed:
            await self._crawler.signals.send(signals.feed_slot_closed, slot=self._closed.pop(0))

    async def _deliver(self, feed: Feed, slot: FeedSlot, path: Path, *, is_full: bool) -> bool:
        destination = feed.destination
        assert destination is not None  # noqa: S101 for mypy: finish has checked it
        try:
            await store_file(destination.build(slot.uri), path, self._crawler.spider)
        except Exception as exc:  # noqa: BLE001 every library has errors of its own
            self.give_up(feed, f"{type(exc).__name__}: {exc}; its items are in {path}")
            self._stats.inc_value(f"feedexport/failed_count/{feed.storage}")
            return False
        if is_full:
            FeedFile(path).remove()
        self._count(feed, slot)
        return True

    def _count(self, feed: Feed, slot: FeedSlot) -> None:
        self._closed.append(slot)
        self._stats.inc_value(f"feedexport/success_count/{feed.storage}")
        logger.info("Stored %s feed (%d items) in: %s", feed.format, slot.itemcount, redacted(slot.uri))
