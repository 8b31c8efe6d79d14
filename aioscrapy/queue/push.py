"""A way into a shared crawl for programs that push requests and don't crawl."""

from collections.abc import Mapping
from types import SimpleNamespace

from aioscrapy.context import CrawlContext
from aioscrapy.http.hosts import slot_of
from aioscrapy.http.request import Request
from aioscrapy.queue.base import Entry, Page, State, Store
from aioscrapy.settings import Settings

_SETTINGS = {
    "alias": "SCHEDULER_QUEUE_ALIAS",
    "serializer": "SCHEDULER_SERIALIZER",
    "bot_name": "BOT_NAME",
}
_NO_FILTER = SimpleNamespace(suffix="", lua="local function marked() end\n")  # what is pushed has no mark


def context_of(given: Mapping[str, str]) -> CrawlContext:
    """Return what a store asks of its crawl, from aio-scrapy's arguments; others are left to the defaults."""
    values = {setting: given[name] for name, setting in _SETTINGS.items() if name in given}
    # What is pushed after the end of a crawl begins a new one at once.
    settings = Settings({**values, "CRAWL_JOIN_WINDOW": 0})
    return CrawlContext.without_crawl(settings, SimpleNamespace(name=given["spider_name"]))


class Pusher:
    """Puts requests, unfiltered, into a spider's current crawl; where there is none, it begins one."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._is_open = False

    async def push(self, request: Request) -> None:
        """Put in one request: two round trips. Its callback is the spider's `parse`.

        Raises:
            SerializeError: it has a callback, or something else that can't travel.
            QueueError: Redis did not answer.
        """
        entry = Entry(request, None, slot_of(request))
        self._store.pack(entry)
        state = State.GONE
        while state in (State.FINISHED, State.GONE):  # it may end between opening and pushing
            if not self._is_open:
                await self._store.open(_NO_FILTER)
            reply = await self._store.exchange([Page(None, [entry])], 0, may_finish=False)
            state = reply.state
            self._is_open = state not in (State.FINISHED, State.GONE)
        await self._store.close()  # until the next push: whoever waits for the end must not wait for us
