"""Count log lines by level, for LogParser and ScrapydWeb."""

import logging

from aioscrapy import signals
from aioscrapy.context import CrawlContext
from aioscrapy.stats import StatsCollector


class LogCount:
    """Counts log lines of at least LOG_LEVEL, as log_count/ERROR and so on."""

    def __init__(self, stats: StatsCollector) -> None:
        self._handler = _Counter(stats)

    @classmethod
    def from_crawler(cls, crawler: CrawlContext) -> "LogCount":
        """Create the extension and connect it to the crawl."""
        extension = cls(crawler.stats)
        crawler.signals.connect(extension.spider_opened, signals.spider_opened)
        crawler.signals.connect(extension.spider_closed, signals.spider_closed)
        return extension

    def spider_opened(self) -> None:
        """Start to count."""
        logging.getLogger().addHandler(self._handler)

    def spider_closed(self) -> None:
        """Stop counting."""
        logging.getLogger().removeHandler(self._handler)


class _Counter(logging.Handler):
    """A log handler that only counts."""

    def __init__(self, stats: StatsCollector) -> None:
        super().__init__()
        self._stats = stats

    def emit(self, record: logging.LogRecord) -> None:
        self._stats.inc_value(f"log_count/{record.levelname}")
