"""What happens on the node, as counts per minute: of each running job, and of all together."""

import time
from collections import deque
from collections.abc import Callable
from itertools import islice

from aioscrapy_scrapyd.state.job import Job

# Seconds of one step of the history, and its steps: half an hour.
STEP_S = 10.0
STEPS = 180
# Seconds over which the rate of a job is taken.
WINDOW_S = 60.0

Counts = tuple[int, int]


class Activity:
    """A listener of the node. Time is that of this process: a clock that is set must not make rates.

    Args:
        clock: seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._begin = time.time()
        self._jobs: dict[tuple[str, str], deque[tuple[float, Counts]]] = {}
        self._steps: dict[str, deque[list[int]]] = {}  # project -> [pages, items] of each step
        self._step = int(clock() / STEP_S)

    def job_changed(self, job: Job) -> None:
        """Add what the job has counted since its last change."""
        counts = int(job.counts.get("pages") or 0), int(job.counts.get("items") or 0)
        now = self._clock()
        known = self._jobs.get(job.key)
        if known is None:
            is_old = 0 < job.started < self._begin  # it counted before this daemon began
            known = self._jobs[job.key] = deque([(now, counts if is_old else (0, 0))])
        more = [max(0, new - old) for new, old in zip(counts, known[-1][1], strict=True)]
        if any(more):
            self._advance()
            current = self._steps.setdefault(job.project, deque([[0, 0]] * STEPS, STEPS))
            current[-1] = [old + new for old, new in zip(current[-1], more, strict=True)]
        known.append((now, counts))
        while known[1][0] < now - WINDOW_S:
            known.popleft()
        if job.ended:
            del self._jobs[job.key]

    def pages_per_minute(self, job: Job) -> float | None:
        """Return the rate of a running job in the last minute; of an ended one over its whole time."""
        if not job.started:
            return None
        known = self._jobs.get(job.key)
        if known is None:
            seconds = job.ended - job.started
            pages = job.counts.get("pages")
            return pages * 60 / seconds if pages is not None and seconds > 0 else None
        (begin, (first, _)), (_, (last, _)) = known[0], known[-1]
        seconds = self._clock() - begin
        return (last - first) * 60 / seconds if seconds >= 1 else None

    def history(self, sees: Callable[[str], bool], parts: int = 60) -> tuple[list[int], list[int]]:
        """Return pages and items per minute of the last half an hour, the oldest first.

        Args:
            sees: returns True for the projects that count.
            parts: numbers that come back.
        """
        self._advance()
        steps = [steps for project, steps in self._steps.items() if sees(project)]
        sums = [[sum(step[kind] for step in at) for at in zip(*steps, strict=True)] for kind in (0, 1)]
        width = STEPS // parts
        per_minute = 60 / (STEP_S * width)
        pages, items = (
            [round(sum(islice(one, at, at + width)) * per_minute) for at in range(0, STEPS, width)]
            for one in (total or [0] * STEPS for total in sums)
        )
        return pages, items

    def _advance(self) -> None:
        """Begin the steps that have come since the last change."""
        step = int(self._clock() / STEP_S)
        for _ in range(min(STEPS, step - self._step)):
            for steps in self._steps.values():
                steps.append([0, 0])
        self._step = step
