"""Compare the download handlers: `python benchmarks/handlers.py [--short] [--write]`.

Every handler downloads the same pages, 16 at once, without further work; then it serves a whole crawl in
memory. Handlers run in turns, each in a new process; a ratio is the median of the ratios of the rounds to
aiohttp. `--write` puts the table into benchmarks/README.md.
"""

import argparse
import asyncio
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import uvloop
from bench import HERE, Site, redis_server, site, write_table
from crawlers import CLIENTS, MEMORY, Figures, run

from aioscrapy.components import load_object
from aioscrapy.core.downloader import handler_paths
from aioscrapy.http import Request
from aioscrapy.settings import Settings

CONCURRENCY = 16
HEADERS = {"User-Agent": "benchmark", "Accept": "text/html", "Accept-Language": "en"}
Rounds = dict[str, list[Figures]]


def main() -> int:
    parser = argparse.ArgumentParser(description="Compare the download handlers.")
    parser.add_argument("--pages", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--short", action="store_true", help="300 pages, 1 round")
    parser.add_argument("--write", action="store_true", help="write the table into README.md")
    parser.add_argument("--one", nargs=3, metavar=("CLIENT", "URL", "PAGES"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        client, url, pages = options.one
        print(json.dumps(uvloop.run(_downloads(client, url, int(pages)))))
        return 0
    if options.short:
        options.pages, options.rounds = 300, 1
    crawlers = {"aiohttp": MEMORY} | {client.extra: client for client in CLIENTS if client.python}
    alone: Rounds = {name: [] for name in crawlers}
    crawls: Rounds = {name: [] for name in crawlers}
    with (
        tempfile.TemporaryDirectory() as folder,
        redis_server(Path(folder)) as redis,
        site(options.pages) as served,
    ):
        for number in range(options.rounds):
            for name, crawler in crawlers.items():
                alone[name].append(_alone(name, served, options.pages))
                served.counts()
                work = Path(folder) / "work"
                crawls[name].append(run(crawler, served, redis, work, options.pages, CONCURRENCY))
            print(f"round {number + 1} of {options.rounds}", file=sys.stderr)
    table = _table(alone, crawls)
    print(table)
    if options.write:
        how = f"{options.pages} pages by {served.server}, {CONCURRENCY} at once, {options.rounds} rounds"
        write_table("handlers", how, table)
    return 0


def _alone(name: str, served: Site, pages: int) -> Figures:
    command = [sys.executable, str(HERE / "handlers.py"), "--one", name, served.url, str(pages)]
    report = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return Figures(report["rate"], 0.0, report["cpu_s"], 0.0)


async def _downloads(client: str, url: str, pages: int) -> dict[str, float]:
    """Download all pages twice, and measure the second time, with open connections."""
    settings = Settings({"DOWNLOAD_HANDLERS_TYPE": client, "CONCURRENT_REQUESTS": CONCURRENCY})
    handler = load_object(handler_paths(settings)["http"], "DOWNLOAD_HANDLERS")(settings)
    for _ in range(2):
        numbers = iter(range(pages))

        async def work(numbers: Any = numbers) -> None:
            for number in numbers:
                address = url.replace("/p/0", f"/p/{number}")
                response = await handler.download_request(Request(address, headers=HEADERS), None)
                assert response.status == 200

        start, cpu = time.perf_counter(), time.process_time()
        await asyncio.gather(*(work() for _ in range(CONCURRENCY)))
        wall_s, cpu_s = time.perf_counter() - start, time.process_time() - cpu
    await handler.close()
    return {"rate": pages / wall_s, "cpu_s": cpu_s / pages * 1000}


def _table(alone: Rounds, crawls: Rounds) -> str:
    lines = [
        "| handler | a download alone: CPU time | of aiohttp | downloads/s, of aiohttp "
        "| whole crawl: CPU time a page | of aiohttp | pages/s, of aiohttp |",
        "|---|---|---|---|---|---|---|",
    ]
    for name in alone:
        cells = [name]
        for runs in (alone, crawls):
            cpu_us = statistics.median(figures.cpu_s for figures in runs[name]) * 1000
            cells += [f"{cpu_us:.0f} µs", f"{_ratio(runs, name, lambda figures: figures.cpu_s):.2f}"]
            cells.append(f"{_ratio(runs, name, lambda figures: figures.rate):.2f}")
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _ratio(runs: Rounds, name: str, what: Callable[[Figures], float]) -> float:
    pairs = zip(runs[name], runs["aiohttp"], strict=True)
    return statistics.median(what(mine) / what(its) for mine, its in pairs)


if __name__ == "__main__":
    sys.exit(main())
