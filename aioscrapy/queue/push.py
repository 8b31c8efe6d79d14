"""Push requests into a shared crawl, from a program that does not crawl."""

from collections.abc import Mapping
from types import SimpleNamespace

from aioscrapy.context import CrawlContext
from aioscrapy.dupefilters.redis import BaseDupeFilter
from aioscrapy.http.hosts import slot_of
from aioscrapy.http.request import Request
from aioscrapy.queue.base import Entry, Page, State, Store
from aioscrapy.settings import Settings

_SETTINGS = {
    "alias": "SCHEDULER_QUEUE_ALIAS",
    "serializer": "SCHEDULER_SERIALIZER",
    "bot_name": "BOT_NAME",
}


def context_of(arguments: Mapping[str, str]) -> CrawlContext:
    """Return the context of a store, from aio-scrapy's arguments."""
    values = {setting: arguments[name] for name, setting in _SETTINGS.items() if name in arguments}
    # A request that is pushed after the end of a crawl starts a new one at once.
    settings = Settings({**values, "CRAWL_JOIN_WINDOW": 0})
    return CrawlContext.without_crawl(settings, SimpleNamespace(name=arguments["spider_name"]))


class Pusher:
    """Puts requests, unfiltered, into a spider's current crawl; it starts a crawl if there is none."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._is_open = False

    async def push(self, request: Request) -> None:
        """Push one request; two round trips. Its callback is the spider's `parse`.

        Raises:
            SerializeError: it has a callback, or a value that can't be stored.
            QueueError: Redis did not answer.
        """
        entry = Entry(request, None, slot_of(request))
        self._store.pack(entry)
        state = State.GONE
        while state in (State.FINISHED, State.GONE):  # the crawl may end between `open` and `exchange`
            if not self._is_open:
                await self._store.open(BaseDupeFilter())
            reply = await self._store.exchange([Page(None, [entry])], 0, may_finish=False)
            state = reply.state
            self._is_open = state not in (State.FINISHED, State.GONE)
        await self._store.close()  # until the next push: an open pusher would keep the crawl from finishing
