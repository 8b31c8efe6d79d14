"""What spiders, components and scripts of Scrapy ask of the engine, the crawler and the runners."""

import logging
from ipaddress import ip_address
from typing import Any, ClassVar

import pytest
from pydispatch import dispatcher

from aioscrapy import signals
from aioscrapy.crawler import Crawler
from aioscrapy.exceptions import CloseSpider, DontCloseSpider
from aioscrapy.handlers.base import BaseDownloadHandler
from aioscrapy.http import Request, Response
from aioscrapy.middlewares.robots_parser import RobotParser
from aioscrapy.process import CrawlerProcess
from aioscrapy.runners import AsyncCrawlerRunner
from aioscrapy.utils.engine import format_engine_status
from support.crawling import QUIET, Crawled, SiteSpider, crawl
from support.site import Site


class Closes:
    """A pipeline that ends the crawl before it begins."""

    def open_spider(self) -> None:
        raise CloseSpider("no database")

    def process_item(self, item: Any) -> Any:
        return item


async def test_a_pipeline_may_end_the_crawl_as_it_opens(site: Site) -> None:
    crawled = await crawl(SiteSpider, {"ITEM_PIPELINES": {Closes: 1}}, site=site.url)
    assert crawled.reason == "no database"
    assert crawled.crawler.end is not None
    assert crawled.crawler.end.exit_status == 0
    assert not site.counts()


async def test_a_handler_of_spider_opened_may_end_the_crawl(site: Site) -> None:
    def opened() -> None:
        raise CloseSpider("not today")

    crawler = Crawler(SiteSpider, QUIET)
    crawler.signals.connect(opened, signals.spider_opened)
    await crawler.crawl(site=site.url)
    assert crawler.reason == "not today"
    assert not site.counts()


async def test_receivers_that_pydispatch_itself_connects_are_called(site: Site) -> None:
    class Old(SiteSpider):
        def __init__(self, **kwargs: Any) -> None:
            super().__init__(**kwargs)
            self.events: list[Any] = []
            for signal in (signals.spider_opened, signals.spider_closed, signals.spider_idle):
                dispatcher.connect(getattr(self, signal.name), signal)
            dispatcher.connect(self.scraped, signals.item_scraped)

        def spider_opened(self) -> None:
            self.events.append("opened")

        async def spider_closed(self, spider: Any, reason: str) -> None:
            self.events.append((spider is self, reason))

        def spider_idle(self, spider: Any) -> None:
            if "again" not in self.events:
                self.events.append("again")
                self.crawler.engine.crawl(self.request("/page/7"))
                raise DontCloseSpider

        def scraped(self, item: Any, response: Any, spider: Any) -> None:
            self.events.append(item["path"])

    crawled = await crawl(Old, site=site.url)
    spider = crawled.spider
    for signal in (signals.spider_opened, signals.spider_closed, signals.spider_idle):
        dispatcher.disconnect(getattr(spider, signal.name), signal)  # for the crawls of the other tests
    dispatcher.disconnect(spider.scraped, signals.item_scraped)
    assert spider.events == ["opened", "/", "again", "/page/7", (True, "finished")]


