"""Measure the shared frontier: `python benchmarks/frontier.py [--short] [--write]`.

Round trips of a real crawl, the cost of a worker that waits, bytes of filters and of waiting requests, and
the time of an exchange with few and with many of them. The exit status is 1 if a bar is missed; `--short`
measures less and has no bars for times. `--write` puts the table into benchmarks/README.md.
"""

import argparse
import asyncio
import contextlib
import json
import math
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench import HERE, Row, bars, redis_server, site, write_table
from frontier_store import Costs, Frontier, false_positives
from redis import Redis

from aioscrapy.dupefilters.redis import BloomDupeFilter, RFPDupeFilter

CONCURRENCY = 16
SHARED = {"SCHEDULER_QUEUE_CLASS": "aioscrapy.queue.redis.SpiderPriorityQueue", "ITEMS_IN_REDIS": True}
OURS = {"config|resetstat", "info", "scan"}  # commands of this program during the count
LONGEST_S = 120.0


@dataclass(frozen=True)
class Size:
    """The amount of work to measure."""

    pages: int = 2000
    idle_s: float = 20.0
    few: int = 10_000
    many: int = 1_000_000
    probes: int = 10_000_000


def main() -> int:
    parser = argparse.ArgumentParser(description="Measure the shared frontier.")
    parser.add_argument("--short", action="store_true", help="500 pages, 5 s of waiting, 20,000 requests")
    parser.add_argument("--write", action="store_true", help="write the table into README.md")
    options = parser.parse_args()
    size = Size(500, 5.0, 2000, 20_000, 100_000) if options.short else Size()
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as folder, redis_server(Path(folder)) as redis:
        rows += _crawl(Path(folder), redis, size)
        rows += asyncio.run(_waiting_requests(redis, size, judge_times=not options.short))
        rows += asyncio.run(_bloom(redis, size))
    table = bars(rows)
    print(table)
    if options.write:
        write_table("frontier", f"{size.pages} pages, {size.many:,} requests", table)
    return int(not all(row.met for row in rows))


def _crawl(folder: Path, redis: str, size: Size) -> list[Row]:
    """Crawl the site; then the same worker waits for more."""
    with Redis.from_url(redis, single_connection_client=True) as client, site(size.pages) as served:
        client.flushall()
        client.config_resetstat()
        with _worker(folder, redis, served.url) as pid:
            _until(lambda: _done(client) == size.pages)
            crawled = _round_trips(client)
            time.sleep(1.0)  # the last exchanges of the crawl don't count as waiting
            client.config_resetstat()
            cpu_s, start = _cpu_s(pid), time.monotonic()
            time.sleep(size.idle_s)
            waited_s = time.monotonic() - start
            waited, cpu_ms = sum(_round_trips(client).values()), (_cpu_s(pid) - cpu_s) * 1000
        items = sum(client.llen(key) for key in client.scan_iter("*:items"))
        assert items == size.pages, f"{items} items"
    per_page, per_s = sum(crawled.values()) / size.pages, waited / waited_s
    names = ", ".join(f"{count} {name}" for name, count in sorted(crawled.items(), key=lambda pair: -pair[1]))
    print(f"Round trips of {size.pages} pages: {names}")
    return [
        Row(
            f"round trips to Redis per page, {CONCURRENCY} at once, items in Redis",
            f"{per_page:.2f}",
            "≤ 1",
            per_page <= 1,
        ),
        Row("commands per second of a worker that waits", f"{per_s:.2f}", "< 1", per_s < 1),
        Row("its CPU time", f"{cpu_ms / waited_s:.2f} ms/s", "< 5 ms/s", cpu_ms / waited_s < 5),
    ]


@contextlib.contextmanager
def _worker(folder: Path, redis: str, url: str) -> Iterator[int]:
    """Run ours.py on the site until the end of the block; yields its process id."""
    settings: dict[str, Any] = {
        **SHARED,
        "REDIS_ARGS": {"queue": {"url": redis}},
        "CLOSE_SPIDER_ON_IDLE": False,
    }
    command = [sys.executable, str(HERE / "ours.py"), url, str(folder / "items.jl"), str(CONCURRENCY)]
    environment = {**os.environ, "PYTHONPATH": str(HERE.parent)}
    with subprocess.Popen(
        [*command, json.dumps(settings)], stdout=subprocess.DEVNULL, env=environment, cwd=folder
    ) as process:
        try:
            yield process.pid
        finally:
            process.terminate()
        assert process.wait(LONGEST_S) == 0


