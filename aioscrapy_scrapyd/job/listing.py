"""`runner list`: a child process imports the spiders, so that no module can delay the end of the listing."""

import contextlib
import faulthandler
import json
import os
import re
import select
import signal
import sys
import time
from collections.abc import Callable
from typing import Any, NamedTuple, NoReturn

from aioscrapy.ends import error_text, without_passwords
from aioscrapy.exceptions import AioscrapyError
from aioscrapy_deploy.terminal.text import one_line, printable
from aioscrapy_scrapyd.job.exceptions import RunnerError

_BLOCK = 1 << 12
_OUTPUT_LIMIT = 1 << 16  # bytes of the modules' own output that go on to Scrapyd, the last ones
_POLL_S = 0.02  # seconds between two looks at a child that may have died without a report
_GRACE_S = 2.0  # seconds after the limit in which the child may still report where it hangs
# What faulthandler writes: the main thread comes last, its innermost frame first.
_FRAME = re.compile(r'^  File "(?P<file>[^"]+)", line (?P<line>\d+) in ', re.MULTILINE)


class Listing(NamedTuple):
    """The spiders of a project, and what is wrong with some of its modules."""

    names: list[str]
    warnings: list[str]


def list_spiders(load: Callable[[], Listing], limit_s: float) -> None:
    """Write the names that `load` returns to standard output, one a line, and nothing else.

    `load` runs in a child process that ends as soon as it has reported. Threads, atexit handlers and
    processes that the project's modules have started can't delay that, and none of them holds the pipes
    of Scrapyd, which reads both to their end in its main thread. Their output goes to standard error.

    Args:
        load: imports the spiders.
        limit_s: seconds after which the child is killed.

    Raises:
        RunnerError: `load` failed, died or took too long, or a name can't be a line.
    """
    if not hasattr(os, "fork"):
        _list_here(load)
    sys.stdout.flush()
    sys.stderr.flush()
    reports, report_to = os.pipe()
    output, print_to = os.pipe()
    pid = os.fork()
    if pid == 0:
        _run_child(load, report_to, print_to, limit_s)
    os.close(report_to)
    os.close(print_to)
    child = _Child(pid, reports, output)
    in_time = False
    try:
        in_time = child.wait(limit_s + _GRACE_S)
    finally:
        status = child.kill()
    sys.stderr.write(printable(without_passwords(child.printed)))
    if child.report is not None:
        _answer(child.report)
    elif child.trace or not in_time:
        sys.stderr.write(printable(child.trace))
        raise RunnerError(_why_too_late(child.trace, limit_s))
    else:
        how = f"by {signal.Signals(-status).name}" if status < 0 else f"with exit status {status}"
        raise RunnerError(f"the process that imports the spiders ended {how} before it had their names")


def _list_here(load: Callable[[], Listing]) -> NoReturn:
    """List in this process, on a system without fork: without a limit, and threads can't delay the end."""
    out, sys.stdout = sys.stdout, sys.stderr
    listing = load()
    sys.stdout = out
    _answer(listing._asdict())
    os._exit(0)


def _run_child(load: Callable[[], Listing], report_to: int, print_to: int, limit_s: float) -> NoReturn:
    """Send the names, or the error, as one line of JSON, and end."""
    own = os.getpid()
    os.setsid()  # a process group: what the modules start is ended with it
    signal.alarm(int(limit_s + 2 * _GRACE_S) + 1)  # ends the child also if its parent was killed
    null = os.open(os.devnull, os.O_RDONLY)
    for source, stream in ((null, 0), (print_to, 1), (print_to, 2)):
        os.dup2(source, stream)
    sys.stdout = sys.stderr
    faulthandler.dump_traceback_later(limit_s, exit=True, file=report_to)
    report: dict[str, Any]
    try:
        report = load()._asdict()
    except AioscrapyError as exc:
        report = {"error": str(exc)}
    except KeyboardInterrupt:
        report = {"interrupted": True}
    except BaseException as exc:  # noqa: BLE001 every error of a module is a result of the listing
        report = {"error": error_text(exc)}
    with contextlib.suppress(Exception):  # closed or replaced by a module
        sys.stderr.flush()
    if os.getpid() != own:
        os._exit(0)  # a module has forked, and its child has come here, too
    line = json.dumps(report).encode() + b"\n"
    while line:
        line = line[os.write(report_to, line) :]
    os._exit(0)


