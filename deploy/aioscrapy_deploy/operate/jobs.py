"""List the jobs of a target.

Examples:
  aioscrapy jobs
  aioscrapy jobs --watch                        # up to date until Ctrl-C
  aioscrapy jobs --json | jq '.[] | select(.state == "running")'
"""

import argparse
import shutil
import sys
import time
from dataclasses import asdict
from typing import Any

from aioscrapy_deploy.fleet import Fleet, add_target_options, reported
from aioscrapy_deploy.operate.find_jobs import JobOnNode, all_jobs
from aioscrapy_deploy.remote.job_end import End, read_end, read_record
from aioscrapy_deploy.terminal.option_types import pause
from aioscrapy_deploy.terminal.table import coloured, json_text, print_json, print_table, table

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
        help="repeat every SECONDS (default: 2) until Ctrl-C; with --json one line per repetition",
    )


@reported
def run(options: argparse.Namespace) -> int:
    """List the jobs of the target's project, or of all projects if it names none."""
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
            _print_again(fleet, _rows(fleet, ends), options)
            time.sleep(options.watch)
    except KeyboardInterrupt:  # the way to end it
        return fleet.status


def _rows(fleet: Fleet, ends: _Ends) -> list[dict[str, Any]]:
    """Return a row for every job, the newest first; `ends` keeps the ends that were read, which are final.

    A running job of our runner has a record, too, with its counts so far.
    """
    jobs = all_jobs(fleet)
    unread = [row for row in jobs if row.job.state == "finished" and row.key not in ends]
    for row, end in fleet.map(unread, lambda row: read_end(row.node.client, row.job)):
        ends[row.key] = end
    running = [row for row in jobs if row.job.state == "running"]
    records = {
        row.key: end for row, end in fleet.map(running, lambda row: read_record(row.node.client, row.job))
    }
    jobs.sort(key=lambda row: row.job.end_time or row.job.start_time or "", reverse=True)
    jobs.sort(key=lambda row: _ORDER[row.job.state])
    return [_row(row, ends.get(row.key) or records.get(row.key)) for row in jobs]


def _row(job: JobOnNode, end: End | None) -> dict[str, Any]:
    fields = {name: value for name, value in asdict(job.job).items() if name != "id"}
    row = {"job": job.job.id, **fields, "node": job.node.name, "url": job.node.client.url}
    row |= {"reason": None, "error": None, "pages": None, "items": None, "seconds": None}
    if end and end.reason:
        row |= {"pages": end.pages, "items": end.items}
        if job.job.state == "finished":
            row |= {"reason": end.reason, "error": end.error or None, "seconds": end.seconds}
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


def _print_again(fleet: Fleet, rows: list[dict[str, Any]], options: argparse.Namespace) -> None:
    if options.json:
        print(json_text(rows), flush=True)
        return
    on_terminal = sys.stdout.isatty()
    lines = table(_to_the_second(rows), _columns(fleet), coloured=coloured()) if rows else ["No jobs"]
    height = shutil.get_terminal_size().lines - 2
    if on_terminal and len(lines) > height:
        lines[height:] = [f"… and {len(lines) - height} more"]
    counts = {state: sum(row["state"] == state for row in rows) for state in _ORDER}
    head = f"{time.strftime('%H:%M:%S')}  " + ", ".join(f"{count} {state}" for state, count in counts.items())
    print(f"{_CLEAR if on_terminal else ''}{head}", *lines, sep="\n", flush=True)
