"""`jobstorage` of scrapyd.conf: the jobs that have ended."""

from collections import deque
from collections.abc import Iterator
from typing import Any

from scrapyd.interfaces import IJobStorage
from zope.interface import implementer

from aioscrapy_scrapyd.jobview import JobView
from aioscrapy_scrapyd.state.job import Job, State
from aioscrapy_scrapyd.state.store import Store


@implementer(IJobStorage)
class JobStorage:
    """The newest `finished_to_keep` ended jobs in memory; the store has all of them."""

    def __init__(self, config: Any, store: Store) -> None:
        self._store = store
        self._recent: deque[Any] = deque(maxlen=config.getint("finished_to_keep", 100))
        self._recent.extendleft(JobView(job) for job in store.ended(self._recent.maxlen or 100))
        self._count = store.count_ended()

    def add_job(self, job: Job) -> None:
        """Take in a job that has just ended; the node has written it."""
        self._recent.append(JobView(job))
        self._count += 1

    def add(self, job: Any) -> None:
        """Take in a job that another launcher has run."""
        model = Job(job.project, job.spider, job.job, state=State.FINISHED)
        model.started, model.ended = job.start_time.timestamp(), job.end_time.timestamp()
        model.created, model.pid = model.started, job.pid or 0
        self._store.save(model, must=True)
        self._recent.append(job)
        self._count += 1

    def list(self) -> "list[Any]":
        """Return the newest jobs first."""
        return list(self)

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[Any]:
        yield from reversed(self._recent)
