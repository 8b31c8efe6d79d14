"""Whole crawls of a real site: each page once, every kind of callback and start, every way to end."""

import asyncio
import logging
from pathlib import Path
from typing import Any

import pytest

from support.crawling import Everything, SiteSpider, crawl
from support.site import Site


@pytest.mark.parametrize("queue", ["SpiderPriorityQueue", "SpiderQueue", "SpiderStack"])
@pytest.mark.parametrize("backend", ["memory", "disk", "redis"])
async def test_each_page_of_the_site_is_fetched_once(
    site: Site, backend: str, queue: str, tmp_path: Path, shared: dict[str, Any]
) -> None:
    settings = shared if backend == "redis" else {}
    settings = {**settings, "SCHEDULER_QUEUE_CLASS": f"aioscrapy.queue.{backend}.{queue}"}
    settings |= {"CONCURRENT_REQUESTS": 16, "SCHEDULER_PREFETCH": None}
    if backend == "disk":
        settings["JOBDIR"] = str(tmp_path / "job")
    crawled = await crawl(Everything, settings, site=site.url)
    expected = {url.removeprefix(site.url) for url in site.urls}
    assert site.counts() == dict.fromkeys(expected, 1)
    assert sorted(item["path"] for item in crawled.items) == sorted(expected)
    assert crawled.reason == "finished"
    assert crawled.stat("response_received_count") == len(expected)
    assert crawled.stat("item_scraped_count") == len(expected)
    assert crawled.stat("scheduler/enqueued") == len(expected)


# -- Callbacks


class Kinds(SiteSpider):
    """One callback of each kind, each found by its method or by its name."""

    paths = ()

    async def start_requests(self) -> Any:
        kinds = ("async_generator", "generator", "coroutine", "list_of", "plain", "dictionary", "nothing")
        for number, kind in enumerate((*kinds, "coroutine_of_one"), 1):
            yield self.request(f"/page/{number}", callback=getattr(self, kind), cb_kwargs={"kind": kind})
        yield self.request("/page/20", callback="generator", cb_kwargs={"kind": "by name"})

    async def async_generator(self, response: Any, kind: str) -> Any:
        await asyncio.sleep(0)
        yield {"kind": kind}
        yield self.request("/page/30", meta={"asked_by": kind})

    def generator(self, response: Any, kind: str) -> Any:
        yield {"kind": kind}
        yield None

    async def coroutine(self, response: Any, kind: str) -> Any:
        return [{"kind": kind}, {"kind": kind}]

    async def coroutine_of_one(self, response: Any, kind: str) -> Any:
        return {"kind": kind}

    def list_of(self, response: Any, kind: str) -> Any:
        return [{"kind": kind}, self.request("/page/31", meta={"asked_by": kind})]

    def plain(self, response: Any, kind: str) -> Any:
        return self.request("/page/32", meta={"asked_by": kind})

    def dictionary(self, response: Any, kind: str) -> Any:
        return {"kind": kind}

    def nothing(self, response: Any, kind: str) -> None:
        return None

    def parse(self, response: Any) -> Any:
        yield {"asked_by": response.meta["asked_by"]}


async def test_a_callback_may_be_of_any_kind(site: Site) -> None:
    crawled = await crawl(Kinds, site=site.url)
    kinds = sorted(item["kind"] for item in crawled.items if "kind" in item)
    twice = ["coroutine", "coroutine", "coroutine_of_one"]
    assert kinds == ["async_generator", "by name", *twice, "dictionary", "generator", "list_of"]
    asked = sorted(item["asked_by"] for item in crawled.items if "asked_by" in item)
    assert asked == ["async_generator", "list_of", "plain"]
    assert crawled.stat("spider_exceptions/count") == 0


class LongOutput(SiteSpider):
    def parse(self, response: Any) -> Any:
        for number in range(1, 60):
            yield self.request(f"/page/{number}", callback=self.leaf)
        yield {"leaf": False}

    def leaf(self, response: Any) -> Any:
        yield {"leaf": True}


async def test_a_long_output_is_committed_in_pieces(site: Site, shared: dict[str, Any]) -> None:
    for settings in ({}, shared):
        site.reset()
        crawled = await crawl(LongOutput, {**settings, "SCHEDULER_COMMIT_SIZE": 10}, site=site.url)
        assert len(crawled.items) == 60
        assert sum(site.counts().values()) == 60


# -- Failures: retry, redirect, errback


class Failing(SiteSpider):
    """Asks for one path, with an errback."""

    path = "/truncated"

    async def start_requests(self) -> Any:
        yield self.request(self.path, callback=self.parse, errback=self.failed, meta={"mark": 7})

    async def failed(self, failure: Any) -> Any:
        yield {
            "error": type(failure).__name__,
            "url": failure.request.url,
            "mark": failure.request.meta["mark"],
            "status": getattr(getattr(failure.value, "response", None), "status", None),
        }
        yield self.request("/page/9")


async def test_an_errback_gets_what_could_not_be_downloaded(site: Site) -> None:
    crawled = await crawl(Failing, {"RETRY_TIMES": 1}, site=site.url)
    error = {"error": "ResponseDataLossError", "url": f"{site.url}/truncated", "mark": 7, "status": None}
    assert crawled.items == [error, {"path": "/page/9"}]
    assert site.counts() == {"/truncated": 2, "/page/9": 1}
    assert crawled.stat("retry/count") == 1
    assert crawled.stat("retry/max_reached") == 1


