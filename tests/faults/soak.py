"""Many jobs, workers, links, bombs and pages: `cd tests && python -m faults.soak [SCENARIO…] [--short]`.

jobs    1,000 short jobs of a real Scrapyd, one after the other, each a crawl in Redis: they leave no key,
        temporary file, cache entry, process or open file
join    200 workers join one crawl: each page once, all end well
links   a page with 100,000 links: each is crawled once
bombs   16 gzip bombs at once: none is unpacked, and the crawl stays below 500 MB
flat    300,000 pages over Redis: the memory of the worker does not grow

Prints a line of figures for each scenario, and what is wrong; the exit status is 1 if something is.
"""

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from faults.fleet import Fleet
from faults.soak_jobs import run_jobs
from faults.soak_site import SoakSite
from support import child_environment
from support.memory import Watched
from support.redis import RedisServer

MB = 1 << 20
LONGEST_S = 3600.0  # seconds that one scenario may take at most

CRAWL = """
from aioscrapy import Request, Spider

class Soak(Spider):
    name = "soak"
    custom_settings = SETTINGS
    start_urls = URLS

    async def parse(self, response):
        yield {"url": response.url}
        for href in response.css("a::attr(href)").getall():
            yield Request(response.urljoin(href))
"""
GATE = """    async def start_requests(self):
        import pathlib
        while not pathlib.Path("all are there").exists():
            await asyncio.sleep(0.05)
"""


@dataclass
class Result:
    """The outcome of a scenario."""

    name: str
    figures: dict[str, object]
    faults: list[str] = field(default_factory=list)

    def expect(self, name: str, actual: object, expected: object) -> None:
        """Note a figure that differs from its expected value."""
        if actual != expected:
            self.faults.append(f"{name} is {actual}, not {expected}")

    def __str__(self) -> str:
        figures = ", ".join(f"{name} {value}" for name, value in self.figures.items())
        return f"{self.name:<6} {'; '.join(self.faults) or 'ok'}: {figures}"


class Crawl:
    """One crawl by `runspider`, whose memory is watched and whose items are counted in its feed."""

    def __init__(
        self, folder: Path, urls: list[str], settings: dict[str, Any], interval_s: float = 0.2
    ) -> None:
        self._folder = folder
        names = f"SETTINGS = {settings!r}\nURLS = {urls!r}\n"
        (folder / "spider.py").write_text(names + CRAWL, encoding="utf-8")
        began = time.monotonic()
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "aioscrapy", "runspider", "spider.py", "-o", "items.jl"],
                cwd=folder,
                env=child_environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        self.watched = Watched(process, interval_s)
        self.status = self.watched.wait(LONGEST_S)
        self.seconds = time.monotonic() - began

    @property
    def log(self) -> str:
        return (self._folder / "log").read_text(encoding="utf-8", errors="replace")

    def urls(self) -> list[str]:
        """Return the URLs of all items in the feed."""
        path = self._folder / "items.jl"
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        return [json.loads(line)["url"] for line in lines]

    def result(self, name: str, pages: int) -> Result:
        """Return the figures that every crawl has; each of `pages` pages must be there once."""
        urls = self.urls()
        figures: dict[str, object] = {
            "pages": len(set(urls)),
            "seconds": round(self.seconds, 1),
            "pages/s": round(len(urls) / self.seconds),
            "peak MB": self.watched.peak // MB,
        }
        result = Result(name, figures)
        result.expect("items", len(urls), pages)
        result.expect("distinct items", len(set(urls)), pages)
        result.expect("exit status", self.status, 0)
        if "Spider closed (finished)" not in self.log:
            result.faults.append(f"the crawl has not finished: {self.log.splitlines()[-1:]}")
        return result


def over_redis(redis: RedisServer, **settings: Any) -> dict[str, Any]:
    """Return the settings of a crawl in Redis."""
    return {
        "SCHEDULER_QUEUE_CLASS": "aioscrapy.queue.redis.SpiderPriorityQueue",
        "REDIS_ARGS": {"queue": {"url": redis.url}},
        "LOG_LEVEL": "INFO",
        "CONCURRENT_REQUESTS": 32,
        "CONCURRENT_REQUESTS_PER_DOMAIN": 32,
        **settings,
    }


def jobs(folder: Path, *, short: bool) -> Result:
    """Run many short jobs, and count what they leave."""
    count = 12 if short else 1000
    figures, faults = run_jobs(folder, count)
    return Result("jobs", figures, faults)