@pytest.mark.parametrize("asynchronous", [False, True])
async def test_an_errback_that_returns_the_failure_leaves_it_to_the_engine(
    asynchronous: bool, site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    class Fails(SiteSpider):
        async def start(self) -> Any:
            yield Request("http://127.0.0.1:1/", errback=self.later if asynchronous else self.now)

        def now(self, failure: Any) -> Any:
            return failure

        async def later(self, failure: Any) -> Any:
            return failure

    with caplog.at_level(logging.ERROR):
        crawled = await crawl(Fails, {"RETRY_ENABLED": False}, site=site.url)
    assert crawled.items == []
    assert crawled.reason == "all_failed"
    assert "Error downloading <GET http://127.0.0.1:1/>" in caplog.text


async def test_a_response_has_its_address_and_the_engine_a_status(site: Site) -> None:
    class Looks(SiteSpider):
        def parse(self, response: Any) -> None:
            self.address = response.ip_address
            self.status = format_engine_status(self.crawler.engine)

    spider = (await crawl(Looks, site=site.url)).spider
    assert spider.address == ip_address("127.0.0.1")
    assert "engine.spider.name" in spider.status
    assert ": tested\n" in spider.status


async def test_a_runner_gives_its_settings_to_a_crawler(site: Site) -> None:
    class Own(SiteSpider):
        custom_settings: ClassVar[Any] = {"OF_SPIDER": "spider"}

    runner = AsyncCrawlerRunner({"OF_RUNNER": "runner", "OF_SPIDER": "runner", **QUIET})
    crawler = Crawler(Own, {"OF_CRAWLER": "crawler"})
    crawled = Crawled(crawler)
    await runner.crawl(crawler, site=site.url)
    names = ("OF_RUNNER", "OF_SPIDER", "OF_CRAWLER")
    assert [crawler.settings[name] for name in names] == ["runner", "spider", "crawler"]
    assert crawled.items == [{"path": "/"}]
    with pytest.raises(ValueError, match="cannot be a spider object"):
        runner.create_crawler(Own())


def test_a_script_asks_its_process_for_the_spiders_of_the_project() -> None:
    settings = {"SPIDER_MODULES": ["aioscrapy.demo.project.quotes.spiders"]}
    for process in (CrawlerProcess(settings), AsyncCrawlerRunner(settings)):
        assert "quotes" in process.spider_loader.list()


async def test_the_log_names_the_versions_that_a_project_wants(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        await crawl(SiteSpider, {"LOG_VERSIONS": ["lxml", "no-such-library"]}, site=site.url)
    assert "Versions: lxml " in caplog.text
    assert "no-such-library not installed" in caplog.text


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("process_item", "response"),
        ("process_request", "request, response"),
        ("process_response", "response"),
        ("process_exception", "failure"),
    ],
)
async def test_a_method_of_a_spider_that_only_has_the_name_of_a_hook_is_not_one(
    name: str, arguments: str, site: Site
) -> None:
    calls: list[Any] = []
    namespace: dict[str, Any] = {"calls": calls}
    exec(f"async def {name}(self, {arguments}):\n    calls.append(({arguments},))", namespace)
    spider_class = type("Own", (SiteSpider,), {name: namespace[name]})
    crawled = await crawl(spider_class, {"RETRY_ENABLED": False}, site=site.url)
    assert crawled.items == [{"path": "/"}]
    assert calls == []


class OfScrapy(BaseDownloadHandler):
    async def download_request(self, request: Request) -> Response:
        return Response(request.url, body=self.crawler.settings["BODY"].encode(), request=request)


class OfOlderScrapy:
    def __init__(self, settings: Any) -> None:
        self.body = settings["BODY"].encode()

    @classmethod
    def from_settings(cls, settings: Any) -> Any:
        return cls(settings)

    def download_request(self, request: Request, of_spider: Any) -> Any:
        from twisted.internet.defer import succeed

        assert of_spider.name == "tested"
        return succeed(Response(request.url, body=self.body, request=request))


@pytest.mark.parametrize("handler", [OfScrapy, OfOlderScrapy, f"{__name__}.OfScrapy"])
async def test_a_download_handler_of_the_interface_of_scrapy_fetches(handler: Any) -> None:
    class Bodies(SiteSpider):
        def parse(self, response: Any) -> Any:
            return {"body": response.body}

    settings = {"DOWNLOAD_HANDLERS": {"own": handler}, "BODY": "content"}
    crawled = await crawl(Bodies, settings, site="own://host")
    assert crawled.items == [{"body": b"content"}]
    assert crawled.reason == "finished"


async def test_a_request_sets_the_size_of_which_the_log_warns(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    class Sized(SiteSpider):
        async def start(self) -> Any:
            yield self.request("/page/1", meta={"download_warnsize": 10})
            yield self.request("/page/2")

    with caplog.at_level(logging.WARNING):
        await crawl(Sized, site=site.url)
    large = [message for message in caplog.messages if "larger than download warn size (10)" in message]
    assert len(large) == 1
    assert large[0].startswith(f"{site.url}/page/1: ")


class Parser(RobotParser):
    def __init__(self, body: bytes, name: str) -> None:
        self.body = body
        self.name = name

    @classmethod
    def from_crawler(cls, crawler: Any, robotstxt_body: bytes) -> Any:
        return cls(robotstxt_body, crawler.spider.name)

    def allowed(self, url: str | bytes, user_agent: str | bytes) -> bool:
        return not str(url).endswith("/page/2")


async def test_a_parser_of_the_project_reads_robots_txt(site: Site) -> None:
    class Two(SiteSpider):
        paths = ("/page/1", "/page/2")

    parsers: list[Any] = []
    crawler = Crawler(Two, {**QUIET, "ROBOTSTXT_OBEY": True, "ROBOTSTXT_PARSER": Parser})
    crawled = Crawled(crawler)

    def parsed(robotparser: Any) -> None:
        parsers.append(robotparser)

    crawler.signals.connect(parsed, signals.robots_parsed)
    await crawler.crawl(site=site.url)
    assert crawled.items == [{"path": "/page/1"}]
    assert [(type(parser), parser.name) for parser in parsers] == [(Parser, "tested")]
    assert b"User-agent" in parsers[0].body
