"""What a job's log tells of its end: the stats that aioscrapy and Scrapy dump there."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime

from aioscrapy_deploy.remote.client import ScrapydClient
from aioscrapy_deploy.remote.models import Job

_TAILS = (1 << 13, 1 << 18)  # bytes of the log's end, the first enough for nearly all
_DUMP = re.compile(r"^\d{4}-\d\d-\d\d .*\] INFO: Dumping (?:Scrapy )?stats:$", re.MULTILINE)


@dataclass(frozen=True)
class End:
    """How a job has ended.

    `reason` is the spider's, as "finished" or "shutdown"; None where the log tells no end. `started` and
    `ended` are by the clock of its machine.
    """

    reason: str | None = None
    has_log: bool = True
    pages: int = 0
    items: int = 0
    started: datetime | None = None
    ended: datetime | None = None

    @property
    def seconds(self) -> float | None:
        """How long it crawled; None where that is not known."""
        return (self.ended - self.started).total_seconds() if self.started and self.ended else None


def read_end(client: ScrapydClient, job: Job) -> End:
    """Return how a job has ended, from the end of its log; mostly one round trip.

    Raises:
        ServerError: the log can't be read.
    """
    for size in _TAILS:
        tail = client.log(job, -size)
        if tail is None:
            return End(has_log=False)
        _, *dumps = _DUMP.split(tail.decode(errors="replace"))
        if dumps:
            return _end(dumps[-1])
        if len(tail) < size:
            break
    return End()


def _end(stats: str) -> End:
    reason = re.search(r"'finish_reason': '([^']*)'", stats)
    return End(
        reason[1] if reason else None,
        pages=_number(stats, "response_received_count"),
        items=_number(stats, "item_scraped_count"),
        started=_time(stats, "start_time"),
        ended=_time(stats, "finish_time"),
    )


def _number(stats: str, name: str) -> int:
    found = re.search(rf"'{name}': (\d+)", stats)
    return int(found[1]) if found else 0


def _time(stats: str, name: str) -> datetime | None:
    found = re.search(rf"'{name}': datetime\.datetime\(([\d, ]+)", stats)
    if not found:
        return None
    numbers = [int(number) for number in found[1].split(",") if number.strip()]
    return datetime(*numbers, tzinfo=UTC)  # type: ignore[arg-type, misc]  # year to microsecond