def join(folder: Path, *, short: bool) -> Result:
    """Let workers of several commands join one crawl; it begins when all have joined."""
    commands, workers = (2, 4) if short else (10, 20)
    settings = {"CRAWL_PROCESSES": workers, "CONCURRENT_REQUESTS": 4}
    with Fleet(
        folder, pages=300 if short else 4000, lease_s=300.0, longest_s=LONGEST_S, settings=settings
    ) as fleet:
        path = folder / "spider.py"
        start = "    async def start_requests(self):\n"
        path.write_text(path.read_text("utf-8").replace(start, GATE), "utf-8")
        fleet.start(commands)
        expected_workers = commands * workers
        with fleet.redis.client() as client:
            key = "aioscrapy:{faults/everything}:fault:workers"
            fleet.until(
                lambda: client.zcard(key) >= expected_workers or not fleet.living(),
                f"worker {expected_workers}",
            )
            joined = client.zcard(key)
            (folder / "all are there").touch()
            outcome = fleet.outcome("join")
            left = client.zcard(key)
        figures = {"workers": joined, "pages": outcome.distinct, "seconds": round(outcome.seconds, 1)}
        result = Result("join", figures)
        for name, actual, expected in (
            ("workers", joined, expected_workers),
            ("workers that are left", left, 0),
            ("pages lost", outcome.lost, 0),
            ("pages doubled", outcome.doubled, 0),
            ("workers lost", outcome.workers_lost, 0),
            ("commands that failed", sum(map(bool, outcome.ended)), 0),
        ):
            result.expect(name, actual, expected)
    return result


def links(folder: Path, *, short: bool) -> Result:
    """Crawl a page with very many links, and every link."""
    count = 3000 if short else 100_000
    with SoakSite() as site, RedisServer(folder / "redis") as redis:
        crawl = Crawl(folder, [f"{site.url}/links/{count}"], over_redis(redis))
    return crawl.result("links", count + 1)


def bombs(folder: Path, *, short: bool) -> Result:
    """Ask for 16 gzip bombs at the same time, and for one good page."""
    size = (128 if short else 1500) * MB
    settings = {"CONCURRENT_REQUESTS": 32, "CONCURRENT_REQUESTS_PER_DOMAIN": 32, "LOG_LEVEL": "INFO"}
    with SoakSite(bomb_bytes=size) as site:
        urls = [f"{site.url}/bomb/{number}" for number in range(16)]
        crawl = Crawl(folder, [*urls, f"{site.url}/leaf/1"], settings, interval_s=0.02)
    result = crawl.result("bombs", 1)
    if crawl.watched.peak > 500 * MB:
        result.faults.append(f"the peak is {crawl.watched.peak // MB} MB, above 500 MB")
    return result


def flat(folder: Path, *, short: bool) -> Result:
    """Crawl a tree of pages over Redis; compare the memory of the second fifth with that of the last."""
    pages = 3000 if short else 300_000
    with SoakSite(pages) as site, RedisServer(folder / "redis") as redis:
        crawl = Crawl(folder, [f"{site.url}/tree/1"], over_redis(redis), interval_s=0.1 if short else 1.0)
    result = crawl.result("flat", pages)
    samples = crawl.watched.samples
    fifth = len(samples) // 5
    early, late = max(samples[fifth : 2 * fifth]), max(samples[-fifth:])
    result.figures |= {"MB after a fifth": early // MB, "MB at the end": late // MB}
    if late > early * 1.1 + 5 * MB:
        result.faults.append(f"the memory grows from {early // MB} to {late // MB} MB")
    return result


SCENARIOS: dict[str, Callable[..., Result]] = {
    scenario.__name__: scenario for scenario in (jobs, join, links, bombs, flat)
}


def run(name: str, *, short: bool) -> Result:
    """Run one scenario; its folder stays if something is wrong."""
    folder = Path(tempfile.mkdtemp(prefix="aioscrapy-soak-"))
    result = SCENARIOS[name](folder, short=short)
    if result.faults:
        result.figures["files"] = folder
    else:
        shutil.rmtree(folder)
    return result


def main() -> int:
    """Run the scenarios of the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("scenarios", nargs="*", metavar="SCENARIO", help=f"default: {' '.join(SCENARIOS)}")
    parser.add_argument("--short", action="store_true", help="a few of everything, as the tests do")
    options = parser.parse_args()
    if unknown := set(options.scenarios) - set(SCENARIOS):
        parser.error(f"no such scenario: {', '.join(unknown)}")
    results = []
    for name in options.scenarios or SCENARIOS:
        results.append(run(name, short=options.short))
        print(results[-1], flush=True)  # noqa: T201 the result of a script
    return int(any(result.faults for result in results))


if __name__ == "__main__":
    sys.exit(main())
