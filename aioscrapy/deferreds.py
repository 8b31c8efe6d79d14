"""The result of a crawl as a Deferred, for programs of Scrapy that have imported Twisted."""

import asyncio
import sys
from functools import cache
from typing import Any


def deferred_of(task: "asyncio.Future[Any]") -> Any:
    """Return the result of a task as a Deferred that a coroutine of asyncio can await, too."""
    return _class().fromFuture(task)


def deferred_end(crawl: Any) -> Any:
    """Return a Deferred that fires when a planned crawl has ended."""
    deferred: Any = _class()()
    crawl.addCallbacks(lambda _: deferred.callback(None), deferred.errback)
    return deferred


@cache
def _class() -> Any:
    base: Any = sys.modules["twisted.internet.defer"].Deferred  # loaded by the program

    class CrawlDeferred(base):  # type: ignore[misc]  # it is not known to the type checker
        """A Deferred; a task of asyncio awaits it as a future."""

        def __await__(self) -> Any:
            if _current_task() is None:
                return base.__await__(self)
            return self.asFuture(asyncio.get_running_loop()).__await__()

    return CrawlDeferred


def _current_task() -> Any:
    try:
        return asyncio.current_task()
    except RuntimeError:
        return None
