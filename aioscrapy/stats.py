"""Counters and facts of one crawl, under Scrapy's names."""

import logging
import pprint
from typing import Any

logger = logging.getLogger(__name__)


class StatsCollector:
    """A dict of statistics; every method takes and ignores `spider`, as Scrapy's does."""

    def __init__(self) -> None:
        self._stats: dict[str, Any] = {}

    def get_value(self, key: str, default: Any = None, spider: object = None) -> Any:
        """Return one figure."""
        return self._stats.get(key, default)

    def get_stats(self, spider: object = None) -> dict[str, Any]:
        """Return all figures: the live dict, not a copy."""
        return self._stats

    def set_value(self, key: str, value: Any, spider: object = None) -> None:
        """Set one figure."""
        self._stats[key] = value

    def set_stats(self, stats: dict[str, Any], spider: object = None) -> None:
        """Replace all figures."""
        self._stats = stats

    def inc_value(self, key: str, count: float = 1, start: float = 0, spider: object = None) -> None:
        """Add `count` to a figure that begins at `start`."""
        self._stats[key] = self._stats.get(key, start) + count

    def max_value(self, key: str, value: Any, spider: object = None) -> None:
        """Keep the larger of the figure and `value`."""
        self._stats[key] = max(self._stats.get(key, value), value)

    def min_value(self, key: str, value: Any, spider: object = None) -> None:
        """Keep the smaller of the figure and `value`."""
        self._stats[key] = min(self._stats.get(key, value), value)

    def clear_stats(self, spider: object = None) -> None:
        """Forget all figures."""
        self._stats.clear()

    def dump(self) -> None:
        """Log all figures in the form that LogParser and ScrapydWeb read."""
        logger.info("Dumping Scrapy stats:\n%s", pprint.pformat(self._stats))
