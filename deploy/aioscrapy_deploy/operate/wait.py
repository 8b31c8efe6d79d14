"""Wait for the jobs of a crawl, and add up their results."""

import time
from dataclasses import dataclass
from typing import Any

from aioscrapy.ends import meaning
from aioscrapy_deploy.errors import NoAnswerError, ServerError
from aioscrapy_deploy.fleet import Fleet
from aioscrapy_deploy.operate.find_jobs import JobOnNode
from aioscrapy_deploy.remote.job_end import End, read_end
from aioscrapy_deploy.terminal.text import printable

_LOOK_S = 1.0  # Scrapyd has no message for the end of a job: look again after this time


@dataclass
class _Awaited:
    """A job that is waited for; `missing` counts consecutive requests in which the daemon did not know it."""

    match: JobOnNode
    missing: int = 0
    end: End | None = None


class Waiting:
    """Watches jobs until all have ended, and adds up their end records or the stats in their logs.

    The totals count downloaded pages and items that passed the pipelines. If a worker died before it
    committed a page, the page was done again and counts twice; the committed pages are in Redis (`aioscrapy
    crawls show`).
    """

    def __init__(self, fleet: Fleet, jobs: list[JobOnNode], *, quiet: bool) -> None:
        self._fleet = fleet
        self._jobs = [_Awaited(job) for job in jobs]
        self._quiet = quiet

    def until_all_have_ended(self) -> None:
        """Return when all jobs have ended; if a Scrapyd is down, wait for it."""
        while self._look():
            time.sleep(_LOOK_S)

    @property
    def all_finished(self) -> bool:
        """Whether every job ended with the reason `finished`."""
        return all(end.reason == "finished" for end in self._ends)

    def totals(self) -> dict[str, Any]:
        """Return the totals for `--json`; `seconds` from the first start to the last end."""
        return {
            "jobs": [self._row(job) for job in self._jobs],
            "pages": sum(end.pages for end in self._ends),
            "items": sum(end.items for end in self._ends),
            "seconds": self._seconds(),
            "reason": ", ".join(sorted({end.reason or "unknown" for end in self._ends})),
        }

    def summary(self) -> str:
        """Return the totals as a line."""
        totals = self.totals()
        took = f" in {totals['seconds']:.1f} s" if totals["seconds"] is not None else ""
        count = len(self._jobs)
        head = f"{count} job{'s' if count > 1 else ''}, {totals['pages']} pages, {totals['items']} items"
        return f"{head}{took}, {totals['reason']}"

    @property
    def _ends(self) -> list[End]:
        return [job.end or End() for job in self._jobs]

    def _look(self) -> bool:
        """Ask for all jobs that have not ended; return False if none is left."""
        awaited = [job for job in self._jobs if job.end is None]
        for job, state in self._fleet.map(awaited, _state):
            # a restarted daemon has lost its jobs; one miss may be the moment between two lists
            job.missing = job.missing + 1 if state is None else 0
            if state == "finished" or job.missing > 1:
                self._read_end(job)
        return any(job.end is None for job in self._jobs)

    def _read_end(self, awaited: _Awaited) -> None:
        match = awaited.match
        try:
            awaited.end = read_end(match.node.client, match.job)
        except NoAnswerError as exc:
            self._fleet.failed(exc)
            return  # the next request tries again
        except ServerError as exc:
            self._fleet.failed(exc)
            awaited.end = End()
        if not self._quiet:
            text = _text(awaited.end, forgotten=awaited.missing > 1)
            print(printable(f"{match.job.id} {text}"), flush=True)

    def _row(self, awaited: _Awaited) -> dict[str, Any]:
        end = awaited.end or End()
        return {
            "job": awaited.match.job.id,
            "node": awaited.match.node.name,
            "url": awaited.match.node.client.url,
            "reason": end.reason,
            "error": end.error or None,
            "pages": end.pages,
            "items": end.items,
            "seconds": end.seconds,
        }

    def _seconds(self) -> float | None:
        starts = [end.started for end in self._ends if end.started]
        ends = [end.ended for end in self._ends if end.ended]
        return (max(ends) - min(starts)).total_seconds() if starts and ends else None


def _state(awaited: _Awaited) -> str | None:
    return awaited.match.node.client.status(awaited.match.job.id, awaited.match.job.project)


def _text(end: End, *, forgotten: bool) -> str:
    """Return how a job has ended, as the rest of a line."""
    if end.reason:
        counts = f"{end.reason}: {end.pages} pages, {end.items} items"
        why = end.error or ("" if end.reason == "finished" else meaning(end.reason))
        return f"{counts}: {why}" if why else counts
    if forgotten:
        return "is unknown to its Scrapyd (was it restarted?), and its log has no end"
    if not end.has_log:
        return "has no log: it could not start, or jobs_to_keep in scrapyd.conf is too small"
    return "was killed: it has no end record and no stats in its log"
