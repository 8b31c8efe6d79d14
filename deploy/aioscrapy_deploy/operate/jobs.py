"""List the jobs of a target.

Examples:
  aioscrapy jobs
  aioscrapy jobs --watch                        # up to date until Ctrl-C
  aioscrapy jobs --json | jq '.[] | select(.state == "running")'
"""

import argparse
from collections import Counter
from dataclasses import asdict
from typing import Any

from aioscrapy_deploy.fleet import Fleet, add_target_options, reported
from aioscrapy_deploy.operate.find_jobs import JobOnNode, all_jobs
from aioscrapy_deploy.operate.watching import Rates, Rows, show
from aioscrapy_deploy.remote.job_end import End, read_counts, read_end
from aioscrapy_deploy.remote.models import Counts
from aioscrapy_deploy.terminal.option_types import add_watch_option

_ORDER = {"running": 0, "pending": 1, "finished": 2}
# What a narrow terminal leaves out, the first one first.
_OPTIONAL = ("pid", "start_time", "seconds", "project", "node", "errors", "spider", "rate")
_Ends = dict[tuple[str, str, str], End]


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add_target_options(parser)
    add_watch_option(parser)


@reported
def run(options: argparse.Namespace) -> int:
    """List the jobs of the target's project, or of all projects if it names none."""
    fleet = Fleet.from_options(options)
    table = _Table(fleet)
    rows = table.rows if options.json else table.rows_for_people
    return show(fleet, options, rows, _head, _columns(fleet), _OPTIONAL, empty="No jobs")


class _Table:
    """The rows of all jobs; it keeps the ends that were read, which are final, and computes rates."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet
        self._ends: _Ends = {}
        self._rates = Rates()

    def rows(self) -> Rows:
        """Return a row for every job, running ones first, then the newest."""
        jobs = all_jobs(self._fleet)
        unread = [row for row in jobs if row.job.state == "finished" and row.key not in self._ends]
        for row, end in self._fleet.map(unread, lambda row: read_end(row.node.client, row.job)):
            self._ends[row.key] = end
        running = [row for row in jobs if row.job.state == "running"]
        counted = self._fleet.map(running, lambda row: read_counts(row.node.client, row.job))
        counts = {row.key: found for row, found in counted if found is not None}
        jobs.sort(key=lambda row: row.job.end_time or row.job.start_time or "", reverse=True)
        jobs.sort(key=lambda row: _ORDER[row.job.state])
        return [self._row(row, self._ends.get(row.key), counts.get(row.key)) for row in jobs]

    def rows_for_people(self) -> Rows:
        """Return the rows with the precise states of a node, times to the second, and errors as reasons."""
        return [
            {
                **row,
                "state": row["node_state"] or row["state"],
                "start_time": row["start_time"] and row["start_time"].partition(".")[0],
                "seconds": row["seconds"] and round(row["seconds"], 1),
                "rate": None if row["rate"] is None else f"{row['rate']:.0f}/min",
                "reason": ": ".join(filter(None, (row["reason"], row["error"]))) or None,
            }
            for row in self.rows()
        ]

    def _row(self, job: JobOnNode, end: End | None, counts: Counts | None) -> dict[str, Any]:
        fields = {name: value for name, value in asdict(job.job).items() if name not in {"id", "counts"}}
        row = {"job": job.job.id, **fields, "node": job.node.name, "url": job.node.client.url}
        row |= {"reason": None, "error": None, "pages": None, "items": None, "errors": None, "rate": None}
        if end and end.reason:
            row |= {"pages": end.pages, "items": end.items, "errors": end.errors}
            row |= {"reason": end.reason, "error": end.error or None, "seconds": end.seconds}
        elif counts:
            row |= {"pages": counts.pages, "items": counts.items, "errors": counts.errors}
            row["rate"] = self._rates.rate(job.key, counts.pages, job.job.seconds)
        return row


def _head(rows: Rows) -> str:
    counts = Counter(row["state"] for row in rows)
    states = [*_ORDER, *(state for state in counts if state not in _ORDER)]
    return ", ".join(f"{counts[state]} {state}" for state in states)


def _columns(fleet: Fleet) -> list[str]:
    columns = ["job", "project", "spider", "state", "node", "pid", "start_time", "pages", "items", "errors"]
    columns += ["rate", "seconds", "reason"]
    superfluous = {"project"} if fleet.project else set()
    if len(fleet.nodes) < 2:
        superfluous.add("node")
    return [column for column in columns if column not in superfluous]
