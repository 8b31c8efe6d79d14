"""`crawler.engine` and the rest of the crawler as components see it."""

import asyncio
import logging
from typing import Any

import pytest

from aioscrapy import signals
from aioscrapy.crawler import Crawler
from aioscrapy.exceptions import CloseSpider, ConfigError, CrawlError, DontCloseSpider, StopDownload
from aioscrapy.http import Request
from aioscrapy.logformatter import LogFormatter
from aioscrapy.middlewares.retry import RetryMiddleware
from aioscrapy.process import CrawlerProcess
from aioscrapy.stats import MemoryStatsCollector
from support.crawling import QUIET, Crawled, SiteSpider, crawl
from support.site import Site


class Inline(SiteSpider):
    """Asks for a second page inside of the callback of the first one."""

    async def parse(self, response: Any) -> Any:
        other = await self.crawler.engine.download(Request(f"{self.site}/page/2"))
        yield {"path": self.path_of(response.url), "other": self.path_of(other.url)}


async def test_a_callback_downloads_a_page_although_its_host_takes_one_request_at_once(site: Site) -> None:
    settings = {**QUIET, "CONCURRENT_REQUESTS_PER_DOMAIN": 1, "DOWNLOAD_DELAY": 0.01}
    crawled = Crawled(Crawler(Inline, settings))
    await crawled.crawler.crawl(site=site.url, paths=("/page/1", "/page/3"))
    assert sorted(item["path"] for item in crawled.items) == ["/page/1", "/page/3"]
    assert {item["other"] for item in crawled.items} == {"/page/2"}
    assert crawled.reason == "finished"


async def test_a_plugin_reads_and_changes_the_slot_of_a_request(site: Site) -> None:
    seen: list[Any] = []

    class Slots(SiteSpider):
        def parse(self, response: Any) -> Any:
            downloader = self.crawler.engine.downloader
            key = downloader.get_slot_key(response.request)
            downloader.slots[key].delay = 0.02
            (again, slot) = downloader._get_slot(response.request, self)
            seen.extend([key, again, slot.delay, downloader._get_slot_key(Request("http://a.test/"), None)])
            seen.append(any(isinstance(part, RetryMiddleware) for part in downloader.middleware.middlewares))
            with pytest.raises(
                AttributeError, match=r"engine\.downloader\.active does not exist here: it has"
            ):
                downloader.active  # noqa: B018

    crawled = Crawled(Crawler(Slots, QUIET))
    await crawled.crawler.crawl(site=site.url, paths=("/page/1",))
    assert seen == ["127.0.0.1", "127.0.0.1", 0.02, "a.test", True]


async def test_a_download_has_callbacks_like_a_deferred(site: Site) -> None:
    seen: list[Any] = []

    class Deferring(SiteSpider):
        def parse(self, response: Any) -> Any:
            download = self.crawler.engine.download(Request(f"{self.site}/page/2"))
            return download.addCallback(lambda page: {"path": self.path_of(page.url)})

    crawled = Crawled(Crawler(Deferring, QUIET))
    crawled.crawler.signals.connect(lambda response: seen.append(response.url), signals.response_received)
    await crawled.crawler.crawl(site=site.url, paths=("/page/1",))
    assert [item["path"] for item in crawled.items] == ["/page/2"]
    assert len(seen) == 2


async def test_a_handler_of_spider_idle_feeds_the_crawl(site: Site) -> None:
    class Fed(SiteSpider):
        left = ["/page/5", "/page/4"]  # noqa: RUF012 one spider

        @classmethod
        def from_crawler(cls, crawler: Any, *args: Any, **kwargs: Any) -> Any:
            spider = super().from_crawler(crawler, *args, **kwargs)
            crawler.signals.connect(spider.feed, signals.spider_idle)
            return spider

        def feed(self) -> None:
            assert self.crawler.engine.spider_is_idle()
            if self.left:
                self.crawler.engine.crawl(Request(self.site + self.left.pop()))
                raise DontCloseSpider

    crawled = Crawled(Crawler(Fed, QUIET))
    await crawled.crawler.crawl(site=site.url, paths=("/page/1",))
    assert [item["path"] for item in crawled.items] == ["/page/1", "/page/4", "/page/5"]
    assert crawled.reason == "finished"


async def test_a_request_after_the_end_is_refused_not_dropped(site: Site) -> None:
    refused: list[str] = []

    class Late(SiteSpider):
        def closed(self, reason: str) -> None:
            try:
                self.crawler.engine.crawl(Request(f"{self.site}/page/2"))
            except CrawlError as exc:
                refused.append(str(exc))

    crawled = Crawled(Crawler(Late, QUIET))
    await crawled.crawler.crawl(site=site.url, paths=("/page/1",))
    assert len(refused) == 1
    assert refused[0].startswith(f"engine.crawl(<GET {site.url}/page/2>): the crawl has ended: ")