async def test_an_errback_gets_a_status_that_callbacks_do_not(site: Site) -> None:
    crawled = await crawl(Failing, site=site.url, path="/status/404")
    assert crawled.items[0]["status"] == 404
    assert crawled.items[0]["error"] == "HttpError"
    assert crawled.items[1] == {"path": "/page/9"}


async def test_a_failure_without_errback_is_counted_and_the_crawl_goes_on(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    settings = {"RETRY_ENABLED": False}
    crawled = await crawl(SiteSpider, settings, site=site.url, paths=("/drop", "/truncated", "/page/1"))
    assert crawled.items == [{"path": "/page/1"}]
    assert crawled.stat("downloader/exception_count") == 2
    lines = [record.message for record in caplog.records if record.levelno == logging.ERROR]
    assert [f"{site.url}/drop" in line for line in sorted(lines)] == [True, False]


async def test_a_flaky_page_is_asked_for_again(site: Site) -> None:
    crawled = await crawl(SiteSpider, site=site.url, paths=("/flaky/2",))
    assert crawled.items == [{"path": "/flaky/2"}]
    assert site.counts() == {"/flaky/2": 3}


@pytest.mark.parametrize("name", ["memory", "redis"])
async def test_redirects_are_followed_to_their_end(site: Site, name: str, shared: dict[str, Any]) -> None:
    settings = shared if name == "redis" else {}
    crawled = await crawl(SiteSpider, settings, site=site.url, paths=("/redirect/3", "/refresh?once"))
    assert [item["path"] for item in crawled.items][:1] == ["/page/1"]
    assert crawled.stat("downloader/response_status_count/302") == 3


class Cookies(SiteSpider):
    paths = ("/cookies/set?taste=sweet",)

    def parse(self, response: Any) -> Any:
        yield self.request("/cookies", callback=self.seen, cookies={"own": "1"})

    def seen(self, response: Any) -> Any:
        yield response.json()


async def test_cookies_travel_from_page_to_page(site: Site) -> None:
    assert (await crawl(Cookies, site=site.url)).items == [{"taste": "sweet", "own": "1"}]
    assert (await crawl(Cookies, {"COOKIES_ENABLED": False}, site=site.url)).items in ([{}], [{"own": "1"}])


async def test_an_unknown_callback_name_is_an_error_of_that_page_alone(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    class Wrong(SiteSpider):
        async def start_requests(self) -> Any:
            yield self.request("/page/1", callback="no_such_method")
            yield self.request("/drop", errback="no_such_errback", meta={"dont_retry": True})
            yield self.request("/page/2")

    crawled = await crawl(Wrong, site=site.url)
    assert crawled.items == [{"path": "/page/2"}]
    assert crawled.reason == "finished"
    assert crawled.stat("spider_exceptions/count") == 2
    assert "no_such_method" in caplog.text
    assert "no_such_errback" in caplog.text


# -- Where a crawl starts


async def test_start_urls_are_enough(site: Site) -> None:
    class Urls(SiteSpider):
        start_requests = SiteSpider.__mro__[1].start_requests  # type: ignore[attr-defined]  # Spider's own

    crawled = await crawl(Urls, site=site.url, start_urls=[f"{site.url}/page/1", f"{site.url}/page/2"])
    assert sorted(item["path"] for item in crawled.items) == ["/page/1", "/page/2"]


async def test_start_may_be_an_async_generator_as_in_scrapy(site: Site) -> None:
    class Modern(SiteSpider):
        async def start(self) -> Any:  # type: ignore[override]
            yield self.request("/page/3")
            yield {"an": "item"}

    crawled = await crawl(Modern, site=site.url)
    assert crawled.items == [{"an": "item"}, {"path": "/page/3"}]


async def test_start_requests_may_be_plain(site: Site) -> None:
    class Plain(SiteSpider):
        def start_requests(self) -> Any:
            return [self.request("/page/4"), self.request("/page/5")]

    crawled = await crawl(Plain, {"CONCURRENT_REQUESTS": 1}, site=site.url)
    assert [item["path"] for item in crawled.items] == ["/page/4", "/page/5"]


async def test_what_was_started_before_an_error_is_crawled(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    class Breaking(SiteSpider):
        async def start_requests(self) -> Any:
            yield self.request("/page/6")
            raise RuntimeError("no more")

    crawled = await crawl(Breaking, site=site.url)
    assert crawled.items == [{"path": "/page/6"}]
    assert "Error while obtaining start requests" in caplog.text
    assert "no more" in caplog.text


async def test_a_slow_start_does_not_hold_up_the_pages(site: Site) -> None:
    class Slow(SiteSpider):
        first_page: asyncio.Event

        async def start_requests(self) -> Any:
            self.first_page = asyncio.Event()
            yield self.request("/page/7")
            await asyncio.wait_for(self.first_page.wait(), 5)
            yield self.request("/page/8")

        def parse(self, response: Any) -> Any:
            self.first_page.set()
            yield from super().parse(response)

    crawled = await crawl(Slow, site=site.url)
    assert [item["path"] for item in crawled.items] == ["/page/7", "/page/8"]
