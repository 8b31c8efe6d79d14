"""A function that is called again and again."""

import asyncio
import inspect
import logging
import time
from collections.abc import Callable
from functools import partial
from typing import Any

logger = logging.getLogger(__name__)


class AsyncioLoopingCall:
    """Calls a function every `interval` seconds; a call that takes longer skips the next ones."""

    def __init__(self, func: Callable[..., Any], *args: Any, **kwargs: Any) -> None:
        self._call: Callable[[], Any] = partial(func, *args, **kwargs)
        self._task: asyncio.Task[None] | None = None
        self.interval: float | None = None
        self._start_s: float | None = None

    @property
    def running(self) -> bool:
        """Return True between `start` and `stop`."""
        return self._start_s is not None

    def start(self, interval: float, now: bool = True) -> None:
        """Call every `interval` seconds, and at once unless `now` is off.

        Raises:
            RuntimeError: it runs already.
            ValueError: the interval is not above 0.
        """
        if self.running:
            raise RuntimeError("AsyncioLoopingCall already running")
        if interval <= 0:
            raise ValueError("Interval must be greater than 0")
        self.interval, self._start_s = interval, time.monotonic()
        if now:
            self._once()
        if self.running:
            self._task = asyncio.get_running_loop().create_task(self._repeat(interval))

    def stop(self) -> None:
        """Call no more."""
        self.interval = self._start_s = None
        task, self._task = self._task, None
        if task is not None:
            task.cancel()

    async def _repeat(self, interval: float) -> None:
        while self._start_s is not None:
            await asyncio.sleep(interval - (time.monotonic() - self._start_s) % interval)
            self._once()

    def _once(self) -> None:
        try:
            result = self._call()
        except Exception:
            logger.exception("Error calling the AsyncioLoopingCall function")
            self.stop()
            return
        if inspect.isawaitable(result):
            self.stop()
            if inspect.iscoroutine(result):
                result.close()
            raise TypeError("The AsyncioLoopingCall function must not return a coroutine or a Deferred")


def create_looping_call(func: Callable[..., Any], *args: Any, **kwargs: Any) -> AsyncioLoopingCall:
    """Return an object that calls a function again and again."""
    return AsyncioLoopingCall(func, *args, **kwargs)
