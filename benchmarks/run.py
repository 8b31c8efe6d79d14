"""Compare with a bare loop and with other crawlers, in the same run on the same site.

`python benchmarks/run.py [--short | --long] [--write]`. Every crawler fetches all pages once and extracts the
same items; a check proves it. The crawlers run in turns; the figures are medians of the rounds. `--write`
puts the tables into benchmarks/README.md.
"""

import argparse
import statistics
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from bench import Row, bars, redis_server, site, write_table
from crawlers import BARE, BARE_TITLES, MEMORY, MEMORY_TITLES, OURS, PEERS, PROCESSES, REDIS, Figures, run

Rounds = dict[str, list[Figures]]


def main() -> int:
    options = _options()
    crawlers = [BARE, *OURS, BARE_TITLES, MEMORY_TITLES, *([] if options.no_peers else PEERS)]
    if options.only:
        crawlers = [
            crawler for crawler in crawlers if any(word in crawler.name for word in ["bare", *options.only])
        ]
    missing = [crawler.name for crawler in crawlers if crawler.python is None]
    if missing:
        how = "benchmarks/peers.py install; pip install '.[wreq,curl-cffi]'"
        print(f"Left out, not installed ({how}): {', '.join(missing)}", file=sys.stderr)
    crawlers = [crawler for crawler in crawlers if crawler.python is not None]
    runs: Rounds = {crawler.name: [] for crawler in crawlers}
    with (
        tempfile.TemporaryDirectory() as folder,
        redis_server(Path(folder)) as redis,
        site(options.pages) as served,
    ):
        for number in range(options.rounds + 1):  # the first round warms up and is not counted
            for crawler in crawlers:
                work = Path(folder) / "work"
                figures = run(crawler, served, redis, work, options.pages, options.concurrency)
                if number:
                    runs[crawler.name].append(figures)
            print(f"round {number} of {options.rounds}", file=sys.stderr)
    table = _table(runs)
    rows = _bars(runs)
    print(f"{table}\n\n{bars(rows)}")
    if options.write:
        pages = f"{options.pages} pages by {served.server}"
        how = f"{pages}, {options.concurrency} at once, {options.rounds} rounds"
        write_table("long" if options.long else "table", how, f"{table}\n\n{bars(rows)}")
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Compare with a bare loop, on a local site.")
    parser.add_argument("--pages", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--concurrency", type=int, default=16)
    parser.add_argument("--no-peers", action="store_true", help="only the bare loop and ours")
    parser.add_argument(
        "--only", nargs="+", metavar="WORD", help="only the crawlers with such a word in their name"
    )
    parser.add_argument("--short", action="store_true", help="500 pages, 2 rounds, no peers")
    parser.add_argument("--long", action="store_true", help="10,000 pages, no peers")
    parser.add_argument("--write", action="store_true", help="write the table into README.md")
    options = parser.parse_args()
    if options.short:
        options.pages, options.rounds, options.no_peers = 500, 2, True
    elif options.long:
        options.pages, options.no_peers = 10_000, True
    return options


def _table(runs: Rounds) -> str:
    """Return the figures as a Markdown table. A ratio is the median of the ratios of the rounds."""
    lines = [
        "| crawler | pages/s: median (least to most) | of the bare loop | CPU s per 1,000 pages "
        "| peak RSS MiB | to the first request |",
        "|---|---|---|---|---|---|",
    ]
    for name, rounds in runs.items():
        rates = [figures.rate for figures in rounds]
        cpu, rss, first = (
            statistics.median(getattr(figures, what) for figures in rounds)
            for what in ("cpu_s", "peak_mib", "first_s")
        )
        lines.append(
            f"| {name} | {statistics.median(rates):.0f} ({min(rates):.0f} to {max(rates):.0f}) "
            f"| {_ratio(runs, name, BARE.name, lambda figures: figures.rate):.2f} | {cpu:.2f} | {rss:.0f} "
            f"| {first:.2f} s ({_ratio(runs, name, BARE.name, lambda figures: figures.first_s):.2f}) |"
        )
    return "\n".join(lines)


def _bars(runs: Rounds) -> list[Row]:
    """Return the bars with the measured values."""
    rows = []
    for crawler, other, least in (
        (MEMORY, BARE, 1.2),
        (MEMORY_TITLES, BARE_TITLES, None),
        (REDIS, MEMORY, 0.8),
        (PROCESSES, MEMORY, 1.5),
        (PROCESSES, REDIS, None),
    ):
        if crawler.name in runs and other.name in runs:
            ratio = _ratio(runs, crawler.name, other.name, lambda figures: figures.rate)
            cpu = _ratio(runs, other.name, crawler.name, lambda figures: figures.cpu_s)
            measured = f"{ratio:.2f} (by CPU time {cpu:.2f})"
            what = f"pages/s: {crawler.name}, of {other.name}"
            rows.append(Row(what, measured, f"≥ {least}" if least else "-", not least or ratio >= least))
    if MEMORY.name in runs:
        more = statistics.median(
            mine.peak_mib - its.peak_mib for mine, its in zip(runs[MEMORY.name], runs[BARE.name], strict=True)
        )
        rows.append(
            Row(f"peak RSS: {MEMORY.name}, above {BARE.name}", f"{more:.1f} MiB", "≤ 15 MiB", more <= 15)
        )
    return rows


def _ratio(runs: Rounds, name: str, other: str, what: Callable[[Figures], float]) -> float:
    pairs = zip(runs[name], runs[other], strict=True)
    return statistics.median(what(mine) / what(its) for mine, its in pairs)


if __name__ == "__main__":
    sys.exit(main())
