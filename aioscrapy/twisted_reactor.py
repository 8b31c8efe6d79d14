"""Twisted's reactor in the event loop of a crawl, for projects that use it (adbapi, LoopingCall, threads).

A crawl does not import Twisted. If a project does, `from twisted.internet import reactor` gives a reactor of
asyncio whose loop is the crawl's: `reactor_spec` puts it in the place of the default. It may be imported
before the loop exists, and before worker processes are forked; each process lets its own loop run it.
"""

import asyncio
import importlib
import sys
import time
from collections.abc import Callable, Coroutine
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

MODULE = "twisted.internet.reactor"

# Whether a crawl of this process has begun: a reactor that is imported later starts at once.
_crawling = False


class CrawlLoop:
    """The event loop of the crawl as the reactor sees it; keeps what the reactor asks for before it runs.

    Args:
        new_loop: creates a loop for `reactor.run()`.
    """

    def __init__(self, new_loop: Callable[[], asyncio.AbstractEventLoop] = asyncio.new_event_loop) -> None:
        self._new_loop = new_loop
        self._loop: asyncio.AbstractEventLoop | None = None
        self._early: list[Callable[[], Any]] = []
        self._own: asyncio.AbstractEventLoop | None = None

    def bind(self, loop: asyncio.AbstractEventLoop) -> None:
        """Hand on to this loop what has been asked for, and everything later."""
        self._loop = loop
        early, self._early = self._early, []
        for call in early:
            call()

    def time(self) -> float:
        """Return the clock of the loop, which is the monotonic one."""
        return time.monotonic() if self._loop is None else self._loop.time()

    def call_at(self, when: float, callback: Callable[..., Any], *args: Any) -> Any:
        """Call at a time; return a handle with `cancel`."""
        if self._loop is not None:
            return self._loop.call_at(when, callback, *args)
        early = _EarlyCall(self, when, callback, args)
        self._early.append(early.start)
        return early

    def call_soon_threadsafe(self, callback: Callable[..., Any], *args: Any) -> None:
        """Call in the loop's thread."""
        self._do("call_soon_threadsafe", callback, *args)

    def add_reader(self, fd: int, callback: Callable[..., Any], *args: Any) -> None:
        """Call whenever a file descriptor can be read."""
        self._do("add_reader", fd, callback, *args)

    def add_writer(self, fd: int, callback: Callable[..., Any], *args: Any) -> None:
        """Call whenever a file descriptor can be written."""
        self._do("add_writer", fd, callback, *args)

    def remove_reader(self, fd: int) -> None:
        """End `add_reader`."""
        self._do("remove_reader", fd)

    def remove_writer(self, fd: int) -> None:
        """End `add_writer`."""
        self._do("remove_writer", fd)

    def create_task(self, coroutine: Coroutine[Any, Any, Any]) -> "asyncio.Task[Any]":
        """Start a crawl of CrawlerRunner in a program that runs the reactor itself."""
        return self._own_loop().create_task(coroutine)

    def run_forever(self) -> None:
        """Run a loop for `reactor.run()` of a program that runs the reactor itself.

        Raises:
            RuntimeError: the crawl runs the reactor.
        """
        self._own_loop().run_forever()

    def stop(self) -> None:
        """End `run_forever`; a crawl ends its loop itself."""
        if self._own is not None:
            self._own.stop()

    def _own_loop(self) -> asyncio.AbstractEventLoop:
        if self._own is None:
            if self._loop is not None:
                raise RuntimeError("reactor.run() can't be used here: the crawl runs the reactor")
            self._own = self._new_loop()
            asyncio.set_event_loop(self._own)
            self.bind(self._own)
        return self._own

    def _do(self, name: str, *args: Any) -> None:
        if self._loop is None:
            self._early.append(lambda: self._do(name, *args))
        else:
            getattr(self._loop, name)(*args)


class _EarlyCall:
    """A call that was asked for before the loop ran."""

    def __init__(self, loop: CrawlLoop, when: float, callback: Callable[..., Any], args: Any) -> None:
        self._loop, self._call = loop, (when, callback, *args)
        self._handle: Any = None
        self._cancelled = False

    def start(self) -> None:
        """Ask the loop for it."""
        if not self._cancelled:
            self._handle = self._loop.call_at(*self._call)

    def cancel(self) -> None:
        """Call nothing."""
        self._cancelled = True
        if self._handle is not None:
            self._handle.cancel()


class ReactorLoader:
    """Loads the module `twisted.internet.reactor`, which is the reactor itself."""

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return None

    def exec_module(self, module: ModuleType) -> None:
        asyncioreactor = importlib.import_module("twisted.internet.asyncioreactor")
        del sys.modules[MODULE]  # Twisted puts the reactor there
        asyncioreactor.install(CrawlLoop())
        if _crawling:
            start_reactor()


def reactor_spec() -> ModuleSpec:
    """Return the spec by which an import finds the reactor of the crawl."""
    return ModuleSpec(MODULE, ReactorLoader())  # type: ignore[arg-type]  # a loader by its methods


def install(new_loop: Callable[[], asyncio.AbstractEventLoop]) -> None:
    """Install a reactor for a program that runs it, with a loop of its own; without Twisted do nothing."""
    try:
        asyncioreactor = importlib.import_module("twisted.internet.asyncioreactor")
    except ImportError:
        return
    asyncioreactor.install(CrawlLoop(new_loop))


def take_idle_reactor() -> Any:
    """Remove a reactor that something has imported and that does not run; return it, or None."""
    reactor = sys.modules.get(MODULE)
    if reactor is None or getattr(reactor, "running", True) or _crawl_loop() is not None:
        return None
    put_reactor(None)
    return reactor


def put_reactor(reactor: Any) -> None:
    """Make a reactor the one that imports find; None: the next import makes one."""
    parent: Any = sys.modules["twisted.internet"]
    if reactor is None:
        sys.modules.pop(MODULE, None)
        parent.__dict__.pop("reactor", None)
    else:
        parent.reactor = sys.modules[MODULE] = reactor


def start_reactor() -> None:
    """Let the running event loop run the reactor, if the project has imported it or imports it later."""
    global _crawling  # noqa: PLW0603 there is one reactor a process
    _crawling = True
    loop, reactor = _crawl_loop(), sys.modules.get(MODULE)
    if loop is not None and reactor is not None and not reactor.running:
        loop.bind(asyncio.get_running_loop())
        reactor.startRunning(installSignalHandlers=False)


def running_reactor() -> Any:
    """Return Twisted's reactor if it runs; else None."""
    reactor = sys.modules.get(MODULE)
    return reactor if getattr(reactor, "running", False) else None


async def stop_reactor() -> None:
    """End what the reactor runs, as the end of its process would: calls in threads are completed first."""
    reactor: Any = sys.modules.get(MODULE)
    if _crawl_loop() is None or not reactor.running:
        return
    reactor.fireSystemEvent("shutdown")
    done = asyncio.Event()  # behind the results of the threads
    reactor.callFromThread(done.set)
    await done.wait()


def _crawl_loop() -> CrawlLoop | None:
    loop = getattr(sys.modules.get(MODULE), "_asyncioEventloop", None)
    return loop if isinstance(loop, CrawlLoop) else None
