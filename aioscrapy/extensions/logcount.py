"""Counts log lines by level, as LogParser and ScrapydWeb want to show them."""

import logging

from aioscrapy import signals
from aioscrapy.context import CrawlContext
from aioscrapy.stats import StatsCollector


class LogCount:
    """Counts what is logged, from LOG_LEVEL on, as log_count/ERROR and so on."""

    def __init__(self, stats: StatsCollector, level: int) -> None:
        self._handler = _Counter(stats, level)

    @classmethod
    def from_crawler(cls, crawler: CrawlContext) -> "LogCount":
        """Begin to count at once: errors at the start count too."""
        extension = cls(crawler.stats, logging.getLogger().getEffectiveLevel())
        logging.getLogger().addHandler(extension._handler)
        crawler.signals.connect(extension.engine_stopped, signals.engine_stopped)
        return extension

    def engine_stopped(self) -> None:
        """Stop counting."""
        logging.getLogger().removeHandler(self._handler)


class _Counter(logging.Handler):
    """A log handler that only counts."""

    def __init__(self, stats: StatsCollector, level: int) -> None:
        super().__init__(level)
        self._stats = stats

    def emit(self, record: logging.LogRecord) -> None:
        self._stats.inc_value(f"log_count/{record.levelname}")
