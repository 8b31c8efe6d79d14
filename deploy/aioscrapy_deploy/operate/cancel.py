"""End jobs: gracefully, and after a deadline by force.

aioscrapy cancel JOB
aioscrapy cancel 20261124T031834-9644c3       # all jobs of a crawl
aioscrapy cancel --all --timeout 60
"""

import argparse
import time
from typing import Any

from aioscrapy_deploy.errors import ServerError, TargetError
from aioscrapy_deploy.fleet import Fleet, add_target_options, reported, warn
from aioscrapy_deploy.operate.find_jobs import Found, find_jobs, known_jobs
from aioscrapy_deploy.terminal.option_types import seconds
from aioscrapy_deploy.terminal.table import print_json

GRACE_S = 15.0  # a job of ours ends within 10 seconds: SHUTDOWN_TIMEOUT, and the rest
_FORCED_S = 10.0  # for the end after the second signal
_LOOK_S = 0.5  # Scrapyd tells nobody when a job ends: look again after this time


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add_target_options(parser)
    parser.add_argument(
        "jobs", nargs="*", metavar="JOB", help="a job, or a crawl that `schedule` has started"
    )
    parser.add_argument("--all", action="store_true", help="all pending and running jobs of the project")
    parser.add_argument(
        "--timeout",
        type=seconds,
        default=GRACE_S,
        metavar="SECONDS",
        help=f"then a second signal ends what still runs at once (default: {GRACE_S:g}; 0: without a delay)",
    )


@reported
def run(options: argparse.Namespace) -> int:
    """Return when all have ended; 1 where one has not, or a Scrapyd failed."""
    if options.all == bool(options.jobs):
        raise TargetError("which jobs? Name them, or say --all")
    fleet = Fleet.from_options(options)
    project = fleet.needed_project if options.all else ""
    found = known_jobs(fleet) if options.all else find_jobs(fleet, options.jobs)
    rows = [_row(each) for each in found if not (options.all and each.job.state == "finished")]
    cancelling = {(row["node"], row["job"]): row for row in rows}
    alive = _signalled(fleet, [each for each in found if each.job.state != "finished"], cancelling)
    alive = _wait(fleet, alive, options.timeout)
    if alive:
        for each in alive:
            cancelling[each.node.name, each.job.id]["forced"] = True
        alive = _wait(fleet, _signalled(fleet, alive, cancelling), _FORCED_S)
    for each in alive:
        cancelling[each.node.name, each.job.id]["ended"] = False
    if options.json:
        print_json(rows)
    else:
        _print(rows, project)
    return fleet.status if all(row["ended"] for row in rows) else 1


def _row(found: Found) -> dict[str, Any]:
    return {
        "job": found.job.id,
        "node": found.node.name,
        "was": found.job.state,
        "forced": False,
        "ended": True,
    }


def _signalled(fleet: Fleet, jobs: list[Found], rows: dict[tuple[str, str], dict[str, Any]]) -> list[Found]:
    """Cancel each once; returns those that are running, and `rows` tell what each was."""
    running = []
    for each in jobs:
        row = rows[each.node.name, each.job.id]
        try:
            state = each.node.client.cancel(each.job.project, each.job.id)
        except ServerError as exc:  # it may have arrived: another one in haste would be the forceful signal
            fleet.failed(exc)
            row["ended"] = False
            continue
        if not row["forced"]:
            row["was"] = state or "finished"
        if state == "running":
            running.append(each)
    return running


def _wait(fleet: Fleet, jobs: list[Found], timeout_s: float) -> list[Found]:
    """Return those that still run when the time is over; none where all have ended before."""
    deadline = time.monotonic() + timeout_s
    try:
        while True:
            answers = fleet.map(jobs, lambda each: each.node.client.status(each.job.id, each.job.project))
            ended = {(each.node.name, each.job.id) for each, state in answers if state in {"finished", None}}
            jobs = [each for each in jobs if (each.node.name, each.job.id) not in ended]
            if not jobs or time.monotonic() >= deadline:
                return jobs
            time.sleep(min(_LOOK_S, timeout_s))
    except KeyboardInterrupt:
        warn(f"not waited for: {len(jobs)} jobs have got the signal and may still run")
        raise


def _print(rows: list[dict[str, Any]], project: str) -> None:
    if not rows:
        print(f"No job of project {project} is pending or running")
    for row in rows:
        print(f"{row['job']}: {_told(row)}")


def _told(row: dict[str, Any]) -> str:
    if not row["ended"]:
        return f"not known to have ended{', after two signals' if row['forced'] else ''}"
    if row["was"] == "pending":
        return "taken out of the queue"
    if row["was"] == "finished":
        return "had ended already"
    return "ended by force" if row["forced"] else "ended"
