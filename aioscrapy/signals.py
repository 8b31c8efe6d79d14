"""The moments of a crawl that components can connect to, and the switchboard that calls them."""

import asyncio
import inspect
import logging
import sys
from collections.abc import Callable, Container, Sequence
from typing import Any

from aioscrapy.cancellation import ERRORS, raise_if_aborted
from aioscrapy.exceptions import CloseSpider, DontCloseSpider, IgnoreRequest, StopDownload

logger = logging.getLogger(__name__)

Receiver = Callable[..., Any]
# a receiver, how to call it, and the arguments that it names; None if it takes all
_Connection = tuple[Receiver, Receiver, Container[str] | None]

# Exceptions by which a receiver answers.
CONTROLS = (CloseSpider, DontCloseSpider, StopDownload, IgnoreRequest)

# The module by which projects connect to Scrapy's signals without a crawler: dispatcher.connect(f, signal).
_DISPATCHER = "pydispatch.dispatcher"


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
request_scheduled = Signal("request_scheduled")  # request, spider; a handler may raise IgnoreRequest
request_dropped = Signal("request_dropped")  # request, spider: a duplicate, or a handler dropped it
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
memusage_warning_reached = Signal("memusage_warning_reached")

_ALL = tuple(value for value in globals().values() if isinstance(value, Signal))
# The control exceptions that the sender of a signal reads among the results.
_ANSWERS: dict[Any, tuple[type[Exception], ...]] = {
    spider_opened: (CloseSpider,),
    spider_idle: (CloseSpider, DontCloseSpider),
    request_scheduled: (IgnoreRequest,),
    headers_received: (StopDownload,),
    bytes_received: (StopDownload,),
}
# The end of the crawl is known when these are sent.
_LATE = frozenset({spider_closed, engine_stopped, feed_slot_closed, feed_exporter_closed})
# The steps of a crawl at which the receivers of PyDispatcher are looked at.
_STEPS = frozenset({engine_started, spider_opened, spider_idle, spider_closed, engine_stopped})


def own_signal(signal: Any) -> Any:
    """Return our signal for that of the real Scrapy; another signal itself."""
    theirs = sys.modules.get("scrapy.signals")
    if isinstance(signal, Signal) or theirs is None or theirs.__name__ == __name__:
        return signal
    name = next((name for name, value in vars(theirs).items() if value is signal), "")
    return globals().get(name, signal)


