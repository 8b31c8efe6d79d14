"""Twisted's reactor, which the crawl runs if a project imports it (see `aioscrapy.twisted_reactor`)."""

import sys
from functools import partial
from typing import Any

_ASYNCIO = "twisted.internet.asyncioreactor"


def is_reactor_installed() -> bool:
    """Return True if the program has imported a reactor of Twisted."""
    return "twisted.internet.reactor" in sys.modules


def is_asyncio_reactor_installed() -> bool:
    """Return True if that reactor is the one of asyncio.

    Raises:
        RuntimeError: there is none.
    """
    if not is_reactor_installed():
        raise RuntimeError("is_asyncio_reactor_installed() called without an installed reactor.")
    return type(sys.modules["twisted.internet.reactor"]).__module__ == _ASYNCIO


def install_reactor(reactor_path: str, event_loop_path: str | None = None) -> None:
    """Do nothing: asyncio runs the crawl, whatever reactor a program asks for."""


def verify_installed_reactor(reactor_path: str) -> None:
    """Do nothing: asyncio runs the crawl."""


def verify_installed_asyncio_event_loop(loop_path: str) -> None:
    """Do nothing: uvloop or asyncio's own loop runs the crawl."""


def set_asyncio_event_loop_policy() -> None:
    """Do nothing: the policy of asyncio is right."""


def set_asyncio_event_loop(event_loop_path: str | None) -> Any:
    """Return the running event loop.

    Raises:
        RuntimeError: none runs.
    """
    import asyncio

    return asyncio.get_running_loop()


class CallLaterOnce:
    """A function that is called soon, once, however often it is asked for."""

    def __init__(self, func: Any, *a: Any, **kw: Any) -> None:
        self._func: Any = partial(func, *a, **kw)
        self._call: Any = None

    def schedule(self, delay: float = 0) -> None:
        """Call the function after some seconds, unless a call waits."""
        from aioscrapy.utils.asyncio import call_later

        if self._call is None:
            self._call = call_later(delay, self)

    def cancel(self) -> None:
        """Forget the call that waits."""
        call, self._call = self._call, None
        if call is not None:
            call.cancel()

    def __call__(self) -> Any:
        self._call = None
        return self._func()
