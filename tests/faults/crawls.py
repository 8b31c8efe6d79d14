"""Crawls by real worker processes that are killed, stopped and frozen; counted in the final output."""

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from support import child_environment
from support.redis import RedisServer
from support.site import Site

SPIDER = """
from aioscrapy import Request, Spider


class PagesSpider(Spider):
    name = "pages"
    start_urls = [{url!r}]
    custom_settings = {settings!r}

    async def parse(self, response):
        yield {{"url": response.url}}
        for href in response.css("a::attr(href)"):
            yield Request(response.urljoin(href), callback=self.parse)
"""

SETTINGS: dict[str, Any] = {
    "SCHEDULER_QUEUE_CLASS": "aioscrapy.queue.redis.SpiderPriorityQueue",
    "ITEMS_IN_REDIS": True,
    "SCHEDULER_LEASE": 1.5,
    "SCHEDULER_HEARTBEAT": 0.4,
    "LOG_LEVEL": "INFO",
}
PREFIX = "aioscrapy:{aioscrapybot/pages}"


class Crawl:
    """One crawl of a site by processes that a test may do anything to."""

    def __init__(self, folder: Path, site: Site, redis: RedisServer, **settings: Any) -> None:
        self.folder = folder
        self.site = site
        self.redis = redis
        self.logs: list[Path] = []
        self.workers: list[subprocess.Popen[bytes]] = []
        folder.mkdir(parents=True, exist_ok=True)
        own = {**SETTINGS, "REDIS_ARGS": {"queue": {"url": redis.url}}, **settings}
        (folder / "spider.py").write_text(SPIDER.format(url=f"{site.url}/", settings=own))
        with redis.client() as client:
            client.flushall()
        site.reset()

    def worker(self) -> subprocess.Popen[bytes]:
        """Start one more worker."""
        log = self.folder / f"worker-{len(self.logs)}.log"
        self.logs.append(log)
        command = [sys.executable, "-m", "aioscrapy", "runspider", "spider.py", "--logfile", str(log)]
        started = subprocess.Popen(
            command, cwd=self.folder, env=child_environment(), stderr=subprocess.DEVNULL
        )
        self.workers.append(started)
        return started

    def fetched(self) -> int:
        """Return the requests that the site has had."""
        return sum(self.site.counts().values())

    def wait_fetched(self, count: int, timeout_s: float = 60.0) -> None:
        """Return when the site has had so many requests."""
        deadline = time.monotonic() + timeout_s
        while self.fetched() < count:
            assert time.monotonic() < deadline, (
                f"{self.fetched()} of {count} requests in {timeout_s} s:\n{self.log()}"
            )
            time.sleep(0.01)  # there is no event for what another process has counted

    def wait_end(self, timeout_s: float = 100.0) -> list[int]:
        """Return the exit statuses when all workers that still live have ended by themselves."""
        deadline = time.monotonic() + timeout_s
        return [worker.wait(max(0.1, deadline - time.monotonic())) for worker in self.workers]

    def items(self) -> Counter[str]:
        """Return the URLs of the items of the crawl, each with how often it is there."""
        with self.redis.client() as client:
            lists = [client.lrange(key, 0, -1) for key in client.keys(f"{PREFIX}:*:items")]
        return Counter(json.loads(item)["url"].rstrip("/") for items in lists for item in items)

    def meta(self) -> dict[str, str]:
        """Return what the frontier has counted."""
        with self.redis.client() as client:
            crawl = client.get(f"{PREFIX}:current").decode()
            found = client.hgetall(f"{PREFIX}:{crawl}:meta")
        return {name.decode(): value.decode() for name, value in found.items()}

    def log(self) -> str:
        return "\n".join(path.read_text("utf-8", "replace")[-3000:] for path in self.logs if path.exists())

    def assert_each_page_once(self) -> None:
        """Fail unless there is exactly one item of each page of the site."""
        items = self.items()
        expected = {url.rstrip("/") for url in self.site.urls}
        lost = expected - set(items)
        doubled = {url: count for url, count in items.items() if count > 1}
        assert (len(lost), len(doubled)) == (0, 0), (
            f"lost {sorted(lost)[:5]}, doubled {doubled}\n{self.log()}"
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for worker in self.workers:
            if worker.poll() is None:
                os.kill(worker.pid, signal.SIGCONT)
                worker.kill()
            worker.wait()
