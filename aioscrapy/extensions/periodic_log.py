"""Log the stats, or what changed in them, as JSON every LOGSTATS_INTERVAL seconds."""

import asyncio
import json
import logging
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Self

from aioscrapy import signals
from aioscrapy.context import CrawlContext
from aioscrapy.exceptions import NotConfigured
from aioscrapy.setting_types import TRUE
from aioscrapy.settings import Settings
from aioscrapy.stats import StatsCollector

logger = logging.getLogger(__name__)


class PeriodicLog:
    """Logs what PERIODIC_LOG_STATS, PERIODIC_LOG_DELTA and PERIODIC_LOG_TIMING_ENABLED ask for.

    The first two are True, or {"include": […], "exclude": […]} with parts of names.
    """

    def __init__(
        self, stats: StatsCollector, interval_s: float, of_stats: Any, of_delta: Any, timing: bool
    ) -> None:
        self.stats = stats
        self.interval = interval_s
        self._of_stats, self._of_delta, self._timing = of_stats, of_delta, timing
        self._previous: dict[str, float] = {}
        self._started_s = self._latest_s = time.monotonic()
        self._task: asyncio.Task[None] | None = None

    @classmethod
    def from_crawler(cls, crawler: CrawlContext) -> Self:
        """Create the extension; leave it out if nothing is to be logged."""
        settings = crawler.settings
        interval_s = settings.getfloat("LOGSTATS_INTERVAL")
        of_stats, of_delta = _rules(settings, "PERIODIC_LOG_STATS"), _rules(settings, "PERIODIC_LOG_DELTA")
        timing = settings.getbool("PERIODIC_LOG_TIMING_ENABLED")
        if not interval_s or not (of_stats is not None or of_delta is not None or timing):
            raise NotConfigured
        extension = cls(crawler.stats, interval_s, of_stats, of_delta, timing)
        crawler.signals.connect(extension.spider_opened, signals.spider_opened)
        crawler.signals.connect(extension.spider_closed, signals.spider_closed)
        return extension

    def spider_opened(self, spider: Any = None, /) -> None:
        """Start the task that logs."""
        self._started_s = self._latest_s = time.monotonic()
        self._task = asyncio.create_task(self._log_for_ever(), name="periodic-log")

    def spider_closed(self, spider: Any = None, reason: str = "") -> None:
        """Log for the last time."""
        self.log()
        if self._task is not None:
            self._task.cancel()

    async def _log_for_ever(self) -> None:
        while True:
            self.log()
            await asyncio.sleep(self.interval)

    def log(self) -> None:
        """Log one line of JSON."""
        data: dict[str, Any] = {}
        if self._timing:
            data |= self.log_timing()
        if self._of_delta is not None:
            data |= self.log_delta()
        if self._of_stats is not None:
            data |= self.log_crawler_stats()
        logger.info("%s", json.dumps(data, default=str))

    def log_delta(self) -> dict[str, Any]:
        """Return {"delta": …}: what was added to each number since the last call."""
        numbers = {
            name: value
            for name, value in self.stats.get_stats().items()
            if isinstance(value, (int, float)) and _allowed(name, self._of_delta or {})
        }
        delta = {name: value - self._previous.get(name, 0) for name, value in numbers.items()}
        self._previous = numbers
        return {"delta": delta}

    def log_crawler_stats(self) -> dict[str, Any]:
        """Return {"stats": …}: the values of now."""
        values = self.stats.get_stats().items()
        return {"stats": {name: value for name, value in values if _allowed(name, self._of_stats or {})}}

    def log_timing(self) -> dict[str, Any]:
        """Return {"time": …}: since the start and since the last call."""
        now_s, before_s = time.monotonic(), self._latest_s
        self._latest_s = now_s
        times = {
            "log_interval": self.interval,
            "start_time": self.stats.get_value("start_time"),
            "utcnow": datetime.now(UTC),
            "log_interval_real": now_s - before_s,
            "elapsed": now_s - self._started_s,
        }
        return {"time": times}


def _rules(settings: Settings, name: str) -> dict[str, Sequence[str]] | None:
    """Return the parts of names to include and to exclude; None if the setting is off."""
    value = settings[name]
    if isinstance(value, str) and not value.lstrip().startswith("{"):
        value = value.strip().lower() in TRUE
    if value in (None, False):
        return None
    rules: dict[str, Sequence[str]] = {} if value == 1 else settings.getdict(name)
    return rules


def _allowed(name: str, rules: dict[str, Sequence[str]]) -> bool:
    if any(part in name for part in rules.get("exclude", ())):
        return False
    included = rules.get("include", ())
    return not included or any(part in name for part in included)
