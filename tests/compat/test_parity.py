"""What public projects stopped at when they were moved here: their calls, as they write them."""

import asyncio
import re
from pathlib import Path
from typing import Any, ClassVar

import pytest

from aioscrapy import Field, Item, Request, signals
from aioscrapy.cmdline import GROUPS
from aioscrapy.crawler import Crawler
from aioscrapy.exceptions import StopDownload
from aioscrapy.linkextractors import LinkExtractor
from aioscrapy.loader import ItemLoader
from aioscrapy.logformatter import LogFormatter
from aioscrapy.middlewares.retry import get_retry_request
from aioscrapy.progress import attach
from aioscrapy.scrapy_redis.spiders import RedisCrawlSpider, RedisSpider
from aioscrapy.settings import Settings
from aioscrapy.spiders import CrawlSpider, Rule, SitemapSpider, Spider
from aioscrapy.stats import StatsCollector
from aioscrapy.unread_settings import unread_settings
from support.crawling import QUIET, SiteSpider, crawl, json_lines
from support.redis import RedisServer
from support.site import Site

URLSET = (
    "<urlset xmlns='http://www.sitemaps.org/schemas/sitemap/0.9'><url><loc>{}/page/1</loc></url></urlset>"
)


class Row:
    """A spider that makes the calls; `right` says whether they did what they do in Scrapy.

    `site` and `folder` are set in a subclass of the spider before the crawl.
    """

    folder: Path
    site: str

    @staticmethod
    def right(crawled: Any) -> bool:
        raise NotImplementedError


class FollowsLinks(Row, SiteSpider):
    """A LinkExtractor, and links that `follow_all` takes."""

    def parse(self, response: Any) -> Any:
        yield from response.follow_all(LinkExtractor(allow="/page/[123]$").extract_links(response), self.page)

    def page(self, response: Any) -> Any:
        yield {"path": self.path_of(response.url)}

    @staticmethod
    def right(crawled: Any) -> bool:
        return {item["path"] for item in crawled.items} == {"/page/1", "/page/2", "/page/3"}


class Page(Item):
    title = Field()


class LoadsItems(Row, SiteSpider):
    """An ItemLoader, an Item with fields, and a feed."""

    def parse(self, response: Any) -> Any:
        loader = ItemLoader(Page(), response=response)
        loader.add_css("title", "title::text")
        yield loader.load_item()

    @staticmethod
    def right(crawled: Any) -> bool:
        return json_lines(crawled.spider.folder / "items.jl") == [dict(crawled.items[0])] != [{}]


class FollowsRules(Row, CrawlSpider):
    """A CrawlSpider with a rule."""

    name = "rules"
    rules = (Rule(LinkExtractor(allow="/page/[12]$"), callback="parse_page"),)

    async def start_requests(self) -> Any:
        yield Request(self.site)

    def parse_page(self, response: Any) -> Any:
        yield {"url": response.url}

    @staticmethod
    def right(crawled: Any) -> bool:
        return len(crawled.items) == 2


class ReadsSitemaps(Row, SitemapSpider):
    """A SitemapSpider."""

    name = "sitemap"

    def __init__(self, **arguments: Any) -> None:
        super().__init__(**arguments)
        self.sitemap_urls = [f"data:application/xml,{URLSET.format(self.site)}"]

    def parse(self, response: Any) -> Any:
        yield {"url": response.url}

    @staticmethod
    def right(crawled: Any) -> bool:
        return [item["url"] for item in crawled.items] == [f"{crawled.spider.site}/page/1"]


class HearsSignals(Row, SiteSpider):
    """Signals of each stage of a request."""

    names = (
        *("spider_opened", "engine_started", "request_scheduled", "request_reached_downloader"),
        *("headers_received", "bytes_received", "response_downloaded", "response_received"),
        *("request_left_downloader", "item_scraped", "scheduler_empty", "spider_idle", "spider_closed"),
    )
    received: set[str]

    @classmethod
    def from_crawler(cls, crawler: Any, *args: Any, **kwargs: Any) -> Any:
        spider = super().from_crawler(crawler, *args, **kwargs)
        spider.received = set()
        for name in cls.names:
            crawler.signals.connect(
                lambda name=name, **_: spider.received.add(name), getattr(signals, name), weak=False
            )
        return spider

    @staticmethod
    def right(crawled: Any) -> bool:
        return bool(crawled.spider.received == set(HearsSignals.names))