async def test_a_component_closes_the_spider_and_pauses_it(site: Site) -> None:
    class Closing(SiteSpider):
        def parse(self, response: Any) -> Any:
            self.crawler.engine.pause()
            assert self.crawler.engine.paused
            self.crawler.engine.unpause()
            self.crawler.engine.close_spider(self, "enough")
            yield {}

    crawled = Crawled(Crawler(Closing, QUIET))
    await crawled.crawler.crawl(site=site.url, paths=("/page/1",))
    assert crawled.reason == "enough"


async def test_a_name_that_the_engine_lacks_is_refused_in_one_line() -> None:
    with pytest.raises(AttributeError, match="does not exist here: the engine has download"):
        _ = Crawler(SiteSpider, QUIET).engine.slot


async def test_the_crawler_has_scrapys_parts(site: Site) -> None:
    parts: dict[str, Any] = {}

    class Looking(SiteSpider):
        def parse(self, response: Any) -> Any:
            crawler = self.crawler
            parts["class"] = crawler.spidercls
            parts["print"] = crawler.request_fingerprinter.fingerprint(response.request)
            parts["retry"] = crawler.get_downloader_middleware(RetryMiddleware)
            yield {}

    class Collector(MemoryStatsCollector):
        pass

    crawler = Crawler(Looking, {**QUIET, "STATS_CLASS": Collector})
    with pytest.raises(RuntimeError, match="not created yet"):
        crawler.get_extension(RetryMiddleware)
    await crawler.crawl(site=site.url, paths=("/page/1",))
    assert parts["class"] is Looking
    assert isinstance(parts["print"], bytes)
    assert isinstance(parts["retry"], RetryMiddleware)
    assert isinstance(crawler.stats, Collector)
    assert crawler.stats.spider_stats["tested"]["item_scraped_count"] == 1


async def test_settings_change_in_from_crawler_and_not_after(site: Site) -> None:
    class Setting(SiteSpider):
        @classmethod
        def from_crawler(cls, crawler: Any, *args: Any, **kwargs: Any) -> Any:
            spider = super().from_crawler(crawler, *args, **kwargs)
            spider.settings.set("USER_AGENT", "changed", priority="spider")
            return spider

        def parse(self, response: Any) -> Any:
            with pytest.raises(TypeError):
                self.settings.set("USER_AGENT", "late")
            yield {"agent": response.request.headers["User-Agent"]}

    crawled = Crawled(Crawler(Setting, QUIET))
    await crawled.crawler.crawl(site=site.url, paths=("/page/1",))
    assert crawled.items == [{"agent": b"changed"}]


async def test_an_add_on_sets_components_and_settings(site: Site) -> None:
    class Dropping:
        def process_item(self, item: Any) -> Any:
            return {**item, "by": "add-on"}

    class AddOn:
        def update_settings(self, settings: Any) -> None:
            settings.set("USER_AGENT", "of-the-add-on", "addon")
            settings.set_in_component_priority_dict("ITEM_PIPELINES", Dropping, 100)

    crawled = Crawled(Crawler(SiteSpider, {**QUIET, "ADDONS": {AddOn: 1}}))
    await crawled.crawler.crawl(site=site.url, paths=("/page/1",))
    assert crawled.items == [{"path": "/page/1", "by": "add-on"}]
    assert crawled.crawler.settings["USER_AGENT"] == "of-the-add-on"
    assert isinstance(crawled.crawler.get_addon(AddOn), AddOn)


async def test_an_add_on_may_come_with_the_spider() -> None:
    calls: list[str] = []

    class AddOn:
        def update_settings(self, settings: Any) -> None:
            calls.append("update")
            settings.set("MARK", "add-on", "addon")

    class Bringing(SiteSpider):
        site = "data:"
        paths = (",",)

        @classmethod
        def from_crawler(cls, crawler: Any, *args: Any, **kwargs: Any) -> Any:
            crawler.settings.set("ADDONS", {AddOn: 1}, "spider")
            return super().from_crawler(crawler, *args, **kwargs)

    crawled = await crawl(Bringing)
    assert calls == ["update"]
    assert crawled.crawler.settings["MARK"] == "add-on"
    assert [type(addon) for addon in crawled.crawler.addons.addons] == [AddOn]


@pytest.mark.parametrize(("attribute", "setting"), [(2, None), (2, 3)])
def test_an_attribute_of_a_spider_is_its_setting(attribute: int, setting: int | None) -> None:
    class Slow(SiteSpider):
        download_delay = attribute

    crawler = Crawler(Slow)
    if setting is not None:
        crawler.settings.set("DOWNLOAD_DELAY", setting, "spider")
    crawler._apply_settings()
    assert crawler.settings["DOWNLOAD_DELAY"] == (setting or attribute)


class OwnLoop(asyncio.SelectorEventLoop):
    """An event loop of a project."""


def test_a_setting_chooses_the_event_loop() -> None:
    classes: list[type] = []

    class Looking(SiteSpider):
        async def start_requests(self) -> Any:
            classes.append(type(asyncio.get_running_loop()))
            return
            yield

    process = CrawlerProcess({**QUIET, "ASYNCIO_EVENT_LOOP": OwnLoop})
    process.crawl(Looking)
    process.start()
    assert classes == [OwnLoop]


