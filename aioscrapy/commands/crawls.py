"""List the crawls in Redis, show one, stop, resume or delete it."""

import argparse
import asyncio
import signal
import sys
import time
from collections import Counter
from collections.abc import Coroutine
from dataclasses import asdict
from datetime import UTC, datetime
from types import FrameType
from typing import Any, NoReturn, TypeVar

from aioscrapy.context import CrawlContext
from aioscrapy.crawls.catalog import Crawl, Crawls
from aioscrapy.crawls.progress import Progress, counters, filter_usage, memory, progress, workers_of
from aioscrapy.dupefilters.redis import BloomDupeFilter
from aioscrapy.exceptions import ConfigError
from aioscrapy.open_crawls import open_crawls
from aioscrapy.settings import PRIORITIES, Settings
from aioscrapy_deploy.terminal.option_types import add_watch_option
from aioscrapy_deploy.terminal.screen import live
from aioscrapy_deploy.terminal.table import json_text, print_json, print_table
from aioscrapy_deploy.terminal.text import printable

T = TypeVar("T")
CRAWL_HELP = "id of the crawl, or the name of a spider for its current crawl"
_signals: list[int] = []

_COLUMNS = (
    "crawl", "spider", "state", "ready", "leased", "delayed", "failed", "done", "items", "workers", "rate",
)  # fmt: skip
# What a narrow terminal leaves out, the first one first.
_OPTIONAL = ("delayed", "leased", "failed", "workers", "items")


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument(
        "action",
        nargs="?",
        choices=("list", "show", "stop", "resume", "delete"),
        default="list",
        help="what to do with the crawl (default: list all)",
    )
    parser.add_argument("crawl", nargs="?", metavar="CRAWL", help=CRAWL_HELP)
    add_redis_option(parser)
    parser.add_argument("--json", action="store_true", help="print JSON (list, show)")
    add_watch_option(parser)
    parser.add_argument("--yes", action="store_true", help="delete without confirmation")
    parser.add_argument("--force", action="store_true", help="delete even if workers are running")


def run(options: argparse.Namespace) -> int:
    """Run the action; return 0 also if the crawl is stopped or running already."""
    if (options.action == "list") != (options.crawl is None):
        raise ConfigError(f"crawls {options.action} takes {'no' if options.crawl else 'a'} CRAWL")
    if options.watch is None:
        return run_to_end(_run(options))
    if options.action != "list":
        raise ConfigError(f"--watch is for the list of crawls, not for crawls {options.action}")
    try:
        return run_to_end(_run(options))
    except KeyboardInterrupt:  # the way to end it
        return 0


