"""P12: in whatever order things happen, each accepted job is in one state, the limits hold, and it ends once.

The node, its jobs and its file are the real ones. The kernel is played: processes end when a rule says so.
What the node waits for (a thread, a commit) comes when a rule says so: a crash can lie between any two steps,
and what was not committed is lost with it.
"""

import os
import tempfile
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from scrapyd.config import Config
from scrapyd.interfaces import IJobStorage
from twisted.application.service import Application
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.logger import globalLogPublisher
from twisted.python.failure import Failure

from aioscrapy_scrapyd import accepting, counting
from aioscrapy_scrapyd import node as node_module
from aioscrapy_scrapyd.jobstorage import JobStorage
from aioscrapy_scrapyd.launcher import Launcher
from aioscrapy_scrapyd.node import Node
from aioscrapy_scrapyd.processes import Exit
from aioscrapy_scrapyd.state.job import ENDED, Job, JobError, State
from aioscrapy_scrapyd.state.jobs import Jobs, Limits
from aioscrapy_scrapyd.state.schema import StoreError
from aioscrapy_scrapyd.state.store import Store

LIMITS = Limits(slots=3, per_project=2, per_spider=1)
PROJECTS, SPIDERS, IDS = ("p", "q"), ("one", "two"), tuple("abcdefghijklmnop")


class Task:
    """A process of the played kernel."""

    def __init__(self, pid: int, job: Job) -> None:
        self.pid, self.ticks, self.mark, self.key = pid, 1, job.mark, job.key
        self.left: Exit | None = None
        self.is_child = True


class Handle:
    """What a daemon has of a process: the methods of `processes.Process`."""

    def __init__(self, task: Task) -> None:
        self.task, self.pid, self.ticks = task, task.pid, task.ticks

    def signal(self, number: int) -> None:
        """Deliver nothing: the rules say when a process ends."""

    def wake(self) -> None:
        """Wake nothing."""

    def kill_group(self) -> None:
        self.task.left = self.task.left or Exit(signal=9)

    def exit(self) -> Exit:
        assert self.task.left is not None
        return self.task.left if self.task.is_child else Exit()

    def close(self) -> None:
        """Close nothing."""


class Kernel:
    """Processes, and the files that they leave."""

    def __init__(self) -> None:
        self.tasks: list[Task] = []
        self.files: dict[tuple[str, str], dict[str, Any]] = {}

    def alive(self) -> list[Task]:
        return [task for task in self.tasks if task.left is None]

    def adopt(self, pid: int, ticks: int) -> Handle | None:
        return next((Handle(task) for task in self.alive() if (task.pid, task.ticks) == (pid, ticks)), None)

    def find_marked(self, mark: str) -> Handle | None:
        return next((Handle(task) for task in self.alive() if task.mark == mark), None)


class Files:
    """The files of one job, as `command.Files`; the command of a job, as `command.Command`."""

    arguments: tuple[str, ...] = ()
    log = items = ""

    def __init__(self, kernel: Kernel, job: Job) -> None:
        self.kernel, self.job = kernel, job

    def start(self, files: "Files") -> Handle:
        if self.job.spider == "two" and len(self.kernel.tasks) % 5 == 4:
            raise OSError(11, "Resource temporarily unavailable")
        task = Task(1000 + len(self.kernel.tasks), self.job)
        self.kernel.tasks.append(task)
        self.kernel.files[self.job.key] = {}
        return Handle(task)

    def exist(self) -> bool:
        return self.job.key in self.kernel.files

    def forget(self) -> None:
        self.kernel.files.pop(self.job.key, None)

    def read(self) -> tuple[dict[str, Any], str]:
        return self.kernel.files.get(self.job.key, {}), ""

    def counts(self, pid: int) -> dict[str, Any]:
        return {"rss": pid}


class Reactor(Clock):
    """A clock that a rule advances, and the watched processes."""

    def __init__(self) -> None:
        super().__init__()
        self.readers: list[Any] = []

    def addReader(self, reader: Any) -> None:  # noqa: N802 Twisted's name
        self.readers.append(reader)

    def removeReader(self, reader: Any) -> None:  # noqa: N802 Twisted's name
        if reader in self.readers:
            self.readers.remove(reader)

    def callFromThread(self, function: Any, *arguments: Any) -> None:  # noqa: N802 Twisted's name
        function(*arguments)


