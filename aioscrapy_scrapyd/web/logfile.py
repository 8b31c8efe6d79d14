"""Parts of a log: a range of its bytes is read, never the whole file. All of it is for a thread."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from aioscrapy_scrapyd.joblog import LEVELS
from aioscrapy_scrapyd.web.visible import visible

# Bytes that one answer looks at, without a filter and with one; lines of an answer; characters of a line.
RANGE = 1_000_000
FILTERED_RANGE = 8_000_000
LINES = 500
LINE_LIMIT = 2000
_LEVEL = re.compile(rf"(?:^|[\s\[|])({'|'.join(LEVELS)})(?=[\s\]:|])")


@dataclass(frozen=True)
class Line:
    """One line: the byte at which it begins, its text, its level or that of the line before it."""

    at: int
    text: str
    level: str


@dataclass(frozen=True)
class Part:
    """Some lines, and the bytes of the file that they were looked for in; `size` is that of the file."""

    begin: int
    end: int
    size: int
    lines: list[Line]


@dataclass(frozen=True)
class Wish:
    """Which lines: those of a level and above, with a text in them; "" for all."""

    level: str = ""
    text: str = ""

    @property
    def range(self) -> int:
        """How many bytes are looked at."""
        return FILTERED_RANGE if self.level or self.text else RANGE

    def select(self, lines: Iterator[tuple[int, bytes]]) -> Iterator[Line]:
        """Return the lines of these that are wanted."""
        least = LEVELS.index(self.level) if self.level else -1
        text, level = self.text.casefold(), ""
        for at, data in lines:
            line = data[: 4 * LINE_LIMIT].decode("utf-8", "replace")
            match = _LEVEL.search(line[:200])
            level = match[1] if match is not None else level
            if least >= 0 and (not level or LEVELS.index(level) < least):
                continue
            if text and text not in data.decode("utf-8", "replace").casefold():
                continue
            size = len(data) if len(data) > 4 * LINE_LIMIT else 0
            yield Line(at, visible(line, LINE_LIMIT, size), level)


def read_before(path: Path, wish: Wish, before: int | None = None) -> Part:
    """Return the last lines that end before this byte; None for the end of the file.

    Raises:
        OSError: the file can't be read.
    """
    with path.open("rb") as file:
        size = _size(file)
        end = size if before is None else min(before, size)
        begin = max(0, end - wish.range)
        lines = list(wish.select(_lines(file, begin, end)))
    if len(lines) > LINES:
        lines = lines[-LINES:]
        begin = lines[0].at
    elif begin > 0 and lines and not (wish.level or wish.text):
        begin = lines[0].at
    return Part(begin, end, size, lines)


def read_after(path: Path, wish: Wish, after: int, *, complete: bool) -> Part:
    """Return the lines that begin at this byte or later.

    Args:
        path: of the log.
        wish: which lines.
        after: the byte.
        complete: the file grows no more, so that its last line needs no end.

    Raises:
        OSError: the file can't be read.
    """
    with path.open("rb") as file:
        size = _size(file)
        begin = min(after, size)
        end = min(size, begin + wish.range)
        file.seek(begin)
        data = file.read(end - begin)
        newline = data.rfind(b"\n") + 1
        if not (complete and end == size) and (newline or end == size):
            end = begin + newline  # a line that is being written comes with the next call
        lines = list(wish.select(_split(begin, data[: end - begin])))
    if len(lines) > LINES:
        end = lines[LINES].at
        lines = lines[:LINES]
    return Part(begin, end, size, lines)


def line_start(path: Path, at: int, lines_before: int = 20) -> int:
    """Return where a line begins that is some lines before this byte."""
    with path.open("rb") as file:
        begin = max(0, min(at, _size(file)) - RANGE)
        starts = [start for start, _ in _lines(file, begin, at)]
    return starts[-lines_before] if len(starts) >= lines_before else begin


def pieces(path: Path, size: int = 262_144) -> Iterator[bytes]:
    """Return a file piece by piece."""
    with path.open("rb") as file:
        while data := file.read(size):
            yield data


def _size(file: BinaryIO) -> int:
    return file.seek(0, 2)


def _lines(file: BinaryIO, begin: int, end: int) -> Iterator[tuple[int, bytes]]:
    """Return the lines of a range; half a line at its begin is left out, if another one follows."""
    file.seek(begin)
    data = file.read(end - begin)
    if begin > 0:
        first = data.find(b"\n") + 1
        if 0 < first < len(data):
            begin, data = begin + first, data[first:]
    return _split(begin, data)


def _split(at: int, data: bytes) -> Iterator[tuple[int, bytes]]:
    for line in data.removesuffix(b"\n").split(b"\n") if data else ():
        yield at, line.rstrip(b"\r")
        at += len(line) + 1