class SignalManager:
    """Connects receivers to signals; each receiver gets only the arguments that it names."""

    def __init__(self, sender: Any = None) -> None:
        self.sender = sender
        self._receivers: dict[Any, list[_Connection]] = {}
        self._tasks: set[asyncio.Future[Any]] = set()
        self._dispatched: set[tuple[Receiver, Signal]] = set()
        self.on_exit: Callable[[BaseException], None] | None = None
        """Ends the crawl when a receiver raises what is not an Exception, such as SystemExit."""
        self.on_close: Callable[[str], object] | None = None
        """Ends the crawl, with a reason, when a receiver raises CloseSpider."""

    def connect(self, receiver: Receiver, signal: Any, **kwargs: Any) -> None:
        """Call `receiver` (plain or async) at each `signal`, in the order of connection.

        A signal is one of this module, the one of the real Scrapy with its name, or an object of the project.
        """
        known = own_signal(signal)
        connection = _connection(receiver, {"signal": known, "sender": self.sender})
        self._receivers.setdefault(known, []).append(connection)

    def disconnect(self, receiver: Receiver, signal: Any, **kwargs: Any) -> None:
        """Stop calling `receiver` at `signal`; nothing happens if it was not connected."""
        connected = self._receivers.get(own_signal(signal), [])
        connected[:] = [pair for pair in connected if pair[0] != receiver]

    def disconnect_all(self, signal: Any, **kwargs: Any) -> None:
        """Stop calling all receivers of `signal`."""
        self._receivers.get(own_signal(signal), []).clear()

    def connected(self, signal: Signal) -> bool:
        """Return True if a receiver is connected; ask before you build expensive arguments."""
        return bool(self._receivers.get(signal))

    def reads(self, signal: Signal, argument: str) -> bool:
        """Return True if a receiver of `signal` gets this argument."""
        return any(names is None or argument in names for _, _, names in self._receivers.get(signal, ()))

    def receivers(self, signal: Signal) -> Sequence[object]:
        """Return the live list of receivers, for a loop that runs often; empty if none is connected."""
        return self._receivers.setdefault(signal, [])

    def send_soon(self, signal: Any, /, **arguments: Any) -> None:
        """Call all receivers in a task of their own, for a caller that can't wait."""
        self._own(asyncio.ensure_future(self.send(signal, **arguments)))

    def _own(self, task: asyncio.Future[Any]) -> asyncio.Future[Any]:
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def send_catch_log(self, signal: Any, **arguments: Any) -> list[tuple[Receiver, Any]]:
        """Call all plain receivers now; return (receiver, result or exception) of each.

        An async receiver is called in a task of its own.
        """
        results: list[tuple[Receiver, Any]] = []
        for receiver, call, _ in tuple(self._receivers.get(own_signal(signal), ())):
            try:
                result = call(**self._complete(signal, arguments))
                if inspect.isawaitable(result):
                    result = self._own(asyncio.ensure_future(result))
            except ERRORS as exc:  # one listener must not end the crawl
                raise_if_aborted(exc)
                result = _control(exc)
                if not self._is_answer(result, signal):
                    logger.exception("Error caught on signal handler: %r", receiver)
            results.append((receiver, result))
        return results

    async def send_catch_log_async(self, signal: Any, **arguments: Any) -> list[tuple[Receiver, Any]]:
        """Call all receivers; return (receiver, result or exception) of each."""
        receivers = [receiver for receiver, *_ in self._receivers.get(own_signal(signal), ())]
        results = await self.send(own_signal(signal), **self._complete(signal, arguments))
        return list(zip(receivers, results, strict=True))

    def send_catch_log_deferred(self, signal: Any, **arguments: Any) -> Any:
        """Do the same; return an awaitable at once."""
        return asyncio.ensure_future(self.send_catch_log_async(signal, **arguments))

    async def wait_for(self, signal: Any) -> None:
        """Return at the next `signal`."""
        seen = asyncio.get_running_loop().create_future()

        def note() -> None:
            if not seen.done():
                seen.set_result(None)

        self.connect(note, signal)
        try:
            await seen
        finally:
            self.disconnect(note, signal)

    def _complete(self, signal: Any, arguments: dict[str, Any]) -> dict[str, Any]:
        """Return the arguments that a receiver may name: those of the sender, signal and sender."""
        return {"signal": signal, "sender": self.sender, **arguments}

    async def send(self, signal: Any, /, **arguments: Any) -> list[Any]:
        """Call all receivers in turn; returns what each returned, or the exception that it raised.

        A receiver that fails is logged with its traceback and does not stop the others. CloseSpider ends the
        crawl; another control exception that the sender of the signal reads has no line in the log.
        """
        if signal in _STEPS and _DISPATCHER in sys.modules:
            self._connect_dispatched()
        results: list[Any] = []
        for receiver, call, _ in tuple(self._receivers.get(signal, ())):
            try:
                result = call(**arguments)
                if result is not None and inspect.isawaitable(result):
                    result = await result
            except ERRORS as exc:  # one listener must not end the crawl
                raise_if_aborted(exc)
                result = _control(exc)
                if not self._is_answer(result, signal):
                    logger.exception("Error in the handler %r of %r", receiver, signal)
            except (SystemExit, KeyboardInterrupt) as exc:
                if self.on_exit is None:
                    raise
                self.on_exit(exc)  # the caller completes its step: it may be in the middle of a commit
                result = exc
            results.append(result)
        return results

    def _is_answer(self, exc: BaseException, signal: Any) -> bool:
        """Return True for a control exception that takes effect; end the crawl by a CloseSpider."""
        if not isinstance(exc, CONTROLS):
            return False
        signal = own_signal(signal)
        if not isinstance(signal, Signal) or isinstance(exc, _ANSWERS.get(signal, ())):
            return True  # the sender of a signal of the project reads its results itself
        if not isinstance(exc, CloseSpider) or self.on_close is None or signal in _LATE:
            return False
        self.on_close(exc.reason)
        return True

    def _connect_dispatched(self) -> None:
        """Connect the receivers that PyDispatcher has for our signals; disconnect those that left it."""
        dispatcher = sys.modules[_DISPATCHER]
        now = {
            (receiver, signal)
            for signal in _ALL
            for receiver in dispatcher.liveReceivers(dispatcher.getAllReceivers(self.sender, signal))
        }
        for receiver, signal in self._dispatched - now:
            self.disconnect(receiver, signal)
        for receiver, signal in now - self._dispatched:
            self.connect(receiver, signal)
        self._dispatched = now


def _control(exc: BaseException) -> BaseException:
    """Return our control exception for one of the real Scrapy; another exception itself."""
    if type(exc).__module__ != "scrapy.exceptions":
        return exc
    for kind in CONTROLS:
        if kind.__name__ == type(exc).__name__:
            made = kind()
            made.__dict__.update(vars(exc))
            return made
    return exc


def _connection(receiver: Receiver, origin: dict[str, Any]) -> _Connection:
    """Connect `receiver` by a call that drops the keyword arguments which it does not name.

    It gets those of `origin` too: the signal and its sender.
    """
    try:
        parameters = inspect.signature(receiver).parameters.values()
    except (TypeError, ValueError):
        return receiver, receiver, None
    if any(p.kind is p.VAR_KEYWORD for p in parameters):
        return receiver, lambda **arguments: receiver(**{**origin, **arguments}), None
    names = {p.name for p in parameters if p.kind in {p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY}}
    if not names:
        return receiver, lambda **_: receiver(), names
    if not names.isdisjoint(origin):
        return receiver, lambda **arguments: receiver(**_named(names, {**origin, **arguments})), names
    return receiver, lambda **arguments: receiver(**_named(names, arguments)), names


def _named(names: Container[str], arguments: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in arguments.items() if name in names}
