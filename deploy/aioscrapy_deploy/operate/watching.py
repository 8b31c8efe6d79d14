"""`--watch`: repeat a table until Ctrl-C; and how fast jobs are."""

import argparse
import time
from collections import deque
from collections.abc import Callable, Hashable, Sequence
from typing import Any

from aioscrapy_deploy.fleet import Fleet
from aioscrapy_deploy.terminal.screen import live
from aioscrapy_deploy.terminal.table import json_text, print_json, print_table

Rows = list[dict[str, Any]]
# Seconds back that a rate looks, and seconds that two looks must lie apart.
_WINDOW_S, _APART_S = 30.0, 1.5


def show(
    fleet: Fleet,
    options: argparse.Namespace,
    rows: Callable[[], Rows],
    head: Callable[[Rows], str],
    columns: Sequence[str],
    optional: Sequence[str] = (),
    empty: str = "",
) -> int:
    """Print rows as the options say, once or until Ctrl-C; return the exit status.

    `empty` is the line for a person where there are no rows, though all servers answered.
    """
    if options.watch is None:
        current = rows()
        if options.json:
            print_json(current)
        elif current or fleet.failures or not empty:
            print_table(current, columns, optional)
        else:
            print(empty)
        return fleet.status
    try:
        if options.json:
            while True:
                print(json_text(rows()), flush=True)
                time.sleep(options.watch)
        with live() as draw:
            while True:
                current = rows()
                draw(f"{time.strftime('%H:%M:%S')}  {head(current)}", current, columns, optional)
                time.sleep(options.watch)
    except KeyboardInterrupt:  # the way to end it
        return fleet.status


class Rates:
    """Pages per minute of jobs that are looked at repeatedly."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._looks: dict[Hashable, deque[tuple[float, int]]] = {}

    def rate(self, key: Hashable, pages: int | None, seconds: float | None = None) -> float | None:
        """Return the pages per minute of the last half minute; at first those of all its `seconds`, if known.

        None without pages, or if one look is not enough.
        """
        if pages is None:
            return None
        now = self._clock()
        looks = self._looks.setdefault(key, deque())
        looks.append((now, pages))
        while len(looks) > 2 and looks[1][0] <= now - _WINDOW_S:
            looks.popleft()
        since, before = looks[0]
        if now - since >= _APART_S:
            return max(0.0, (pages - before) * 60 / (now - since))
        return pages * 60 / seconds if seconds else None
