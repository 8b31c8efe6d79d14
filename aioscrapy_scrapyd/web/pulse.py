"""Events about what no job reports: crawls in Redis, and the machine. Only while somebody is connected."""

from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import LoopingCall
from twisted.logger import Logger

from aioscrapy_scrapyd.crawls.shared import SharedCrawls
from aioscrapy_scrapyd.web.events import Events

log = Logger()

# Seconds between two looks at the crawls; each NODE_BEATS-th look is also an event about the node.
PAUSE_S = 1.0
NODE_BEATS = 6
# What of a crawl changes while it runs; its rate changes with the clock.
_CHANGING = ("server", "crawl", "state", "ready", "leased", "delayed", "done", "failed", "items", "workers")


class Pulse:
    """Looks at the crawls and sends `crawl` when one has changed, and `node` now and then.

    These events have no data: a user with some projects must not learn of the crawls of others.
    """

    def __init__(self, events: Events, crawls: SharedCrawls, reactor: Any) -> None:
        self._events = events
        self._crawls = crawls
        self._latest: list[tuple[Any, ...]] = []
        self._beats = 0
        self._loop = LoopingCall(self._beat)
        self._loop.clock = reactor

    def start(self) -> None:
        """Look from now on."""
        self._loop.start(PAUSE_S, now=False)

    def stop(self) -> None:
        """Look no more."""
        if self._loop.running:
            self._loop.stop()

    def _beat(self) -> "Deferred[None] | None":
        if not self._events.clients:
            return None
        self._beats += 1
        if self._beats % NODE_BEATS == 0:
            self._events.add("node", "", {})
        look = Deferred.fromCoroutine(self._look())
        return look.addErrback(lambda failure: log.failure("The crawls could not be read", failure))

    async def _look(self) -> None:
        if not list(self._crawls.servers):
            return
        listing = await self._crawls.listing()
        crawls = [tuple(row[name] for name in _CHANGING) for row in listing.crawls]
        crawls.append(tuple(map(str, listing.problems)))
        if crawls != self._latest:
            self._latest = crawls
            self._events.add("crawl", "", {})
