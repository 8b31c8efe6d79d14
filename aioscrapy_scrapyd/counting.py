"""Renews what the running jobs have counted, by the records that they write."""

from collections.abc import Callable

from twisted.internet.threads import deferToThread

from aioscrapy_scrapyd.command import Files
from aioscrapy_scrapyd.state.job import Job


class Counting:
    """Takes over the counts of running jobs, one round at a time.

    Args:
        files: of a job.
        changed: called with each job whose counts differ.
    """

    def __init__(self, files: Callable[[Job], Files], changed: Callable[[Job], None]) -> None:
        self._files = files
        self._changed = changed
        self._busy = False

    async def renew(self, jobs: list[Job]) -> None:
        """Read the counts in a thread; nothing happens while an earlier round still reads."""
        if self._busy or not jobs:
            return
        self._busy = True
        try:
            counts = await deferToThread(lambda: [self._files(job).counts(job.pid) for job in jobs])
        finally:
            self._busy = False
        for job, counted in zip(jobs, counts, strict=True):
            if job.ended == 0 and counted != job.counts:
                job.take_counts(counted)
                self._changed(job)
