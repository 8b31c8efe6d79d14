"""The frontier of a crawl with a SCHEDULER of Scrapy's interface."""

import asyncio
from typing import Any

from aioscrapy import signals
from aioscrapy.context import CrawlContext
from aioscrapy.core.memory_scheduler import MemoryScheduler
from aioscrapy.core.politeness import Politeness
from aioscrapy.dupefilters.foreign import itself
from aioscrapy.dupefilters.memory import BaseDupeFilter
from aioscrapy.feeds.feeds import Feeds
from aioscrapy.http.request import Request
from aioscrapy.queue.base import Entry
from aioscrapy.queue.foreign import ForeignQueue

# Seconds between two questions to a scheduler that has a request but gives none.
ASK_AGAIN_S = 0.2


class ForeignScheduler(MemoryScheduler):
    """Asks the scheduler of the project for each request; that one also finds the duplicates."""

    def __init__(
        self, crawler: CrawlContext, politeness: Politeness, scheduler: Any, feeds: Feeds | None = None
    ) -> None:
        self._project_queue = ForeignQueue(scheduler, max(1, crawler.settings.getint("CONCURRENT_REQUESTS")))
        super().__init__(crawler, politeness, itself, self._project_queue, BaseDupeFilter(), feeds)
        self._timer: asyncio.TimerHandle | None = None

    def accept(self, request: Request) -> Entry | None:
        """Give the request to the scheduler of the project; None if that or a handler drops it."""
        if self.on_scheduled and self._refused(request):
            return None
        if self._project_queue.enqueue(request):
            return self._entry(request, None)
        if self.on_dropped:
            self._signals.send_soon(signals.request_dropped, request=request, spider=self._spider)
        return None

    async def _wait(self) -> None:
        if self._project_queue.ready.starved and (self._timer is None or self._timer.when() < self._now()):
            self._timer = asyncio.get_running_loop().call_later(ASK_AGAIN_S, self._wake, 1)
        await super()._wait()

    @staticmethod
    def _now() -> float:
        return asyncio.get_running_loop().time()

    def stop(self) -> None:
        super().stop()
        if self._timer is not None:
            self._timer.cancel()
