"""Lines of a job's log: the last ones, those behind a byte, those of some levels."""

import re
from pathlib import Path
from typing import Any

LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
# Bytes that one answer reads at most.
_LIMIT = 4_000_000
_LEVEL = re.compile(rf"\b({'|'.join(LEVELS)})\b")


def read_log(path: Path, tail: int, after: int | None, level: str) -> dict[str, Any]:
    """Return {"from", "to", "size", "lines"}: bytes of the file, and the lines between them.

    Args:
        path: of the log.
        tail: lines at most, the last ones.
        after: begin behind this byte; None for the end of the file.
        level: only lines of this level and above, with the lines that belong to them; "" for all.

    Raises:
        OSError: the file can't be read.
    """
    with path.open("rb") as file:
        size = path.stat().st_size
        begin = min(after, size) if after is not None else max(0, size - _LIMIT)
        file.seek(begin)
        data = file.read(_LIMIT)
    end = data.rfind(b"\n") + 1  # a line that is being written comes with the next call
    lines = data[:end].decode("utf-8", "replace").splitlines()
    if after is None and begin > 0:
        lines = lines[1:]  # half a line
    if level:
        lines = list(_of_level(lines, LEVELS.index(level)))
    return {"from": begin, "to": begin + end, "size": size, "lines": lines[-tail:]}


def _of_level(lines: list[str], least: int) -> Any:
    wanted = False
    for line in lines:
        match = _LEVEL.search(line[:200])
        if match is not None:
            wanted = LEVELS.index(match[1]) >= least
        if wanted:
            yield line
