"""Count items, and record start, end and reason of a crawl."""

from datetime import UTC, datetime
from time import monotonic
from typing import Any, Self

from aioscrapy import signals
from aioscrapy.context import CrawlContext
from aioscrapy.stats import StatsCollector


class CoreStats:
    """Counts items; records start, end and reason under the names that LogParser reads.

    Arguments that are not read are positional only: such a receiver is called without arguments.
    """

    def __init__(self, stats: StatsCollector) -> None:
        self.stats = stats
        self._started_s = monotonic()

    @classmethod
    def from_crawler(cls, crawler: CrawlContext) -> Self:
        """Create the extension and connect it to the signals."""
        extension = cls(crawler.stats)
        crawler.signals.connect(extension.spider_opened, signals.spider_opened)
        crawler.signals.connect(extension.spider_closed, signals.spider_closed)
        crawler.signals.connect(extension.item_scraped, signals.item_scraped)
        crawler.signals.connect(extension.item_dropped, signals.item_dropped)
        return extension

    def spider_opened(self, spider: Any = None, /) -> None:
        """Record the start."""
        self._started_s = monotonic()
        self.stats.set_value("start_time", datetime.now(UTC))

    def spider_closed(self, spider: Any = None, reason: str = "") -> None:
        """Record the end."""
        self.stats.set_value("elapsed_time_seconds", monotonic() - self._started_s)
        self.stats.set_value("finish_time", datetime.now(UTC))
        self.stats.set_value("finish_reason", reason)

    def item_scraped(self, item: Any = None, spider: Any = None, /) -> None:
        """Count an item."""
        self.stats.inc_value("item_scraped_count")

    def response_received(self, spider: Any = None, /) -> None:
        """Count a response, for a program that calls it: the engine counts those of a crawl itself."""
        self.stats.inc_value("response_received_count")

    def item_dropped(self, item: Any = None, spider: Any = None, exception: Any = None) -> None:
        """Count a dropped item, also by the class of the exception."""
        self.stats.inc_value("item_dropped_count")
        self.stats.inc_value(f"item_dropped_reasons_count/{type(exception).__name__}")
