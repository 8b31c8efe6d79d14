"""Waiting for jobs of a crawl, and what they have done together."""

import time
from dataclasses import dataclass
from typing import Any

from aioscrapy_deploy.errors import NoAnswerError, ServerError
from aioscrapy_deploy.fleet import Fleet
from aioscrapy_deploy.operate.find_jobs import Found
from aioscrapy_deploy.remote.joblog import End, read_end

_LOOK_S = 1.0  # Scrapyd tells nobody when a job ends: look again after this time


@dataclass
class _Job:
    """A job that is waited for; `missing` counts the looks in a row in which no daemon knew it."""

    found: Found
    missing: int = 0
    end: End | None = None


class Waiting:
    """Looks after jobs until all have ended; their own logs tell how.

    The sums are those of the jobs' stats: pages that were downloaded, items that passed the pipelines. A page
    whose worker died before its commit was done again, and counts twice here; what a crawl has committed is
    in Redis (`aioscrapy crawls show`).
    """

    def __init__(self, fleet: Fleet, jobs: list[Found], *, quiet: bool) -> None:
        self._fleet = fleet
        self._jobs = [_Job(found) for found in jobs]
        self._quiet = quiet

    def until_all_have_ended(self) -> None:
        """Return when no job waits or runs any more; a Scrapyd that is away is waited for."""
        while self._look():
            time.sleep(_LOOK_S)

    @property
    def all_finished(self) -> bool:
        """Whether each spider has ended by itself, with the reason `finished`."""
        return all(end.reason == "finished" for end in self._ends)

    def totals(self) -> dict[str, Any]:
        """Return the sums as `--json` shows them; `seconds` from the first start to the last end."""
        return {
            "jobs": [self._row(job) for job in self._jobs],
            "pages": sum(end.pages for end in self._ends),
            "items": sum(end.items for end in self._ends),
            "seconds": self._seconds(),
            "reason": ", ".join(sorted({end.reason or "unknown" for end in self._ends})),
        }

    def summary(self) -> str:
        """Return the sums as a line."""
        totals = self.totals()
        took = f" in {totals['seconds']:.1f} s" if totals["seconds"] is not None else ""
        count = len(self._jobs)
        head = f"{count} job{'s' if count > 1 else ''}, {totals['pages']} pages, {totals['items']} items"
        return f"{head}{took}, {totals['reason']}"

    @property
    def _ends(self) -> list[End]:
        return [job.end or End() for job in self._jobs]

    def _look(self) -> bool:
        """Ask for all that have not ended; False where none is left."""
        open_ = [job for job in self._jobs if job.end is None]
        asked = self._fleet.map(open_, _state)
        for job, state in asked:
            # a daemon that is started again has forgotten its jobs; once may be the moment between two lists
            job.missing = job.missing + 1 if state is None else 0
            if state == "finished" or job.missing > 1:
                self._ended(job)
        return any(job.end is None for job in self._jobs)

    def _ended(self, job: _Job) -> None:
        found = job.found
        try:
            job.end = read_end(found.node.client, found.job)
        except NoAnswerError as exc:
            self._fleet.failed(exc)
            return  # the next look tries again
        except ServerError as exc:
            self._fleet.failed(exc)
            job.end = End()
        if not self._quiet:
            print(f"{found.job.id} {self._told(job.end, forgotten=job.missing > 1)}", flush=True)

    @staticmethod
    def _told(end: End, *, forgotten: bool) -> str:
        if end.reason:
            return f"{end.reason}: {end.pages} pages, {end.items} items"
        if forgotten:
            return "is not known to its Scrapyd any more (was that started again?), and its log tells no end"
        if not end.has_log:
            return "has no log: it could not start, or scrapyd.conf keeps too few (jobs_to_keep)"
        return "has died, or its LOG_LEVEL is above INFO: its log tells no end"

    def _row(self, job: _Job) -> dict[str, Any]:
        end = job.end or End()
        return {
            "job": job.found.job.id,
            "node": job.found.node.name,
            "url": job.found.node.client.url,
            "reason": end.reason,
            "pages": end.pages,
            "items": end.items,
            "seconds": end.seconds,
        }

    def _seconds(self) -> float | None:
        starts = [end.started for end in self._ends if end.started]
        ends = [end.ended for end in self._ends if end.ended]
        return (max(ends) - min(starts)).total_seconds() if starts and ends else None


def _state(job: _Job) -> str | None:
    return job.found.node.client.status(job.found.job.id, job.found.job.project)
