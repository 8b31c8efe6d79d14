"""Timers and threads; the event loop is always asyncio's."""

import asyncio
from collections.abc import Callable
from typing import Any, Self, TypeVar

from aioscrapy.looping import AsyncioLoopingCall, create_looping_call

__all__ = [
    "AsyncioLoopingCall",
    "CallLaterResult",
    "call_later",
    "create_looping_call",
    "is_asyncio_available",
    "run_in_thread",
    "sleep",
]

T = TypeVar("T")


def is_asyncio_available() -> bool:
    """Return True: asyncio runs the crawl.

    Raises:
        RuntimeError: no loop runs, and no reactor of Twisted is installed.
    """
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        from aioscrapy.utils.reactor import is_asyncio_reactor_installed, is_reactor_installed

        if not is_reactor_installed():
            raise RuntimeError(
                "is_asyncio_available() called without an installed reactor or running asyncio loop."
            ) from None
        return is_asyncio_reactor_installed()
    return True


class CallLaterResult:
    """A call that waits for its time."""

    def __init__(self) -> None:
        self._handle: Any = None

    @classmethod
    def from_asyncio(cls, timer_handle: asyncio.TimerHandle) -> Self:
        """Wrap asyncio's handle."""
        result = cls()
        result._handle = timer_handle
        return result

    @classmethod
    def from_twisted(cls, delayed_call: Any) -> Self:
        """Wrap Twisted's call."""
        result = cls()
        result._handle = delayed_call
        return result

    def cancel(self) -> None:
        """Call no more; nothing happens if it was called."""
        handle, self._handle = self._handle, None
        if handle is not None and (not hasattr(handle, "active") or handle.active()):
            handle.cancel()


def call_later(delay: float, func: Callable[..., object], *args: Any) -> CallLaterResult:
    """Call a function after some seconds."""
    return CallLaterResult.from_asyncio(asyncio.get_running_loop().call_later(delay, func, *args))


async def sleep(seconds: float) -> None:
    """Wait."""
    await asyncio.sleep(seconds)


async def run_in_thread(func: Callable[..., T], *args: Any, **kwargs: Any) -> T:
    """Return the result of a function that runs in a thread."""
    return await asyncio.to_thread(func, *args, **kwargs)
