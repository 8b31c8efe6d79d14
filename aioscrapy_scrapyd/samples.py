"""Writes the counters of live jobs into `node.db` from time to time: what the charts of a job are made of."""

from aioscrapy_scrapyd.state.history import SAMPLE_S, SAMPLES_LIMIT
from aioscrapy_scrapyd.state.job import Job, State
from aioscrapy_scrapyd.state.schema import Statement
from aioscrapy_scrapyd.state.store import Store

_ADD = "INSERT OR REPLACE INTO sample VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
# One sample of each span of time stays: the first one.
_THIN = """
DELETE FROM sample WHERE project = ? AND job = ? AND time NOT IN (
    SELECT MIN(time) FROM sample WHERE project = ? AND job = ? GROUP BY CAST(time / ? AS INTEGER)
)
"""
_FORGET = "DELETE FROM sample WHERE project = ? AND job = ?"


class Samples:
    """A listener of the node that keeps at most SAMPLES_LIMIT samples of a job.

    Two samples are SAMPLE_S seconds apart at first. When a job has run SAMPLES_LIMIT / 2 times as long, the
    distance doubles and every second sample goes; and so on. Its last counts are always kept.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._latest: dict[tuple[str, str], float] = {}

    def job_changed(self, job: Job, now: float) -> None:
        """Write a sample if one is due."""
        if job.state is State.PENDING:
            if job.attempt > 1:  # its counts begin again
                self._latest.pop(job.key, None)
                self._store.write([(_FORGET, job.key)])
            return
        if not job.counts:
            return
        latest = self._latest.get(job.key, 0.0)
        distance = distance_after(now - job.started)
        if job.ended:
            self._latest.pop(job.key, None)
        elif abs(now - latest) < distance:  # abs: a clock that was set back must not end the samples
            return
        else:
            self._latest[job.key] = now
        self._store.write(self._statements(job, now, distance, latest))

    def _statements(self, job: Job, now: float, distance: float, latest: float) -> list[Statement]:
        counts = [int(job.counts.get(name) or 0) for name in ("pages", "items", "errors", "waiting", "rss")]
        statements: list[Statement] = []
        if distance > distance_after(latest - job.started):
            statements.append((_THIN, [*job.key, *job.key, distance]))
        return [*statements, (_ADD, [*job.key, now, *counts])]


def distance_after(seconds: float) -> float:
    """Return the seconds between two samples of a job that has run so long."""
    distance = SAMPLE_S
    while seconds > distance * SAMPLES_LIMIT / 2:
        distance *= 2
    return distance
