"""How the process of a job is started, and what it leaves behind."""

import contextlib
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aioscrapy_scrapyd import processes
from aioscrapy_scrapyd.endrecord import counts_of, read_record, read_tail
from aioscrapy_scrapyd.state.job import State


@dataclass(frozen=True)
class Files:
    """Where a job leaves its end record, and its process what it says on standard error."""

    record: Path
    stderr: Path

    def counts(self, pid: int) -> dict[str, Any]:
        """Return what a running job has counted, and the CPU seconds and memory of its process."""
        cpu_s, rss = processes.usage(pid)
        return {**counts_of(read_record(self.record)), "cpu_s": round(cpu_s, 1), "rss": rss}

    def exist(self) -> bool:
        """Return True if a process was started: its standard error is a file from the first moment.

        An empty one is removed at the end of the job, whose record is there then.
        """
        return self.stderr.exists() or self.record.exists()

    def forget(self) -> None:
        """Remove what an earlier attempt left, which must not be taken for the work of the next one."""
        self.record.unlink(missing_ok=True)
        self.stderr.unlink(missing_ok=True)

    def read(self) -> tuple[dict[str, Any], str]:
        """Return the end record and the last words of a job; an empty file of last words is removed."""
        said = read_tail(self.stderr)
        if not said:
            with contextlib.suppress(OSError):
                self.stderr.unlink()
        return read_record(self.record), said


def leave_reason(log: Path, state: State, reason: str) -> None:
    """Write how a job ended into its log if its process came to write nothing: who looks there reads why."""
    level = "ERROR" if state is State.FAILED else "INFO"
    line = f"{time.strftime('%Y-%m-%d %H:%M:%S')} [aioscrapy.node] {level}: The job is {state}: {reason}\n"
    with contextlib.suppress(OSError):
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as file:
            if file.tell() == 0:
                file.write(line.encode("utf-8", "backslashreplace"))


@dataclass(frozen=True)
class Command:
    """Arguments of Python, environment, and the files for people: log and items, "" where there is none."""

    arguments: list[str]
    environment: dict[str, str]
    log: str = ""
    items: str = ""

    def start(self, files: Files) -> processes.Process:
        """Start the process.

        Raises:
            OSError: it can't be started.
        """
        files.forget()
        files.stderr.parent.mkdir(parents=True, exist_ok=True)
        return processes.spawn(self.arguments, self.environment, files.stderr)