class SetsSettings(Row, SiteSpider):
    """`settings.set` in `from_crawler`."""

    @classmethod
    def from_crawler(cls, crawler: Any, *args: Any, **kwargs: Any) -> Any:
        crawler.settings.set("CONCURRENT_REQUESTS", 1, priority="spider")
        return super().from_crawler(crawler, *args, **kwargs)

    @staticmethod
    def right(crawled: Any) -> bool:
        return crawled.crawler.settings.getint("CONCURRENT_REQUESTS") == 1


class OwnStats(StatsCollector):
    def __init__(self, crawler: Any) -> None:
        super().__init__(crawler)
        self.crawler = crawler


class CollectsStats(Row, SiteSpider):
    """A STATS_CLASS that takes the crawler."""

    custom_settings: ClassVar[dict[str, Any]] = {"STATS_CLASS": OwnStats}

    @staticmethod
    def right(crawled: Any) -> bool:
        return crawled.crawler.stats.crawler is crawled.crawler


class FetchesLocally(Row, Spider):
    """Start URLs with file: and data:."""

    name = "local"

    async def start(self) -> Any:  # type: ignore[override]  # aio-scrapy's is a class method
        path = self.folder / "page.html"
        path.write_text("file")
        yield {"body": b"item"}
        yield Request(path.as_uri())
        yield Request("data:,data")

    def parse(self, response: Any) -> Any:
        yield {"body": response.body}

    @staticmethod
    def right(crawled: Any) -> bool:
        return {item["body"] for item in crawled.items} == {b"item", b"file", b"data"}


class UsesTheEngine(Row, SiteSpider):
    """`crawler.engine`: download, crawl, pause, unpause, close_spider."""

    async def parse(self, response: Any) -> Any:
        engine = self.crawler.engine
        page = await engine.download(Request(f"{self.site}/page/1"))
        engine.pause()
        engine.unpause()
        yield {"page": page.status, "idle": engine.spider_is_idle()}
        engine.crawl(Request(f"{self.site}/page/2", callback=self.last))

    def last(self, response: Any) -> Any:
        yield {"page": response.status, "idle": False}
        self.crawler.engine.close_spider(self, "enough")

    @staticmethod
    def right(crawled: Any) -> bool:
        return (crawled.items, crawled.reason) == ([{"page": 200, "idle": False}] * 2, "enough")


class ClosesLater(Row, SiteSpider):
    """`crawler.engine.close_spider_async` in a task."""

    async def parse(self, response: Any) -> Any:
        self.closing = asyncio.create_task(self.crawler.engine.close_spider_async(reason="later"))
        yield {}

    @staticmethod
    def right(crawled: Any) -> bool:
        return bool(crawled.reason == "later")


class StopsDownloads(Row, SiteSpider):
    """StopDownload in a handler of bytes_received."""

    @classmethod
    def from_crawler(cls, crawler: Any, *args: Any, **kwargs: Any) -> Any:
        spider = super().from_crawler(crawler, *args, **kwargs)
        crawler.signals.connect(spider.stop, signals.bytes_received)
        return spider

    def stop(self, data: bytes) -> None:
        raise StopDownload(fail=False)

    def parse(self, response: Any) -> Any:
        yield {"flags": response.flags}

    @staticmethod
    def right(crawled: Any) -> bool:
        return "download_stopped" in crawled.items[0]["flags"]


class SwitchesOff(Row, SiteSpider):
    """None for a component of ours by its path in Scrapy, and for one that does not exist."""

    custom_settings: ClassVar[dict[str, Any]] = {
        "DOWNLOADER_MIDDLEWARES": {
            "scrapy.downloadermiddlewares.useragent.UserAgentMiddleware": None,
            "scrapy.downloadermiddlewares.nothing.Nothing": None,
            "scrapy.downloadermiddlewares.robotstxt.RobotsTxtMiddleware": 100,
        },
        "USER_AGENT": "of the settings",
    }

    def parse(self, response: Any) -> Any:
        yield {"agent": response.request.headers.get("User-Agent")}

    @staticmethod
    def right(crawled: Any) -> bool:
        return bool(crawled.items == [{"agent": None}])


class Short(LogFormatter):
    def scraped(self, item: Any, response: Any, spider: Any) -> Any:
        spider.scraped = item
        return super().scraped(item, response, spider)


class FormatsLogs(Row, SiteSpider):
    """A LOG_FORMATTER of the project."""

    custom_settings: ClassVar[dict[str, Any]] = {"LOG_FORMATTER": Short}

    @staticmethod
    def right(crawled: Any) -> bool:
        return bool(crawled.spider.scraped == crawled.items[0])


