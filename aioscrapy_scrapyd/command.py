"""How the process of a job is started, and what it leaves behind."""

import contextlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aioscrapy_scrapyd import processes
from aioscrapy_scrapyd.endrecord import counts_of, read_record, read_tail


@dataclass(frozen=True)
class Files:
    """Where a job leaves its end record, and its process what it says on standard error."""

    record: Path
    stderr: Path

    def counts(self, pid: int) -> dict[str, Any]:
        """Return what a running job has counted, and the CPU seconds and memory of its process."""
        cpu_s, rss = processes.usage(pid)
        return {**counts_of(read_record(self.record)), "cpu_s": round(cpu_s, 1), "rss": rss}

    def read(self) -> tuple[dict[str, Any], str]:
        """Return the end record and the last words of a job; an empty file of last words is removed."""
        said = read_tail(self.stderr)
        if not said:
            with contextlib.suppress(OSError):
                self.stderr.unlink()
        return read_record(self.record), said


@dataclass(frozen=True)
class Command:
    """Arguments of Python, environment, and the files for people: log and items, "" where there is none."""

    arguments: list[str]
    environment: dict[str, str]
    log: str = ""
    items: str = ""

    def start(self, files: Files) -> processes.Process:
        """Start the process; what an earlier attempt left must not be taken for this one's.

        Raises:
            OSError: it can't be started.
        """
        files.record.unlink(missing_ok=True)
        files.stderr.parent.mkdir(parents=True, exist_ok=True)
        return processes.spawn(self.arguments, self.environment, files.stderr)
