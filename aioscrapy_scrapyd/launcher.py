"""`launcher` of scrapyd.conf: the processes of the node."""

from typing import Any

import scrapyd
from scrapyd.interfaces import IJobStorage
from twisted.application.service import Service
from twisted.logger import Logger
from typing_extensions import override

from aioscrapy_scrapyd.jobview import JobView
from aioscrapy_scrapyd.node import Node
from aioscrapy_scrapyd.state.job import LIVE, Job

log = Logger()

# Threads for what blocks. All are there from the start: what waits for one that can't be started is lost.
THREADS = 10


class Launcher(Service):
    """The face of the node that Scrapyd's services and pages read.

    Attributes:
        processes: slot -> process; the `pid` of one that is being started is None.
        finished: the jobs that have ended.
        max_proc: processes at once.
    """

    name = "launcher"

    def __init__(self, config: Any, app: Any, node: Node) -> None:
        self.processes: dict[int, Any] = {}
        self.finished = app.getComponent(IJobStorage)
        self.max_proc = node.jobs.limits.slots
        self.runner = config.get("runner", "scrapyd.runner")
        self.node = node
        node.listeners.append(self._job_changed)

    @override
    def startService(self) -> None:
        super().startService()
        self.node.reactor.getThreadPool().adjustPoolsize(THREADS, THREADS)
        self.node.start()
        log.info(
            "Scrapyd {version} started: max_proc={max_proc!r}, runner={runner!r}",
            version=scrapyd.__version__,
            max_proc=self.max_proc,
            runner=self.runner,
            log_system="Launcher",
        )

    @override
    def stopService(self) -> None:
        self.node.stop()
        super().stopService()

    def _job_changed(self, job: Job) -> None:
        slot = next((slot for slot, view in self.processes.items() if _is_of(view, job)), None)
        if slot is None and job.state in LIVE:
            self.processes[job.slot] = JobView(job, self.node)
        elif slot is not None and job.state not in LIVE:
            del self.processes[slot]
        if job.ended:
            self.finished.add_job(job)


def _is_of(view: Any, job: Job) -> bool:
    return isinstance(view, JobView) and view.model is job
