"""What the reactor waits for: the end of a process, and a commit of the store's thread."""

from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.threads import deferToThread
from twisted.logger import Logger

from aioscrapy_scrapyd.processes import Process

log = Logger()


class ProcessWatch:
    """What the reactor calls when a process has ended."""

    def __init__(self, process: Process, ended: Callable[[], None]) -> None:
        self.process = process
        self._ended = ended

    def fileno(self) -> int:
        return self.process.fileno()

    def doRead(self) -> None:  # noqa: N802 Twisted's name
        self._ended()

    def connectionLost(self, reason: Any) -> None:  # noqa: N802 Twisted's name
        """Nothing is to be closed here: the reactor is going."""

    def logPrefix(self) -> str:  # noqa: N802 Twisted's name
        return "process"


def committed(future: "Future[None]", reactor: Any) -> "Deferred[None]":
    """Return a Deferred that fires in the reactor once the future is done."""
    deferred: Deferred[None] = Deferred()

    def fire() -> None:
        error = future.exception()
        if error is None:
            deferred.callback(None)
        else:
            deferred.errback(error)

    future.add_done_callback(lambda _: reactor.callFromThread(fire))
    return deferred


def in_threads(function: Callable[..., None], *arguments: Any) -> None:
    """Run a function that blocks and that nobody waits for; an error of it is logged."""
    deferToThread(function, *arguments).addErrback(
        lambda failure: log.failure("A job was not handled", failure)
    )


def in_background(coroutine: Coroutine[Any, Any, None]) -> None:
    """Run a coroutine that nobody waits for; an error of it is logged."""
    Deferred.fromCoroutine(coroutine).addErrback(
        lambda failure: log.failure("A job was not handled", failure)
    )
