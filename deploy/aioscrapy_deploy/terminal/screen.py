"""Tables on a terminal: as wide as it is, in colours, and live."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from aioscrapy_deploy.terminal.table import Row, cell, is_number, on_terminal, table
from aioscrapy_deploy.terminal.text import one_line

_GAP = 2  # blanks between two columns
# characters of a column of words: enough for the id of a job; and if there is no room
_ENOUGH, _LEAST = 32, 6
# State of a job -> style of its row. The word of the state says the same.
_STYLES = {
    "running": "green",
    "starting": "green",
    "pending": "yellow",
    "stopping": "yellow",
    "cancelled": "dim",
    "finished": "dim",
    "failed": "red",
}

Draw = Callable[[str, Sequence[Row], Sequence[str], Sequence[str]], None]


def console() -> Any:
    """Return rich's console for standard output; NO_COLOR (no-color.org) holds."""
    from rich.console import Console

    return Console(highlight=False, markup=False, emoji=False, soft_wrap=False)


def fitted(rows: Sequence[Row], columns: Sequence[str], optional: Sequence[str], width: int) -> Any:
    """Return a table of rich that is at most `width` wide.

    A column without a value is left out. If there is no room, long words are cut, then the `optional`
    columns are left out, the first one first, then all words are cut.
    """
    from rich.table import Table
    from rich.text import Text

    names, widths = _layout(rows, columns, optional, width)
    drawn = Table(box=None, padding=(0, _GAP, 0, 0), pad_edge=False, header_style="bold")
    for column in names:
        justify: Any = "right" if is_number(rows, column) else "left"
        drawn.add_column(
            Text(column), justify=justify, no_wrap=True, overflow="ellipsis", width=widths[column]
        )
    for row in rows:
        drawn.add_row(*(Text(cell(row.get(column))) for column in names), style=_style(row))
    return drawn


def _layout(
    rows: Sequence[Row], columns: Sequence[str], optional: Sequence[str], width: int
) -> tuple[list[str], dict[str, int]]:
    """Return the columns for which there is room, and column -> width."""
    from rich.cells import cell_len

    widths = {
        column: max(cell_len(column), *(cell_len(cell(row.get(column))) for row in rows))
        for column in columns
        if any(row.get(column) not in {None, ""} for row in rows)
    }

    def excess() -> int:
        return sum(widths.values()) + _GAP * (len(widths) - 1) - width

    def cut(least: int) -> None:
        words = [column for column in widths if not is_number(rows, column)]
        while words and excess() > 0:
            widest = max(words, key=lambda column: widths[column])
            if widths[widest] <= least:
                return
            widths[widest] -= 1

    cut(_ENOUGH)
    for column in optional:
        if excess() > 0:
            widths.pop(column, None)
    cut(_LEAST)
    return list(widths), widths


def _style(row: Row) -> str:
    state, reason = str(row.get("state")), row.get("reason")
    if state == "finished" and reason not in {"finished", None}:
        return "red"
    return _STYLES.get(state, "")


@contextmanager
def live() -> Iterator[Draw]:
    """Yield `draw(head, rows, columns, optional)`: on a terminal it replaces what it drew before.

    A pipe gets the head and the table again and again, as plain text.
    """
    if not on_terminal():
        yield _print_plain
        return
    from rich.console import Group
    from rich.live import Live
    from rich.text import Text

    terminal = console()
    with Live(console=terminal, auto_refresh=False, vertical_overflow="crop") as screen:

        def draw(head: str, rows: Sequence[Row], columns: Sequence[str], optional: Sequence[str]) -> None:
            room = terminal.height - 3  # the head, the names of the columns, the line about the rest
            parts: list[Any] = [Text(one_line(head), no_wrap=True, overflow="ellipsis")]
            if rows:
                parts.append(fitted(rows[:room], columns, optional, terminal.width))
            if len(rows) > room:
                parts.append(Text(f"… and {len(rows) - room} more"))
            screen.update(Group(*parts), refresh=True)

        yield draw


def _print_plain(head: str, rows: Sequence[Row], columns: Sequence[str], optional: Sequence[str]) -> None:
    lines = [one_line(head), *(table(rows, columns) if rows else ())]
    print("\n".join(lines), flush=True)
