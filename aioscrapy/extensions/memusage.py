"""Watch the memory of the process: warn at one limit, end the crawl at another."""

import logging
import sys
from typing import Any, Self

from aioscrapy import signals
from aioscrapy.context import CrawlContext
from aioscrapy.exceptions import NotConfigured
from aioscrapy.looping import create_looping_call

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
        self._checks: Any = None
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
        self._checks = create_looping_call(self.update)
        self._checks.start(self.check_interval)

    def engine_stopped(self) -> None:
        """End the watch."""
        if self._checks is not None and self._checks.running:
            self._checks.stop()
        peak = self._stats.get_value("memusage/max", 0)
        logger.info("Peak memory usage is %dMiB", peak // _MIB, extra={"crawler": self._crawler})

    def update(self) -> None:
        """Look at the memory once."""
        size = self.get_virtual_size()
        self._stats.max_value("memusage/max", size)
        if self.limit and size > self.limit:
            self._stats.set_value("memusage/limit_reached", 1)
            logger.error(
                "Memory usage exceeded %dMiB (MEMUSAGE_LIMIT_MB): it is %d MiB, the crawl ends",
                self.limit // _MIB,
                size // _MIB,
                extra={"crawler": self._crawler},
            )
            self._crawler.stop("memusage_exceeded")
        elif self.warning and size > self.warning and not self.warned:
            self.warned = True
            self._stats.set_value("memusage/warning_reached", 1)
            logger.warning(
                "Memory usage reached %dMiB (MEMUSAGE_WARNING_MB): it is %d MiB",
                self.warning // _MIB,
                size // _MIB,
                extra={"crawler": self._crawler},
            )
            self._crawler.signals.send_catch_log(signals.memusage_warning_reached)
