"""What a node throws away: old jobs of its history, old logs and items; never a file of a live job."""

import contextlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from aioscrapy_scrapyd.state.schema import Statement

# Seconds between two rounds.
PAUSE_S = 3600.0
_DAY_S = 86_400.0
_GB = 1_000_000_000


@dataclass(frozen=True)
class Keep:
    """How much is kept; 0 keeps everything.

    Attributes:
        history_days: days that an ended job stays in the history.
        logs_days: days that logs, items and end records are kept.
        logs_gb: gigabytes of them at most; the oldest go first.
    """

    history_days: int
    logs_days: int
    logs_gb: int


def forget_history(keep: Keep, now: float) -> list[Statement]:
    """Return the statements that delete the old jobs and the old rows of the audit table."""
    if not keep.history_days:
        return []
    before = now - keep.history_days * _DAY_S
    old = "SELECT project, job FROM job WHERE ended > 0 AND ended < ?"
    return [
        (f"DELETE FROM sample WHERE (project, job) IN ({old})", [before]),  # noqa: S608 no user text
        ("DELETE FROM job WHERE ended > 0 AND ended < ?", [before]),
        ("DELETE FROM audit WHERE time < ?", [before]),
    ]


def remove_files(folders: Iterable[Path], keep: Keep, live: set[str], now: float) -> int:
    """Delete the old files of jobs; returns how many. Walks through folders: for a thread.

    Args:
        folders: of logs, items and last words: FOLDER/PROJECT/SPIDER/JOB.*, records one folder deeper.
        keep: how much stays.
        live: ids of the jobs whose files stay.
        now: seconds since 1970.
    """
    files = sorted((file for folder in folders for file in _files(folder, live)), reverse=True)
    removed, size = 0, 0
    for changed, length, path in files:
        size += length
        is_old = keep.logs_days and changed < now - keep.logs_days * _DAY_S
        if is_old or (keep.logs_gb and size > keep.logs_gb * _GB):
            with contextlib.suppress(OSError):
                path.unlink()
                removed += 1
    return removed


def _files(folder: Path, live: set[str]) -> Iterator[tuple[float, int, Path]]:
    for path in folder.rglob("*"):
        if path.stem in live:
            continue
        with contextlib.suppress(OSError):
            status = path.stat()
            if path.is_file():
                yield status.st_mtime, status.st_size, path