async def test_another_event_loop_than_that_of_the_setting_is_refused() -> None:
    with pytest.raises(ConfigError, match="does not match the one specified in the ASYNCIO_EVENT_LOOP"):
        await crawl(SiteSpider, {"ASYNCIO_EVENT_LOOP": OwnLoop})


async def test_a_log_formatter_writes_and_silences_lines(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    class Polite(LogFormatter):
        def crawled(self, request: Any, response: Any, spider: Any) -> Any:
            return {"level": logging.INFO, "msg": "page %(url)s", "args": {"url": request.url}}

        def scraped(self, item: Any, response: Any, spider: Any) -> Any:
            return None

    crawler = Crawler(SiteSpider, {**QUIET, "LOG_FORMATTER": Polite})
    with caplog.at_level(logging.DEBUG):
        await crawler.crawl(site=site.url, paths=("/page/1",))
    assert f"page {site.url}/page/1" in caplog.messages
    assert not any("Scraped from" in message for message in caplog.messages)


async def test_a_dropped_request_is_announced(site: Site) -> None:
    dropped: list[str] = []

    class Twice(SiteSpider):
        def parse(self, response: Any) -> Any:
            yield Request(f"{self.site}/page/2", callback=self.end)
            yield Request(f"{self.site}/page/2", callback=self.end)

        def end(self, response: Any) -> Any:
            raise CloseSpider("end")

    crawler = Crawler(Twice, QUIET)
    crawler.signals.connect(lambda request: dropped.append(request.url), signals.request_dropped)
    await crawler.crawl(site=site.url, paths=("/page/1",))
    assert dropped == [f"{site.url}/page/2"]


async def test_an_errback_gets_the_interface_of_a_failure(site: Site) -> None:
    texts: list[Any] = []

    class Failing(SiteSpider):
        async def start_requests(self) -> Any:
            yield self.request("/status/404", errback=self.failed)

        def failed(self, failure: Any) -> None:
            from twisted.internet.error import DNSLookupError

            from aioscrapy.middlewares.httperror import HttpError

            texts.append(failure.check(DNSLookupError))
            texts.append(failure.check(HttpError))
            texts.append(failure.value.response.status)
            texts.append(failure.type)
            texts.append(failure.trap(HttpError))

    await Crawler(Failing, QUIET).crawl(site=site.url)
    assert texts[0] is None
    assert texts[2] == 404
    assert texts[1] is texts[3] is texts[4]


async def test_a_runner_crawls_in_a_loop_that_runs(site: Site) -> None:
    from aioscrapy.runners import AsyncCrawlerRunner, CrawlerRunner

    runner = AsyncCrawlerRunner(QUIET)
    crawled = Crawled(runner.create_crawler(SiteSpider))
    await runner.crawl(crawled.crawler, site=site.url, paths=("/page/1",))
    assert crawled.items == [{"path": "/page/1"}]
    old = CrawlerRunner(QUIET)
    ends: list[Any] = []
    old.crawl(SiteSpider, site=site.url, paths=("/page/2",)).addBoth(ends.append)
    assert len(old.crawlers) <= 1
    await old.join()
    assert "/page/2" in site.counts()


def test_a_runner_without_a_loop_says_what_to_use() -> None:
    from aioscrapy.exceptions import ConfigError
    from aioscrapy.runners import CrawlerRunner

    with pytest.raises(ConfigError, match="use CrawlerProcess"):
        CrawlerRunner(QUIET).crawl(SiteSpider)


async def test_a_signal_handler_ends_a_download_at_its_headers_or_its_bytes(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    flags: list[Any] = []
    failures: list[Any] = []

    class Stopping(SiteSpider):
        async def start_requests(self) -> Any:
            yield self.request("/page/1", errback=self.failed)
            yield self.request("/page/2")

        def parse(self, response: Any) -> Any:
            flags.append((self.path_of(response.url), response.flags, bool(response.body)))

        def failed(self, failure: Any) -> None:
            failures.append(failure.value.response.url)

    def at_headers(headers: Any, request: Any) -> None:
        assert b"Content-Type" in headers
        if request.url.endswith("/page/1"):
            raise StopDownload(fail=True)

    def at_bytes(data: bytes, request: Any) -> None:
        assert data
        raise StopDownload(fail=False)

    caplog.set_level(logging.DEBUG)
    crawler = Crawler(Stopping, QUIET)
    crawler.signals.connect(at_headers, signals.headers_received)
    crawler.signals.connect(at_bytes, signals.bytes_received)
    await crawler.crawl(site=site.url)
    assert failures == [f"{site.url}/page/1"]
    assert flags == [("/page/2", ["download_stopped"], True)]
    for page, handler in ((1, at_headers), (2, at_bytes)):
        name = handler.__qualname__
        assert f"Download stopped for <GET {site.url}/page/{page}> from signal handler {name}" in caplog.text
