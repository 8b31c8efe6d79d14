"""Ended jobs as the pages read them: an answer is kept until a job ends, so a page that follows is cheap."""

import time
from collections import OrderedDict, deque
from collections.abc import Callable, Hashable
from dataclasses import replace
from typing import Any

from twisted.internet.threads import deferToThread

from aioscrapy_scrapyd.state.history import Filter
from aioscrapy_scrapyd.state.job import Job
from aioscrapy_scrapyd.state.store import Store

# Answers that are kept, and seconds for which one is.
ANSWERS = 200
KEPT_S = 20.0
# Seconds in which the end of a job reaches the file, at the latest: until then it is added to the answers.
RECENT_S = 30.0
RECENT = 500

Place = tuple[float, int]


class EndedJobs:
    """The ended jobs of a node; a listener of it.

    Args:
        store: the file that has them all.
        clock: seconds since 1970.
    """

    def __init__(self, store: Store, clock: Callable[[], float] = time.time) -> None:
        self._store = store
        self._clock = clock
        self._number = 0
        self._recent: deque[Job] = deque(maxlen=RECENT)
        self._answers: OrderedDict[Hashable, tuple[int, float, Any]] = OrderedDict()

    def job_changed(self, job: Job) -> None:
        """Note the end of a job."""
        if job.ended:
            self._number += 1
            self._recent.append(replace(job))

    def recent(self, project: str, job: str) -> Job | None:
        """Return a job that has ended just now."""
        return next((one for one in reversed(self._recent) if one.key == (project, job)), None)

    async def page(self, limit: int, only: Filter, before: Place | None) -> list[Job]:
        """Return ended jobs, the newest first, behind the (ended, seq) of `before`.

        Raises:
            StoreError: the file can't be read.
        """
        key = "page", limit, only, before
        jobs: list[Job] = await self._answer(key, lambda: self._store.ended(limit, only, before))
        since = self._clock() - RECENT_S
        fresh = [job for job in self._recent if job.ended >= since and _passes(only, job, before)]
        if not fresh:
            return jobs
        rows = {job.key: job for job in (*jobs, *fresh)}
        return sorted(rows.values(), key=_place, reverse=True)[:limit]

    async def counts(self, only: Filter) -> dict[str, int]:
        """Return state -> number of the ended jobs."""
        counts: dict[str, int] = await self._answer(("counts", only), lambda: self._store.ended_counts(only))
        return counts

    async def _answer(self, key: Hashable, read: Callable[[], Any]) -> Any:
        now = self._clock()
        number, until, answer = self._answers.get(key, (-1, 0.0, None))
        if number != self._number or not now < until <= now + KEPT_S:
            number = self._number
            answer = await deferToThread(read)
            self._answers[key] = number, self._clock() + KEPT_S, answer
            if len(self._answers) > ANSWERS:
                self._answers.popitem(last=False)
        return answer


def _passes(only: Filter, job: Job, before: Place | None) -> bool:
    is_behind = before is None or _place(job) < before
    return is_behind and only.accepts(job) and not (only.until and job.ended >= only.until)


def _place(job: Job) -> Place:
    return job.ended, job.seq
