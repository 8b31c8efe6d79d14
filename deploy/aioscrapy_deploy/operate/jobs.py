"""Show the jobs of a target.

aioscrapy jobs
aioscrapy jobs --watch                        # up to date until Ctrl-C
aioscrapy jobs --json | jq '.[] | select(.state == "running")'
"""

import argparse
import json
import shutil
import sys
import time
from dataclasses import asdict
from typing import Any

from aioscrapy_deploy.fleet import Fleet, add_target_options, reported
from aioscrapy_deploy.operate.find_jobs import Found, known_jobs
from aioscrapy_deploy.remote.joblog import End, read_end
from aioscrapy_deploy.terminal.option_types import pause
from aioscrapy_deploy.terminal.table import coloured, print_json, print_table, table

_ORDER = {"running": 0, "pending": 1, "finished": 2}
_CLEAR = "\x1b[H\x1b[2J"  # the cursor home, the screen empty
_Ends = dict[tuple[str, str], End]


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add_target_options(parser)
    parser.add_argument(
        "-w",
        "--watch",
        type=pause,
        nargs="?",
        const=2.0,
        metavar="SECONDS",
        help="look again every SECONDS (default: 2), until Ctrl-C; with --json a line each time",
    )


@reported
def run(options: argparse.Namespace) -> int:
    """Show the jobs of the target's project, or of all projects where it names none."""
    fleet = Fleet.from_options(options)
    ends: _Ends = {}
    if options.watch is None:
        rows = _rows(fleet, ends)
        if options.json:
            print_json(rows)
        else:
            print_table(_to_the_second(rows), _columns(fleet))
        return fleet.status
    try:
        while True:
            _show_again(fleet, _rows(fleet, ends), options)
            time.sleep(options.watch)
    except KeyboardInterrupt:  # the way to end it
        return fleet.status


def _rows(fleet: Fleet, ends: _Ends) -> list[dict[str, Any]]:
    """Return a row a job, the newest first; `ends` keeps what logs told, as it does not change any more."""
    jobs = known_jobs(fleet)
    unread = [each for each in jobs if each.job.state == "finished" and _key(each) not in ends]
    for found, end in fleet.map(unread, lambda each: read_end(each.node.client, each.job)):
        ends[_key(found)] = end
    jobs.sort(key=lambda each: each.job.end_time or each.job.start_time or "", reverse=True)
    jobs.sort(key=lambda each: _ORDER[each.job.state])
    return [_row(each, ends.get(_key(each))) for each in jobs]


def _row(found: Found, end: End | None) -> dict[str, Any]:
    told = {name: value for name, value in asdict(found.job).items() if name != "id"}
    row = {"job": found.job.id, **told, "node": found.node.name, "url": found.node.client.url}
    row |= {"reason": None, "pages": None, "items": None, "seconds": None}
    if end and end.reason:
        row |= {"reason": end.reason, "pages": end.pages, "items": end.items, "seconds": end.seconds}
    return row


def _columns(fleet: Fleet) -> list[str]:
    columns = ["job", "project", "spider", "state", "node", "pid", "start_time", "pages", "items"]
    columns += ["seconds", "reason"]
    superfluous = {"project"} if fleet.project else set()
    if len(fleet.nodes) < 2:
        superfluous.add("node")
    return [column for column in columns if column not in superfluous]


def _to_the_second(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{**row, "start_time": row["start_time"] and row["start_time"].partition(".")[0]} for row in rows]


def _show_again(fleet: Fleet, rows: list[dict[str, Any]], options: argparse.Namespace) -> None:
    if options.json:
        print(json.dumps(rows, ensure_ascii=False), flush=True)
        return
    on_terminal = sys.stdout.isatty()
    lines = table(_to_the_second(rows), _columns(fleet), coloured=coloured()) if rows else ["No jobs"]
    height = shutil.get_terminal_size().lines - 2
    if on_terminal and len(lines) > height:
        lines[height:] = [f"… and {len(lines) - height} more"]
    counts = {state: sum(row["state"] == state for row in rows) for state in _ORDER}
    head = f"{time.strftime('%H:%M:%S')}  " + ", ".join(f"{count} {state}" for state, count in counts.items())
    print(f"{_CLEAR if on_terminal else ''}{head}", *lines, sep="\n", flush=True)


def _key(found: Found) -> tuple[str, str]:
    return found.node.name, found.job.id
