"""The moments of a crawl that components can connect to, and the switchboard that calls them."""

import inspect
import logging
from collections.abc import Callable, Sequence
from typing import Any

from aioscrapy.cancellation import ERRORS, raise_if_aborted
from aioscrapy.exceptions import CloseSpider, DontCloseSpider

logger = logging.getLogger(__name__)

Receiver = Callable[..., Any]


class Signal:
    """A moment in a crawl; compared by identity."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return f"<signal {self.name}>"


engine_started = Signal("engine_started")
engine_stopped = Signal("engine_stopped")
scheduler_empty = Signal("scheduler_empty")  # no request is ready; pages may be in progress
spider_opened = Signal("spider_opened")  # spider
spider_idle = Signal("spider_idle")  # spider; a handler may raise DontCloseSpider
spider_closed = Signal("spider_closed")  # spider, reason
spider_error = Signal("spider_error")  # failure (the exception), response, spider
request_scheduled = Signal("request_scheduled")  # request, spider: its page was committed
request_dropped = Signal("request_dropped")  # request, spider: the duplicate filter knew it
request_reached_downloader = Signal("request_reached_downloader")  # request, spider
request_left_downloader = Signal("request_left_downloader")  # request, spider
headers_received = Signal("headers_received")  # headers, body_length, request, spider
bytes_received = Signal("bytes_received")  # data, request, spider
robots_parsed = Signal("robots_parsed")  # robotparser, request: a robots.txt was read
response_received = Signal("response_received")  # response, request, spider: after the middlewares
response_downloaded = Signal("response_downloaded")  # response, request, spider: before the middlewares
item_scraped = Signal("item_scraped")  # item, response, spider: after the page was committed
item_dropped = Signal("item_dropped")  # item, response, exception, spider
feed_slot_closed = Signal("feed_slot_closed")  # slot: a file of a feed is complete
feed_exporter_closed = Signal("feed_exporter_closed")  # all feeds are closed
item_error = Signal("item_error")  # item, response, spider, failure (the exception)
feed_slot_closed = Signal("feed_slot_closed")  # slot: a feed is complete
feed_exporter_closed = Signal("feed_exporter_closed")  # all feeds are complete
memusage_warning_reached = Signal("memusage_warning_reached")


class SignalManager:
    """Connects receivers to signals; each receiver gets only the arguments that it names."""

    def __init__(self) -> None:
        self._receivers: dict[Signal, list[tuple[Receiver, Receiver]]] = {}

    def connect(self, receiver: Receiver, signal: Signal) -> None:
        """Call `receiver` (plain or async) at each `signal`, in the order of connection."""
        self._receivers.setdefault(signal, []).append((receiver, _accepting(receiver)))

    def disconnect(self, receiver: Receiver, signal: Signal) -> None:
        """Stop calling `receiver` at `signal`; nothing happens if it was not connected."""
        connected = self._receivers.get(signal, [])
        connected[:] = [pair for pair in connected if pair[0] != receiver]

    def connected(self, signal: Signal) -> bool:
        """Return True if a receiver is connected; ask before you build expensive arguments."""
        return bool(self._receivers.get(signal))

    def receivers(self, signal: Signal) -> Sequence[object]:
        """Return the live list of receivers, for a loop that runs often; empty if none is connected."""
        return self._receivers.setdefault(signal, [])

    async def send(self, signal: Signal, **arguments: Any) -> list[Any]:
        """Call all receivers in turn; returns what each returned, or the exception that it raised.

        A receiver that fails is logged with its traceback and does not stop the others. The control
        exceptions CloseSpider and DontCloseSpider are returned without a log line.
        """
        results: list[Any] = []
        for receiver, call in tuple(self._receivers.get(signal, ())):
            try:
                result = call(**arguments)
                if result is not None and inspect.isawaitable(result):
                    result = await result
            except (CloseSpider, DontCloseSpider) as control:
                result = control
            except ERRORS as exc:  # one listener must not end the crawl
                raise_if_aborted(exc)
                logger.exception("Error in the handler %r of %r", receiver, signal)
                result = exc
            results.append(result)
        return results


def _accepting(receiver: Receiver) -> Receiver:
    """Return `receiver` behind a call that drops the keyword arguments which it does not name."""
    try:
        parameters = inspect.signature(receiver).parameters.values()
    except (TypeError, ValueError):
        return receiver
    if any(p.kind is p.VAR_KEYWORD for p in parameters):
        return receiver
    names = {p.name for p in parameters if p.kind in {p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY}}
    if not names:
        return lambda **_: receiver()
    return lambda **arguments: receiver(**{k: v for k, v in arguments.items() if k in names})
