"""A callback that runs for long: its output appears as it goes, and a stop in its middle drops nothing."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from aioscrapy import signals
from aioscrapy.core import scraper
from aioscrapy.crawler import Crawler
from aioscrapy.http import Request
from support.crawling import QUIET, Crawled, SiteSpider, crawl, json_lines
from support.site import Site


@pytest.fixture
def short_slices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scraper, "SLICE_S", 0.05)


def slow(crawled: Crawled, reached: int) -> asyncio.Event:
    """Return the event that so many items have appeared."""
    event = asyncio.Event()

    def note() -> None:
        if len(crawled.items) >= reached:
            event.set()

    crawled.crawler.signals.connect(note, signals.item_scraped)
    return event


class Endless(SiteSpider):
    """Yields an item every few milliseconds until it is cancelled, as an async or a plain generator."""

    kind = "async"

    def parse(self, response: Any) -> Any:
        return self.asynchronous() if self.kind == "async" else self.plain()

    async def asynchronous(self) -> AsyncIterator[Any]:
        for number in range(100_000):
            await asyncio.sleep(0.005)
            yield {"number": number}

    def plain(self) -> Iterator[Any]:
        for number in range(100_000):
            time.sleep(0.005)
            yield {"number": number}


@pytest.mark.parametrize("kind", ["async", "plain"])
async def test_in_memory_items_appear_while_the_callback_runs_and_a_stop_keeps_all(
    site: Site, short_slices: None, kind: str, tmp_path: Any
) -> None:
    feed = tmp_path / "items.jl"
    settings = {**QUIET, "SHUTDOWN_TIMEOUT": 0.2, "FEEDS": {str(feed): {"format": "jsonlines"}}}
    crawled = Crawled(Crawler(Endless, settings))
    appeared = slow(crawled, 10)
    running = asyncio.create_task(crawled.crawler.crawl(site=site.url, kind=kind))
    await asyncio.wait_for(appeared.wait(), 20)
    crawled.crawler.stop("enough")
    await asyncio.wait_for(running, 20)
    assert crawled.reason == "enough"
    numbers = [item["number"] for item in crawled.items]
    assert numbers == list(range(len(numbers)))
    assert len(numbers) > 10  # what came after the last piece is there, too
    assert [item["number"] for item in json_lines(feed)] == numbers


@pytest.mark.parametrize("kind", ["async", "plain"])
async def test_many_items_are_committed_in_pieces(site: Site, shared: dict[str, Any], kind: str) -> None:
    class Many(SiteSpider):
        def parse(self, response: Any) -> Any:
            return self.asynchronous(response) if kind == "async" else self.plain(response)

        async def asynchronous(self, response: Any) -> AsyncIterator[Any]:
            for output in self.plain(response):
                yield output

        def plain(self, response: Any) -> Iterator[Any]:
            for number in range(95):
                yield {"number": number}
                if not number % 10:
                    yield self.request(f"/page/{number % 7 + 1}", callback=self.quiet)
                seen.append(len(crawled.items))

        def quiet(self, response: Any) -> None:
            return None

    for settings in ({}, shared):
        seen: list[int] = []
        crawled = Crawled(Crawler(Many, {**QUIET, **settings, "SCHEDULER_COMMIT_SIZE": 20}))
        await asyncio.wait_for(crawled.crawler.crawl(site=site.url), 20)
        assert [item["number"] for item in crawled.items] == list(range(95))
        if not settings:
            assert any(0 < count < 95 for count in seen)  # some had appeared before the callback ended


async def test_in_memory_the_links_of_a_long_callback_are_crawled_while_it_runs(
    site: Site, short_slices: None
) -> None:
    class Waits(SiteSpider):
        async def parse(self, response: Any) -> AsyncIterator[Any]:
            yield self.request("/page/1", callback=self.page)
            await asyncio.sleep(0.1)
            yield {"first": True}
            await asyncio.wait_for(came.wait(), 10)

        def page(self, response: Any) -> None:
            came.set()

    came = asyncio.Event()
    assert (await crawl(Waits, site=site.url)).reason == "finished"


async def test_a_plain_callback_that_computes_lets_others_run(site: Site, short_slices: None) -> None:
    class Computes(SiteSpider):
        paths = ("/page/1", "/page/2")

        def parse(self, response: Any) -> Iterator[Any]:
            for number in range(30):
                time.sleep(0.01)
                order.append(response.url[-1])
                yield {"number": number}

    order: list[str] = []
    await crawl(Computes, site=site.url)
    assert order != sorted(order)


async def test_a_stop_in_the_middle_gives_the_page_back_where_it_can_be_crawled_again(
    site: Site, shared: dict[str, Any], tmp_path: Any
) -> None:
    class Interrupted(SiteSpider):
        ends = False

        async def parse(self, response: Any) -> AsyncIterator[Any]:
            for number in range(5):
                yield {"number": number}
            if not self.ends:
                reached.set()
                await asyncio.sleep(60)

    for store in (shared, {"JOBDIR": str(tmp_path / "job")}):
        reached = asyncio.Event()
        settings = {**QUIET, **store, "SHUTDOWN_TIMEOUT": 0.2}
        crawled = Crawled(Crawler(Interrupted, settings))
        running = asyncio.create_task(crawled.crawler.crawl(site=site.url))
        await asyncio.wait_for(reached.wait(), 10)
        crawled.crawler.stop()
        await asyncio.wait_for(running, 10)
        again = await crawl(Interrupted, settings, site=site.url, ends=True)
        assert (crawled.reason, again.reason) == ("shutdown", "finished")
        numbers = [item["number"] for item in crawled.items + again.items]
        assert numbers == list(range(5))  # each once


@pytest.mark.parametrize("name", ["memory", "jobdir", "redis"])
async def test_a_stop_ends_endless_start_requests_at_once(
    site: Site, name: str, shared: dict[str, Any], tmp_path: Any
) -> None:
    class Endless(SiteSpider):
        given = 0

        async def start_requests(self) -> AsyncIterator[Request]:
            while True:
                self.given += 1
                yield self.request(f"/page/{self.given % 40 + 1}?{self.given}")
                await asyncio.sleep(0)

    store = {"redis": shared, "jobdir": {"JOBDIR": str(tmp_path / "job")}}.get(name, {})
    settings = {**QUIET, **store, "CONCURRENT_REQUESTS": 4, "CLOSESPIDER_PAGECOUNT": 5}
    crawled = Crawled(Crawler(Endless, settings))
    await asyncio.wait_for(crawled.crawler.crawl(site=site.url), 20)
    assert crawled.reason == "closespider_pagecount"
    assert len(crawled.items) >= 5
    if store:  # the start requests were given back: the next crawl runs them
        again = Crawled(Crawler(Endless, {**settings, "CLOSESPIDER_PAGECOUNT": 3}))
        await asyncio.wait_for(again.crawler.crawl(site=site.url), 20)
        assert again.spider.given > 0


async def test_a_stop_while_start_requests_are_held_back_is_no_failure(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    from aioscrapy.core import memory_scheduler

    monkeypatch.setattr(memory_scheduler, "SEEDS_AHEAD", 10)

    class Many(SiteSpider):
        async def start_requests(self) -> AsyncIterator[Request]:
            for number in range(1000):
                yield self.request(f"/slow/0.05?{number}")

    settings = {**QUIET, "CONCURRENT_REQUESTS": 2, "CLOSESPIDER_ITEMCOUNT": 4}
    crawled = Crawled(Crawler(Many, settings))
    await asyncio.wait_for(crawled.crawler.crawl(site=site.url), 20)
    assert crawled.reason == "closespider_itemcount"
    assert crawled.crawler.end is not None
    assert crawled.crawler.end.exit_status == 0
