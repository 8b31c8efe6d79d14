"""`crawl --processes N`: several processes that are one crawl to whoever started it, whatever dies."""

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from redis import Redis

from plugin.jobs import make_egg
from plugin.test_runner_crawl import PAGES
from plugin.test_scrapyd_job import deploy, schedule
from support import child_environment
from support.commands import aioscrapy, fails
from support.scrapyd import ScrapydServer
from support.site import Site

SPIDER = """
import datetime
from aioscrapy import Request, Spider


class Tested(Spider):
    name = "tested"
    custom_settings = {"LOGSTATS_INTERVAL": 0, "CONCURRENT_REQUESTS": 4, "RETRY_ENABLED": False}

    async def start_requests(self):
        yield Request(self.site)

    def parse(self, response):
        at = datetime.date(2026, 11, 24)  # a Redis of one's own takes what JSON can hold
        yield {"url": response.url, "at": str(at) if hasattr(self, "plain") else at}
        for href in response.css("a::attr(href)"):
            yield response.follow(href)
"""
QUICK_LEASE = ("-s", "SCHEDULER_LEASE=1.5", "-s", "SCHEDULER_HEARTBEAT=0.4")
LONGEST_S = 40.0


class Run:
    """A crawl by several processes, with its folder, log and feed."""

    def __init__(self, folder: Path, temporary: Path, site: str, *more: str, processes: int = 2) -> None:
        self.folder = folder
        self.feed = folder / "items.jl"
        self.log_file = folder / "crawl.log"
        self.temporary = temporary
        self.process = subprocess.Popen(
            [
                *(sys.executable, "-m", "aioscrapy", "runspider", "tested.py", "-a", f"site={site}"),
                *(
                    "-o",
                    self.feed.name,
                    "--logfile",
                    self.log_file.name,
                    "--processes",
                    str(processes),
                    *more,
                ),
            ],
            cwd=folder,
            env=child_environment(TMPDIR=str(self.temporary)),
            stderr=subprocess.DEVNULL,
        )

    @property
    def log(self) -> str:
        return self.log_file.read_text() if self.log_file.exists() else ""

    @property
    def items(self) -> Counter[str]:
        return Counter(json.loads(line)["url"] for line in self.feed.read_text().splitlines())

    @property
    def workers(self) -> list[int]:
        told = self.wait_for("worker processes on")
        return [int(pid) for pid in re.findall(r"#\d+ (\d+)", told.partition("worker processes on")[2])]

    def wait_for(self, text: str) -> str:
        """Return the line of the log that has this text."""
        deadline = time.monotonic() + LONGEST_S
        while time.monotonic() < deadline:
            for line in self.log.splitlines():
                if text in line:
                    return line
            assert self.process.poll() is None, self.log
            self._pause()
        raise AssertionError(f"{text!r} is not logged:\n{self.log}")

    def wait_for_items(self, count: int) -> None:
        """Return when the feed has as many."""
        while not self.feed.exists() or self.items.total() < count:
            assert self.process.poll() is None, self.log
            self._pause()

    def end(self) -> int:
        return self.process.wait(LONGEST_S)

    def stats(self) -> str:
        """Return the table of stats, which must be one."""
        assert self.log.count("Dumping Scrapy stats") == 1, self.log
        return self.log.partition("Dumping Scrapy stats:\n")[2].partition("}\n")[0]

    def left(self) -> list[str]:
        """Return what is left of the workers, the server and its folder."""
        return [
            *(path.name for path in self.temporary.iterdir()),
            *(str(pid) for pid in self.workers if runs(pid)),
        ]

    def _pause(self) -> None:
        try:
            self.process.wait(0.03)
        except subprocess.TimeoutExpired:
            return


def runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


