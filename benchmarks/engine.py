"""Measure the CPU time that the engine adds to a page: `python benchmarks/engine.py [--short] [--write]`.

A memory crawl without network, with all built-in middlewares and a feed, minus its callbacks alone. A
download handler of the benchmark returns the pages of `served.py`; then the same callback runs over the same
responses without an engine, and writes items as the bare loop does. The lowest of the rounds counts, because
other work of the machine only adds to it. The exit status is 1 if the bar is missed; `--short` has no bars
for times. `--write` puts the table into benchmarks/README.md.
"""

import argparse
import asyncio
import json
import sys
import tempfile
import time
from pathlib import Path

import uvloop
from bench import Row, bars, write_table
from item import item_of
from served import page

from aioscrapy import Request, Spider
from aioscrapy.crawler import Crawler
from aioscrapy.http.headers import Headers
from aioscrapy.http.text import HtmlResponse

RAW = ((b"Content-Type", b"text/html; charset=utf-8"), (b"Server", b"none"), (b"Content-Length", b"7000"))
BAR_US = 150


class Canned:
    """Answers every request at once with a page of the site."""

    bodies: list[bytes] = []

    async def download_request(self, request: Request, spider: Spider) -> HtmlResponse:
        await asyncio.sleep(0)
        number = int(request.url.rpartition("/")[2])
        return HtmlResponse(request.url, 200, Headers.from_raw(RAW), self.bodies[number], request=request)

    async def close(self) -> None:
        pass


class PagesSpider(Spider):
    name = "pages"
    start_urls = ["http://127.0.0.1/p/0"]

    async def parse(self, response):
        yield item_of(response.url, response)
        for href in response.css("a::attr(href)").getall():
            yield Request(response.urljoin(href))


async def crawl_seconds(out: Path) -> float:
    """Return the CPU seconds of one crawl."""
    settings = {
        "CONCURRENT_REQUESTS": 16,
        "CONCURRENT_REQUESTS_PER_DOMAIN": 16,
        "DOWNLOAD_HANDLERS": {"http": "engine.Canned"},
        "FEEDS": {str(out): {"format": "jsonlines", "overwrite": True}},
        "STATS_DUMP": False,
    }
    crawler = Crawler(PagesSpider, settings)
    start = time.process_time()
    await crawler.crawl()
    seconds = time.process_time() - start
    assert crawler.stats.get_value("item_scraped_count") == len(Canned.bodies)
    return seconds


async def callback_seconds(out: Path) -> float:
    """Return the CPU seconds of the same callbacks alone; items are written as in the bare loop."""
    spider, handler = PagesSpider(), Canned()
    seconds = 0.0
    with out.open("w") as file:
        for number in range(len(Canned.bodies)):
            response = await handler.download_request(Request(f"http://127.0.0.1/p/{number}"), spider)
            start = time.process_time()
            async for output in spider.parse(response):
                if isinstance(output, dict):
                    file.write(json.dumps(output) + "\n")
            seconds += time.process_time() - start
    return seconds


def main() -> int:
    parser = argparse.ArgumentParser(description="Measure the CPU time that the engine adds to a page.")
    parser.add_argument("--short", action="store_true", help="500 pages, 2 rounds, no bar")
    parser.add_argument("--write", action="store_true", help="write the table into README.md")
    options = parser.parse_args()
    pages, rounds = (500, 2) if options.short else (3000, 15)
    Canned.bodies = [page(number, pages) for number in range(pages)]
    both, alone = [], []
    with (
        tempfile.TemporaryDirectory() as folder,
        asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
    ):
        for _ in range(rounds):
            both.append(runner.run(crawl_seconds(Path(folder) / "items.jl")) / pages * 1e6)
            alone.append(runner.run(callback_seconds(Path(folder) / "items.jl")) / pages * 1e6)
    added = min(both) - min(alone)
    met = options.short or added <= BAR_US
    measured = f"{added:.0f} µs of {min(both):.0f} µs"
    table = bars([Row("CPU time that the engine adds to a page", measured, f"≤ {BAR_US} µs", met)])
    print(table)
    if options.write:
        write_table("engine", f"{pages} pages, the lowest of {rounds} rounds", table)
    return int(not met)


if __name__ == "__main__":
    sys.modules["engine"] = sys.modules["__main__"]
    sys.exit(main())
