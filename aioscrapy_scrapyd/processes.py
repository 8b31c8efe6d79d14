"""Processes of jobs: each in a session of its own, watched by its pidfd, found again after a restart."""

import contextlib
import errno
import fcntl
import os
import signal
import struct
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

MARK = "AIOSCRAPY_JOB"
# Where a job writes its record if there is no folder of logs.
RECORD = "AIOSCRAPY_JOB_RECORD"

# linux/pidfd.h: struct pidfd_info; the exit status is there once the process was reaped (Linux 6.15).
_INFO_SIZE = 64
_PIDFD_GET_INFO = (3 << 30) | (_INFO_SIZE << 16) | (0xFF << 8) | 11
_PIDFD_INFO_EXIT = 1 << 3
_EXIT_CODE_OFFSET = 60


@dataclass(frozen=True)
class Exit:
    """How a process ended; both None where nobody can know."""

    status: int | None = None
    signal: int | None = None


class Process:
    """One process of a job, whoever started it.

    Attributes:
        pid: also the id of its process group and session.
        ticks: its start in clock ticks since the boot; with the pid it names one process of this boot.
    """

    def __init__(self, pid: int, fd: int, ticks: int) -> None:
        self.pid = pid
        self.ticks = ticks
        self._fd = fd

    def fileno(self) -> int:
        """Return the pidfd: readable once the process has ended."""
        return self._fd

    def signal(self, number: int) -> None:
        """Send a signal to the process alone; nothing happens if it has ended."""
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(self._fd, number)

    def kill_group(self) -> None:
        """Kill the process and everything that it has started in its session."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)

    def wake(self) -> None:
        """Let a stopped process (SIGSTOP) go on, so that it can receive another signal."""
        self.signal(signal.SIGCONT)

    def exit(self) -> Exit:
        """Return how the ended process ended; reaps a child."""
        try:
            info = os.waitid(os.P_PIDFD, self._fd, os.WEXITED | os.WNOHANG)
        except ChildProcessError:
            return _exit_of_foreign(self._fd, self.pid)
        if info is None:
            return Exit()
        return Exit(status=info.si_status) if info.si_code == os.CLD_EXITED else Exit(signal=info.si_status)

    def end(self) -> None:
        """Kill the process, a child, and reap it."""
        self.signal(signal.SIGKILL)
        os.waitid(os.P_PIDFD, self._fd, os.WEXITED)
        self.close()

    def close(self) -> None:
        """Close the pidfd."""
        os.close(self._fd)


def spawn(arguments: Sequence[str], environment: Mapping[str, str], stderr: Path) -> Process:
    """Start `sys.executable` with these arguments, in a session of its own, without a pipe to this process.

    Its standard output goes nowhere, its standard error to the file: a daemon that is killed breaks no pipe.

    Raises:
        OSError: the system can't start it (E2BIG, EAGAIN, EMFILE, ENOSPC); nothing runs.
    """
    null = os.devnull
    pid = os.posix_spawn(
        sys.executable,
        [sys.executable, *arguments],
        dict(environment),
        file_actions=[
            (os.POSIX_SPAWN_OPEN, 0, null, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, null, os.O_WRONLY, 0),
            (os.POSIX_SPAWN_OPEN, 2, str(stderr), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600),
        ],
        setsid=True,
        setsigmask=[],
        setsigdef=[signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGPIPE],
    )
    try:
        fd = os.pidfd_open(pid)  # our child: not reaped, so it is this one
    except OSError:  # no process may run that nobody watches
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        raise
    process = Process(pid, fd, start_ticks(pid))
    if not process.ticks:
        process.end()
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))
    return process


def adopt(pid: int, ticks: int) -> Process | None:
    """Return the process if it still is the one that started at `ticks`; None if that has ended."""
    try:
        fd = os.pidfd_open(pid)  # first: from here on the number can't be given to another process
    except (ProcessLookupError, OSError):
        return None
    if start_ticks(pid) != ticks:
        os.close(fd)
        return None
    return Process(pid, fd, ticks)


def find_marked(mark: str) -> Process | None:
    """Return the process of our user whose environment has this mark and which leads a session."""
    wanted = f"{MARK}={mark}".encode()
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        pid = int(folder.name)
        try:
            marked = wanted in (folder / "environ").read_bytes().split(b"\0")
            if marked and os.getsid(pid) == pid:
                return adopt(pid, start_ticks(pid))
        except (OSError, PermissionError):
            continue
    return None


def start_ticks(pid: int) -> int:
    """Return when a process started, in clock ticks since the boot, or 0 (proc(5), field 22)."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return 0
    return int(text.rpartition(")")[2].split()[19])


def run_seconds(ticks: int) -> float:
    """Return how long a process has run that started at `ticks`; no clock that somebody sets counts."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) - ticks / os.sysconf("SC_CLK_TCK")


def boot_id() -> str:
    """Return what names this boot of the machine: a pid means nothing after the next one."""
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def usage(pid: int) -> tuple[float, int]:
    """Return the CPU seconds and the resident bytes of a process; zeros if it has ended."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0, 0
    ticks_a_second = os.sysconf("SC_CLK_TCK")
    return (int(fields[11]) + int(fields[12])) / ticks_a_second, int(fields[21]) * os.sysconf("SC_PAGE_SIZE")


def _exit_of_foreign(fd: int, pid: int) -> Exit:
    """Return how a process ended that is not our child: another daemon started it.

    Source: Linux 6.15, PIDFD_GET_INFO with PIDFD_INFO_EXIT; before its reaping, field 52 of proc(5).
    """
    buffer = bytearray(_INFO_SIZE)
    struct.pack_into("Q", buffer, 0, _PIDFD_INFO_EXIT)
    try:
        fcntl.ioctl(fd, _PIDFD_GET_INFO, buffer)
    except OSError:
        return _exit_of_zombie(pid)
    (mask,) = struct.unpack_from("Q", buffer, 0)
    if not mask & _PIDFD_INFO_EXIT:
        return _exit_of_zombie(pid)
    return _decoded(struct.unpack_from("i", buffer, _EXIT_CODE_OFFSET)[0])


def _exit_of_zombie(pid: int) -> Exit:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return Exit()
    return _decoded(int(fields[49])) if fields[0] == "Z" else Exit()


def _decoded(code: int) -> Exit:
    return Exit(signal=code & 0x7F) if code & 0x7F else Exit(status=code >> 8)