def run_to_end(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine and return its result; SIGINT or SIGTERM ends it at once and closes its connections.

    It is not cancelled, as asyncio does: redis-py may swallow that, and a long export would go on.
    """

    def interrupt(number: int, _frame: FrameType | None) -> None:
        _signals.append(number)
        end_at_signal()

    _signals.clear()
    before = {number: signal.signal(number, interrupt) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        return asyncio.run(work)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def end_at_signal() -> None:
    """Raise if a signal has come: the exception of the handler may get lost in a task of redis-py."""
    for number in _signals:
        if number == signal.SIGTERM:
            sys.exit(128 + number)
        raise KeyboardInterrupt


def add_redis_option(parser: argparse.ArgumentParser) -> None:
    """Declare the option of every command that reads a Redis."""
    parser.add_argument(
        "--redis", metavar="URL", help="URL of the Redis (default: the one of REDIS_ARGS for the queue)"
    )


def say(text: str) -> None:
    """Print a line for a person; control characters, which may come from Redis, are escaped."""
    print(printable(text))


def bot_of(settings: Settings) -> str:
    """Return BOT_NAME, or "" for all projects if it is not set."""
    is_set = (settings.getpriority("BOT_NAME") or 0) > PRIORITIES["default"]
    return str(settings["BOT_NAME"]) if is_set else ""


async def _run(options: argparse.Namespace) -> int:
    bot = bot_of(options.settings)
    async with open_crawls(options.settings, options.redis, bot=bot) as crawls:
        if options.watch is not None:
            await _watch(crawls, bool(bot), options)
        if options.action == "list":
            _print_list(await progress(crawls.redis, await crawls.all()), bool(bot), options.json)
            return 0
        crawl = await crawls.find(options.crawl)
        if options.action == "show":
            _print_details(await _details(crawls, crawl, options.settings), options.json)
        elif options.action == "delete":
            return await _delete(crawls, crawl, options)
        else:
            await _stop_or_resume(crawls, crawl, options.action)
    return 0


async def _watch(crawls: Crawls, one_project: bool, options: argparse.Namespace) -> NoReturn:
    with live() as draw:
        while True:
            listed = await progress(crawls.redis, await crawls.all())
            end_at_signal()
            if options.json:
                print(json_text([_as_json(row) for row in listed]), flush=True)
            else:
                states = Counter(row.state for row in listed)
                counts = ", ".join(f"{count} {state}" for state, count in states.items()) or "no crawls"
                draw(
                    f"{time.strftime('%H:%M:%S')}  {counts}", _rows(listed, one_project), _COLUMNS, _OPTIONAL
                )
            await asyncio.sleep(options.watch)


async def _stop_or_resume(crawls: Crawls, crawl: Crawl, action: str) -> None:
    if action == "stop":
        changed = await crawls.stop(crawl)
        say(f"Crawl {crawl.id} {'is' if changed else 'was'} stopped{'' if changed else ' already'}")
        say(f"Continue it with: aioscrapy crawls resume {crawl.id}")
    else:
        changed = await crawls.resume(crawl)
        say(f"Crawl {crawl.id} {'is open again' if changed else 'was not stopped'}")
        say(f"Start a worker: {worker_command(crawl)}")


def worker_command(crawl: Crawl) -> str:
    """Return the command that starts a worker of this crawl."""
    return f"aioscrapy crawl {crawl.spider} -a crawl={crawl.id}"


async def _delete(crawls: Crawls, crawl: Crawl, options: argparse.Namespace) -> int:
    if not options.yes:
        if not sys.stdin.isatty():
            raise ConfigError(f"crawl {crawl.id}: add --yes to delete it without a terminal")
        for row in await progress(crawls.redis, [crawl]):
            waiting = row.ready + row.leased + row.delayed
            say(f"Crawl {crawl.id} of {crawl.spider} has {waiting} requests and {row.items} items.")
        if not _confirmed("Delete it? [y/N] "):
            print("Nothing is deleted")
            return 1
    count = await crawls.delete(crawl, force=options.force)
    say(f"Deleted crawl {crawl.id} of {crawl.spider}: {count} keys")
    return 0


def _confirmed(question: str) -> bool:
    try:
        return input(question).strip().lower() in {"y", "yes"}
    except EOFError:
        return False


async def _details(crawls: Crawls, crawl: Crawl, settings: Settings) -> dict[str, Any]:
    """Return everything that `show` prints.

    Raises:
        ConfigError: the crawl has expired.
    """
    redis = crawls.redis
    rows = await progress(redis, [crawl])
    if not rows:
        raise ConfigError(f"crawl {crawl.id} of {crawl.spider!r} has expired")
    dupefilter = await filter_usage(redis, crawl)
    if dupefilter["kind"] == "bloom":
        context = CrawlContext.without_crawl(settings)
        rate = BloomDupeFilter.from_crawler(context).error_rate(dupefilter["layers"])
        dupefilter["error_rate"] = float(f"{rate:.3g}")
    keys = await memory(redis, crawl)
    return {
        **_as_json(rows[0]),
        "counters": await counters(redis, crawl),
        "worker_list": await workers_of(redis, crawl, settings.getfloat("SCHEDULER_LEASE")),
        "filter": dupefilter,
        "bytes": sum(keys.values()),
        "bytes_by_key": keys,
    }


def _as_json(row: Progress) -> dict[str, Any]:
    """Return the progress of a crawl with times as in ISO 8601."""
    return {**asdict(row), "created": _time(row.created), "finished_at": _time(row.finished_at)}


def _time(ms: int | None) -> str | None:
    if ms is None or not 0 <= ms < 253_402_300_800_000:  # the year 10000, which no worker has written
        return None
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="milliseconds")


def _print_list(crawls: list[Progress], one_project: bool, as_json: bool) -> None:
    if as_json:
        print_json([_as_json(row) for row in crawls])
        return
    if not crawls:
        print("No crawls")
        return
    print_table(_rows(crawls, one_project), _COLUMNS, _OPTIONAL)


def _rows(crawls: list[Progress], one_project: bool) -> list[dict[str, Any]]:
    rows = [{**asdict(row), "rate": f"{row.rate:.1f}/min"} for row in crawls]
    if one_project:
        return rows
    return [{**row, "spider": f"{row['project']}/{row['spider']}"} for row in rows]


def _print_details(crawl: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print_json(crawl)
        return
    current = ", the current crawl of its spider" if crawl["current"] else ""
    say(f"crawl      {crawl['crawl']} of {crawl['project']}/{crawl['spider']}, {crawl['state']}{current}")
    say(f"created    {crawl['created']}")
    if crawl["finished_at"]:
        say(f"finished   {crawl['finished_at']}")
    if crawl["missing"]:
        say(f"missing    {crawl['missing']} requests that Redis has lost")
    counts = ", ".join(f"{crawl[name]} {name}" for name in ("ready", "leased", "delayed", "failed", "done"))
    say(f"requests   {counts} ({crawl['rate']}/min)")
    other = {"state", "created", "finished_at", "kept", "stopped", "missing"}
    other |= {"repair_after", "repair_at", "repair_leases_at", "seed_failure"}  # times and texts, no counters
    pairs = (f"{name} {value}" for name, value in crawl["counters"].items() if name not in other)
    say(f"counters   {', '.join(pairs) or 'expired'}")
    say(f"filter     {_filter_line(crawl['filter'])}")
    largest = sorted(crawl["bytes_by_key"].items(), key=lambda pair: -pair[1])
    say(f"memory     {crawl['bytes']:,} bytes: {', '.join(f'{name} {size:,}' for name, size in largest)}")
    say(f"workers    {crawl['workers']} alive")
    for worker in crawl["worker_list"]:
        lost = "" if worker["alive"] else "; its lease is over"
        say(f"           {worker['worker']}, last contact {worker['silent_s']:.1f} s ago{lost}")


def _filter_line(usage: dict[str, Any]) -> str:
    if usage["kind"] == "none":
        return "none, or it is empty"
    line = f"{usage['kind']} of {usage['fingerprints']:,} fingerprints, {usage['bytes']:,} bytes"
    if usage["kind"] == "bloom":
        line += f", layers: {len(usage['layers'])}, false positives: {usage['error_rate']:.2g}"
    return line + (", kept for the next crawl" if usage["kept"] else "")
