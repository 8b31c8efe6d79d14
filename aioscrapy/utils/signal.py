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

__all__ = ["connect", "disconnect", "disconnect_all", "dispatcher", "send_catch_log", "send_catch_log_async"]


def send_catch_log(
    signal: Any, sender: Any = Anonymous, *arguments: Any, **named: Any
) -> list[tuple[Any, Any]]:
    """Call all receivers; return (receiver, result or exception) of each."""
    unlogged = named.pop("dont_log", ())
    quiet: Any = (CloseSpider, DontCloseSpider, *(unlogged if isinstance(unlogged, tuple) else (unlogged,)))
    results = []
    for receiver in liveReceivers(getAllReceivers(sender, signal)):
        try:
            result = robustApply(receiver, *arguments, signal=signal, sender=sender, **named)
            if inspect.isawaitable(result):
                logger.error("Cannot return deferreds from signal handler: %s", receiver)
        except quiet as exc:
            result = exc
        except Exception as exc:
            logger.exception("Error caught on signal handler: %s", receiver)
            result = exc
        results.append((receiver, result))
    return results


async def send_catch_log_async(
    signal: Any, sender: Any = Anonymous, *arguments: Any, **named: Any
) -> list[tuple[Any, Any]]:
    """Call all receivers, plain or async; return (receiver, result or exception) of each."""
    from aioscrapy.utils.defer import ensure_awaitable

    results = []
    for receiver in liveReceivers(getAllReceivers(sender, signal)):
        try:
            result = await ensure_awaitable(
                robustApply(receiver, *arguments, signal=signal, sender=sender, **named)
            )
        except Exception as exc:
            logger.exception("Error caught on signal handler: %s", receiver)
            result = exc
        results.append((receiver, result))
    return results


def disconnect_all(signal: Any = AnySender, sender: Any = AnySender) -> None:
    """Disconnect all receivers of a signal."""
    for receiver in liveReceivers(getAllReceivers(sender, signal)):
        disconnect(receiver, signal=signal, sender=sender)
