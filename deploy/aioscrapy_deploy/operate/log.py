"""Print the log of a job.

Examples:
  aioscrapy log 20261124T031834-9644c3-5d21aa
  aioscrapy log JOB -f                          # until the job has ended
"""

import argparse
import codecs
import sys
import time

from aioscrapy_deploy.errors import NoAnswerError, TargetError
from aioscrapy_deploy.fleet import Fleet, add_target_options, reported, warn
from aioscrapy_deploy.operate.find_jobs import JobOnNode, find_jobs_with_files
from aioscrapy_deploy.terminal.text import printable

_BLOCK = 1 << 20  # bytes at once
_LOOK_S = 1.0  # Scrapyd does not push: ask again after this time


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add_target_options(parser, as_json=False)
    parser.add_argument("job", metavar="JOB", help="id of a job, or of a crawl with one job")
    parser.add_argument("-f", "--follow", action="store_true", help="follow the log until the job ends")


@reported
def run(options: argparse.Namespace) -> int:
    """Write the log to standard output: byte by byte, on a terminal with control characters as escapes."""
    fleet = Fleet.from_options(options)
    match, *others = find_jobs_with_files(fleet, options.job)
    if others:
        names = ", ".join(other.job.id for other in (match, *others))
        raise TargetError(f"{options.job} has several jobs, each has its own log: {names}")
    log = _Log(match)
    if options.follow:
        log.follow()
    elif not log.write():
        raise TargetError(f"job {match.job.id} is {match.job.state} and has no log")
    return 0  # also if another Scrapyd is down, which was reported


class _Log:
    """The log of one job, written to standard output from where the last call ended."""

    def __init__(self, match: JobOnNode) -> None:
        self._client = match.node.client
        self._job = match.job
        self._position = 0
        self._on_terminal = sys.stdout.isatty()
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")

    def follow(self) -> None:
        """Write what is there and what comes, until the job has ended; wait for a Scrapyd that is away."""
        job = self._job
        if job.state == "pending":
            warn(f"job {job.id} is pending: waiting for its start")
        away = False
        while True:
            try:
                over = self._client.status(job.id, job.project) in {"finished", None}  # before the last look
                self.write()
                away = False
            except NoAnswerError as exc:
                if not away:
                    warn(f"{exc}; waiting for it")
                over, away = False, True
            if over:
                return
            time.sleep(_LOOK_S)

    def write(self) -> bool:
        """Write the rest of the log; returns whether there is a log."""
        while True:
            block = self._client.log(self._job, self._position, _BLOCK)
            if not block:
                return block is not None
            self._position += len(block)
            if self._on_terminal:
                sys.stdout.write(printable(self._decoder.decode(block)))
                sys.stdout.flush()
            else:
                sys.stdout.buffer.write(block)
                sys.stdout.buffer.flush()
