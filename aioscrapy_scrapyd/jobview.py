"""A job as Scrapyd's services, its page and programs around them know one."""

import contextlib
import math
import signal
from datetime import datetime
from typing import Any

from aioscrapy_scrapyd.node import Node
from aioscrapy_scrapyd.numbers import whole
from aioscrapy_scrapyd.state.job import Job, JobError, State, masked


class JobView:
    """The attributes of Scrapyd's process and of its finished job."""

    def __init__(self, job: Job, node: Node | None = None) -> None:
        self.model = job
        self.project = job.project
        self.spider = job.spider
        self.job = job.id
        self.start_time = _time(job.started or job.created)
        self.end_time = _time(job.ended) if job.ended else None
        self.args: list[str] = []
        self.env: dict[str, str] = {}
        self._node = node

    @property
    def pid(self) -> int | None:
        """Of its process; None before that has started."""
        return self.model.pid or None

    @property
    def transport(self) -> "JobView":
        """What has `signalProcess`."""
        return self

    def signalProcess(self, number: str | int) -> None:  # noqa: N802 Twisted's name
        """Stop the job: INT begins a stop with deadlines, KILL ends it at once."""
        if self._node is not None and self.model.state is not State.PENDING:
            self._node.cancel(self.model, number=signal_number(number))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, JobView):
            return NotImplemented
        return (self.project, self.spider, self.job, self.start_time, self.end_time) == (
            other.project,
            other.spider,
            other.job,
            other.start_time,
            other.end_time,
        )

    __hash__ = None  # type: ignore[assignment]  # mutable, as Scrapyd's


def signal_number(name: str | int) -> int:
    """Return the number of a signal: INT, SIGINT, 2.

    Raises:
        JobError: there is no such signal.
    """
    with contextlib.suppress(ValueError):
        return int(signal.Signals(int(name)))
    try:
        return int(signal.Signals[f"SIG{str(name).upper().removeprefix('SIG')}"])
    except KeyError:
        raise JobError(f"there is no signal {str(name)[:80]!r}") from None


def message_of(job: Job) -> dict[str, Any]:
    """Return a waiting job as a message of Scrapyd's queue."""
    message: dict[str, Any] = {"name": job.spider, "_job": job.id, "settings": job.settings, **job.args}
    if job.version is not None:
        message["_version"] = job.version
    return message


def about(job: Job) -> dict[str, Any]:
    """Return what a node knows of a job beside what Scrapyd says, as JSON has it."""
    counted = {name: job.counts.get(name) for name in ("pages", "items", "errors", "waiting", "cpu_s", "rss")}
    return {
        "state": job.state,
        "reason": job.reason or None,
        "exit_status": job.exit_status,
        "signal": job.signal or None,
        "version": job.version,
        "args": masked(job.args),
        "settings": masked(job.settings),
        "crawl": job.crawl or None,
        "attempt": job.attempt,
        **counted,
    }


def cursor_behind(job: Job) -> str:
    """Return where the page of ended jobs behind this one begins."""
    return f"{job.ended!r}-{job.seq}"


def cursor_of(before: str) -> tuple[float, int]:
    """Return what `cursor_behind` wrote.

    Raises:
        JobError: it is something else.
    """
    ended, _, seq = before.rpartition("-")
    number = whole(seq)
    try:
        moment = float(ended)
    except ValueError:
        moment = math.nan
    if number is None or not math.isfinite(moment):
        raise JobError(f"before={before[:80]!r} is not a cursor: take `next` of the page before")
    return moment, number


def _time(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds)  # noqa: DTZ006 Scrapyd's times are local
