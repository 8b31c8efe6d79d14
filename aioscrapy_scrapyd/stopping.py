"""The steps of a stop: SIGINT, SIGINT again at the deadline, then SIGKILL of the whole process group."""

import signal
import time
from dataclasses import dataclass

from aioscrapy_scrapyd.processes import Process
from aioscrapy_scrapyd.state.job import Job, State

# Seconds between the second SIGINT of a stop and SIGKILL.
LAST_WORDS_S = 2.0
# Seconds that an impatient user (a second cancel) waits for a clean end.
IMPATIENT_S = 0.8


@dataclass(frozen=True)
class Stopping:
    """Stops processes of jobs.

    Attributes:
        deadline_s: seconds from the first signal to the second SIGINT.
    """

    deadline_s: float

    def begin(self, job: Job, process: Process | None, number: int) -> None:
        """Send a job its first signal, which SIGKILL makes the last one; a second call shortens the rest."""
        first = job.state is not State.STOPPING
        job.state = State.STOPPING
        job.stop_asked = job.stop_asked or time.time()
        _wait(job, self.deadline_s if first else IMPATIENT_S)
        job.stage = 1 if first else 2
        if process is not None and number == signal.SIGKILL:
            process.kill_group()
        elif process is not None:
            process.signal(number)
            process.wake()

    def take_over(self, job: Job) -> None:
        """Go on with a stop that an earlier daemon began."""
        _wait(job, min(max(0.0, job.kill_at - time.time()), self.deadline_s))

    def go_on(self, job: Job, process: Process | None) -> bool:
        """Take the next step if it is due; returns True if the job has changed."""
        if process is None or time.monotonic() < job.due:
            return False
        if job.stage > 1:
            process.kill_group()
            return False
        process.signal(signal.SIGINT)
        job.stage = 2
        _wait(job, LAST_WORDS_S)
        return True


def _wait(job: Job, seconds: float) -> None:
    job.due, job.kill_at = time.monotonic() + seconds, time.time() + seconds
