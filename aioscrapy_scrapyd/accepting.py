"""Takes in new jobs: one id is one job, whoever asks at the same time, and all of a call or none."""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Any

from twisted.internet.threads import deferToThread

from aioscrapy_scrapyd.state.job import Job, JobError
from aioscrapy_scrapyd.state.jobs import Jobs
from aioscrapy_scrapyd.state.store import Store
from aioscrapy_scrapyd.watch import committed


class Accepting:
    """The way of a job into the jobs of a node and into its file.

    Args:
        jobs: those that have not ended.
        store: keeps them.
        find: returns a job that is not, or not only, in the file.
        reactor: Twisted's.
    """

    def __init__(
        self, jobs: Jobs, store: Store, find: Callable[[str | None, str], Job | None], reactor: Any
    ) -> None:
        self._jobs = jobs
        self._store = store
        self._find = find
        self._reactor = reactor
        self._saving: dict[tuple[str, str], Future[None]] = {}

    async def accept(self, jobs: Sequence[Job]) -> tuple[list[Job], bool]:
        """Take in jobs, all or none; returns them and True, or the job that has the first id and False.

        Raises:
            JobError: another one than the first has the id of a known job.
            StoreError: they could not be written: none is accepted.
        """
        known = await self._first_known(jobs)
        while known is None and any(self._is_taken(job) for job in jobs):  # another call was quicker
            known = await self._first_known(jobs)
        if known is not None:
            return [known], False
        for job in jobs:
            job.created = time.time()
            self._jobs.number(job)
        saving = self._store.save(*jobs)
        self._saving |= {job.key: saving for job in jobs}
        try:
            await committed(saving, self._reactor)
        finally:
            for job in jobs:
                del self._saving[job.key]
        for job in jobs:  # not before: a job that starts has been accepted
            self._jobs.add(job)
        return list(jobs), True

    def _is_taken(self, job: Job) -> bool:
        return job.key in self._saving or self._find(*job.key) is not None

    async def _first_known(self, jobs: Sequence[Job]) -> Job | None:
        """Return the job that has the id of the first one, if there is one; no other may exist."""
        for job in jobs:
            known = await self._known(job)
            if known is not None and known.spider != job.spider:
                raise JobError(f"there is a job {job.id!r} of spider {known.spider!r} already")
            if known is not None and job is jobs[0]:
                return known
            if known is not None:
                raise JobError(f"there is a job {job.id!r} already")
        return None

    async def _known(self, job: Job) -> Job | None:
        """Return the job that has this id: the same id is the same job, also if it has ended."""
        if saving := self._saving.get(job.key):  # another call, whose job may still be refused
            await committed(saving, self._reactor)
        here = self._find(*job.key)
        if here is not None:
            return here
        stored = await deferToThread(self._store.find, *job.key)
        return self._find(*job.key) or stored  # another call may have been quicker
