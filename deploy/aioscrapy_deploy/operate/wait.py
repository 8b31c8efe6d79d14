"""Wait for the jobs of a crawl, show how far they are, and add up their results."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from aioscrapy.ends import meaning
from aioscrapy_deploy.errors import NoAnswerError, ServerError
from aioscrapy_deploy.fleet import Fleet
from aioscrapy_deploy.operate.find_jobs import JobOnNode
from aioscrapy_deploy.operate.watching import Rates
from aioscrapy_deploy.remote.job_end import End, read_counts, read_end
from aioscrapy_deploy.remote.models import Counts, Job
from aioscrapy_deploy.terminal.screen import live
from aioscrapy_deploy.terminal.table import on_terminal
from aioscrapy_deploy.terminal.text import printable

_LOOK_S = 1.0  # a server has no message for the end of a job: look again after this time
_SAY_S = 10.0  # between two lines of progress where no terminal shows it live
_COLUMNS = ("job", "node", "state", "pages", "items", "errors", "rate", "reason")
_OPTIONAL = ("node",)


@dataclass
class _Awaited:
    """A job that is waited for; `missing` counts consecutive requests in which the daemon did not know it."""

    match: JobOnNode
    missing: int = 0
    job: Job | None = None
    counts: Counts | None = None
    end: End | None = None

    def look(self) -> str | None:
        """Ask the daemon once; return the state of the job, None if it does not know it."""
        client, job = self.match.node.client, self.match.job
        if client.is_node:
            self.job = client.job(job.project, job.id)
            state = self.job.state if self.job else None
        else:
            state = client.status(job.id, job.project)
        if state == "running":
            self.counts = read_counts(client, self.job or job)
        return state


class Waiting:
    """Watches jobs until all have ended, and adds up what their nodes, their end records or logs say.

    The totals count downloaded pages and items that passed the pipelines. If a worker died before it
    committed a page, the page was done again and counts twice; the committed pages are in Redis (`aioscrapy
    crawls show`).
    """

    def __init__(self, fleet: Fleet, jobs: list[JobOnNode], *, quiet: bool) -> None:
        self._fleet = fleet
        self._jobs = [_Awaited(job) for job in jobs]
        self._states: dict[tuple[str, str, str], str | None] = {}
        self._rates = Rates()
        self._quiet = quiet

    def until_all_have_ended(self) -> None:
        """Return when all jobs have ended; if a server is down, wait for it."""
        with self._display():
            while self._look():
                self._show()
                time.sleep(_LOOK_S)
            self._show()

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
            "errors": sum(end.errors for end in self._ends),
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
        for job, state in self._fleet.map(awaited, _Awaited.look):
            self._states[job.match.key] = state
            # a restarted daemon has lost its jobs; one miss may be the moment between two lists
            job.missing = job.missing + 1 if state is None else 0
            if state == "finished" or job.missing > 1:
                self._read_end(job)
        return any(job.end is None for job in self._jobs)

    def _read_end(self, awaited: _Awaited) -> None:
        match = awaited.match
        try:
            awaited.end = read_end(match.node.client, awaited.job or match.job)
        except NoAnswerError as exc:
            self._fleet.failed(exc)
            return  # the next request tries again
        except ServerError as exc:
            self._fleet.failed(exc)
            awaited.end = End()
        if not self._quiet and not on_terminal():
            print(printable(f"{match.job.id} {_text(awaited)}"), flush=True)

    @contextmanager
    def _display(self) -> Iterator[None]:
        """Show the jobs live on a terminal, and as a line from time to time elsewhere."""
        self._said = time.monotonic()
        self._draw = None
        if self._quiet or not on_terminal():
            yield
            return
        with live() as self._draw:
            yield

    def _show(self) -> None:
        if self._quiet:
            return
        if self._draw is not None:
            self._draw(self._progress(), [self._live_row(job) for job in self._jobs], _COLUMNS, _OPTIONAL)
        elif time.monotonic() - self._said >= _SAY_S:
            self._said = time.monotonic()
            print(printable(self._progress()), flush=True)

    def _progress(self) -> str:
        """Return the counts of all jobs so far as a line."""
        rows = [self._live_row(job) for job in self._jobs]
        ended = sum(job.end is not None for job in self._jobs)
        sums = {name: sum(row[name] or 0 for row in rows) for name in ("pages", "items", "errors")}
        rate = self._rates.rate("all", sums["pages"])
        speed = "" if rate is None or ended == len(rows) else f", {rate:.0f} pages/min"
        counts = ", ".join(f"{count} {name}" for name, count in sums.items())
        return f"{ended} of {len(rows)} jobs ended: {counts}{speed}"

    def _live_row(self, awaited: _Awaited) -> dict[str, Any]:
        end, counts, match = awaited.end, awaited.counts or Counts(), awaited.match
        row: dict[str, Any] = {"job": match.job.id, "node": match.node.name, "rate": None, "reason": None}
        if end is not None:
            ended = (awaited.job.node_state if awaited.job else None) or "finished"
            row |= {"state": ended, "pages": end.pages, "items": end.items, "errors": end.errors}
            row["reason"] = end.text or _text(awaited)
            return row
        state = (awaited.job.node_state if awaited.job else None) or self._states.get(match.key)
        row |= {"state": state, "pages": counts.pages, "items": counts.items, "errors": counts.errors}
        seconds = awaited.job.seconds if awaited.job else None
        rate = self._rates.rate(match.key, counts.pages, seconds)
        row["rate"] = None if rate is None else f"{rate:.0f}/min"
        return row

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
            "errors": end.errors,
            "seconds": end.seconds,
        }

    def _seconds(self) -> float | None:
        starts = [end.started for end in self._ends if end.started]
        ends = [end.ended for end in self._ends if end.ended]
        return (max(ends) - min(starts)).total_seconds() if starts and ends else None


def _text(awaited: _Awaited) -> str:
    """Return how a job has ended, as the rest of a line."""
    end = awaited.end or End()
    if end.reason:
        counts = f"{end.reason}: {end.pages} pages, {end.items} items"
        why = _why(end)
        return f"{counts}: {why}" if why else counts
    if awaited.missing > 1:
        return "is unknown to its Scrapyd (was it restarted?), and its log has no end"
    if not end.has_log:
        return "has no log: it could not start, or jobs_to_keep in scrapyd.conf is too small"
    return "was killed: it has no end record and no stats in its log"


def _why(end: End) -> str:
    """Return what went wrong, or what the reason means; "" for a job that finished."""
    return end.error or ("" if end.reason in {"finished", None} else meaning(str(end.reason)))
