"""Measure what grows with a crawl: `python benchmarks/growth.py [--short] [--write]`.

Memory in comparison with the bare loop, bytes per URL, and the speed of long crawls and of many hosts. The
exit status is 1 if a bar is missed; `--short` measures less and has no bars for times. `--write` puts the
table into benchmarks/README.md.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench import HERE, Row, Site, bars, redis_server, site, write_table
from crawlers import BARE, MEMORY, Crawler, Figures, run

CONCURRENCY = 16


@dataclass(frozen=True)
class Size:
    """The amount of work to measure."""

    few: int = 2000
    pages: int = 10_000
    many: int = 50_000
    hosts: int = 5000
    urls: int = 1_000_000
    rounds: int = 5


def main() -> int:
    parser = argparse.ArgumentParser(description="Measure what grows with a crawl.")
    parser.add_argument("--short", action="store_true", help="at most 2,000 pages, 200,000 URLs, 1 round")
    parser.add_argument("--write", action="store_true", help="write the table into README.md")
    options = parser.parse_args()
    size = Size(500, 1000, 2000, 500, 200_000, 1) if options.short else Size()
    judge = not options.short
    rows = [*_printed(_urls(size, judge))]
    with tempfile.TemporaryDirectory() as folder, redis_server(Path(folder)) as redis:

        def crawl(crawler: Crawler, served: Site, pages: int) -> Figures:
            return run(crawler, served, redis, Path(folder) / "work", pages, CONCURRENCY)

        rows += _printed(_peak(crawl, size))
        rows += _printed(_long(crawl, size, judge))
        rows += _printed(_many_hosts(crawl, size, judge))
    table = bars(rows)
    print(table)
    if options.write:
        how = f"up to {size.many:,} pages and {size.urls:,} URLs, {size.rounds} rounds"
        write_table("growth", how, table)
    return int(not all(row.met for row in rows))


def _printed(rows: Iterator[Row]) -> Iterator[Row]:
    for row in rows:
        print(f"{row.what}: {row.measured}", file=sys.stderr)
        yield row


def _urls(size: Size, judge: bool) -> Iterator[Row]:
    """Pass URLs through a frontier, then fill one; each in a new process."""
    bytes_per_url = _store("seen", size.urls)
    yield Row(
        f"memory frontier, {size.urls:,} URLs seen and done",
        f"{bytes_per_url:.0f} bytes per URL",
        "≤ 120",
        bytes_per_url <= 120,
    )
    few, many, hosts = (_store(size.few, 1), _store(size.urls, 1), _store(size.urls, size.hosts))
    yield Row(
        f"memory frontier, {size.urls:,} requests waiting",
        f"{many['waiting_bytes']:.0f} bytes per request, with its part of the filter",
        "-",
        True,
    )
    for what, after in (
        (f"{size.few:,} waiting, then {size.urls:,}", many),
        (f"{size.urls:,} waiting of one host, then of {size.hosts:,}", hosts),
    ):
        before = few if after is many else many
        yield Row(
            f"take a request and commit a page with a new link: {what}",
            f"{before['us']:.1f} µs, then {after['us']:.1f} µs",
            "≤ 1.5 times",
            after["us"] <= 1.5 * before["us"] or not judge,
        )


def _store(*arguments: int | str) -> Any:
    command = [sys.executable, str(HERE / "memory_store.py"), *map(str, arguments)]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


Crawl = Callable[[Crawler, Site, int], Figures]


def _peak(crawl: Crawl, size: Size) -> Iterator[Row]:
    """Crawl in turns with the bare loop, and compare the peaks of memory."""
    with site(size.pages) as served:
        pairs = [
            [crawl(crawler, served, size.pages) for crawler in (BARE, MEMORY)] for _ in range(size.rounds)
        ]
    bare, ours = (statistics.median(pair[which].peak_mib for pair in pairs) for which in (0, 1))
    yield Row(
        f"peak RSS at {size.pages:,} pages",
        f"{ours:.0f} MiB, the bare loop {bare:.0f} MiB",
        "within 15 MiB",
        ours - bare <= 15,
    )


def _long(crawl: Crawl, size: Size, judge: bool) -> Iterator[Row]:
    with site(size.few) as short, site(size.many) as long:
        for crawler in (BARE, MEMORY):
            pairs = [
                (crawl(crawler, short, size.few), crawl(crawler, long, size.many)) for _ in range(size.rounds)
            ]
            yield _compared(f"{crawler.name}: {size.few:,} pages, then {size.many:,}", pairs, judge, 0.9)


def _many_hosts(crawl: Crawl, size: Size, judge: bool) -> Iterator[Row]:
    """Every response closes its connection, so that the network costs the same for one host and for many."""
    with site(size.pages, hosts=1) as one, site(size.pages, hosts=size.hosts) as many:
        for crawler in (BARE, MEMORY):
            pairs = [
                (crawl(crawler, one, size.pages), crawl(crawler, many, size.pages))
                for _ in range(size.rounds)
            ]
            what = f"{crawler.name}: {size.pages:,} pages of one host, then of {size.hosts:,}"
            yield _compared(what, pairs, judge, 0.95)


def _compared(what: str, pairs: list[tuple[Figures, Figures]], judge: bool, least: float) -> Row:
    """Return a row with the ratio of the rates. The bare loop has no bar."""
    before, after = (statistics.median(pair[which].rate for pair in pairs) for which in (0, 1))
    ratio = statistics.median(second.rate / first.rate for first, second in pairs)
    cpu = statistics.median(first.cpu_s / second.cpu_s for first, second in pairs)
    bare = what.startswith(BARE.name)
    return Row(
        what,
        f"{before:.0f} pages/s, then {after:.0f} ({ratio:.2f} times; by CPU time {cpu:.2f})",
        "-" if bare else f"≥ {least} times",
        bare or not judge or ratio >= least,
    )


if __name__ == "__main__":
    sys.exit(main())
