"""The event loop around a crawl, and what SIGINT and SIGTERM mean."""

import asyncio
import contextlib
import logging
import os
import signal
from collections.abc import Callable, Coroutine
from typing import Any, Protocol, TypeVar

logger = logging.getLogger(__name__)

T = TypeVar("T")

FORCED_EXIT_S = 0.8  # seconds after the second signal at which the process ends, whatever hangs


class Stoppable(Protocol):
    """What a signal is told to."""

    def stop(self, reason: str) -> None:
        """Begin nothing new and end soon."""

    def abort(self) -> None:
        """End now."""


def run(main: Callable[[], Coroutine[Any, Any, T]], target: Stoppable) -> T:
    """Run `main()` on a new event loop (uvloop where there is one) and return what it returns.

    The first SIGINT or SIGTERM stops `target` gracefully with the reason "shutdown", the second aborts it and
    ends the process within a second.
    """
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        return runner.run(_guarded(main, target))


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop


async def _guarded(main: Callable[[], Coroutine[Any, Any, T]], target: Stoppable) -> T:
    handler = _SignalHandler(target)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(NotImplementedError, RuntimeError):  # Windows, or not the main thread
            loop.add_signal_handler(number, handler, number)
    try:
        return await main()
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            with contextlib.suppress(NotImplementedError, RuntimeError):
                loop.remove_signal_handler(number)


class _SignalHandler:
    """Counts the signals: graceful, then at once."""

    def __init__(self, target: Stoppable) -> None:
        self._target = target
        self._received = False

    def __call__(self, number: int) -> None:
        name = signal.Signals(number).name
        if not self._received:
            self._received = True
            logger.info("Received %s, shutting down gracefully. Send again to force ", name)
            self._target.stop("shutdown")
            return
        logger.info("Received %s twice, forcing unclean shutdown", name)
        self._target.abort()
        asyncio.get_running_loop().call_later(FORCED_EXIT_S, _exit_now)


def _exit_now() -> None:
    logging.shutdown()
    os._exit(1)
