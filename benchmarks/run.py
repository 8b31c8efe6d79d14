"""Compare with a bare loop, in the same run on the same site: `python benchmarks/run.py [--short] [--write]`.

Every crawler fetches all pages once and extracts the same, which is checked. The crawlers take turns; the
figures are medians of the rounds. `--write` puts the table into benchmarks/README.md.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any
from urllib.request import urlopen

from neighbours import HERE, redis_server, site, write_table

REDIS = {"SCHEDULER_QUEUE_CLASS": "aioscrapy.queue.redis.SpiderPriorityQueue", "ITEMS_IN_REDIS": True}
BLOOM = {**REDIS, "DUPEFILTER_CLASS": "aioscrapy.dupefilters.redis.RedisBloomDupeFilter"}
CRAWLERS: dict[str, tuple[str, dict[str, Any] | None]] = {
    "bare aiohttp + parsel": ("bare.py", None),
    "aioscrapy, memory": ("ours.py", {}),
    "aioscrapy, Redis set": ("ours.py", REDIS),
    "aioscrapy, Redis Bloom": ("ours.py", BLOOM),
}


def main() -> int:
    options = _options()
    with (
        tempfile.TemporaryDirectory() as folder,
        site(options.pages) as url,
        redis_server(Path(folder)) as redis,
    ):
        runs: dict[str, list[dict[str, float]]] = {name: [] for name in CRAWLERS}
        for number in range(options.rounds + 1):  # the first round warms up and is not counted
            for name, (script, settings) in CRAWLERS.items():
                figures = _run(Path(folder), script, url, redis, settings, options)
                if number:
                    runs[name].append(figures)
    table = _table(runs)
    print(table)
    if options.write:
        how = f"{options.pages} pages, {options.concurrency} at once, {options.rounds} rounds"
        write_table("table", how, table)
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Compare with a bare loop, on a site made for it.")
    parser.add_argument("--pages", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--concurrency", type=int, default=16)
    parser.add_argument("--short", action="store_true", help="500 pages, 2 rounds")
    parser.add_argument("--write", action="store_true", help="write the table into README.md")
    options = parser.parse_args()
    if options.short:
        options.pages, options.rounds = 500, 2
    return options


def _run(
    folder: Path,
    script: str,
    url: str,
    redis: str,
    settings: dict[str, Any] | None,
    options: argparse.Namespace,
) -> dict[str, float]:
    """Run one crawler to its end; returns its figures. Raises where it did not do the whole work once."""
    out = folder / "items.jl"
    out.unlink(missing_ok=True)
    command = [sys.executable, str(HERE / script), url, str(out), str(options.concurrency)]
    if settings is not None:
        shared = {"REDIS_ARGS": {"queue": {"url": redis}}, "CRAWL_FRESH": True} if settings else {}
        command.append(json.dumps({**settings, **shared}))
    began = time.time()
    environment = {**os.environ, "PYTHONPATH": str(HERE.parent)}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, env=environment, cwd=folder)
    assert process.stdout is not None
    with process.stdout as stdout:
        printed = stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    took_s = time.time() - began
    assert process.returncode == 0, f"{script} ended with {process.returncode}"
    with urlopen(url.replace("/p/0", "/counts"), timeout=30) as counts:
        assert set(json.load(counts)) == {1}, f"{script}: not every page was fetched once"
    items = [json.loads(line) for line in out.read_text().splitlines()]
    titles = {item["url"].rpartition("/")[2]: item["title"] for item in items}
    assert len(items) == len(titles) == options.pages, (
        f"{script}: {len(items)} items, {len(titles)} different"
    )
    assert all(title == f"Page {number}" for number, title in titles.items())
    first_s = json.loads(printed.splitlines()[-1])["first_request"] - began
    return {
        "rate": options.pages / (took_s - first_s),
        "first": first_s,
        "cpu": (usage.ru_utime + usage.ru_stime) / options.pages * 1000,
        "rss": usage.ru_maxrss / 1024,
    }


def _table(runs: dict[str, list[dict[str, float]]]) -> str:
    """Return the figures as a Markdown table; ratios are taken round by round, then their median."""
    bare = next(iter(runs.values()))
    lines = [
        "| crawler | pages/s: median (least to most) | of the bare loop | CPU s per 1,000 pages "
        "| peak RSS MiB | to the first request |",
        "|---|---|---|---|---|---|",
    ]
    for name, rounds in runs.items():
        rates = [figures["rate"] for figures in rounds]
        ratio = statistics.median(mine["rate"] / its["rate"] for mine, its in zip(rounds, bare, strict=True))
        start = statistics.median(
            mine["first"] / its["first"] for mine, its in zip(rounds, bare, strict=True)
        )
        cpu = statistics.median(figures["cpu"] for figures in rounds)
        rss = statistics.median(figures["rss"] for figures in rounds)
        first = statistics.median(figures["first"] for figures in rounds)
        lines.append(
            f"| {name} | {statistics.median(rates):.0f} ({min(rates):.0f} to {max(rates):.0f}) | {ratio:.2f} "
            f"| {cpu:.2f} | {rss:.0f} | {first:.2f} s ({start:.2f}) |"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
