"""Memory and processes of a process tree, as Linux reports them in /proc."""

import os
import subprocess
import threading
from contextlib import suppress
from pathlib import Path

PAGE = os.sysconf("SC_PAGE_SIZE")


def children_of(pid: int) -> list[int]:
    """Return the pids of all living descendants of a process."""
    parents: dict[int, int] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):  # it has just ended
            name, _, rest = path.read_text().rpartition(")")
            state, parent = rest.split()[:2]
            if state != "Z":
                parents[int(name.split()[0])] = int(parent)
    descendants: list[int] = []
    layer = {pid}
    while layer:
        layer = {child for child, parent in parents.items() if parent in layer}
        descendants += layer
    return descendants


def rss_of(pid: int) -> int:
    """Return the bytes of memory that a process uses; 0 if it has ended."""
    with suppress(OSError, IndexError):
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE
    return 0


class Watched:
    """A process whose memory is sampled while it runs.

    Attributes:
        samples: bytes of the process itself, one for each sample.
        peak: bytes of the process at most, by the kernel's count.
    """

    def __init__(self, process: "subprocess.Popen[bytes]", interval_s: float = 0.2) -> None:
        self.samples: list[int] = []
        self.peak = 0
        self._process = process
        self._interval_s = interval_s
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._sample)
        self._thread.start()

    def wait(self, timeout_s: float) -> int:
        """Wait for its end; returns its exit status."""
        try:
            return self._process.wait(timeout_s)
        finally:
            self._over.set()
            self._thread.join()
            if self._process.poll() is None:
                self._process.kill()
                self._process.wait()

    def _sample(self) -> None:
        status = Path(f"/proc/{self._process.pid}/status")
        while not self._over.wait(self._interval_s):
            if rss := rss_of(self._process.pid):
                self.samples.append(rss)
            with suppress(OSError, StopIteration, ValueError):
                line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
                self.peak = max(self.peak, int(line.split()[1]) * 1024)
