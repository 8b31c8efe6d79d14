"""Counts the processes that the kernel killed because there was no memory left."""

import time
from pathlib import Path

# Seconds that the kernel may take to end a process that it has killed.
WINDOW_S = 10.0
_PROC = Path("/proc")
_CGROUPS = Path("/sys/fs/cgroup")


class OutOfMemoryKills:
    """The counter of this process's cgroup, where its jobs run too; else the one of the machine.

    Source: Linux, Documentation/admin-guide/cgroup-v2.rst (memory.events), cgroup-v1/memory.rst
    (memory.oom_control), proc_vmstat (oom_kill).
    """

    def __init__(self, proc: Path = _PROC, cgroups: Path = _CGROUPS) -> None:
        files = [*_cgroup_files(proc, cgroups), proc / "vmstat"]
        self._file = next((file for file in files if _count(file) is not None), None)
        self._known = self.count()
        self._unexplained, self._since = 0, 0.0

    def count(self) -> int:
        """Return how many processes were killed so far; reads one small file of the kernel."""
        return (_count(self._file) if self._file is not None else None) or 0

    def look(self) -> None:
        """Note what was killed since the last look: a large process ends some time after the kill."""
        count = self.count()
        if count > self._known:
            self._unexplained, self._since = self._unexplained + count - self._known, time.monotonic()
        self._known = count

    def explains(self) -> bool:
        """Return True if a process was killed within WINDOW_S seconds; one kill explains one end."""
        self.look()
        if not self._unexplained or time.monotonic() > self._since + WINDOW_S:
            return False
        self._unexplained -= 1
        return True


def _cgroup_files(proc: Path, cgroups: Path) -> list[Path]:
    try:
        lines = (proc / "self" / "cgroup").read_text().splitlines()
    except OSError:
        return []
    files = []
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if "memory" in controllers.split(","):
            folder = cgroups / "memory"
            files += [folder / path.lstrip("/") / "memory.oom_control", folder / "memory.oom_control"]
        elif not controllers:
            files += [cgroups / path.lstrip("/") / "memory.events", cgroups / "memory.events"]
    return files


def _count(file: Path) -> int | None:
    try:
        words = [line.split() for line in file.read_text().splitlines()]
        return next(int(line[1]) for line in words if line[:1] == ["oom_kill"])
    except (OSError, StopIteration, ValueError, IndexError):
        return None
