"""Signals outside of a crawl's SignalManager: the receivers of pydispatch."""

import inspect
import logging
from typing import Any

from pydispatch import dispatcher
from pydispatch.dispatcher import Anonymous, connect, disconnect, getAllReceivers, liveReceivers
from pydispatch.dispatcher import Any as AnySender
from pydispatch.robustapply import robustApply

from aioscrapy.exceptions import CloseSpider, DontCloseSpider

logger = logging.getLogger(__name__)

__all__ = [
    "connect",
    "disconnect",
    "disconnect_all",
    "dispatcher",
    "send_catch_log",
    "send_catch_log_async",
    "send_catch_log_deferred",
]


def send_catch_log(
    signal: Any, sender: Any = Anonymous, *arguments: Any, **named: Any
) -> list[tuple[Any, Any]]:
    """Call all receivers; return (receiver, result or Failure) of each."""
    quiet = _quiet(named)
    results = []
    for receiver in liveReceivers(getAllReceivers(sender, signal)):
        try:
            result = robustApply(receiver, *arguments, signal=signal, sender=sender, **named)
            if inspect.isawaitable(result):
                logger.error("Cannot return deferreds from signal handler: %s", receiver)
        except Exception as exc:  # noqa: BLE001 a receiver may raise anything
            _note(exc, receiver, quiet)
            result = _failure(exc)
        results.append((receiver, result))
    return results


async def send_catch_log_async(
    signal: Any, sender: Any = Anonymous, *arguments: Any, **named: Any
) -> list[tuple[Any, Any]]:
    """Call all receivers, plain or async; return (receiver, result or exception) of each."""
    from aioscrapy.utils.defer import ensure_awaitable

    quiet = _quiet(named)
    results = []
    for receiver in liveReceivers(getAllReceivers(sender, signal)):
        try:
            result = await ensure_awaitable(
                robustApply(receiver, *arguments, signal=signal, sender=sender, **named)
            )
        except Exception as exc:  # noqa: BLE001 a receiver may raise anything
            _note(exc, receiver, quiet)
            result = exc
        results.append((receiver, result))
    return results


def send_catch_log_deferred(signal: Any, sender: Any = Anonymous, *arguments: Any, **named: Any) -> Any:
    """Do the same; return a Deferred of (receiver, result or Failure) of each."""
    from aioscrapy.utils.defer import deferred_from_coro

    async def send() -> list[tuple[Any, Any]]:
        results = await send_catch_log_async(signal, sender, *arguments, **named)
        return [
            (receiver, _failure(result) if isinstance(result, Exception) else result)
            for receiver, result in results
        ]

    return deferred_from_coro(send())


def _quiet(named: dict[str, Any]) -> Any:
    """Take `dont_log` out of the arguments; return the classes of exceptions that are not logged."""
    unlogged = named.pop("dont_log", ())
    return (CloseSpider, DontCloseSpider, *(unlogged if isinstance(unlogged, tuple) else (unlogged,)))


def _note(exc: Exception, receiver: Any, quiet: Any) -> None:
    if not isinstance(exc, quiet):
        logger.error("Error caught on signal handler: %s", receiver, exc_info=exc)


def _failure(exc: Exception) -> Any:
    from twisted.python.failure import Failure

    return Failure(exc)  # type: ignore[no-untyped-call]  # Twisted has no types there


def disconnect_all(signal: Any = AnySender, sender: Any = AnySender) -> None:
    """Disconnect all receivers of a signal."""
    for receiver in liveReceivers(getAllReceivers(sender, signal)):
        disconnect(receiver, signal=signal, sender=sender)
