"""Log the progress of the crawl once a minute."""

import asyncio
import logging
from collections.abc import Awaitable
from typing import Any, Self

from aioscrapy import signals
from aioscrapy.context import CrawlContext
from aioscrapy.exceptions import NotConfigured
from aioscrapy.stats import StatsCollector

logger = logging.getLogger(__name__)

_RATES = {
    "responses_per_minute": "response_received_count",
    "items_per_minute": "item_scraped_count",
}


class LogStats:
    """Logs pages and items, in total and per minute, at the start and every LOGSTATS_INTERVAL seconds.

    LogParser draws its curves from these lines.
    """

    def __init__(self, stats: StatsCollector, interval: float = 60.0) -> None:
        self.stats = stats
        self.interval = interval
        self._spider: Any = None
        self._task: asyncio.Task[None] | None = None

    @classmethod
    def from_crawler(cls, crawler: CrawlContext) -> Self:
        """Create the extension; leave it out if LOGSTATS_INTERVAL is 0."""
        interval_s = crawler.settings.getfloat("LOGSTATS_INTERVAL")
        if not interval_s:
            raise NotConfigured
        extension = cls(crawler.stats, interval_s)
        crawler.signals.connect(extension.spider_opened, signals.spider_opened)
        crawler.signals.connect(extension.spider_closed, signals.spider_closed)
        return extension

    def spider_opened(self, spider: Any = None) -> None:
        """Log the first line and start the task that logs the others."""
        self._spider = spider
        self.pagesprev = self.itemsprev = 0
        self.log(self._spider)
        self._task = asyncio.create_task(self._log_for_ever(), name="logstats")

    def spider_closed(self, spider: Any = None, reason: str = "") -> Awaitable[Any] | None:
        """Keep the rates of the whole crawl in the stats, and stop the task; return its end."""
        start, finish = self.stats.get_value("start_time"), self.stats.get_value("finish_time")
        seconds = (finish - start).total_seconds() if start and finish else 0
        if seconds >= 1:  # the rate of less is not one
            for name, counter in _RATES.items():
                self.stats.set_value(name, round(60 * self.stats.get_value(counter, 0) / seconds, 2))
        if self._task is None:
            return None
        self._task.cancel()
        return asyncio.gather(self._task, return_exceptions=True)

    async def _log_for_ever(self) -> None:
        while True:
            await asyncio.sleep(self.interval)
            self.log(self._spider)

    def log(self, spider: Any) -> None:
        """Log one line; subclasses may replace it."""
        self.calculate_stats()
        logger.info(
            "Crawled %d pages (at %d pages/min), scraped %d items (at %d items/min)",
            self.pages,
            self.prate,
            self.items,
            self.irate,
        )

    def calculate_stats(self) -> None:
        """Set `pages` and `items`, and what came since the last call per minute: `prate`, `irate`."""
        self.pages = self.stats.get_value("response_received_count", 0)
        self.items = self.stats.get_value("item_scraped_count", 0)
        per_minute = 60 / self.interval
        self.prate = (self.pages - self.pagesprev) * per_minute
        self.irate = (self.items - self.itemsprev) * per_minute
        self.pagesprev, self.itemsprev = self.pages, self.items
