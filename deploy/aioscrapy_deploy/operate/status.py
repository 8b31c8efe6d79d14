"""Print the state of the servers of a target, or of jobs.

Examples:
  aioscrapy status -t production
  aioscrapy status JOB
  aioscrapy status --watch                      # up to date until Ctrl-C
"""

import argparse
from typing import Any

from aioscrapy_deploy.fleet import Fleet, add_target_options, reported
from aioscrapy_deploy.operate.find_jobs import JobOnNode, find_jobs
from aioscrapy_deploy.operate.watching import Rows, show
from aioscrapy_deploy.remote.client import ScrapydClient
from aioscrapy_deploy.remote.job_end import read_end
from aioscrapy_deploy.terminal.option_types import add_watch_option

_JOB_COLUMNS = ("job", "state", "node", "pages", "items", "errors", "reason")
_SERVER_COLUMNS = ("node", "node_name", "pending", "running", "finished", "slots", "free", "problems")


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add_target_options(parser)
    parser.add_argument("jobs", nargs="*", metavar="JOB", help="id of a job, or of a crawl of `schedule`")
    add_watch_option(parser)


@reported
def run(options: argparse.Namespace) -> int:
    """Print every server with the number of its jobs in all projects; or the state of the named jobs."""
    fleet = Fleet.from_options(options)
    if options.jobs:

        def jobs() -> Rows:
            return [_job_row(match) for match in find_jobs(fleet, options.jobs)]

        return show(fleet, options, jobs, lambda rows: f"{len(rows)} jobs", _JOB_COLUMNS, ("node",))

    def servers() -> Rows:
        answers = fleet.query(_server_row)
        rows = [{"node": node.name, **row} for node, row in answers]
        return rows if options.json else [{**row, "problems": "; ".join(row["problems"])} for row in rows]

    return show(fleet, options, servers, lambda rows: f"{len(rows)} servers", _SERVER_COLUMNS, ("node_name",))


def _server_row(client: ScrapydClient) -> dict[str, Any]:
    status = client.daemonstatus()
    return {**vars(status), "problems": list(status.problems)}


def _job_row(match: JobOnNode) -> dict[str, Any]:
    job = match.job
    row: dict[str, Any] = {"job": job.id, "state": job.state, "node": match.node.name}
    if job.node_state is None:
        return row
    row |= {"state": job.node_state, "pages": None, "items": None, "errors": None, "reason": None}
    if job.counts is not None:
        row |= {"pages": job.counts.pages, "items": job.counts.items, "errors": job.counts.errors}
    if job.state == "finished":
        row["reason"] = read_end(match.node.client, job).text
    return row
