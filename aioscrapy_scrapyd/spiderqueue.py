"""`spiderqueue` of scrapyd.conf: the waiting jobs of one project."""

import time
from collections.abc import Callable
from typing import Any

from aioscrapy_scrapyd.jobview import message_of
from aioscrapy_scrapyd.node import Node
from aioscrapy_scrapyd.state.folder import job_of


class SpiderQueue:
    """The face of the node that Scrapyd's services read as the queue of a project."""

    def __init__(self, node: Node, project: str) -> None:
        self._node = node
        self._project = project

    def add(self, name: str, priority: float = 0.0, **message: Any) -> None:
        """Put a job behind those of its priority. It is on the disk a moment later."""
        job = job_of(self._project, priority, {"name": name, **message}, created=time.time())
        self._node.jobs.add(job)
        self._node.store.save(job, must=True)
        self._node.wake()

    def count(self) -> int:
        """Return how many jobs wait."""
        return self._node.jobs.count_pending(self._project)

    def list(self) -> "list[dict[str, Any]]":
        """Return the messages of the waiting jobs, the next one first."""
        return [message_of(job) for job in self._node.jobs.pending(self._project)]

    def remove(self, func: Callable[[dict[str, Any]], bool]) -> int:
        """Cancel the waiting jobs whose message `func` accepts; returns how many."""
        jobs = [job for job in self._node.jobs.pending(self._project) if func(message_of(job))]
        for job in jobs:
            self._node.cancel(job)
        return len(jobs)

    def clear(self) -> None:
        """Cancel all waiting jobs."""
        self.remove(lambda _: True)
