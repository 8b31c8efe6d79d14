"""Show the log of a job.

aioscrapy log 20261124T031834-9644c3-5d21aa
aioscrapy log JOB -f                          # until the job has ended
"""

import argparse
import sys
import time

from aioscrapy_deploy.errors import NoAnswerError, TargetError
from aioscrapy_deploy.fleet import Fleet, add_target_options, reported, warn
from aioscrapy_deploy.operate.find_jobs import Found, find_files

_BLOCK = 1 << 20  # bytes at once
_LOOK_S = 1.0  # Scrapyd sends nothing by itself: look again after this time


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add_target_options(parser, as_json=False)
    parser.add_argument("job", metavar="JOB", help="a job, or a crawl of one job")
    parser.add_argument("-f", "--follow", action="store_true", help="go on until the job has ended")


@reported
def run(options: argparse.Namespace) -> int:
    """Write the log to standard output as it is."""
    fleet = Fleet.from_options(options)
    found, *others = find_files(fleet, options.job)
    if others:
        names = ", ".join(each.job.id for each in (found, *others))
        raise TargetError(f"{options.job} has several jobs, each with a log of its own: {names}")
    if options.follow:
        _follow(found)
    elif _write(found, 0) is None:
        raise TargetError(f"job {found.job.id} is {found.job.state} and has no log")
    return 0  # also where another Scrapyd is down, which was told


def _follow(found: Found) -> None:
    """Write what is there, and what comes, until the job has ended; a Scrapyd that is away is waited for."""
    client, job = found.node.client, found.job
    if job.state == "pending":
        warn(f"job {job.id} is pending: waiting for its start")
    position, away = 0, False
    while True:
        try:
            over = client.status(job.id, job.project) in {"finished", None}  # asked before the last look
            position = _write(found, position) or position
            away = False
        except NoAnswerError as exc:
            if not away:
                warn(f"{exc}; waiting for it")
            over, away = False, True
        if over:
            return
        time.sleep(_LOOK_S)


def _write(found: Found, position: int) -> int | None:
    """Write the log from this byte on; returns where it ends now, None where there is no log."""
    while True:
        block = found.node.client.log(found.job, position, _BLOCK)
        if not block:
            return None if block is None else position
        sys.stdout.buffer.write(block)
        sys.stdout.buffer.flush()
        position += len(block)