def _round_trips(client: Any) -> dict[str, int]:
    """Return command -> calls over a connection since the last CONFIG RESETSTAT.

    INFO commandstats counts the calls of a script like those of a client, as total_commands_processed and
    tot-cmds do (Redis 7, Valkey 8 and 9). So every command in our scripts is left out: a worker itself sends
    only one of them, the GET that opens its crawl.
    """
    sources = "".join(path.read_text() for path in (HERE.parent / "aioscrapy").rglob("*.lua"))
    inside = {name.lower() for name in re.findall(r"'([A-Z]+)'", sources)}
    stats = client.info("commandstats")
    calls = {name.removeprefix("cmdstat_"): figures["calls"] for name, figures in stats.items()}
    return {name: count for name, count in calls.items() if name not in inside | OURS}


def _done(client: Any) -> int:
    keys = list(client.scan_iter("aioscrapy:*:meta"))
    return int(client.hget(keys[0], "done") or 0) if keys else 0


def _until(reached: Any) -> None:
    deadline = time.monotonic() + LONGEST_S
    while not reached():
        assert time.monotonic() < deadline, "the crawl takes too long"
        time.sleep(0.05)


def _cpu_s(pid: int) -> float:
    """Return the CPU seconds of all threads of a process (Linux: man 5 proc, schedstat)."""
    threads = Path(f"/proc/{pid}/task").iterdir()
    return sum(int((thread / "schedstat").read_text().split()[0]) for thread in threads) / 1e9


async def _waiting_requests(redis: str, size: Size, *, judge_times: bool) -> list[Row]:
    """Fill the frontier with the exact filter; measure exchanges with few and with many requests."""
    async with Frontier(redis, RFPDupeFilter) as frontier:
        await frontier.fill(size.few)
        few = await frontier.exchange_times()
        await frontier.fill(size.many)
        seen, used = frontier.bytes_of("seen"), frontier.used() - frontier.empty
        waiting = frontier.bytes_of("ready") + frontier.bytes_of("hosts")
        many = await frontier.exchange_times()
    rows = [
        Row(
            f"exact filter, {size.many:,} URLs",
            f"{seen / size.many:.0f} bytes per URL",
            "≤ 80",
            seen <= 80 * size.many,
        ),
        Row(
            f"{size.many:,} requests waiting",
            f"{waiting / size.many:.0f} bytes per request, {used / size.many:.0f} with the filter",
            "-",
            True,
        ),
    ]
    return rows + _times(few, many, size, judge_times)


def _times(few: Costs, many: Costs, size: Size, judge: bool) -> list[Row]:
    rows = []
    for what, before_ms, after_ms in (
        ("reserve 16", few.reserve_ms, many.reserve_ms),
        ("commit 16 pages and reserve 16", few.commit_ms, many.commit_ms),
    ):
        ratio = after_ms / before_ms
        rows.append(
            Row(
                f"{what}: {size.few:,} waiting, then {size.many:,}",
                f"{before_ms:.2f} ms, then {after_ms:.2f} ms ({ratio:.2f} times)",
                "≤ 2 times",
                ratio <= 2 or not judge,
            )
        )
    return rows


async def _bloom(redis: str, size: Size) -> list[Row]:
    async with Frontier(redis, BloomDupeFilter) as frontier:
        await frontier.fill(20)
        small = frontier.bytes_of("bloom")
    async with Frontier(redis, BloomDupeFilter) as frontier:
        await frontier.fill(size.many)
        large = frontier.bytes_of("bloom")
        wrong, rate = false_positives(frontier, size.probes)
    expected = size.probes / 1e6  # of a filter that just meets the bar; the count scatters around it
    return [
        Row("Bloom filter, 20 URLs", f"{small:,} bytes", "< 100 KB", small < 100_000),
        Row(f"Bloom filter, {size.many:,} URLs", f"{large / 1e6:.2f} MB", "≤ 6 MB", large <= 6e6),
        Row(
            "its false positives",
            f"{wrong} of {size.probes:,} new URLs; {rate:.1e} by its set bits",
            "≤ 1e-6",
            rate <= 1e-6 and wrong <= expected + 3 * math.sqrt(expected),
        ),
    ]


if __name__ == "__main__":
    sys.exit(main())
