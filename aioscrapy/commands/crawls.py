"""List the crawls in Redis, show one, stop, resume or delete it."""

import argparse
import asyncio
import json
import signal
import sys
from collections.abc import Coroutine, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from types import FrameType
from typing import Any, TypeVar

from aioscrapy.context import CrawlContext
from aioscrapy.crawls.catalog import Crawl, Crawls
from aioscrapy.crawls.progress import Progress, counters, filter_usage, memory, progress, workers_of
from aioscrapy.dupefilters.redis import BloomDupeFilter
from aioscrapy.exceptions import ConfigError
from aioscrapy.frontier_settings import open_crawls
from aioscrapy.settings import PRIORITIES, Settings

T = TypeVar("T")
_signals: list[int] = []

_COLUMNS = (
    "crawl", "spider", "state", "ready", "leased", "delayed", "failed", "done", "items", "workers", "rate",
)  # fmt: skip


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument(
        "action",
        nargs="?",
        choices=("list", "show", "stop", "resume", "delete"),
        default="list",
        help="what to do with the crawl (default: list all)",
    )
    parser.add_argument("crawl", nargs="?", metavar="CRAWL", help="its id, or SPIDER for its current crawl")
    add_redis_option(parser)
    parser.add_argument("--json", action="store_true", help="list or show: write JSON")
    parser.add_argument("--yes", action="store_true", help="delete: don't ask")
    parser.add_argument("--force", action="store_true", help="delete: although workers are alive")


def run(options: argparse.Namespace) -> int:
    """Do it; 0 also where a crawl is stopped or running already."""
    if (options.action == "list") != (options.crawl is None):
        raise ConfigError(f"crawls {options.action} takes {'no' if options.crawl else 'a'} CRAWL")
    return run_to_end(_run(options))


