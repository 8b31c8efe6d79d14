"""What a job wrote about its own end, and what its process says: together, how the job ended."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aioscrapy_scrapyd.processes import Exit
from aioscrapy_scrapyd.state.job import Job, State

SHARED = ("redis", "bot", "crawl")
COUNTS = ("pages", "items", "errors", "waiting", "rss")
# Bytes at the end of a job's standard error that are read for the reason.
_STDERR_TAIL = 4096


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
    reason = str(record.get("reason") or "")
    error = str(record.get("error") or "")
    if reason == "killed":  # written at the start: the process did not come to write another one
        reason, error = "", error if left == Exit() else ""
    if job.stop_asked:
        return Ending(State.CANCELLED, job.reason or reason or "cancelled", {**job.counts, **counts})
    if left.signal:
        reason = _out_of_memory(job) if no_memory else f"killed by signal {left.signal}{_why(left.signal)}"
        return Ending(State.FAILED, reason, {**job.counts, **counts})
    status = left.status if left.status is not None else record.get("exit_status")
    text = _line(error or stderr)
    if status == 0:
        return Ending(State.FINISHED, reason or "exit 0", {**job.counts, **counts})
    if status is None:
        return Ending(
            State.FAILED,
            text or job.reason or "ended while no daemon ran: nobody saw how",
            {**job.counts, **counts},
        )
    if status != record.get("exit_status"):  # the project's code ended the process its own way
        reason, text = f"exit status {status}", _line(stderr)
    said = ": ".join(part for part in (reason, text) if part)
    return Ending(State.FAILED, said or f"exit status {status}", {**job.counts, **counts})


def counts_of(record: dict[str, Any]) -> dict[str, Any]:
    """Return what a record counts; `waiting` (requests) and `rss` (bytes) only while the job runs.

    `shared` has the crawl in Redis that the job works on: redis, bot, crawl.
    """
    counts: dict[str, Any] = {name: record[name] for name in COUNTS if isinstance(record.get(name), int)}
    shared = record.get("shared")
    if isinstance(shared, dict) and all(isinstance(shared.get(name), str) for name in SHARED):
        counts["shared"] = {name: shared[name][:500] for name in SHARED}
    return counts


def read_record(path: Path) -> dict[str, Any]:
    """Return the record of an end; {} if there is none that can be read."""
    try:
        record = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return record if isinstance(record, dict) else {}


def read_tail(path: Path) -> str:
    """Return the last line of a file that says something; "" if there is none."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - _STDERR_TAIL))
            lines = file.read().decode("utf-8", "replace").strip().splitlines()
    except OSError:
        return ""
    return lines[-1] if lines else ""


def _out_of_memory(job: Job) -> str:
    rss = job.counts.get("rss")
    used = f" (it had {rss / 2**20:.0f} MiB)" if isinstance(rss, int) and rss else ""
    return f"killed by the kernel: out of memory{used}"


def _why(number: int) -> str:
    return " (out of memory, or somebody killed it)" if number == 9 else ""


def _line(text: str) -> str:
    return "".join(character if character.isprintable() else " " for character in text).strip()[:2000]