class SlowStore(Store):
    """A store whose writes reach the file when a rule says so."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.waiting: list[tuple[list[Any], bool, Future[None]]] = []

    def write(self, statements: Any, *, must: bool = False) -> "Future[None]":
        done: Future[None] = Future()
        self.waiting.append((list(statements), must, done))
        return done

    def flush(self, *, fails: bool = False) -> None:
        waiting, self.waiting = self.waiting, []
        for statements, must, done in waiting:
            if fails and not must:
                done.set_exception(StoreError("the disk is full"))
            elif fails:
                self.waiting.append((statements, must, done))
            else:
                super().write(statements).result()
                done.set_result(None)


class Daemon(RuleBasedStateMachine):
    """A node that is used, crashes and is started again."""

    @initialize()
    def begin(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.kernel = Kernel()
        self.accepted: dict[tuple[str, str], int] = {}
        self.failures: list[Any] = []
        # Key of a cancelled job -> processes that it may have had then.
        self.cancelled: dict[tuple[str, str], int] = {}
        globalLogPublisher.addObserver(self.note)
        self.held: list[Any] = []
        self.patch = pytest.MonkeyPatch()
        for module in (node_module, accepting, counting):
            self.patch.setattr(module, "deferToThread", self.hold)
        self.patch.setattr(node_module.processes, "adopt", self.kernel.adopt)
        self.patch.setattr(node_module.processes, "find_marked", self.kernel.find_marked)
        self.start()

    def note(self, event: dict[str, Any]) -> None:
        if "log_failure" in event:
            self.failures.append(event["log_failure"])

    def hold(self, function: Any, *arguments: Any) -> "Deferred[Any]":
        """Do now what a thread would do; its result comes later."""
        waiting: Deferred[Any] = Deferred()
        try:
            result = function(*arguments)
        except Exception:  # noqa: BLE001 as a thread does
            result = Failure()
        self.held.append((waiting, result))
        return waiting

    def start(self) -> None:
        self.reactor, self.held = Reactor(), []
        self.store = SlowStore(Path(self.folder.name) / "node.db")
        self.node = Node(
            Jobs(LIMITS),
            self.store,
            lambda job: Files(self.kernel, job),  # type: ignore[arg-type,return-value]  # played
            lambda job: Files(self.kernel, job),  # type: ignore[arg-type,return-value]  # played
            cancel_deadline_s=5,
            reactor=self.reactor,
        )
        app = Application("node")
        app.setComponent(IJobStorage, JobStorage(Config(), self.store))
        self.launcher = Launcher(Config(), app, self.node)
        self.node.start()

    @rule(
        project=st.sampled_from(PROJECTS),
        spider=st.sampled_from(SPIDERS),
        ids=st.lists(st.sampled_from(IDS), min_size=1, max_size=3, unique=True),
        priority=st.integers(0, 2),
        retries=st.sampled_from([0, 0, 2]),
    )
    def schedule(self, project: str, spider: str, ids: list[str], priority: int, retries: int) -> None:
        jobs = [Job(project, spider, name, priority=priority, retries=retries) for name in ids]
        daemon = self.node

        def accept(answer: Any) -> None:
            for job in answer[0] if daemon is self.node else ():
                self.accepted.setdefault(job.key, job.retries)

        scheduled = Deferred.fromCoroutine(self.node.schedule(*jobs))
        scheduled.addCallback(accept).addErrback(lambda failure: failure.trap(JobError, StoreError))

    @rule(steps=st.integers(1, 8))
    def go_on(self, steps: int) -> None:
        """Let everything come that the node waits for, step by step."""
        for _ in range(steps):
            self.store.flush()
            self.deliver(1)
            self.reactor.advance(0.06)

    @rule(number=st.integers(1, 3))
    def deliver(self, number: int) -> None:
        for _ in range(number):
            if self.held:
                waiting, result = self.held.pop(0)
                waiting.callback(result)

    @rule(seconds=st.sampled_from([0.0, 0.1, 1.0]))
    def advance(self, seconds: float) -> None:
        self.reactor.advance(seconds)

    @rule(fails=st.sampled_from([False, False, False, True]))
    def flush(self, fails: bool) -> None:
        self.store.flush(fails=fails)

    @rule(which=st.integers(0, 5), status=st.sampled_from([0, 0, 7]), says=st.booleans())
    def end(self, which: int, status: int, says: bool) -> None:
        alive = self.kernel.alive()
        if alive:
            task = alive[which % len(alive)]
            task.left = Exit(status=status)
            if says:
                self.kernel.files[task.key] = {
                    "exit_status": status,
                    "reason": "finished" if not status else "error",
                }

    @rule()
    def see_ends(self) -> None:
        for reader in list(self.reactor.readers):
            if reader.process.task.left is not None:
                reader.doRead()

    @rule(which=st.integers(0, 20))
    def cancel(self, which: int) -> None:
        jobs = list(self.node.jobs)
        if jobs:
            job = jobs[which % len(jobs)]
            before = self.node.cancel(job)
            starts = sum(task.key == job.key for task in self.kernel.tasks)
            self.cancelled.setdefault(job.key, starts + (before is State.STARTING and job.pid == 0))

    @rule(ends=st.lists(st.sampled_from([0, 7]), max_size=3))
    def crash(self, ends: list[int]) -> None:
        """Kill the daemon; some processes end while none runs; start another one."""
        self.store.waiting.clear()
        self.cancelled.clear()
        self.store.close()
        for task in self.kernel.tasks:
            task.is_child = False
        for status in ends:
            self.end(0, status, True)
        self.start()

    @invariant()
    def limits_hold(self) -> None:
        live = self.node.jobs.live()
        slots = [job.slot for job in live]
        assert len(set(slots)) == len(slots) <= LIMITS.slots
        assert all(0 <= slot < LIMITS.slots for slot in slots)
        for project in PROJECTS:
            assert sum(job.project == project for job in live) <= LIMITS.per_project
            for spider in SPIDERS:
                assert (
                    sum(job.project == project and job.spider == spider for job in live) <= LIMITS.per_spider
                )

    @invariant()
    def each_live_job_is_listed(self) -> None:
        listed = {
            (view.project, view.job): (slot, view.pid) for slot, view in self.launcher.processes.items()
        }
        assert listed == {job.key: (job.slot, job.pid or None) for job in self.node.jobs.live()}

    @invariant()
    def each_job_is_in_one_place(self) -> None:
        for key in self.accepted:
            here, stored = self.node.jobs.get(*key), self.store.find(*key)
            ended = stored is not None and stored.state in ENDED
            ending = self.node.find(*key) is not None and here is None
            assert (here is not None) + (ended or ending) == 1, (key, here, stored)

    @invariant()
    def no_process_runs_twice_and_none_too_often(self) -> None:
        alive = [task.key for task in self.kernel.alive()]
        assert len(set(alive)) == len(alive)
        assert all(self.node.jobs.get(*key) for key in alive), "a process that the node does not know"
        keys = [task.key for task in self.kernel.tasks]
        for key, retries in self.accepted.items():
            assert keys.count(key) <= 1 + retries, key
        assert all(keys.count(key) <= most for key, most in self.cancelled.items()), (
            "started after its cancel"
        )

    @invariant()
    def each_end_is_counted_once(self) -> None:
        assert sum(total.jobs for total in self.store.totals()) == self.store.count_ended()

    @invariant()
    def nothing_went_wrong(self) -> None:
        assert self.failures == []

    def teardown(self) -> None:
        if not hasattr(self, "node"):
            return
        try:
            for _ in range(200):
                for task in self.kernel.alive():
                    task.left = Exit(status=0)
                self.see_ends()
                self.store.flush()
                self.deliver(9)
                self.reactor.advance(1.0)
                if not len(self.node.jobs) and not self.held and not self.store.waiting:
                    break
            assert list(self.node.jobs) == []
            assert {key for key in self.accepted if self.store.find(*key).ended == 0} == set()  # type: ignore[union-attr]  # accepted: it is there
            self.each_end_is_counted_once()
            self.nothing_went_wrong()
        finally:
            globalLogPublisher.removeObserver(self.note)
            self.patch.undo()
            self.store.close()
            self.folder.cleanup()


TestDaemon = Daemon.TestCase
TestDaemon.settings = settings(
    max_examples=int(os.environ.get("NODE_EXAMPLES", "25")),
    stateful_step_count=50,
    deadline=None,
    phases=[Phase.explicit, Phase.generate, Phase.target],
    suppress_health_check=list(HealthCheck),
)
