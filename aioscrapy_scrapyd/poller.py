"""`poller` of scrapyd.conf: the queues of all projects."""

from typing import Any

from scrapyd.interfaces import IPoller
from scrapyd.utils import get_project_list
from twisted.internet.defer import Deferred, succeed
from zope.interface import implementer

from aioscrapy_scrapyd.node import Node
from aioscrapy_scrapyd.spiderqueue import SpiderQueue


@implementer(IPoller)
class Poller:
    """The face of the node that Scrapyd asks for the queues; the node itself starts the jobs.

    Attributes:
        queues: project -> queue.
    """

    def __init__(self, config: Any, node: Node) -> None:
        self.config = config
        self.queues: dict[str, SpiderQueue] = {}
        self._node = node
        self.update_projects()

    def poll(self) -> "Deferred[None]":
        """Start what can start."""
        self._node.wake()
        return succeed(None)

    def next(self) -> "Deferred[Any]":
        """Return what never fires: the node hands its jobs to no launcher."""
        return Deferred()

    def update_projects(self) -> None:
        """Look again which projects there are."""
        names = dict.fromkeys([*get_project_list(self.config), *(job.project for job in self._node.jobs)])
        self.queues = {name: self.queues.get(name) or SpiderQueue(self._node, name) for name in names}
