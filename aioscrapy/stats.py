"""The statistics of one crawl, under Scrapy's names."""

import logging
import pprint
from collections.abc import Mapping
from typing import Any

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
        self._stats = stats

    def inc_value(self, key: str, count: float = 1, start: float = 0, spider: object = None) -> None:
        """Add `count` to a value that starts at `start`."""
        self._stats[key] = self._stats.get(key, start) + count

    def inc_values(self, counts: Mapping[str, float]) -> None:
        """Add to several values that start at 0."""
        stats = self._stats
        for key, count in counts.items():
            stats[key] = stats.get(key, 0) + count

    def max_value(self, key: str, value: Any, spider: object = None) -> None:
        """Store `value` if it is larger."""
        self._stats[key] = max(self._stats.get(key, value), value)

    def min_value(self, key: str, value: Any, spider: object = None) -> None:
        """Store `value` if it is smaller."""
        self._stats[key] = min(self._stats.get(key, value), value)

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
        logger.info("Dumping Scrapy stats:\n%s", pprint.pformat(self._stats))


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
