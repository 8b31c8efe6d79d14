"""Twisted's reactor, which the crawl runs if a project imports it (see `aioscrapy.twisted_reactor`)."""

import asyncio
import sys
from functools import partial
from typing import Any

from aioscrapy.twisted_reactor import install
from aioscrapy.utils.misc import load_object

_ASYNCIO = "twisted.internet.asyncioreactor"


def is_reactor_installed() -> bool:
    """Return True if the program has imported a reactor of Twisted."""
    return "twisted.internet.reactor" in sys.modules


def is_asyncio_reactor_installed() -> bool:
    """Return True if that reactor is the one of asyncio; in a crawl asyncio itself takes its place.

    Raises:
        RuntimeError: there is none, and no event loop runs.
    """
    if not is_reactor_installed():
        if asyncio._get_running_loop() is not None:
            return True
        raise RuntimeError("is_asyncio_reactor_installed() called without an installed reactor.")
    return type(sys.modules["twisted.internet.reactor"]).__module__ == _ASYNCIO


def install_reactor(reactor_path: str, event_loop_path: str | None = None) -> None:
    """Install Twisted's reactor of asyncio, for a program that runs it; nothing else is installed.

    Args:
        reactor_path: the dotted path of the reactor.
        event_loop_path: the dotted path of the class of its event loop; None: asyncio's own.
    """
    if reactor_path.startswith(f"{_ASYNCIO}.") and not is_reactor_installed():
        install(load_object(event_loop_path) if event_loop_path else asyncio.new_event_loop)


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
