"""The node: the one owner of all jobs in a daemon. What happens to a job, happens here."""

import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from twisted.internet.threads import deferToThread
from twisted.logger import Logger

from aioscrapy_scrapyd import processes
from aioscrapy_scrapyd.accepting import Accepting
from aioscrapy_scrapyd.command import Command, Files, leave_reason
from aioscrapy_scrapyd.counting import Counting
from aioscrapy_scrapyd.daemonlog import one_line, say, say_waiting
from aioscrapy_scrapyd.endrecord import ending_of, exit_status_of
from aioscrapy_scrapyd.oom import OutOfMemoryKills
from aioscrapy_scrapyd.processes import Exit, Process, run_seconds
from aioscrapy_scrapyd.state.job import Job, State
from aioscrapy_scrapyd.state.jobs import Jobs
from aioscrapy_scrapyd.state.schema import StoreError
from aioscrapy_scrapyd.state.store import Store
from aioscrapy_scrapyd.stopping import Stopping
from aioscrapy_scrapyd.watch import Listeners, ProcessWatch, committed, in_background, in_threads

log = Logger()

# Seconds between two looks at deadlines, and between two starts of processes: requests go before starts.
TICK_S = 0.5
SPAWN_PAUSE_S = 0.05


class Node:
    """The jobs of this daemon.

    Args:
        jobs: those that have not ended; empty, `start` fills it.
        store: keeps them.
        command: makes the command of a job; called in a thread, for it looks at disks.
        files: of a job.
        cancel_deadline_s: seconds from a cancel to the second SIGINT.
        reactor: Twisted's.
    """

    def __init__(
        self,
        jobs: Jobs,
        store: Store,
        command: Callable[[Job], Command],
        files: Callable[[Job], Files],
        *,
        cancel_deadline_s: float,
        reactor: Any,
    ) -> None:
        self.jobs = jobs
        self.store = store
        # Called after each change of a job's state or counts.
        self.listeners = Listeners()
        self._command = command
        self.files = files
        self._stopping = Stopping(cancel_deadline_s)
        self.reactor = reactor
        self._watches: dict[tuple[str, str], ProcessWatch] = {}
        self._boot_id = processes.boot_id()
        self._running = False
        self._tick: Any = None
        self._claim_call: Any = None
        self._claiming = False
        self._counting = Counting(files, self._changed)
        self._problem = ""
        self._kills = OutOfMemoryKills()
        self._accepting = Accepting(jobs, store, self.find, reactor)
        self._ending: dict[tuple[str, str], Job] = {}

    # The life of a job: schedule -> _claim -> _start -> (cancel, _look) -> _ended.

    async def schedule(self, *jobs: Job) -> tuple[list[Job], bool]:
        """Take in jobs, all or none; returns them and True, or the job that has the first id and False.

        Raises:
            JobError: another one than the first has the id of a known job.
            StoreError: they could not be written: none is accepted.
        """
        accepted, is_new = await self._accepting.accept(jobs)
        if is_new:
            for job in accepted:
                self._changed(job)
            self.wake()
        return accepted, is_new

    def find(self, project: str | None, job: str) -> Job | None:
        """Return a job that has not ended, or whose end is not in the file yet."""
        if project is not None:
            return self.jobs.get(project, job) or self._ending.get((project, job))
        return next((one for one in [*self.jobs, *self._ending.values()] if one.id == job), None)

    def cancel(self, job: Job, user: str = "", *, number: int = signal.SIGINT, reason: str = "") -> State:
        """Stop a job; returns the state that it had.

        A waiting one ends at once. A process gets `number`; at the deadline SIGINT again, then SIGKILL, with
        its whole group. A second cancel shortens that to a second.
        """
        before = job.state
        job.reason = reason or (f"cancelled by {user}" if user else "cancelled")
        if before is State.PENDING:
            job.stop_asked = time.time()
            self._end(job, State.CANCELLED, job.reason)
            return before
        self._stopping.begin(job, self.process_of(job), number)
        self.reactor.callLater(job.due - time.monotonic(), self._stop_due)
        self._save(job)
        return before

    def wake(self) -> None:
        """Start what can start, soon."""
        if self._running and self._claim_call is None and not self._claiming:
            self._claim_call = self.reactor.callLater(0, self._claim)

    def start(self) -> None:
        """Take over the jobs of the file: waiting ones wait on, living processes are watched again."""
        self._running = True
        for job in self.store.live():
            self.jobs.add(job)
            if job.state is not State.PENDING:
                self._changed(job)
                self._take_over(job)
        self._tick = self.reactor.callLater(TICK_S, self._look)
        self.wake()

    def stop(self) -> None:
        """Start nothing more and write what waits; processes live on, and the next daemon takes them over."""
        self._running = False
        for call in (self._tick, self._claim_call):
            if call is not None and call.active():
                call.cancel()
        for watch in self._watches.values():
            self.reactor.removeReader(watch)
        say_waiting(self.jobs.count_pending())
        self.store.close()

    def process_of(self, job: Job) -> Process | None:
        """Return the process of a live job, once it has started."""
        watch = self._watches.get(job.key)
        return watch.process if watch is not None else None

    def _claim(self) -> None:
        self._claim_call = None
        job, slot = self.jobs.next(), self.jobs.free_slot()
        if job is None or slot is None or not self._running:
            return
        self.jobs.claim(job, slot, time.time())
        self._claiming = True
        self._changed(job)
        in_background(self._spawn(job))

    async def _spawn(self, job: Job) -> None:
        """Give a claimed job its process; the claim is on the disk before that, so that it is not lost."""
        pause_s = SPAWN_PAUSE_S
        try:
            await committed(self.store.save(job), self.reactor)
        except StoreError as exc:
            if str(exc) != self._problem:
                log.error("Job {job} waits: {problem}", job=job.mark, problem=str(exc))
            self._problem = str(exc)
            self._wait_again(job)
            pause_s = TICK_S
        else:
            self._problem = ""
            await self._start(job)
        finally:
            self._claiming = False
            if self._running and self._claim_call is None:
                self._claim_call = self.reactor.callLater(pause_s, self._claim)

    async def _start(self, job: Job) -> None:
        try:
            command = await deferToThread(self._command, job)
            job.log, job.items = command.log, command.items
            if job.stop_asked:
                self._end(job, State.CANCELLED, job.reason)
                return
            process = await deferToThread(command.start, self.files(job))
        except Exception as exc:  # noqa: BLE001 whatever fails to start must not cost a slot
            self._end(job, State.FAILED, f"could not be started: {one_line(exc)}")
            return
        job.pid, job.ticks, job.boot_id = process.pid, process.ticks, self._boot_id
        if job.state is State.STARTING:
            job.state = State.RUNNING
        else:  # cancelled while it was being started
            process.signal(signal.SIGINT)
        say("Process started", job, args=command.arguments)
        self._watch(job, process)
        self._save(job)

    def _watch(self, job: Job, process: Process) -> None:
        watch = self._watches[job.key] = ProcessWatch(
            process, lambda: in_background(self._ended(job, process))
        )
        self.reactor.addReader(watch)

    def _take_over(self, job: Job) -> None:
        """Find the process of a job that an earlier daemon started, or its end."""
        if job.boot_id and job.boot_id != self._boot_id:
            job.reason = job.reason or "the machine was started again while it ran"
            in_background(self._end_or_retry(job, Exit()))
            return
        process = processes.adopt(job.pid, job.ticks) if job.pid else processes.find_marked(job.mark)
        if process is not None:
            job.pid, job.ticks, job.boot_id = process.pid, process.ticks, self._boot_id
            job.state = State.RUNNING if job.state is State.STARTING else job.state
            log.info("Took over job {job}: pid {pid}", job=job.mark, pid=job.pid)
            if job.state is State.STOPPING:
                self._stopping.take_over(job)
            self._watch(job, process)
            self._save(job)
        elif job.pid:
            in_background(self._end_or_retry(job, Exit()))
        elif job.state is State.STOPPING:
            self._end(job, State.CANCELLED, job.reason)
        else:  # the daemon died between the claim and the note of the pid
            in_background(self._start_over(job))

    async def _start_over(self, job: Job) -> None:
        """Let a claimed job wait again if its process never started, else note that it has ended."""
        if await deferToThread(self.files(job).exist):
            await self._end_or_retry(job, Exit())
        else:
            self._wait_again(job)

    def _wait_again(self, job: Job) -> None:
        """Let a job without a process wait; one that was cancelled in the meantime has ended."""
        if job.stop_asked:
            self._end(job, State.CANCELLED, job.reason)
            return
        self.jobs.requeue(job)
        self._save(job)
        self.wake()

    async def _ended(self, job: Job, process: Process) -> None:
        """Note the end of a process; its pidfd is readable."""
        self.reactor.removeReader(self._watches.pop(job.key))
        if job.stop_asked:
            process.kill_group()  # before it is reaped: the number can't belong to another group yet
        left = process.exit()
        process.close()
        await self._end_or_retry(job, left)

    async def _end_or_retry(self, job: Job, left: Exit) -> None:
        record, stderr = await deferToThread(self.files(job).read)
        no_memory = left.signal == signal.SIGKILL and not job.stop_asked and self._kills.explains()
        ending = ending_of(job, left, record, stderr, no_memory=no_memory)
        job.exit_status = exit_status_of(left, record)
        job.signal = left.signal or 0
        job.take_counts(ending.counts)
        if ending.state is State.FAILED and job.attempt <= job.retries:
            log.info("Job {job} failed ({reason}) and is tried again", job=job.mark, reason=ending.reason)
            await deferToThread(self.files(job).forget)
            if not job.stop_asked:
                job.attempt, job.reason = job.attempt + 1, ""
            self._wait_again(job)
        else:
            self._end(job, ending.state, ending.reason)

    def _end(self, job: Job, state: State, reason: str) -> None:
        job.state, job.reason, job.ended, job.kill_at = state, reason, time.time(), 0.0
        self.jobs.remove(job)
        say("Process died" if state is State.FAILED else "Process finished", job, reason=reason)
        if job.log:
            in_threads(leave_reason, Path(job.log), state, reason)
        self._ending[job.key] = job
        self.store.end(job).add_done_callback(lambda _: self._ending.pop(job.key, None))
        self._changed(job)
        self.wake()

    def _look(self) -> None:
        """Go on with the stops whose deadline has come, and stop what runs longer than it may."""
        self._tick = self.reactor.callLater(TICK_S, self._look)
        live = self.jobs.live()
        if live:
            self._kills.look()
            in_background(self._counting.renew([job for job in live if job.pid]))
        for job in live:
            if job.state is State.RUNNING and job.timeout_s and run_seconds(job.ticks) >= job.timeout_s:
                self.cancel(job, reason=f"ran longer than {job.timeout_s:g} s")
        self._stop_due()
        self.wake()

    def _stop_due(self) -> None:
        for job in self.jobs.live():
            if job.state is State.STOPPING and self._stopping.go_on(job, self.process_of(job)):
                self._save(job)

    def problems(self) -> list[str]:
        """Return what is wrong with the node, one line each."""
        return [self.store.problem] if self.store.problem else []

    def _changed(self, job: Job) -> None:
        self.listeners.call(job)

    def _save(self, job: Job) -> None:
        self.store.save(job, must=True)
        self._changed(job)
