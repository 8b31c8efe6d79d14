"""The event loop around a crawl, and what SIGINT and SIGTERM mean."""

import asyncio
import contextlib
import logging
import os
import signal
import threading
from collections.abc import Callable, Coroutine, Sequence
from types import FrameType
from typing import Any, Protocol, TypeVar

logger = logging.getLogger(__name__)

T = TypeVar("T")

SIGNALS = (signal.SIGINT, signal.SIGTERM)
FORCED_EXIT_S = 0.8  # seconds after the second signal at which the process ends, whatever hangs


class Stoppable(Protocol):
    """What a signal is told to."""

    def stop(self, reason: str) -> None:
        """Begin nothing new and end soon."""

    def abort(self) -> None:
        """End now."""


def run(
    main: Callable[[], Coroutine[Any, Any, T]], target: Stoppable, numbers: Sequence[signal.Signals] = SIGNALS
) -> T:
    """Run `main()` on a new event loop (uvloop where there is one) and return what it returns.

    The first of the signals `numbers` stops `target` gracefully with the reason "shutdown", the second aborts
    it and ends the process within a second.
    """
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        return runner.run(_guarded(main, target, numbers))


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop


async def _guarded(
    main: Callable[[], Coroutine[Any, Any, T]], target: Stoppable, numbers: Sequence[signal.Signals]
) -> T:
    handler = _SignalHandler(target, asyncio.get_running_loop())
    before = {}
    for number in numbers:
        with contextlib.suppress(ValueError):  # not the main thread
            before[number] = signal.signal(number, handler)
    try:
        return await main()
    finally:
        for number, earlier in before.items():
            signal.signal(number, earlier)


class _SignalHandler:
    """Counts the signals: graceful, then at once.

    Not the loop's own handler, which hears nothing while a callback blocks the loop.
    """

    def __init__(self, target: Stoppable, loop: asyncio.AbstractEventLoop) -> None:
        self._target = target
        self._loop = loop
        self._received = False

    def __call__(self, number: int, frame: FrameType | None) -> None:
        name = signal.Signals(number).name
        if not self._received:
            self._received = True
            self._loop.call_soon_threadsafe(self._stop, name)
            return
        watch = threading.Timer(FORCED_EXIT_S, _exit_now)
        watch.daemon = True
        watch.start()
        self._loop.call_soon_threadsafe(self._abort, name)

    def _stop(self, name: str) -> None:
        logger.info("Received %s, shutting down gracefully. Send again to force ", name)
        self._target.stop("shutdown")

    def _abort(self, name: str) -> None:
        logger.info("Received %s twice, forcing unclean shutdown", name)
        self._target.abort()


def _exit_now() -> None:
    os._exit(1)  # nothing else is left to do: log lines are written as they come
