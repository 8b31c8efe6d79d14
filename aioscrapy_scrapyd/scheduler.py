"""The scheduler of a node: puts jobs into the queues that the poller has."""

from typing import Any

from scrapyd.interfaces import ISpiderScheduler
from zope.interface import implementer

from aioscrapy_scrapyd.poller import Poller


@implementer(ISpiderScheduler)
class SpiderScheduler:
    """Scrapyd's scheduler over the poller's queues, so that both see the same jobs."""

    def __init__(self, poller: Poller) -> None:
        self._poller = poller

    @property
    def queues(self) -> dict[str, Any]:
        """The queues: project -> queue."""
        return self._poller.queues

    def schedule(self, project: str, name: str, priority: float = 0.0, **message: Any) -> None:
        """Put a job into the queue of its project."""
        self._poller.queues[project].add(name, priority=priority, **message)

    def list_projects(self) -> list[str]:
        """Return the names of all projects."""
        return list(self._poller.queues)

    def update_projects(self) -> None:
        """Look again which projects there are."""
        self._poller.update_projects()
