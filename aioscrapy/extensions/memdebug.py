"""Count the objects that the garbage collector can't free at the end of a crawl."""

import gc
import sys
from typing import Any, Self

from aioscrapy import signals
from aioscrapy.context import CrawlContext
from aioscrapy.exceptions import NotConfigured
from aioscrapy.stats import StatsCollector


class MemoryDebugger:
    """Sets the stats `memdebug/gc_garbage_count` and `memdebug/live_refs/CLASS` of `object_ref`."""

    def __init__(self, stats: StatsCollector) -> None:
        self.stats = stats

    @classmethod
    def from_crawler(cls, crawler: CrawlContext) -> Self:
        """Create the extension; leave it out unless MEMDEBUG_ENABLED is set."""
        if not crawler.settings.getbool("MEMDEBUG_ENABLED"):
            raise NotConfigured
        extension = cls(crawler.stats)
        crawler.signals.connect(extension.spider_closed, signals.spider_closed)
        return extension

    def spider_closed(self, spider: Any = None, reason: str = "") -> None:
        """Collect and count."""
        gc.collect()
        self.stats.set_value("memdebug/gc_garbage_count", len(gc.garbage))
        # The objects that a program counts itself: it has imported the module then.
        counted = getattr(sys.modules.get("aioscrapy.utils.trackref"), "live_refs", {})
        for cls, references in counted.items():
            if references:
                self.stats.set_value(f"memdebug/live_refs/{cls.__name__}", len(references))