class _Child:
    """The child process as its parent sees it.

    Attributes:
        report: what it sent; None if nothing.
        trace: where it hung at the end of its time, as faulthandler wrote it.
        printed: the last part of its output.
    """

    def __init__(self, pid: int, reports: int, output: int) -> None:
        self.report: dict[str, Any] | None = None
        self._pid = pid
        self._open = {reports, output}
        self._reports = reports
        self._line = b""
        self._printed = b""

    @property
    def trace(self) -> str:
        return "" if self.report else self._line.decode("utf-8", "backslashreplace")

    @property
    def printed(self) -> str:
        return self._printed.decode("utf-8", "backslashreplace")  # Scrapyd decodes it as UTF-8

    def wait(self, limit_s: float) -> bool:
        """Wait until the child has reported or died; False if it has done neither in this time."""
        deadline = time.monotonic() + limit_s
        while time.monotonic() < deadline:
            has_ended = self._has_ended()
            self._read(0 if has_ended else _POLL_S)
            if has_ended or self.report is not None:
                return True
        return False

    def kill(self) -> int:
        """End the child and its process group; returns the child's exit status, -N for a signal."""
        for end in (os.killpg, os.kill):  # there is no group before the child's setsid
            try:
                end(self._pid, signal.SIGKILL)
            except (ProcessLookupError, PermissionError):  # macOS refuses a group of ended processes
                continue
        status = os.waitstatus_to_exitcode(os.waitpid(self._pid, 0)[1])
        for _ in range(_OUTPUT_LIMIT // _BLOCK):  # no more: a process outside of the group may print on
            self._read(0)
        for pipe in self._open:
            os.close(pipe)
        return status

    def _has_ended(self) -> bool:
        return os.waitid(os.P_PID, self._pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None

    def _read(self, wait_s: float) -> None:
        """Read a block of each pipe; wait at most this long for one."""
        for pipe in select.select(self._open, [], [], wait_s)[0]:
            block = os.read(pipe, _BLOCK)
            if not block:
                self._open.remove(pipe)
                os.close(pipe)
            elif pipe == self._reports:
                self._line += block
            else:
                self._printed = (self._printed + block)[-_OUTPUT_LIMIT:]
        if self.report is None and self._line.startswith(b"{") and self._line.endswith(b"\n"):
            self.report = json.loads(self._line)


def _answer(report: dict[str, Any]) -> None:
    if "interrupted" in report:
        raise KeyboardInterrupt
    if "error" in report:
        raise RunnerError(report["error"])
    sys.stderr.writelines(
        f"aioscrapy: {one_line(without_passwords(warning))}\n" for warning in report["warnings"]
    )
    for name in report["names"]:
        if not name.isprintable():  # Scrapyd splits at every line break that Unicode knows
            raise RunnerError(f"the spider name {name!a} has a control character or a line break")
    sys.stdout.buffer.write("".join(f"{name}\n" for name in report["names"]).encode())
    sys.stdout.flush()


def _why_too_late(trace: str, limit_s: float) -> str:
    frames = _FRAME.findall(trace.rpartition("(most recent call first):")[2])
    place = ": {}:{} has not returned".format(*_project_frame(frames)) if frames else ""
    return (
        f"the spiders can't be listed within {limit_s:g} s (list_timeout in scrapyd.conf){place}; "
        "a module must not wait or crawl when it is imported"
    )


def _project_frame(frames: list[tuple[str, str]]) -> tuple[str, str]:
    """Return file and line of the innermost frame in an unpacked egg, else of the innermost one."""
    return next((frame for frame in frames if ".egg/" in frame[0]), frames[0])
