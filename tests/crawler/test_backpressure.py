"""What a crawl holds in memory stays bounded, whoever is the slow one."""

import asyncio
import weakref
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from aioscrapy import signals
from aioscrapy.core.memory_scheduler import SEEDS_AHEAD
from aioscrapy.crawler import Crawler
from support.crawling import QUIET, SiteSpider
from support.frontier import redis_settings
from support.redis import RedisServer
from support.site import Site
from support.slow_server import SlowServer

AT_ONCE = 16
MIB = 2**20
PAGE = MIB  # bytes


def rss() -> int:
    """Return the bytes of memory that this process has."""
    return int(Path("/proc/self/status").read_text().partition("VmRSS:")[2].split()[0]) * 1024


class Slow:
    """A pipeline that takes its time."""

    async def process_item(self, item: Any, spider: Any) -> Any:
        await asyncio.sleep(0.02)
        return item


class Fat(SiteSpider):
    """Fetches pages of PAGE bytes; an item holds a piece of its page."""

    pages = 300
    kept = PAGE

    async def start_requests(self) -> AsyncIterator[Any]:
        for number in range(self.pages):
            yield self.request(f"/huge?bytes={PAGE}&n={number}")

    def parse(self, response: Any) -> Any:
        yield {"path": self.path_of(response.url), "text": response.text[: self.kept]}


class Held:
    """Counts at every response the pages that have come and whose items are not yet out, and the memory."""

    def __init__(self, crawler: Crawler) -> None:
        self.crawler = crawler
        self.pages = self.items = self.most = 0
        self.before = rss()
        self.grown = 0
        crawler.signals.connect(self._came, signals.response_received)
        crawler.signals.connect(self._went, signals.item_scraped)

    def _came(self) -> None:
        self.pages += 1
        self.most = max(self.most, self.pages - self.items)
        self.grown = max(self.grown, rss() - self.before)

    def _went(self) -> None:
        self.items += 1


async def crawled(spider: type[Fat], site: Site, settings: dict[str, Any]) -> Held:
    limits = {"CONCURRENT_REQUESTS": AT_ONCE, "CONCURRENT_REQUESTS_PER_DOMAIN": AT_ONCE}
    held = Held(Crawler(spider, {**QUIET, **limits, **settings}))
    async with asyncio.timeout(60):
        await held.crawler.crawl(site=site.url)
    return held


async def test_a_slow_pipeline_holds_the_downloads_back(site: Site) -> None:
    held = await crawled(Fat, site, {"ITEM_PIPELINES": {Slow: 1}})
    assert held.items == Fat.pages
    assert held.most <= AT_ONCE
    assert held.grown < 100 * MIB < Fat.pages * PAGE


class Lean(Fat):
    pages = 600
    kept = PAGE // 8


async def test_a_slow_redis_holds_the_downloads_back(
    site: Site, redis_server: RedisServer, redis_url: str, no_connection_is_left: None
) -> None:
    async with SlowServer(redis_server.port or 0, delay_s=0.05) as slow:
        url = f"redis://127.0.0.1:{slow.port}/0"
        held = await crawled(Lean, site, redis_settings(url, ITEMS_IN_REDIS=True))
    assert held.items == Lean.pages
    # those in work, those that gather, those whose exchange is under way
    assert held.most <= AT_ONCE + 3 * AT_ONCE
    assert held.grown < 150 * MIB < Lean.pages * PAGE


class Endless(Fat):
    """Has start requests without end, and pages that come fast."""

    given = 0

    async def start_requests(self) -> AsyncIterator[Any]:
        while True:
            self.given += 1
            yield self.request(f"/page/1?n={self.given}")


async def test_start_requests_without_end_are_asked_for_as_they_are_needed(site: Site) -> None:
    held = await crawled(Endless, site, {"CLOSESPIDER_PAGECOUNT": 300, "SHUTDOWN_TIMEOUT": 0.5})
    assert held.pages >= 300
    assert held.crawler.spider.given < SEEDS_AHEAD + 100 * held.pages
    assert held.grown < 150 * MIB


class Remembering(Fat):
    """Watches its pages; a handler of item_scraped that names the response gets it."""

    pages = 20

    def parse(self, response: Any) -> Any:
        self.seen.append(weakref.ref(response))
        yield {"path": self.path_of(response.url)}


@pytest.mark.parametrize("reads", [False, True])
async def test_a_page_is_freed_before_its_commit_unless_a_handler_reads_it(
    site: Site, tmp_path: Path, reads: bool
) -> None:
    seen: list[weakref.ref[Any]] = []
    in_memory, announced = [], []

    def without(item: Any) -> None:
        in_memory.append(sum(page() is not None for page in seen))

    def with_response(item: Any, response: Any) -> None:
        announced.append(response.url.endswith(item["path"]))

    crawler = Crawler(type("Named", (Remembering,), {"seen": seen}), {**QUIET, "JOBDIR": str(tmp_path)})
    crawler.signals.connect(with_response if reads else without, signals.item_scraped)
    await crawler.crawl(site=site.url)
    if reads:
        assert announced == [True] * Remembering.pages
    else:
        assert in_memory == [0] * Remembering.pages
