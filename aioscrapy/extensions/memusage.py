"""Watch the memory of the process: warn at one limit, end the crawl at another."""

import asyncio
import logging
import sys
from typing import Self

from aioscrapy import signals
from aioscrapy.context import CrawlContext
from aioscrapy.exceptions import NotConfigured

logger = logging.getLogger(__name__)

_MIB = 2**20


class MemoryUsage:
    """Compares the largest memory that the process had with the limits, every few seconds."""

    def __init__(self, crawler: CrawlContext) -> None:
        settings = crawler.settings
        self.limit = settings.getint("MEMUSAGE_LIMIT_MB") * _MIB
        self.warning = settings.getint("MEMUSAGE_WARNING_MB") * _MIB
        asked_for = bool(settings.getpriority("MEMUSAGE_ENABLED"))
        if not settings.getbool("MEMUSAGE_ENABLED") or not (self.limit or self.warning or asked_for):
            raise NotConfigured
        self.check_interval = settings.getfloat("MEMUSAGE_CHECK_INTERVAL_SECONDS")
        self.warned = False
        self._crawler = crawler
        self._stats = crawler.stats
        self._task: asyncio.Task[None] | None = None
        crawler.signals.connect(self.engine_started, signals.engine_started)
        crawler.signals.connect(self.engine_stopped, signals.engine_stopped)

    @classmethod
    def from_crawler(cls, crawler: CrawlContext) -> Self:
        """Create the extension; leave it out if nothing is to be watched."""
        return cls(crawler)

    def get_virtual_size(self) -> int:
        """Return the largest memory that the process had, in bytes."""
        import resource  # not on Windows

        size = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return size if sys.platform == "darwin" else size * 1024

    def engine_started(self) -> None:
        """Start the watch.

        Raises:
            NotConfigured: the operating system does not tell the memory of a process.
        """
        self._stats.set_value("memusage/startup", self.get_virtual_size())
        self._task = asyncio.create_task(self._watch(), name="memusage")

    def engine_stopped(self) -> None:
        """End the watch."""
        if self._task is not None:
            self._task.cancel()

    async def _watch(self) -> None:
        while True:
            self.update()
            await asyncio.sleep(self.check_interval)

    def update(self) -> None:
        """Look at the memory once."""
        size = self.get_virtual_size()
        self._stats.max_value("memusage/max", size)
        if self.limit and size > self.limit:
            self._stats.set_value("memusage/limit_reached", 1)
            logger.error("The memory of the process is over MEMUSAGE_LIMIT_MB: %d MiB", size // _MIB)
            self._crawler.stop("memusage_exceeded")
        elif self.warning and size > self.warning and not self.warned:
            self.warned = True
            self._stats.set_value("memusage/warning_reached", 1)
            logger.warning("The memory of the process is over MEMUSAGE_WARNING_MB: %d MiB", size // _MIB)
            self._crawler.signals.send_catch_log(signals.memusage_warning_reached)
