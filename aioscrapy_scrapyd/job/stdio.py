"""The standard streams of a job, which are pipes to the Scrapyd daemon."""

import functools
import io
import os
import sys
from contextlib import suppress

from aioscrapy import standard_files
from aioscrapy_deploy.terminal.text import printable

_STDIN, _STDOUT, _STDERR = 0, 1, 2


class DaemonLog(io.RawIOBase):
    """The daemon's end of standard error, kept for this process alone.

    Scrapyd uses each chunk as a format string (twisted.logger), so braces are doubled. Control characters
    become escapes: a person reads the daemon's log on a terminal. If the daemon has ended, output is lost
    without an error.
    """

    def __init__(self, pipe: int) -> None:
        self._pipe = pipe

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        """Return the number of standard error, which is /dev/null: the caller may pass it to a child."""
        return _STDERR

    def write(self, data: "memoryview | bytes") -> int:  # type: ignore[override]  # the base takes any buffer
        text = printable(bytes(data).decode("utf-8", "backslashreplace"))
        rest = text.replace("{", "{{").replace("}", "}}").encode()
        with suppress(OSError):
            while rest:
                rest = rest[os.write(self._pipe, rest) :]
        return len(data)


def leave_pipes() -> None:
    """Redirect the three standard streams to /dev/null and keep standard error as `sys.stderr`.

    Scrapyd calls a job finished when every copy of its pipes is closed. No child gets a copy: exec closes it,
    and after os.fork it is /dev/null in the child.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    pipe = os.dup(_STDERR)
    null = os.open(os.devnull, os.O_RDWR)
    for number in (_STDIN, _STDOUT, _STDERR):
        os.dup2(null, number)
        standard_files.null_numbers.add(number)
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=functools.partial(os.dup2, null, pipe, inheritable=False))
    sys.stderr = io.TextIOWrapper(
        io.BufferedWriter(DaemonLog(pipe)), "utf-8", "backslashreplace", line_buffering=True
    )