class StoresFiles(Row, SiteSpider):
    """FilesPipeline."""

    custom_settings: ClassVar[dict[str, Any]] = {
        "ITEM_PIPELINES": {"scrapy.pipelines.files.FilesPipeline": 1}
    }

    def parse(self, response: Any) -> Any:
        yield {"file_urls": [f"{self.site}/page/1"]}

    @staticmethod
    def right(crawled: Any) -> bool:
        [file] = crawled.items[0]["files"]
        return (crawled.spider.folder / "files" / file["path"]).is_file()


class Retries(Row, SiteSpider):
    """`get_retry_request` in a callback."""

    def parse(self, response: Any) -> Any:
        again = get_retry_request(response.request, spider=self, reason="empty", max_retry_times=1)
        yield again or {"times": response.meta["retry_times"]}

    @staticmethod
    def right(crawled: Any) -> bool:
        return bool(crawled.items == [{"times": 1}])


@pytest.mark.parametrize("spider_class", Row.__subclasses__())
async def test_a_project_may_do_this(spider_class: Any, site: Site, tmp_path: Path) -> None:
    settings = {"FEEDS": {str(tmp_path / "items.jl"): {}}, "FILES_STORE": str(tmp_path / "files")}
    placed = type(spider_class.__name__, (spider_class,), {"folder": tmp_path, "site": site.url})
    crawled = await crawl(placed, settings)
    assert spider_class.right(crawled), (crawled.items, crawled.reason)


async def test_a_second_crawl_is_served_by_the_http_cache(site: Site, tmp_path: Path) -> None:
    settings = {"HTTPCACHE_ENABLED": True, "HTTPCACHE_DIR": str(tmp_path)}
    for hits in (0, 1):
        crawled = await crawl(SiteSpider, settings, site=site.url)
        assert crawled.stat("httpcache/hit") == hits


class Pushed(RedisSpider):
    name = "pushed"
    redis_key = "start_urls"

    def parse(self, response: Any) -> Any:
        yield {"url": response.url}


class PushedWithRules(RedisCrawlSpider):
    name = "pushed_with_rules"
    redis_key = "start_urls"
    rules = (Rule(LinkExtractor(allow="/page/1$"), callback="parse_page"),)

    def parse_page(self, response: Any) -> Any:
        yield {"url": response.url}


@pytest.mark.parametrize(("spider_class", "path"), [(Pushed, "/page/1"), (PushedWithRules, "/")])
async def test_a_spider_of_scrapy_redis_crawls_what_is_pushed(
    spider_class: Any, path: str, redis_server: RedisServer, redis_url: str, site: Site
) -> None:
    settings = {
        "SCHEDULER": "scrapy_redis.scheduler.Scheduler",
        "DUPEFILTER_CLASS": "scrapy_redis.dupefilter.RFPDupeFilter",
        "REDIS_URL": redis_url,
        "MAX_IDLE_TIME_BEFORE_CLOSE": 0.2,
        "SCHEDULER_HEARTBEAT": 0.2,
    }
    with redis_server.client() as client:
        client.lpush("start_urls", f"{site.url}{path}")
        crawled = await crawl(spider_class, settings)
        assert client.llen("start_urls") == 0
    assert crawled.items == [{"url": f"{site.url}/page/1"}]


async def test_a_running_crawl_shows_its_figures(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    crawler = Crawler(SiteSpider, QUIET)
    attach(crawler)
    await crawler.crawl(site=site.url)
    line = capsys.readouterr().err
    assert re.search(r"tested +1 pages +[\d.]+ pages/s +1 items +0 errors +0 waiting", line)


def test_the_commands_of_scrapy_are_there() -> None:
    commands = {name for names in GROUPS.values() for name in names}
    of_scrapy = (
        "bench check crawl edit fetch genspider list parse runspider settings shell startproject version view"
    )
    assert set(of_scrapy.split()) <= commands


def test_a_setting_without_a_reader_is_named() -> None:
    settings = Settings(
        {"TELNETCONSOLE_PORT": [6023, 6073], "DOWNLOAD_DELAYY": 1, "STATSMAILER_RCPTS": ["a@b"]}
    )
    line = unread_settings(settings, SiteSpider)
    assert all(
        name in line for name in ("TELNETCONSOLE_PORT", "did you mean DOWNLOAD_DELAY?", "STATSMAILER_RCPTS")
    )
