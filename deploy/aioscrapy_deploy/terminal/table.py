"""Output of commands: a table for a person, in colours on a terminal only; JSON for a program."""

import json
import os
import sys
from collections.abc import Sequence
from typing import Any, TextIO

from aioscrapy_deploy.terminal.text import escaped, one_line

_COLOURS = {"red": "31", "green": "32", "yellow": "33", "dim": "2", "bold": "1"}


def print_json(data: Any) -> None:
    """Write data to standard output, indented."""
    print(json_text(data, indent=2))


def json_text(data: Any, indent: int | None = None) -> str:
    """Return JSON in which control characters, also those that JSON allows, are escapes."""
    return escaped(json.dumps(data, indent=indent, ensure_ascii=False))


def print_table(rows: Sequence[dict[str, Any]], columns: Sequence[str]) -> None:
    """Write the lines of `table` to standard output; nothing without rows."""
    if rows:
        print("\n".join(table(rows, columns, coloured=coloured())))


def table(rows: Sequence[dict[str, Any]], columns: Sequence[str], *, coloured: bool) -> list[str]:
    """Return a line of column names and one for every row; None is an empty cell, numbers stand right."""
    cells = [[_cell(row.get(column)) for column in columns] for row in rows]
    widths = [max(map(len, column)) for column in zip(columns, *cells, strict=True)]
    numbers = [all(isinstance(row.get(column), int | float | None) for row in rows) for column in columns]

    def line(words: Sequence[str]) -> str:
        placed = zip(words, widths, numbers, strict=True)
        return "  ".join(word.rjust(width) if right else word.ljust(width) for word, width, right in placed)

    lines = [paint(line(columns).rstrip(), "bold" if coloured else "")]
    for row, words in zip(rows, cells, strict=True):
        lines.append(paint(line(words).rstrip(), _colour(row) if coloured else ""))
    return lines


def coloured(stream: TextIO | None = None) -> bool:
    """Return whether a stream (standard output) is a terminal, and NO_COLOR is not set (no-color.org)."""
    return (
        (stream or sys.stdout).isatty()
        and not os.environ.get("NO_COLOR")
        and os.environ.get("TERM") != "dumb"
    )


def paint(text: str, colour: str) -> str:
    """Return text with the codes of a colour around it; with "" as it is."""
    return f"\x1b[{_COLOURS[colour]}m{text}\x1b[0m" if colour else text


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return f"{value:.1f}" if isinstance(value, float) else one_line(str(value))


def _colour(row: dict[str, Any]) -> str:
    state, reason = row.get("state"), row.get("reason")
    if state == "finished":
        return "dim" if reason in {"finished", None} else "red"
    return {"running": "green", "pending": "yellow"}.get(str(state), "")
