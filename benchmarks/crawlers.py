"""The crawlers to compare, and a run of one crawler."""

import functools
import json
import os
import shutil
import subprocess
import sys
import time
import uuid
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from bench import HERE, Site
from item import item_of
from parsel import Selector
from peers import python_of
from redis import Redis
from served import page

SHARED = {"SCHEDULER_QUEUE_CLASS": "aioscrapy.queue.redis.SpiderPriorityQueue"}
ITEMS = {**SHARED, "ITEMS_IN_REDIS": True}
BLOOM = {**ITEMS, "DUPEFILTER_CLASS": "aioscrapy.dupefilters.redis.RedisBloomDupeFilter"}
SCRAPY_REDIS = {
    "SCHEDULER": "scrapy_redis.scheduler.Scheduler",
    "DUPEFILTER_CLASS": "scrapy_redis.dupefilter.RFPDupeFilter",
}


@dataclass(frozen=True)
class Crawler:
    """One row of the table. Every program takes URL, OUT, CONCURRENCY and optional SETTINGS."""

    name: str
    program: str
    settings: dict[str, Any] = field(default_factory=dict)
    processes: int = 1
    peer: str = ""  # peer whose environment runs it; "": this environment
    item: str = "whole"  # "title": extract only the title and the links of a page
    extra: str = ""  # package that this environment must have; "": none

    @property
    def python(self) -> str | None:
        """The interpreter; None if it is not installed."""
        if not self.peer:
            return sys.executable if not self.extra or find_spec(self.extra) else None
        python = python_of(self.peer)
        return str(python) if python else None

    def arguments(self, redis: str) -> list[str]:
        """Return the settings of one run, as the program takes them."""
        if not self.settings:
            return []
        if self.peer:
            return [json.dumps({**self.settings, "REDIS_URL": redis})]
        if "SCHEDULER_QUEUE_CLASS" not in self.settings:
            return [json.dumps(self.settings)]  # in memory, or in its private Redis
        shared = {"REDIS_ARGS": {"queue": {"url": redis}}, "CRAWL_ID": uuid.uuid4().hex}
        return [json.dumps({**self.settings, **shared})]


BARE = Crawler("bare aiohttp + parsel", "bare.py")
MEMORY = Crawler("aioscrapy, memory", "ours.py")
BARE_TITLES = Crawler("bare aiohttp + parsel, titles only", "bare.py", item="title")
MEMORY_TITLES = Crawler("aioscrapy, memory, titles only", "ours.py", item="title")
REDIS = Crawler("aioscrapy, Redis set, items in Redis", "ours.py", ITEMS)
PROCESSES = Crawler("aioscrapy, --processes 2", "ours.py", {"CRAWL_PROCESSES": 2})
CLIENTS = [
    Crawler(f"aioscrapy, memory, {client}", "ours.py", {"DOWNLOAD_HANDLERS_TYPE": client}, extra=client)
    for client in ("wreq", "curl_cffi")
]
OURS = [
    MEMORY,
    *CLIENTS,
    REDIS,
    Crawler("aioscrapy, Redis Bloom, items in Redis", "ours.py", BLOOM),
    Crawler("aioscrapy, Redis set, 2 processes", "ours.py", ITEMS, processes=2),
    PROCESSES,
]
PEERS = [
    Crawler("Crawlee 1.11", "peer_crawlee.py", peer="crawlee"),
    Crawler("aio-scrapy 2.1.9", "peer_aio_scrapy.py", peer="aio-scrapy"),
    Crawler("Scrapy 2.19", "peer_scrapy.py", peer="scrapy"),
    Crawler("scrapy-redis 0.9.1", "peer_scrapy.py", SCRAPY_REDIS, peer="scrapy-redis"),
]


@dataclass(frozen=True)
class Figures:
    """Figures of one run, over all its processes."""

    rate: float  # pages a second, from the first request to the end of the last process
    first_s: float  # seconds from the start of the process to its first request
    cpu_s: float  # CPU seconds per 1,000 pages
    peak_mib: float


def run(crawler: Crawler, served: Site, redis: str, folder: Path, pages: int, concurrency: int) -> Figures:
    """Run a crawler to its end. Raises AssertionError unless it did the whole work exactly once."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    with Redis.from_url(redis) as client:
        client.flushall()
    outs = [folder / f"items-{number}.jl" for number in range(crawler.processes)]
    settings = crawler.arguments(redis)
    # Compiled files, as of an installed package: else a crawler of many files compiles them at each start.
    environment = {
        **os.environ,
        "PYTHONDONTWRITEBYTECODE": "",
        "PYTHONPATH": "" if crawler.peer else str(HERE.parent),
        "BENCHMARK_ITEM": crawler.item,
    }
    start = time.time()
    processes = [
        subprocess.Popen(
            [
                crawler.python or "",
                str(HERE / crawler.program),
                served.url,
                str(out),
                str(concurrency),
                *settings,
            ],
            stdout=subprocess.PIPE,
            stderr=(folder / "stderr").open("ab"),
            env=environment,
            cwd=folder,
        )
        for out in outs
    ]
    reports, cpu_s = [], 0.0
    for process in processes:
        assert process.stdout is not None
        with process.stdout as stdout:
            printed = stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        assert process.returncode == 0, f"{crawler.name}: {(folder / 'stderr').read_text()[-2000:]}"
        reports.append(json.loads(printed.splitlines()[-1]))
        cpu_s += usage.ru_utime + usage.ru_stime
    end = time.time()
    _check(crawler, served, outs, pages)
    first = min(report["first_request"] for report in reports if report["first_request"])
    peak_mib = sum(report["peak_mib"] for report in reports)
    return Figures(pages / (end - first), first - start, cpu_s / pages * 1000, peak_mib)


def _check(crawler: Crawler, served: Site, outs: list[Path], pages: int) -> None:
    """Check that every page was fetched once, and that its item is right."""
    counts = served.counts()
    assert set(counts) == {1}, f"{crawler.name}: not every page was fetched once, but {set(counts)} times"
    items = [json.loads(line) for out in outs if out.exists() for line in out.read_text().splitlines()]
    by_number = {int(item.pop("url").rpartition("/")[2]): item for item in items}
    assert len(items) == len(by_number) == pages, (
        f"{crawler.name}: {len(items)} items, {len(by_number)} different"
    )
    for number, item in by_number.items():
        whole = _expected(number, pages)
        assert item == {name: whole[name] for name in item}, f"{crawler.name}: {item}"
        assert len(item) == (1 if crawler.item == "title" else len(whole)), f"{crawler.name}: {item}"


@functools.cache
def _expected(number: int, pages: int) -> dict[str, Any]:
    item: dict[str, Any] = item_of("", Selector(page(number, pages).decode()))
    del item["url"]
    return item
