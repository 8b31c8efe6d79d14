"""The costs of a filled memory frontier: `python benchmarks/memory_store.py COUNT HOSTS`, or `seen COUNT`.

Prints JSON: the bytes per waiting request, and the microseconds to take a request and to commit its page with
one new link while COUNT requests wait; or the bytes per URL that is done. The scheduler is that of a memory
crawl.
"""

import asyncio
import gc
import json
import statistics
import sys
import time
from pathlib import Path

from bench import HERE

from aioscrapy.context import CrawlContext
from aioscrapy.core.frontier import build_fingerprint, build_politeness
from aioscrapy.core.memory_scheduler import MemoryScheduler
from aioscrapy.dupefilters.memory import RFPDupeFilter
from aioscrapy.http import Request
from aioscrapy.queue.base import Page
from aioscrapy.queue.memory import SpiderPriorityQueue
from aioscrapy.settings import Settings
from aioscrapy.spiders import Spider

assert HERE  # its module puts aioscrapy on the path
AT_ONCE = 20  # links of a page
TURNS = 2000  # measured requests in each of ROUNDS
ROUNDS = 9
FEW = 1000  # requests that wait while many others are crawled


class Frontier:
    """The scheduler of a memory crawl with one worker that fetches nothing."""

    def __init__(self, hosts: int) -> None:
        self._hosts = hosts
        self._count = 0

    async def open(self) -> None:
        settings = Settings({"CONCURRENT_REQUESTS_PER_DOMAIN": 16})
        context = CrawlContext.without_crawl(settings)
        context.spider = Spider.from_crawler(context, "filled")
        politeness = build_politeness(settings, context.spider, shared=False)
        fingerprint = await build_fingerprint(context)
        self._scheduler = MemoryScheduler(
            context, politeness, fingerprint, SpiderPriorityQueue(), RFPDupeFilter()
        )
        await self._scheduler.open()
        seed = Page(await self._scheduler.reserve())
        self._accept(seed)
        await self._scheduler.commit(seed)
        # The page that links to all others: the scheduler would hold start requests back.
        self._first = await self._scheduler.reserve()

    def request(self) -> Request:
        number, self._count = self._count, self._count + 1
        return Request(f"https://www.shop{number % self._hosts}.example/department/item/{number}")

    async def fill(self, until: int) -> None:
        """Push new requests up to this number."""
        while self._count < until:
            page = Page(self._first, final=False)
            for _ in range(AT_ONCE):
                self._accept(page)
            await self._scheduler.commit(page)

    def _accept(self, page: Page) -> None:
        entry = self._scheduler.accept(self.request())
        assert entry is not None
        page.entries.append(entry)

    async def turn(self) -> None:
        """Take a request and commit its page with one new link."""
        page = Page(await self._scheduler.reserve())
        self._accept(page)
        await self._scheduler.commit(page)

    async def turn_us(self) -> float:
        """Return the microseconds of CPU time of one turn."""
        turns_us = []
        for _ in range(ROUNDS):
            start = time.process_time()
            for _ in range(TURNS):
                await self.turn()
            turns_us.append((time.process_time() - start) / TURNS * 1e6)
        return statistics.median(turns_us)


async def seen_bytes(count: int) -> float:
    """Return the bytes per URL by which a frontier grows while `count` URLs are crawled and a few wait."""
    frontier = Frontier(1)
    await frontier.open()
    await frontier.fill(FEW)
    before = _rss()
    for _ in range(count):
        await frontier.turn()
    gc.collect()
    return (_rss() - before) / count


def _rss() -> int:
    return int(Path("/proc/self/status").read_text().partition("VmRSS:")[2].split()[0]) * 1024


async def main() -> None:
    count, hosts = int(sys.argv[1]), int(sys.argv[2])
    before = _rss()
    frontier = Frontier(hosts)
    await frontier.open()
    await frontier.fill(count)
    gc.collect()
    figures = {"waiting_bytes": (_rss() - before) / count, "us": await frontier.turn_us()}
    print(json.dumps(figures))


if __name__ == "__main__":
    if sys.argv[1] == "seen":
        print(json.dumps(asyncio.run(seen_bytes(int(sys.argv[2])))))
    else:
        asyncio.run(main())
