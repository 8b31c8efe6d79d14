"""Count the objects that the garbage collector can't free at the end of a crawl."""

import gc
import sys
from collections import Counter
from typing import Self

from aioscrapy import signals
from aioscrapy.context import CrawlContext
from aioscrapy.exceptions import NotConfigured
from aioscrapy.http.request import Request
from aioscrapy.http.response import Response


class MemoryDebugger:
    """Sets the stats `memdebug/gc_garbage_count` and `memdebug/live_refs/CLASS` (see `live_objects`)."""

    def __init__(self, crawler: CrawlContext) -> None:
        self.crawler = crawler
        self.stats = crawler.stats

    @classmethod
    def from_crawler(cls, crawler: CrawlContext) -> Self:
        """Create the extension; leave it out unless MEMDEBUG_ENABLED is set."""
        if not crawler.settings.getbool("MEMDEBUG_ENABLED"):
            raise NotConfigured
        extension = cls(crawler)
        crawler.signals.connect(extension.spider_closed, signals.spider_closed)
        return extension

    def spider_closed(self, spider: object = None, reason: str = "") -> None:
        """Collect and count."""
        gc.collect()
        self.stats.set_value("memdebug/gc_garbage_count", len(gc.garbage))
        for name, count in live_objects(self.crawler).items():
            self.stats.set_value(f"memdebug/live_refs/{name}", count)


def live_objects(crawler: CrawlContext) -> Counter[str]:
    """Return the number of living objects of each class of requests, responses, selectors, items and spiders.

    The objects of `object_ref`, which a program counts itself, are among them.
    """
    kinds = (Request, Response, *_loaded_kinds(), crawler.spidercls)
    gc.unfreeze()  # the start of a crawl froze the older objects
    counts = Counter(type(value).__name__ for value in gc.get_objects() if isinstance(value, kinds))
    tracked = getattr(sys.modules.get("aioscrapy.utils.trackref"), "live_refs", {})
    counts.update({cls.__name__: len(references) for cls, references in tracked.items() if references})
    return counts


def _loaded_kinds() -> list[type]:
    """Return the classes of selectors and items that the crawl has loaded: a plain crawl needs neither."""
    homes = (("aioscrapy.selector", "Selector"), ("aioscrapy.item", "Item"))
    return [getattr(sys.modules[module], name) for module, name in homes if module in sys.modules]
