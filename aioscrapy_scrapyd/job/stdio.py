"""The standard streams of a job, which are pipes to the Scrapyd daemon."""

import functools
import io
import os
import sys
from contextlib import suppress
from typing import TextIO

_STDIN, _STDOUT, _STDERR = 0, 1, 2


class DaemonLog(io.RawIOBase):
    """The daemon's end of standard error, kept for this process alone.

    Scrapyd takes each chunk for a format string (twisted.logger), so braces are doubled here. When the
    daemon is gone, what is written is lost, without an error.
    """

    def __init__(self, pipe: int) -> None:
        self._pipe = pipe

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        """Return standard error's number, which is /dev/null: whoever asks may hand it to a child."""
        return _STDERR

    def write(self, data: "memoryview | bytes") -> int:  # type: ignore[override]  # the base takes any buffer
        rest = bytes(data).replace(b"{", b"{{").replace(b"}", b"}}")
        with suppress(OSError):
            while rest:
                rest = rest[os.write(self._pipe, rest) :]
        return len(data)


def leave_pipes() -> None:
    """Put the three standard streams on /dev/null and keep standard error, as `sys.stderr`, for ourselves.

    Scrapyd calls a job finished when every copy of its pipes is closed. No child gets one: not by exec (the
    copy closes), not by os.fork (it becomes /dev/null in the child).
    """
    sys.stdout.flush()
    sys.stderr.flush()
    pipe = os.dup(_STDERR)
    null = os.open(os.devnull, os.O_RDWR)
    for number in (_STDIN, _STDOUT, _STDERR):
        os.dup2(null, number)
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=functools.partial(os.dup2, null, pipe, inheritable=False))
    sys.stderr = io.TextIOWrapper(
        io.BufferedWriter(DaemonLog(pipe)), "utf-8", "backslashreplace", line_buffering=True
    )


def take_stdout() -> TextIO:
    """Return the pipe of standard output, in UTF-8; from now on what anything prints goes to standard error.

    That holds for Python code, C code, child processes and functions that run at exit.
    """
    sys.stdout.flush()
    pipe = os.dup(_STDOUT)
    os.dup2(_STDERR, _STDOUT)
    sys.stdout = sys.stderr
    return os.fdopen(pipe, "w", encoding="utf-8")
