"""Cancel jobs: gracefully, and after a deadline by force.

Examples:
  aioscrapy cancel JOB
  aioscrapy cancel 20261124T031834-9644c3       # all jobs of a crawl
  aioscrapy cancel --all --timeout 60
"""

import argparse
import time
from typing import Any

from aioscrapy_deploy.errors import ScrapydError, ServerError, TargetError
from aioscrapy_deploy.fleet import Fleet, add_target_options, reported, warn
from aioscrapy_deploy.operate.find_jobs import JobOnNode, all_jobs, find_jobs
from aioscrapy_deploy.terminal.option_types import seconds
from aioscrapy_deploy.terminal.table import print_json
from aioscrapy_deploy.terminal.text import printable

GRACE_S = 15.0  # a job of ours ends within 10 seconds: SHUTDOWN_TIMEOUT, and the rest
_FORCED_S = 10.0  # for the end after the second signal
_LOOK_S = 0.5  # Scrapyd has no message for the end of a job: look again after this time
_Rows = dict[tuple[str, str, str], dict[str, Any]]


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add_target_options(parser)
    parser.add_argument("jobs", nargs="*", metavar="JOB", help="id of a job, or of a crawl of `schedule`")
    parser.add_argument("--all", action="store_true", help="all pending and running jobs of the project")
    parser.add_argument(
        "--timeout",
        type=seconds,
        default=GRACE_S,
        metavar="SECONDS",
        help=f"seconds until a second signal ends jobs that still run (default: {GRACE_S:g}; 0: at once)",
    )


@reported
def run(options: argparse.Namespace) -> int:
    """Return when all jobs have ended; 1 if a job has not ended, or a Scrapyd failed."""
    if options.all == bool(options.jobs):
        raise TargetError("which jobs? Name them, or use --all")
    fleet = Fleet.from_options(options)
    project = fleet.needed_project if options.all else ""
    jobs = all_jobs(fleet) if options.all else find_jobs(fleet, options.jobs)
    jobs = [job for job in jobs if not (options.all and job.job.state == "finished")]
    rows = {job.key: _row(job) for job in jobs}
    alive = _signal(fleet, [job for job in jobs if job.job.state != "finished"], rows)
    alive = _wait(fleet, alive, options.timeout)
    if alive:
        for job in alive:
            rows[job.key]["forced"] = True
        alive = _wait(fleet, _signal(fleet, alive, rows), _FORCED_S)
    for job in alive:
        rows[job.key]["ended"] = False
    if options.json:
        print_json(list(rows.values()))
    else:
        _print(list(rows.values()), project)
    return fleet.status if all(row["ended"] for row in rows.values()) else 1


def _row(job: JobOnNode) -> dict[str, Any]:
    return {
        "job": job.job.id,
        "node": job.node.name,
        "was": job.job.state,
        "forced": False,
        "ended": True,
    }


def _signal(fleet: Fleet, jobs: list[JobOnNode], rows: _Rows) -> list[JobOnNode]:
    """Cancel every job once; returns those that were running. `rows` get the state of each before.

    All jobs of a crawl on a node are cancelled by one request.
    """
    running = []
    for word, group in _groups(jobs):
        try:
            states = _cancel_crawl(word, group) if len(group) > 1 else [_cancel(group[0])]
        except ServerError as exc:
            fleet.failed(exc)
            for job in group:
                rows[job.key]["ended"] = False
            continue
        for job, state in zip(group, states, strict=True):
            if not rows[job.key]["forced"]:
                rows[job.key]["was"] = state or "finished"
            if state == "running":
                running.append(job)
    return running


def _groups(jobs: list[JobOnNode]) -> list[tuple[str, list[JobOnNode]]]:
    """Return the words for cancel.json, ids of crawls or jobs, and the jobs that each stands for."""
    groups: dict[tuple[str, str, str], list[JobOnNode]] = {}
    for job in jobs:
        groups.setdefault((job.node.name, job.job.project, job.job.crawl or job.job.id), []).append(job)
    return [(word, group) for (_, _, word), group in groups.items()]


def _cancel_crawl(crawl: str, jobs: list[JobOnNode]) -> list[str | None]:
    """Cancel all jobs of a crawl on a node by one request; returns the states that they had.

    A node counts down by itself, so a second cancel in haste is the forceful one: the request is not sent
    again for a single job.
    """
    client = jobs[0].node.client
    project = jobs[0].job.project
    try:
        client.cancel(project, crawl)
    except ScrapydError:
        raise
    except ServerError as exc:
        warn(f"{exc}: {len(jobs)} jobs of crawl {crawl} may run on")
    return [job.job.state for job in jobs]


def _cancel(job: JobOnNode) -> str | None:
    """Send one signal; returns the state before, after an unclear answer as far as it is known.

    The signal may have arrived then: another one in haste would be the forceful one.
    """
    client = job.node.client
    try:
        return client.cancel(job.job.project, job.job.id)
    except ScrapydError:
        raise
    except ServerError as exc:
        state = client.status(job.job.id, job.job.project)
        if state == "pending":
            raise
        warn(f"{exc}: the job is {state or 'unknown'} now")
        return "running" if state == "running" else job.job.state


def _wait(fleet: Fleet, jobs: list[JobOnNode], timeout_s: float) -> list[JobOnNode]:
    """Return the jobs that still run when the time is over; [] as soon as all have ended."""
    deadline = time.monotonic() + timeout_s
    try:
        while True:
            answers = fleet.map(jobs, lambda job: job.node.client.status(job.job.id, job.job.project))
            ended = {job.key for job, state in answers if state in {"finished", None}}
            jobs = [job for job in jobs if job.key not in ended]
            if not jobs or time.monotonic() >= deadline:
                return jobs
            time.sleep(min(_LOOK_S, timeout_s))
    except KeyboardInterrupt:
        warn(f"stopped waiting: {len(jobs)} jobs have got the signal and may still run")
        raise


def _print(rows: list[dict[str, Any]], project: str) -> None:
    if not rows:
        print(f"No job of project {project} is pending or running")
    for row in rows:
        print(printable(f"{row['job']}: {_text(row)}"))


def _text(row: dict[str, Any]) -> str:
    if not row["ended"]:
        return f"not known to have ended{', after two signals' if row['forced'] else ''}"
    if row["was"] == "pending":
        return "removed from the queue"
    if row["was"] == "finished":
        return "had ended already"
    return "ended by force" if row["forced"] else "ended"
