"""An event loop in a separate thread, for redis-py's asyncio beside any reactor of Twisted."""

import asyncio
import threading
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from twisted.internet.defer import Deferred

T = TypeVar("T")


class LoopThread:
    """Runs coroutines; the first one starts the thread, `close` ends it."""

    def __init__(self, reactor: Any) -> None:
        self._reactor = reactor
        self._loop: asyncio.AbstractEventLoop | None = None

    def call(self, function: Callable[[], Coroutine[Any, Any, T]]) -> "Deferred[T]":
        """Run the coroutine that a function makes; the Deferred fires in the reactor's thread."""
        deferred: Deferred[T] = Deferred()
        future = asyncio.run_coroutine_threadsafe(function(), self._started())

        def fire() -> None:
            error = future.exception()
            if error is None:
                deferred.callback(future.result())
            else:
                deferred.errback(error)

        future.add_done_callback(lambda _: self._reactor.callFromThread(fire))
        return deferred

    def close(self) -> None:
        """End the thread; what still runs is dropped."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._loop = None

    def _started(self) -> asyncio.AbstractEventLoop:
        if self._loop is None:
            self._loop = asyncio.new_event_loop()
            threading.Thread(target=_run, args=(self._loop,), name="crawls in Redis", daemon=True).start()
        return self._loop


def _run(loop: asyncio.AbstractEventLoop) -> None:
    with asyncio.Runner(loop_factory=lambda: loop):  # at the end it cancels what runs, and closes the loop
        loop.run_forever()
