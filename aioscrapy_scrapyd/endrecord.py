"""What a job wrote about its own end, and what its process says: together, how the job ended."""

import errno
import json
import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from aioscrapy_scrapyd.processes import Exit
from aioscrapy_scrapyd.state.job import Job, State

SHARED = ("redis", "bot", "crawl")
COUNTS = ("pages", "items", "errors", "waiting", "rss")
# Bytes at the end of a job's standard error that are read for the reason.
_STDERR_TAIL = 4096
# A process that the project's code ended, as by os._exit(0): nothing says that the crawl is complete.
_UNENDED = "exit status 0 before the crawl ended, or its end record could not be written"
# Bytes of a record that are read, and the highest count that is believed: sums of them fit into 64 bits.
_RECORD_LIMIT = 20_000_000
_COUNT_LIMIT = 10**15


@dataclass(frozen=True)
class Ending:
    """How a job ended: its last state, one line for a person, and what it counted."""

    state: State
    reason: str
    counts: dict[str, Any]


def ending_of(
    job: Job, left: Exit, record: dict[str, Any], stderr: str, *, no_memory: bool = False
) -> Ending:
    """Decide how a job ended.

    Args:
        job: as it stood when its process ended.
        left: of its process.
        record: what the job wrote last (`read_record`); {} for none.
        stderr: the end of its standard error.
        no_memory: the kernel has just killed a process because there was no memory left.
    """
    counts = counts_of(record)
    reason = _line(str(record.get("reason") or ""))
    error = str(record.get("error") or "")
    written = _status_of(record)
    is_unended = reason == "killed"  # written at the start: the process did not come to write another one
    if is_unended:
        reason, error = "", error if left == Exit() else ""
    if job.stop_asked:
        return Ending(State.CANCELLED, job.reason or reason or "cancelled", {**job.counts, **counts})
    if left.signal:
        reason = _out_of_memory(job) if no_memory else f"killed by signal {left.signal}{_why(left.signal)}"
        return Ending(State.FAILED, reason, {**job.counts, **counts})
    status = exit_status_of(left, record)
    text = _line(error or stderr)
    if status == 0 and is_unended:
        return Ending(State.FAILED, _UNENDED, {**job.counts, **counts})
    if status == 0:
        return Ending(State.FINISHED, reason or "exit 0", {**job.counts, **counts})
    if status is None:
        return Ending(
            State.FAILED,
            text or job.reason or "ended while no daemon ran: nobody saw how",
            {**job.counts, **counts},
        )
    if status != written:  # the project's code ended the process its own way
        reason, text = f"exit status {status}", _line(stderr)
    said = ": ".join(part for part in (reason, text) if part)
    return Ending(State.FAILED, said or f"exit status {status}", {**job.counts, **counts})


def exit_status_of(left: Exit, record: dict[str, Any]) -> int | None:
    """Return the exit status of a process; that of its record where nobody saw its end."""
    return left.status if left.status is not None else _status_of(record)


def _status_of(record: dict[str, Any]) -> int | None:
    status = record.get("exit_status")
    return status if type(status) is int and 0 <= status <= 255 else None


def counts_of(record: dict[str, Any]) -> dict[str, Any]:
    """Return what a record counts; `waiting` (requests) and `rss` (bytes) only while the job runs.

    `shared` has the crawl in Redis that the job works on: redis, bot, crawl.
    """
    counts: dict[str, Any] = {name: record[name] for name in COUNTS if _is_count(record.get(name))}
    shared = record.get("shared")
    if isinstance(shared, dict) and all(isinstance(shared.get(name), str) for name in SHARED):
        counts["shared"] = {name: _text(shared[name])[:500] for name in SHARED}
    return counts


def read_record(path: Path) -> dict[str, Any]:
    """Return the record of an end; {} if there is none that can be read.

    The code of a project may have written it: what can't be one is passed over.
    """
    try:
        with _open(path) as file:
            record = json.loads(file.read(_RECORD_LIMIT))
    except (OSError, ValueError, RecursionError):
        return {}
    return record if isinstance(record, dict) else {}


def read_tail(path: Path) -> str:
    """Return the last line of a file that says something; "" if there is none."""
    try:
        with _open(path) as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - _STDERR_TAIL))
            lines = file.read().decode("utf-8", "replace").strip().splitlines()
    except OSError:
        return ""
    return lines[-1] if lines else ""


def _open(path: Path) -> BinaryIO:
    """Open a file for reading; OSError if it is something else: a pipe would keep its reader waiting."""
    fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    if not stat.S_ISREG(os.fstat(fd).st_mode):
        os.close(fd)
        raise OSError(errno.EINVAL, "not a file", str(path))
    return os.fdopen(fd, "rb")


def _is_count(value: Any) -> bool:
    return type(value) is int and 0 <= value <= _COUNT_LIMIT


def _text(value: Any) -> str:
    """Return a text that a file can hold: without halves of characters."""
    return str(value).encode("utf-8", "replace").decode()


def _out_of_memory(job: Job) -> str:
    rss = job.counts.get("rss")
    used = f" (it had {rss / 2**20:.0f} MiB)" if isinstance(rss, int) and rss else ""
    return f"killed by the kernel: out of memory{used}"


def _why(number: int) -> str:
    return " (out of memory, or somebody killed it)" if number == 9 else ""


def _line(text: str) -> str:
    return "".join(character if character.isprintable() else " " for character in text).strip()[:2000]
