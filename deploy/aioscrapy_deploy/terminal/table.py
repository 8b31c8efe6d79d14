"""Output of commands: a table for a person, which fits a terminal; JSON for a program."""

import json
import os
import sys
from collections.abc import Mapping, Sequence
from typing import Any, TextIO

from aioscrapy_deploy.terminal.text import escaped, one_line

Row = Mapping[str, Any]
_COLOURS = {"red": "31", "green": "32", "yellow": "33", "dim": "2", "bold": "1"}


def print_json(data: Any) -> None:
    """Write data to standard output, indented."""
    print(json_text(data, indent=2))


def json_text(data: Any, indent: int | None = None) -> str:
    """Return JSON in which control characters, also those that JSON allows, are escapes."""
    return escaped(json.dumps(data, indent=indent, ensure_ascii=False))


def print_table(rows: Sequence[Row], columns: Sequence[str], optional: Sequence[str] = ()) -> None:
    """Write rows to standard output, on a terminal as wide as it is; nothing without rows.

    `optional` are columns that a narrow terminal leaves out, the first one first.
    """
    if not rows:
        return
    if on_terminal():
        from aioscrapy_deploy.terminal.screen import console, fitted

        terminal = console()
        terminal.print(fitted(rows, columns, optional, terminal.width))
    else:
        print("\n".join(table(rows, columns)))


def table(rows: Sequence[Row], columns: Sequence[str]) -> list[str]:
    """Return a line of column names and one for every row; None is an empty cell, numbers stand right."""
    cells = [[cell(row.get(column)) for column in columns] for row in rows]
    widths = [max(map(len, column)) for column in zip(columns, *cells, strict=True)]
    numbers = [is_number(rows, column) for column in columns]

    def line(words: Sequence[str]) -> str:
        placed = zip(words, widths, numbers, strict=True)
        padded = (word.rjust(width) if right else word.ljust(width) for word, width, right in placed)
        return "  ".join(padded).rstrip()

    return [line(columns), *(line(words) for words in cells)]


def cell(value: Any) -> str:
    """Return a value as one printable line."""
    if value is None:
        return ""
    return f"{value:.1f}" if isinstance(value, float) else one_line(str(value))


def is_number(rows: Sequence[Row], column: str) -> bool:
    """Return True if a column has nothing but numbers."""
    return all(isinstance(row.get(column), int | float | None) for row in rows)


def on_terminal(stream: TextIO | None = None) -> bool:
    """Return True if a stream (standard output) is a terminal that can move its cursor."""
    return (stream or sys.stdout).isatty() and os.environ.get("TERM") not in {"dumb", "unknown"}


def coloured(stream: TextIO | None = None) -> bool:
    """Return whether a stream (standard output) is a terminal, and NO_COLOR is not set (no-color.org)."""
    return on_terminal(stream) and not os.environ.get("NO_COLOR")


def paint(text: str, colour: str) -> str:
    """Return text with the codes of a colour around it; with "" as it is."""
    return f"\x1b[{_COLOURS[colour]}m{text}\x1b[0m" if colour else text
