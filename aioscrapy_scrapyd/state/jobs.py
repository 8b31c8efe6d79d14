"""All jobs of a node that have not ended, and the rule which one starts next. No I/O."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from aioscrapy_scrapyd.state.job import LIVE, Job, State


@dataclass(frozen=True)
class Limits:
    """Processes at once: of the node, of one project, of one spider; 0 for no limit."""

    slots: int
    per_project: int = 0
    per_spider: int = 0


class Jobs:
    """The pending and live jobs, by project and id."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self._jobs: dict[tuple[str, str], Job] = {}
        self._pending: dict[tuple[str, str], Job] = {}
        self._seq = 0

    def __len__(self) -> int:
        return len(self._jobs)

    def __iter__(self) -> Iterator[Job]:
        return iter(list(self._jobs.values()))

    def add(self, job: Job) -> None:
        """Take in a job; a new one (without a number) goes behind those that came before."""
        if not job.seq:
            self.number(job)
        self._seq = max(self._seq, job.seq)
        self._jobs[job.key] = job
        if job.state is State.PENDING:
            self._pending[job.key] = job

    def number(self, job: Job) -> None:
        """Give a new job its number: behind those that came before."""
        self._seq += 1
        job.seq = self._seq

    def get(self, project: str, job: str) -> Job | None:
        """Return a job that has not ended."""
        return self._jobs.get((project, job))

    def pending(self, project: str | None = None) -> list[Job]:
        """Return the waiting jobs, the next one of a project first."""
        jobs = [job for job in self._pending.values() if project is None or job.project == project]
        return sorted(jobs, key=starting_order)

    def count_pending(self, project: str | None = None) -> int:
        """Return how many jobs wait."""
        if project is None:
            return len(self._pending)
        return sum(job.project == project for job in self._pending.values())

    def live(self) -> list[Job]:
        """Return the jobs that have a slot."""
        return [job for job in self._jobs.values() if job.state in LIVE]

    def free_slot(self) -> int | None:
        """Return the lowest slot without a job; None if all are taken."""
        taken = {job.slot for job in self.live()}
        return next((slot for slot in range(self.limits.slots) if slot not in taken), None)

    def next(self) -> Job | None:
        """Return the job to start now; None if nothing may start.

        The highest priority first. Of equal ones, that of the project which has the fewest processes; of
        equal projects, the oldest job.
        """
        live = self.live()
        if len(live) >= self.limits.slots:
            return None
        projects = Counter(job.project for job in live)
        spiders = Counter((job.project, job.spider) for job in live)
        limits = self.limits
        startable = (
            job
            for job in self._pending.values()
            if not (limits.per_project and projects[job.project] >= limits.per_project)
            and not (limits.per_spider and spiders[job.project, job.spider] >= limits.per_spider)
        )
        return min(startable, key=lambda job: (-job.priority, projects[job.project], job.seq), default=None)

    def claim(self, job: Job, slot: int, now: float) -> None:
        """Give a waiting job a slot."""
        del self._pending[job.key]
        job.state, job.slot, job.started = State.STARTING, slot, now

    def requeue(self, job: Job) -> None:
        """Let a job wait again, at its old place."""
        job.state, job.slot, job.started, job.pid, job.ticks = State.PENDING, -1, 0.0, 0, 0
        job.stop_asked, job.kill_at, job.stage = 0.0, 0.0, 0
        self._pending[job.key] = job

    def remove(self, job: Job) -> None:
        """Forget a job that has ended."""
        self._pending.pop(job.key, None)
        self._jobs.pop(job.key, None)


def starting_order(job: Job) -> tuple[float, int]:
    """Return what sorts waiting jobs of a project: the next one first."""
    return -job.priority, job.seq