def run_to_end(work: Coroutine[Any, Any, T]) -> T:
    """Return what it returns; SIGINT and SIGTERM end it at once, with what it has opened closed.

    Not by cancelling, as asyncio does: redis-py may swallow that, and a long export would go on.
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
    """Raise where a signal has come: what the handler raises may get lost in a task of redis-py."""
    for number in _signals:
        if number == signal.SIGTERM:
            sys.exit(128 + number)
        raise KeyboardInterrupt


def add_redis_option(parser: argparse.ArgumentParser) -> None:
    """Declare what every command that looks into a Redis takes."""
    parser.add_argument(
        "--redis", metavar="URL", help="the Redis to look into (default: that of REDIS_ARGS for the queue)"
    )


def bot_of(settings: Settings) -> str:
    """Return BOT_NAME, "" where nobody has set it: then all projects are meant."""
    given = (settings.getpriority("BOT_NAME") or 0) > PRIORITIES["default"]
    return str(settings["BOT_NAME"]) if given else ""


async def _run(options: argparse.Namespace) -> int:
    bot = bot_of(options.settings)
    async with open_crawls(options.settings, options.redis, bot=bot) as crawls:
        if options.action == "list":
            _print_list(await progress(crawls.redis, await crawls.all()), bool(bot), options.json)
            return 0
        crawl = await crawls.find(options.crawl)
        if options.action == "show":
            _print_one(await _everything(crawls, crawl, options.settings), options.json)
        elif options.action == "delete":
            return await _delete(crawls, crawl, options)
        else:
            await _stop_or_resume(crawls, crawl, options.action)
    return 0


async def _stop_or_resume(crawls: Crawls, crawl: Crawl, action: str) -> None:
    if action == "stop":
        changed = await crawls.stop(crawl)
        print(f"Crawl {crawl.id} {'is' if changed else 'was'} stopped{'' if changed else ' already'}")
        print(f"Go on with it: aioscrapy crawls resume {crawl.id}")
    else:
        changed = await crawls.resume(crawl)
        print(f"Crawl {crawl.id} {'is open again' if changed else 'was not stopped'}")
        print(f"Start a worker: {worker_command(crawl)}")


def worker_command(crawl: Crawl) -> str:
    """Return the command that starts a worker of this crawl."""
    return f"aioscrapy crawl {crawl.spider} -a crawl={crawl.id}"


async def _delete(crawls: Crawls, crawl: Crawl, options: argparse.Namespace) -> int:
    if not options.yes:
        if not sys.stdin.isatty():
            raise ConfigError(f"crawl {crawl.id} is deleted only with --yes where nobody can be asked")
        for told in await progress(crawls.redis, [crawl]):
            waiting = told.ready + told.leased + told.delayed
            print(f"Crawl {crawl.id} of {crawl.spider} has {waiting} requests and {told.items} items.")
        if not _answered_yes("Delete it? [y/N] "):
            print("Nothing is deleted")
            return 1
    count = await crawls.delete(crawl, force=options.force)
    print(f"Deleted crawl {crawl.id} of {crawl.spider}: {count} keys")
    return 0


def _answered_yes(question: str) -> bool:
    try:
        return input(question).strip().lower() in {"y", "yes"}
    except EOFError:
        return False


async def _everything(crawls: Crawls, crawl: Crawl, settings: Settings) -> dict[str, Any]:
    redis = crawls.redis
    found = await progress(redis, [crawl])
    if not found:
        raise ConfigError(f"crawl {crawl.id} of {crawl.spider!r} has expired: nothing of it is left")
    dupefilter = await filter_usage(redis, crawl)
    if dupefilter["kind"] == "bloom":
        context = CrawlContext.without_crawl(settings)
        rate = BloomDupeFilter.from_crawler(context).error_rate(dupefilter["layers"])
        dupefilter["error_rate"] = float(f"{rate:.3g}")
    keys = await memory(redis, crawl)
    return {
        **_plain(found[0]),
        "counters": await counters(redis, crawl),
        "worker_list": await workers_of(redis, crawl, settings.getfloat("SCHEDULER_LEASE")),
        "filter": dupefilter,
        "bytes": sum(keys.values()),
        "bytes_by_key": keys,
    }


def _plain(told: Progress) -> dict[str, Any]:
    """Return what JSON shows of the figures: times as in ISO 8601."""
    return {**asdict(told), "created": _time(told.created), "finished_at": _time(told.finished_at)}


def _time(ms: int | None) -> str | None:
    return None if ms is None else datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="milliseconds")


def _print_list(found: list[Progress], one_project: bool, as_json: bool) -> None:
    if as_json:
        print(json.dumps([_plain(each) for each in found], indent=2))
        return
    if not found:
        print("No crawls")
        return
    rows = [{**asdict(each), "rate": f"{each.rate:.1f}/min"} for each in found]
    if not one_project:
        rows = [{**row, "spider": f"{row['project']}/{row['spider']}"} for row in rows]
    _print_table([_COLUMNS, *(tuple(str(row[name]) for name in _COLUMNS) for row in rows)])


def _print_table(rows: Sequence[tuple[str, ...]]) -> None:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        words = row[:3]  # the others are numbers
        cells = [cell.ljust(width) for cell, width in zip(words, widths[:3], strict=True)]
        cells += [cell.rjust(width) for cell, width in zip(row[3:], widths[3:], strict=True)]
        print("  ".join(cells).rstrip())


def _print_one(told: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print(json.dumps(told, indent=2))
        return
    print(f"crawl      {told['crawl']} of {told['project']}/{told['spider']}, {told['state']}", end="")
    print(", the current one of its spider" if told["current"] else "")
    print(f"created    {told['created']}")
    if told["finished_at"]:
        print(f"finished   {told['finished_at']}")
    print(f"requests   {told['ready']} ready, {told['leased']} leased, {told['delayed']} delayed, ", end="")
    print(f"{told['failed']} failed, {told['done']} done ({told['rate']}/min)")
    hidden = {"state", "created", "finished_at", "kept", "stopped"}
    shown = (f"{name} {value}" for name, value in told["counters"].items() if name not in hidden)
    print(f"counters   {', '.join(shown) or 'expired'}")
    print(f"filter     {_filter_line(told['filter'])}")
    largest = sorted(told["bytes_by_key"].items(), key=lambda pair: -pair[1])
    print(f"memory     {told['bytes']:,} bytes: {', '.join(f'{name} {size:,}' for name, size in largest)}")
    print(f"workers    {told['workers']} alive")
    for each in told["worker_list"]:
        lost = "" if each["alive"] else "; its lease is over"
        print(f"           {each['worker']}, heard {each['silent_s']:.1f} s ago{lost}")


def _filter_line(told: dict[str, Any]) -> str:
    if told["kind"] == "none":
        return "none, or an empty one"
    line = f"{told['kind']} of {told['fingerprints']:,} fingerprints, {told['bytes']:,} bytes"
    if told["kind"] == "bloom":
        line += f", layers: {len(told['layers'])}, false positives: {told['error_rate']:.2g}"
    return line + (", kept for the next crawl" if told["kept"] else "")
