"""The reasons with which a crawl ends: what each means, and the exit status that it gives.

`finished` is proven, never assumed: see `Ending.end`. Every other end has a reason of its own.
"""

import asyncio
import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Reason(StrEnum):
    """A reason that aioscrapy gives; a spider may stop with any other text."""

    FINISHED = "finished"
    LATE = "late"
    SHUTDOWN = "shutdown"
    STOPPED = "stopped"
    START_FAILED = "start_failed"
    ALL_FAILED = "all_failed"
    EXITED = "exited"
    OUTPUT_FAILED = "output_failed"
    STORE_FAILED = "store_failed"
    PAGES_LOST = "pages_lost"
    DELETED = "deleted"
    REDIS_LOST = "redis_lost"
    KILLED = "killed"
    NOT_STARTED = "not_started"
    CRASHED = "crashed"


_MEANINGS = {
    Reason.FINISHED: "every request is done or reported as failed, and every output is written",
    Reason.LATE: "the crawl had ended just before this process came",
    Reason.SHUTDOWN: "SIGINT, SIGTERM or a cancelled job ended it before all was done",
    Reason.STOPPED: "`aioscrapy crawls stop` ended it before all was done; it can be resumed",
    Reason.START_FAILED: "start_requests raised an error: start requests are missing",
    Reason.ALL_FAILED: "every request failed",
    Reason.EXITED: "the project's code raised SystemExit, KeyboardInterrupt or the like",
    Reason.OUTPUT_FAILED: "a feed or a pipeline could not be written or closed",
    Reason.STORE_FAILED: "the frontier can't be written: a full disk (JOBDIR), a foreign key in Redis",
    Reason.PAGES_LOST: "Redis lost keys of the crawl: pages are missing or were crawled twice",
    Reason.DELETED: "the crawl was deleted from Redis",
    Reason.REDIS_LOST: "the embedded Redis of the worker processes ended",
    Reason.KILLED: "the process ended without a word, as after kill -9",
    Reason.NOT_STARTED: "an error ended it before its first request",
    Reason.CRASHED: "an unexpected error ended it",
}
_OWN_WILL = {Reason.FINISHED, Reason.LATE, Reason.SHUTDOWN, Reason.STOPPED}  # exit status 0
# Reasons that only the frontier may give: they say that a crawl is complete.
_PROVEN = {Reason.FINISHED, Reason.LATE}
# The password in a URL, up to the last @ before its path; PASSWORD is not one: messages say where it belongs.
_password = re.compile(r"""(://[^\s/?#@:'"<>]*:)(?!PASSWORD@)[^\s/?#"<>]+@""").sub
# The reason of a stop that names none.
_CANCELLED = "cancelled"


@dataclass(frozen=True)
class End:
    """How a crawl ended.

    Attributes:
        reason: a value of `Reason`, or the text with which the spider stopped the crawl.
        exit_status: of the process; 0 if the crawl is complete or somebody asked for its end.
        error: what went wrong, in one line; "" where nothing did.
    """

    reason: str
    exit_status: int
    error: str = ""

    @property
    def finished(self) -> bool:
        """Whether the crawl is proven to be complete."""
        return self.reason == Reason.FINISHED


def text_of(value: object, form: Callable[[Any], str] = str) -> str:
    """Return an object of the project as text; its class, if its own code fails at that."""
    try:
        return form(value)
    except Exception as exc:  # noqa: BLE001 the text of an error must not be the next error
        return f"<{type(value).__name__} without a text: {type(exc).__name__}>"


def without_passwords(text: str) -> str:
    """Return a text without the passwords of the URLs in it (of sites, proxies, servers)."""
    return _password(r"\1***@", text) if "@" in text else text


def error_text(exc: BaseException) -> str:
    """Return an exception as text: its class and what it says, without passwords of URLs."""
    return without_passwords(f"{type(exc).__name__}: {text_of(exc)}")


def end_for(reason: str, error: str = "") -> End:
    """Return the end with this reason and its exit status."""
    return End(str(reason), exit_status(reason), without_passwords(error))


def exit_status(reason: str) -> int:
    """Return 0 for a complete crawl and for an end that somebody asked for (CloseSpider, signals), else 1."""
    return int(reason in _MEANINGS and reason not in _OWN_WILL)


def status_of(exc: BaseException) -> int:
    """Return the exit status of a crawl that this exception ends: N of `sys.exit(N)`, but never 0."""
    status = exc.code if isinstance(exc, SystemExit) and isinstance(exc.code, int) else 1
    return status if 0 < status < 256 else 1


def meaning(reason: str) -> str:
    """Return what a reason means, as part of a sentence."""
    return _MEANINGS.get(Reason(reason), "") if reason in _MEANINGS else "the spider or a limit stopped it"


class Ending:
    """What is known of the end of a crawl while it runs: who stopped it, and what went wrong.

    The first failure decides, then the first stop; only a crawl with neither can be finished.
    """

    def __init__(self) -> None:
        self.stop_reason = ""
        self._failure: End | None = None

    def stop(self, reason: str) -> None:
        """Note that somebody asked for the end, for a reason of one line."""
        text = " ".join(text_of(reason).split()) if reason else _CANCELLED
        text = "".join(character if character.isprintable() else "?" for character in text)
        self.stop_reason = self.stop_reason or text or _CANCELLED

    def fail(self, reason: Reason, error: str, status: int = 1) -> None:
        """Note something that keeps the crawl from being complete."""
        if self._failure is None:
            self._failure = End(str(reason), status, without_passwords(" ".join(error.split())))

    def fail_by(self, exc: BaseException, *, in_own_loop: bool = False) -> None:
        """Note an exception that ends the crawl: `exited` if it is not an Exception, as SystemExit.

        Who cancels the task of the whole crawl asks for its end, unless the loop exists for the crawl: there
        only the project's code can do it.
        """
        if isinstance(exc, asyncio.CancelledError) and (self.stop_reason or not in_own_loop):
            self.stop(Reason.SHUTDOWN)
            return
        reason = Reason.CRASHED if isinstance(exc, Exception) else Reason.EXITED
        self.fail(reason, error_text(exc), status_of(exc))

    def end(self, proven: End | None) -> End:
        """Return the end. `proven` is the end of the frontier: `finished` if all requests are done."""
        if self._failure is not None:
            return self._failure
        if self.stop_reason and (proven is None or self.stop_reason not in _PROVEN):
            return end_for(_CANCELLED if self.stop_reason in _PROVEN else self.stop_reason)
        return proven or end_for(Reason.CRASHED)