Start = Callable[..., Run]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Start runs: `start(url, *options, processes=2)`."""
    runs: list[Run] = []
    (tmp_path / "tested.py").write_text(SPIDER)
    with tempfile.TemporaryDirectory(prefix="t") as temporary:  # short enough for a socket's path

        def started(url: str, *more: str, processes: int = 2) -> Run:
            runs.append(Run(tmp_path, Path(temporary), url, *more, processes=processes))
            return runs[-1]

        yield started
        for run in runs:
            run.process.kill()
            run.process.wait()


@pytest.fixture(scope="module")
def slow_site() -> Iterator[Site]:
    with Site(pages=80, delay_s=0.1) as site:
        yield site


def test_each_page_is_one_item_in_one_feed_with_one_log_and_one_table_of_stats(
    start: Start, site: Site
) -> None:
    run = start(f"{site.url}/", processes=3)
    assert run.end() == 0, run.log
    assert run.items == dict.fromkeys(site.urls, 1)
    assert {path: count for path, count in site.counts().items() if count > 1} == {}
    stats = run.stats()
    for told in (
        f"'item_scraped_count': {len(site.urls)}",
        f"'response_received_count': {len(site.urls)}",
        "'finish_reason': 'finished'",
        "'elapsed_time_seconds'",
        "'feedexport/success_count/FileFeedStorage': 1",
    ):
        assert told in stats
    assert run.log.count("Spider opened") == run.log.count("Spider closed (finished)") == 1
    assert run.log.rstrip().endswith("Spider closed (finished)")
    tagged = {number for number in range(1, 4) if f"[aioscrapy#{number}] DEBUG: Crawled (200)" in run.log}
    assert tagged
    whole = re.compile(r"^\S+ \S+ \[aioscrapy#\d\] DEBUG: Crawled \(200\) <GET \S+> .*$", re.MULTILINE)
    crawled = whole.findall(run.log)
    assert len(crawled) == len(site.urls)
    assert "the requests wait in Redis" in run.log
    assert run.left() == []


def test_a_worker_that_is_killed_leaves_its_pages_to_the_others(start: Start, slow_site: Site) -> None:
    run = start(f"{slow_site.url}/", *QUICK_LEASE)
    run.wait_for_items(5)
    os.kill(run.workers[0], signal.SIGKILL)
    assert run.end() == 0, run.log
    assert run.items == dict.fromkeys(slow_site.urls, 1)
    assert "ended with status -9: the others take over its pages within 1.5 s" in run.log
    assert "'finish_reason': 'finished'" in run.stats()
    assert run.left() == []


def test_a_crawl_all_of_whose_workers_are_killed_has_failed(start: Start, slow_site: Site) -> None:
    run = start(f"{slow_site.url}/")
    run.wait_for_items(5)
    for pid in run.workers:
        os.kill(pid, signal.SIGKILL)
    assert run.end() == 1
    assert "'finish_reason': 'killed'" in run.stats()
    assert max(run.items.values()) == 1
    assert run.left() == []


def test_nothing_outlives_a_parent_that_is_killed(start: Start, slow_site: Site) -> None:
    run = start(f"{slow_site.url}/")
    run.wait_for_items(5)
    assert len(list(run.temporary.iterdir())) == 1
    run.process.kill()
    run.end()
    deadline = time.monotonic() + 8
    while run.left() and time.monotonic() < deadline:
        time.sleep(0.05)  # nobody tells when processes that aren't ours end
    assert run.left() == []


def test_the_first_signal_ends_all_gracefully(start: Start, slow_site: Site) -> None:
    run = start(f"{slow_site.url}/")
    run.wait_for_items(5)
    run.process.send_signal(signal.SIGINT)
    assert run.end() == 0, run.log
    assert run.log.count("Received SIGINT, shutting down gracefully. Send again to force") == 1
    assert "'finish_reason': 'shutdown'" in run.stats()
    assert f"'item_scraped_count': {run.items.total()}," in run.stats()
    assert max(run.items.values()) == 1
    assert run.items.total() < len(slow_site.urls)
    assert run.left() == []


def test_the_second_signal_ends_all_at_once(start: Start, site: Site) -> None:
    run = start(f"{site.url}/hang", "-s", "SHUTDOWN_TIMEOUT=50")
    run.wait_for("Joined crawl")
    for said in ("Received SIGTERM, shutting down", "Received SIGTERM twice"):
        run.process.send_signal(signal.SIGTERM)
        if "twice" not in said:
            run.wait_for(said)
    began = time.monotonic()
    run.end()
    assert time.monotonic() - began < 5
    deadline = time.monotonic() + 5
    while run.left() and time.monotonic() < deadline:
        time.sleep(0.05)  # as above
    assert run.left() == []


def test_a_stopped_crawl_in_a_redis_of_ones_own_goes_on_with_the_feed(
    start: Start, slow_site: Site, redis_url: str
) -> None:
    shared = (
        *("-a", "plain=1", "-s", "SCHEDULER_QUEUE_CLASS=aioscrapy.queue.redis.SpiderPriorityQueue"),
        *("-s", "REDIS_ARGS=" + json.dumps({"queue": {"url": redis_url}})),
    )
    run = start(f"{slow_site.url}/", *shared)
    run.wait_for_items(5)
    run.process.send_signal(signal.SIGINT)
    assert run.end() == 0, run.log
    run = start(f"{slow_site.url}/", *shared)
    assert run.end() == 0, run.log
    assert run.items == dict.fromkeys(slow_site.urls, 1)
    with Redis.from_url(redis_url) as redis:
        assert [key for key in redis.scan_iter() if key.endswith((b":items", b":feed", b":fed"))] == []


def test_a_limit_holds_for_all_together(start: Start, slow_site: Site) -> None:
    run = start(f"{slow_site.url}/", "-s", "CLOSESPIDER_ITEMCOUNT=20")
    assert run.end() == 0, run.log
    assert "'finish_reason': 'closespider_itemcount'" in run.stats()
    assert 20 <= run.items.total() < len(slow_site.urls)


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (("--processes", "0"), "setting CRAWL_PROCESSES: '0' is not a whole number from 1 to 256"),
        (("--processes", "two"), "setting CRAWL_PROCESSES: 'two' is not a whole number"),
        (("--processes", "2", "-s", "JOBDIR=job"), "JOBDIR keeps the crawl of one process"),
        (("--processes", "2", "-o", "a.exe"), "unknown format 'exe'"),
        (("--processes", "2", "-s", 'EXTENSIONS={"no.Such": 1}'), "can't load 'no.Such'"),
    ],
)
def test_what_cant_be_is_told_in_one_line(tmp_path: Path, more: tuple[str, ...], told: str) -> None:
    (tmp_path / "tested.py").write_text(SPIDER)
    fails(aioscrapy(tmp_path, "runspider", "tested.py", "--nolog", "-a", "site=http://x/", *more), told)


def test_an_error_of_a_worker_is_the_end_of_the_crawl(start: Start, site: Site) -> None:
    run = start(f"{site.url}/", "-s", "REQUEST_FINGERPRINTER_CLASS=no.Such")
    assert run.end() == 1
    assert "can't load 'no.Such'" in run.log


def test_one_process_is_the_crawl_as_it_always_was(start: Start, site: Site) -> None:
    run = start(f"{site.url}/", processes=1)
    assert run.end() == 0
    assert run.items == dict.fromkeys(site.urls, 1)
    assert "worker processes" not in run.log
    assert "aioscrapy#" not in run.log


def test_a_job_of_scrapyd_with_two_processes(scrapyd: ScrapydServer, site: Site) -> None:
    deploy(scrapyd, make_egg({"spiders/a.py": PAGES}))
    job = schedule(scrapyd, "pages", url=f"{site.url}/", setting="CRAWL_PROCESSES=2")
    scrapyd.wait_job(job)
    found = Counter(item["url"] for item in scrapyd.items("p", "pages", job))
    assert found == dict.fromkeys(site.urls, 1)
    log = scrapyd.log("p", "pages", job)
    assert "2 worker processes on an embedded Redis" in log
    assert f"'item_scraped_count': {len(site.urls)}" in log
    assert f"Process finished: project='p' spider='pages' job='{job}'" in scrapyd.daemon_text()


def test_a_job_of_scrapyd_with_two_processes_is_cancelled_as_one(
    scrapyd: ScrapydServer, slow_site: Site
) -> None:
    deploy(scrapyd, make_egg({"spiders/a.py": PAGES}))
    settings: Any = ["CRAWL_PROCESSES=2", "CONCURRENT_REQUESTS=1"]
    job = schedule(scrapyd, "pages", url=f"{slow_site.url}/", setting=settings)
    path = scrapyd.log_path("p", "pages", job)
    while not path.exists() or "Joined crawl" not in path.read_text():
        assert job not in scrapyd.jobs("finished")
    assert scrapyd.api("cancel", "POST", project="p", job=job)["prevstate"] == "running"
    scrapyd.wait_job(job, 15)
    log = scrapyd.log("p", "pages", job)
    assert "Received SIGINT, shutting down gracefully. Send again to force" in log
    assert log.count("Dumping Scrapy stats") == 1
    assert log.rstrip().endswith("Spider closed (shutdown)")
    assert "Process finished: " in scrapyd.daemon_text()
