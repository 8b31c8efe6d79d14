"""The items of a job: its file of JSON lines, read at both ends. All of it is for a thread."""

import csv
import io
import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from aioscrapy_scrapyd.web.logfile import pieces
from aioscrapy_scrapyd.web.visible import visible

# Bytes that are looked at, at each end of the file; items of a table; columns; characters of a cell.
RANGE = 2_000_000
ROWS = 50
COLUMNS = 12
CELL_LIMIT = 300
# Bytes of one item in a download that parses it: longer ones would keep the other threads waiting.
ITEM_LIMIT = 4_000_000
# Bytes that a download looks at before it gives its thread back.
STEP = 500_000
FORMATS = ("jl", "json", "csv")
# What a cell begins with that a spreadsheet computes; the last four are the wide forms of the first.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
_NUMBER = re.compile(r"[+-]?[\d.,]+(?:[eE][+-]?\d+)?")


class ItemError(ValueError):
    """A file of items can't be converted; one line for a person."""


def read_items(path: Path) -> dict[str, Any]:
    """Return the first and the last items, and which fields they fill.

    Keys:
        size        bytes of the file
        whole       True if all items were looked at
        sampled     items that were looked at
        broken      lines of them that are not a JSON object
        fields      [{name, filled}]: how many of the sampled items fill the field
        columns     names of the fields in the tables
        first, last rows of cells, as text

    Raises:
        OSError: the file can't be read.
    """
    with path.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(0)
        data = file.read(RANGE)
        head = _complete(data, begins=True, ends=len(data) == size)
        tail: list[bytes] = []
        if size > RANGE:
            file.seek(max(RANGE, size - RANGE))
            tail = _complete(file.read(RANGE), begins=False, ends=True)
    first = [item for item in map(_parse, head) if item is not None]
    last = [item for item in map(_parse, tail) if item is not None]
    items = first + last
    filled = Counter(
        name for item in items for name, value in item.items() if value not in (None, "", [], {})
    )
    names = list(dict.fromkeys(name for item in items for name in item))
    columns = names[:COLUMNS]
    rest = last if size > RANGE else first[ROWS:]
    return {
        "size": size,
        "whole": size <= RANGE,
        "sampled": len(items),
        "broken": len(head) + len(tail) - len(items),
        "fields": [{"name": visible(name, CELL_LIMIT), "filled": filled[name]} for name in names[:200]],
        "columns": [visible(name, CELL_LIMIT) for name in columns],
        "first": [_cells(item, columns) for item in first[:ROWS]],
        "last": [_cells(item, columns) for item in rest[-ROWS:]],
    }


def converted(path: Path, form: str) -> Iterator[bytes]:
    """Return the items as "jl" (the file as it is), "json" (one list) or "csv".

    They come piece by piece; an empty piece means that some of the file was read.
    """
    if form == "jl":
        return pieces(path)
    return _as_json(path) if form == "json" else _as_csv(path)


def _as_json(path: Path) -> Iterator[bytes]:
    ready = [b"["]
    separator = b"\n"
    for row in _objects(path):
        if row is None:
            yield b"".join(ready)
            ready.clear()
        else:
            ready += separator, row[0]
            separator = b",\n"
    yield b"".join((*ready, b"\n]\n"))


def _as_csv(path: Path) -> Iterator[bytes]:
    names: dict[str, None] = {}
    for row in _objects(path):
        if row is None:
            yield b""
        else:
            names |= dict.fromkeys(row[1])
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow(map(_cell, names))
    for row in _objects(path):
        if row is None:
            yield buffer.getvalue().encode("utf-8", "replace")
            buffer.seek(0)
            buffer.truncate()
        else:
            writer.writerow([_cell(row[1].get(name)) for name in names])
    yield buffer.getvalue().encode("utf-8", "replace")


def _objects(path: Path) -> Iterator[tuple[bytes, dict[str, Any]] | None]:
    """Return the lines that are JSON objects, and None after each STEP bytes.

    Half a line of a job that was killed is left out.
    """
    done = 0
    with path.open("rb") as file:
        while line := file.readline(ITEM_LIMIT):
            if len(line) == ITEM_LIMIT:
                raise ItemError(
                    f"an item has more than {ITEM_LIMIT // 1_000_000} MB: download the file as jl"
                )
            item = _parse(line)
            if item is not None:
                yield line.strip(), item
            done += len(line)
            if done > STEP:
                done = 0
                yield None


def _complete(data: bytes, *, begins: bool, ends: bool) -> list[bytes]:
    lines = data.split(b"\n")
    if not begins:
        lines = lines[1:]
    if not ends:
        lines = lines[:-1]
    return [line for line in lines if line.strip()]


def _parse(line: bytes) -> dict[str, Any] | None:
    try:
        item = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return item if isinstance(item, dict) else None


def _cells(item: dict[str, Any], columns: list[str]) -> list[str]:
    return [visible(_text(item.get(name)), CELL_LIMIT) for name in columns]


def _cell(value: Any) -> str:
    """Return a value as a cell of CSV in which no spreadsheet sees a formula: a quote comes before it.

    Numbers stay as they are. Source: OWASP, "CSV Injection".
    """
    text = _text(value)
    return f"'{text}" if text.startswith(_FORMULA) and not _NUMBER.fullmatch(text) else text


def _text(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
