"""The statistics of one crawl, under Scrapy's names."""

import logging
import pprint
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from aioscrapy.ends import text_of

logger = logging.getLogger(__name__)


class StatsCollector:
    """A dict of statistics. Every method has an unused argument `spider`, as in Scrapy."""

    def __init__(self, crawler: Any = None) -> None:
        self._crawler = crawler  # subclasses of programs read it
        self._dump = crawler is not None and crawler.settings.getbool("STATS_DUMP")
        self._stats: dict[str, Any] = {}

    def get_value(self, key: str, default: Any = None, spider: object = None) -> Any:
        """Return one value."""
        return self._stats.get(key, default)

    def get_stats(self, spider: object = None) -> dict[str, Any]:
        """Return all values: the live dict, not a copy."""
        return self._stats

    def set_value(self, key: str, value: Any, spider: object = None) -> None:
        """Set one value."""
        self._stats[key] = value

    def set_stats(self, stats: dict[str, Any], spider: object = None) -> None:
        """Replace all values."""
        self._stats = stats if isinstance(stats, dict) else dict(stats)

    def inc_value(self, key: str, count: float = 1, start: float = 0, spider: object = None) -> None:
        """Add `count` to a value that starts at `start`; count anew if the value is not a number."""
        try:
            self._stats[key] = self._stats.get(key, start) + count
        except TypeError:  # of the project's `set_value`: a page must not fail for it
            self._replace(key, start + count)

    def inc_values(self, counts: Mapping[str, float]) -> None:
        """Add to several values that start at 0."""
        stats = self._stats
        for key, count in counts.items():
            try:
                stats[key] = stats.get(key, 0) + count
            except TypeError:
                self._replace(key, count)

    def max_value(self, key: str, value: Any, spider: object = None) -> None:
        """Store `value` if it is larger, or if the two can't be compared."""
        try:
            self._stats[key] = max(self._stats.get(key, value), value)
        except TypeError:
            self._replace(key, value)

    def min_value(self, key: str, value: Any, spider: object = None) -> None:
        """Store `value` if it is smaller, or if the two can't be compared."""
        try:
            self._stats[key] = min(self._stats.get(key, value), value)
        except TypeError:
            self._replace(key, value)

    def _replace(self, key: str, value: Any) -> None:
        kind = type(self._stats.get(key)).__name__
        logger.warning("The stat %r had a value of type %s: it begins anew with %r", key, kind, value)
        self._stats[key] = value

    def clear_stats(self, spider: object = None) -> None:
        """Delete all values."""
        self._stats.clear()

    def open_spider(self, spider: object = None) -> None:
        """Do nothing; for subclasses."""

    def close_spider(self, spider: object = None, reason: str | None = None) -> None:
        """Log the values (STATS_DUMP), then store them, which a subclass may do."""
        if self._dump:
            self.dump()
        self._persist_stats(self._stats)

    def _persist_stats(self, stats: dict[str, Any]) -> None:
        """Do nothing; for subclasses."""

    def dump(self) -> None:
        """Log all values in the format that LogParser and ScrapydWeb read."""
        try:
            text = pprint.pformat(self._stats)
        except Exception:  # noqa: BLE001 an object of the project fails at its own text
            text = pprint.pformat({text_of(key): _printable(value) for key, value in self._stats.items()})
        logger.info("Dumping Scrapy stats:\n%s", text)


class MemoryStatsCollector(StatsCollector):
    """Scrapy's default: keeps the values of every spider after its end.

    Attributes:
        spider_stats: name of the spider -> its values.
    """

    def __init__(self, crawler: Any = None) -> None:
        super().__init__(crawler)
        self.spider_stats: dict[str, dict[str, Any]] = {}

    def close_spider(self, spider: object = None, reason: str | None = None) -> None:
        """Keep the values under the name of the spider."""
        spider = spider or getattr(self._crawler, "spider", None)
        self.spider_stats[str(getattr(spider, "name", ""))] = self._stats
        super().close_spider(spider, reason)


class DummyStatsCollector(StatsCollector):
    """Counts nothing."""

    def get_value(self, key: str, default: Any = None, spider: object = None) -> Any:
        """Return the default."""
        return default

    def set_value(self, key: str, value: Any, spider: object = None) -> None:
        """Do nothing."""

    def set_stats(self, stats: dict[str, Any], spider: object = None) -> None:
        """Do nothing."""

    def inc_value(self, key: str, count: float = 1, start: float = 0, spider: object = None) -> None:
        """Do nothing."""

    def inc_values(self, counts: Mapping[str, float]) -> None:
        """Do nothing."""

    def max_value(self, key: str, value: Any, spider: object = None) -> None:
        """Do nothing."""

    def min_value(self, key: str, value: Any, spider: object = None) -> None:
        """Do nothing."""


def _printable(value: Any) -> Any:
    return value if isinstance(value, (int, float, str, datetime)) else text_of(value, repr)
