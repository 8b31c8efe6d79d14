"""What the reactor waits for: the end of a process, and a commit of the store's thread."""

from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.threads import deferToThread
from twisted.logger import Logger

from aioscrapy_scrapyd.processes import Process
from aioscrapy_scrapyd.state.job import Job

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


class Listeners(list[Callable[[Job], None]]):
    """Functions that are called with a job that has changed; an error of one is logged and stops nothing."""

    def call(self, job: Job) -> None:
        """Call all of them."""
        for listener in self:
            try:
                listener(job)
            except Exception:  # noqa: BLE001 who watches the jobs must not stop them
                log.failure("A change of job {job} was not passed on", job=job.mark)


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
