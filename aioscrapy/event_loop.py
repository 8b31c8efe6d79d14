"""The event loop around a crawl, and the meaning of SIGINT and SIGTERM for it."""

import asyncio
import gc
import logging
import os
import signal
import threading
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Protocol, TypeVar

from aioscrapy.components import load_object
from aioscrapy.ends import Reason, error_text, status_of
from aioscrapy.exceptions import ConfigError, SettingError
from aioscrapy.os_signals import STOP_SIGNALS, policy
from aioscrapy.settings import Settings
from aioscrapy.standard_files import open_standard_files
from aioscrapy.twisted_reactor import running_reactor, start_reactor, stop_reactor

logger = logging.getLogger(__name__)

T = TypeVar("T")

# New objects until Python looks for cycles among them while a crawl is built: nearly all of them stay.
_COLLECT_WHILE_BUILDING = 50_000
_thresholds: list[tuple[int, int, int]] = []  # of the garbage collector, before each `run` that runs
FORCED_EXIT_S = 0.8  # seconds after the second signal until the process ends, even if something hangs


class Stoppable(Protocol):
    """A crawl that signals can end."""

    def stop(self, reason: str) -> object:
        """Start nothing new and end soon."""

    def fail(self, reason: Reason, error: str, status: int) -> object:
        """Do the same, because of an error."""

    def abort(self) -> None:
        """End now."""


def run(
    main: Callable[[], Coroutine[Any, Any, T]],
    target: Stoppable,
    numbers: Sequence[signal.Signals] = STOP_SIGNALS,
    loop_class: Callable[[], asyncio.AbstractEventLoop] | None = None,
) -> T:
    """Run `main()` on a new event loop and return its result.

    The loop is of `loop_class`; None: of uvloop if that is installed, else of asyncio.

    The first of the signals `numbers` stops `target` gracefully with the reason "shutdown"; the second one
    aborts it and ends the process within a second. If the project's code stops the loop, or raises
    SystemExit in a task or timer of its own, `target` ends with the reason "exited".
    """
    open_standard_files()
    before = gc.get_threshold()
    _thresholds.append(before)
    if before[0]:  # 0: the program has switched it off
        gc.set_threshold(_COLLECT_WHILE_BUILDING, *before[1:])
    try:
        with asyncio.Runner(loop_factory=loop_class or _loop_factory()) as runner:
            return _run_to_end(runner, _with_signals(main, target, numbers), target)
    finally:
        gc.set_threshold(*_thresholds.pop())


def loop_class(settings: Settings) -> Any:
    """Return the class of ASYNCIO_EVENT_LOOP; None if it is not set.

    Raises:
        SettingError: it can't be loaded, or it is not one of an event loop.
    """
    path = settings["ASYNCIO_EVENT_LOOP"]
    if not path:
        return None
    loaded: Any = load_object(path, "ASYNCIO_EVENT_LOOP")
    if not (isinstance(loaded, type) and issubclass(loaded, asyncio.AbstractEventLoop)):
        raise SettingError("ASYNCIO_EVENT_LOOP", f"{path!r} is not a class of an event loop")
    return loaded


def begin(settings: Settings) -> None:
    """Check the running loop, let it run the reactor that the project has imported, and log both.

    Raises:
        ConfigError: it is not of the class in ASYNCIO_EVENT_LOOP.
    """
    running = type(asyncio.get_running_loop())
    name = f"{running.__module__}.{running.__qualname__}"
    if loop_class(settings) not in {None, running}:
        raise ConfigError(
            f"the running event loop, {name}, does not match the one specified in the ASYNCIO_EVENT_LOOP "
            f"setting ({settings['ASYNCIO_EVENT_LOOP']}): run the crawl in that loop, or remove the setting"
        )
    start_reactor()
    if (reactor := running_reactor()) is not None:
        logger.debug("Using reactor: %s.%s", type(reactor).__module__, type(reactor).__qualname__)
    elif not settings.getbool("TWISTED_REACTOR_ENABLED", True):
        logger.debug("Not using a Twisted reactor")
    logger.debug("Using asyncio event loop: %s", name)


def is_own() -> bool:
    """Return True if the loop of this process is that of `run`."""
    return bool(_thresholds)


def end_building() -> None:
    """Let the garbage collector pass over all that is loaded, in a process whose loop is that of `run`.

    Only once: a second crawl of the process would keep the garbage of the first one.
    """
    if is_own():
        gc.set_threshold(*_thresholds[0])
        if not gc.get_freeze_count():
            gc.freeze()


def exit_after(seconds: float) -> None:
    """End the process with status 1 after this time, even if something hangs."""
    timer = threading.Timer(seconds, os._exit, [1])  # nothing is left to do: log lines are written at once
    timer.daemon = True
    timer.start()


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop


def _run_to_end(runner: asyncio.Runner, crawl: Coroutine[Any, Any, T], target: Stoppable) -> T:
    work = crawl
    while True:
        try:
            return runner.run(work)
        except (RuntimeError, SystemExit, KeyboardInterrupt) as exc:
            loop = runner.get_loop()
            tasks = [task for task in asyncio.all_tasks(loop) if task.get_coro() is crawl]
            if not tasks or loop.is_closed():
                raise
            work = _end(tasks[0], target, exc)


async def _end(crawl: asyncio.Task[T], target: Stoppable, exc: BaseException) -> T:
    """Let a crawl end after what has ended its loop."""
    if isinstance(exc, RuntimeError):
        error = "the project's code stopped the event loop"
    else:
        error = error_text(exc)
        logger.error("The crawl ends: the project's code raised %s", type(exc).__name__, exc_info=exc)
    target.fail(Reason.EXITED, error, status_of(exc))
    return await crawl


async def _with_signals(
    main: Callable[[], Coroutine[Any, Any, T]], target: Stoppable, numbers: Sequence[signal.Signals]
) -> T:
    loop = asyncio.get_running_loop()

    def stop(number: signal.Signals) -> None:
        # LogParser and ScrapydWeb read this line; the blank at its end is Scrapy's
        logger.info("Received %s, shutting down gracefully. Send again to force ", number.name)
        target.stop("shutdown")

    def abort(number: signal.Signals) -> None:
        logger.info("Received %s twice, forcing unclean shutdown", number.name)
        target.abort()

    def on_first(number: signal.Signals) -> None:
        loop.call_soon_threadsafe(stop, number)

    def on_later(number: signal.Signals) -> None:
        exit_after(FORCED_EXIT_S)
        loop.call_soon_threadsafe(abort, number)

    with policy(on_first, on_later, numbers):
        try:
            return await main()
        finally:
            await stop_reactor()
