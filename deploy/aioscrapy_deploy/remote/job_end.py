"""How a job has ended: as its node says; else from its end record, or the stats at the end of its log."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from aioscrapy.ends import Reason
from aioscrapy_deploy.remote.client import ScrapydClient
from aioscrapy_deploy.remote.models import Counts, Job
from aioscrapy_deploy.terminal.text import one_line

_TAILS = (1 << 13, 1 << 18)  # bytes of the log's end, the first enough for nearly all
# a project may have a LOG_FORMAT of its own, also one of JSON, in which \n stays as it is written here
_DUMP = re.compile(r"Dumping (?:Scrapy )?stats:(?:[ \t]*\r?\n|\\n)(?=\{)")


@dataclass(frozen=True)
class End:
    """How a job has ended.

    `reason` is the crawl's, as "finished" or "shutdown"; of a node also "failed" or "cancelled". None if
    neither record nor log names one. `error` is one line, "" without an error. `started` and `ended` are by
    the clock of its machine.
    """

    reason: str | None = None
    error: str = ""
    has_log: bool = True
    pages: int = 0
    items: int = 0
    errors: int = 0
    started: datetime | None = None
    ended: datetime | None = None

    @property
    def text(self) -> str:
        """Reason and error as one line; "" without a reason."""
        return ": ".join(filter(None, (self.reason, self.error)))

    @property
    def seconds(self) -> float | None:
        """How long it crawled; None if that is not known."""
        return (self.ended - self.started).total_seconds() if self.started and self.ended else None


def read_end(client: ScrapydClient, job: Job) -> End:
    """Return how a job has ended.

    A node has said it with the job. Else it is one round trip for a job of our runner, and mostly two for
    another one.

    Raises:
        ServerError: record or log can't be read.
    """
    if job.node_state is not None:
        return _of_node(job)
    if (end := read_record(client, job)) is not None:
        return end
    for size in _TAILS:
        tail = client.log(job, -size)
        if tail is None:
            return End(has_log=False)
        _, *dumps = _DUMP.split(tail.decode(errors="replace"))
        if dumps:
            return _of_stats(dumps[-1])
        if len(tail) < size:
            break
    return End()


def read_record(client: ScrapydClient, job: Job) -> End | None:
    """Return the record of a job that has ended; None if its runner writes none. One round trip."""
    record = client.end_record(job)
    return None if record is None else _of_record(record)


def read_counts(client: ScrapydClient, job: Job) -> Counts | None:
    """Return what a running job has counted so far; None if nobody knows. One round trip, none on a node."""
    if job.node_state is not None:
        return job.counts
    record = client.end_record(job)
    if record is None:
        return None
    counted = {name: record.get(name) for name in Counts.__annotations__}
    return Counts(**{name: value for name, value in counted.items() if isinstance(value, int)})


def _of_node(job: Job) -> End:
    """Return the end as a node knows it: its reason is a word of the crawl, or a line of the node."""
    reason, error = str(job.node_state), one_line(job.reason or "")
    word, _, rest = error.partition(": ")
    if word in set(Reason) or job.node_state == "finished":
        reason, error = word, rest
    elif error.startswith(reason):
        error = error.removeprefix(reason).strip()  # "cancelled by ann"
    counts = job.counts or Counts()
    return End(
        reason,
        error=error,
        has_log=job.log_url is not None,
        pages=counts.pages or 0,
        items=counts.items or 0,
        errors=counts.errors or 0,
        started=_time(job.start_time),
        ended=_time(job.end_time),
    )


def _of_record(record: Mapping[str, Any]) -> End:
    return End(
        one_line(str(record["reason"])) if record.get("reason") else None,
        error=one_line(str(record.get("error") or "")),
        pages=_count(record.get("pages")),
        items=_count(record.get("items")),
        errors=_count(record.get("errors")),
        started=_time(record.get("start_time")),
        ended=_time(record.get("end_time")),
    )


def _count(value: Any) -> int:
    return value if isinstance(value, int) else 0


def _time(value: Any) -> datetime | None:
    try:
        return datetime.fromisoformat(value).astimezone(UTC)
    except (TypeError, ValueError):
        return None


def _of_stats(stats: str) -> End:
    reason = re.search(r"'finish_reason': '([^']*)'", stats)
    return End(
        one_line(reason[1]) if reason else None,
        pages=_number(stats, "response_received_count"),
        items=_number(stats, "item_scraped_count"),
        errors=_number(stats, "log_count/ERROR"),
        started=_moment(stats, "start_time"),
        ended=_moment(stats, "finish_time"),
    )


def _number(stats: str, name: str) -> int:
    number = re.search(rf"'{name}': (\d+)", stats)
    return int(number[1]) if number else 0


def _moment(stats: str, name: str) -> datetime | None:
    call = re.search(rf"'{name}': datetime\.datetime\(([\d, ]+)", stats)
    if not call:
        return None
    numbers = [int(number) for number in call[1].split(",") if number.strip()]
    try:
        return datetime(*numbers, tzinfo=UTC)  # type: ignore[arg-type, misc]  # year to microsecond
    except (TypeError, ValueError):
        return None
