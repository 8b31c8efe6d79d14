"""Objects of the real Scrapy that reach our engine: converted or refused in one line, never swallowed."""

from typing import Any

import pytest
import scrapy  # type: ignore[import-untyped]  # Scrapyd brings it
from scrapy import signals as their_signals  # type: ignore[import-untyped]  # as above
from scrapy.exceptions import CloseSpider, DontCloseSpider, DropItem  # type: ignore[import-untyped]  # as above
from scrapy.http import HtmlResponse  # type: ignore[import-untyped]  # as above
from scrapy.spiders import CrawlSpider  # type: ignore[import-untyped]  # as above

from aioscrapy import signals
from aioscrapy.crawler import Crawler
from aioscrapy.exceptions import ConfigError
from support.crawling import QUIET, Crawled, SiteSpider
from support.site import Site


class Item(scrapy.Item):  # type: ignore[misc]  # untyped
    path = scrapy.Field()


async def test_a_request_of_scrapy_is_crawled_and_its_item_is_scraped(site: Site) -> None:
    class Theirs(SiteSpider):
        async def start_requests(self) -> Any:
            yield scrapy.Request(
                f"{self.site}/page/1", headers={"X": "1"}, meta={"a": 1}, callback=self.parse
            )

        def parse(self, response: Any) -> Any:
            assert response.meta["a"] == 1
            assert response.request.headers["X"] == b"1"
            yield scrapy.FormRequest(f"{self.site}/page/2", formdata={"q": "x"}, callback=self.end)

        def end(self, response: Any) -> Any:
            assert response.request.body == b"q=x"
            yield Item(path=self.path_of(response.url))

    crawled = Crawled(Crawler(Theirs, QUIET))
    await crawled.crawler.crawl(site=site.url)
    assert [dict(item) for item in crawled.items] == [{"path": "/page/2"}]


async def test_what_has_no_equal_is_refused_in_one_line(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    class Linking(SiteSpider):
        def parse(self, response: Any) -> Any:
            yield scrapy.link.Link("http://example.com/")

    crawler = Crawler(Linking, QUIET)
    await crawler.crawl(site=site.url, paths=("/page/1",))
    assert "scrapy.link.Link of the real Scrapy can't be used here: import it from aioscrapy" in caplog.text
    assert crawler.stats.get_value("spider_exceptions/count") == 1


async def test_a_response_of_scrapy_from_a_middleware_reaches_the_callback(site: Site) -> None:
    class Answering:
        def process_request(self, request: Any, spider: Any) -> Any:
            return HtmlResponse(request.url, body=b"<title>mine</title>", encoding="utf-8")

    class Titles(SiteSpider):
        def parse(self, response: Any) -> Any:
            yield {"title": response.css("title::text").get()}

    crawled = Crawled(Crawler(Titles, {**QUIET, "DOWNLOADER_MIDDLEWARES": {Answering: 500}}))
    await crawled.crawler.crawl(site=site.url, paths=("/page/1",))
    assert crawled.items == [{"title": "mine"}]


async def test_signals_and_exceptions_of_scrapy_mean_ours(site: Site) -> None:
    opened: list[str] = []
    idle: list[int] = []

    class Dropping:
        def process_item(self, item: Any) -> Any:
            raise DropItem("not wanted")

    class Closing(SiteSpider):
        def parse(self, response: Any) -> Any:
            yield {}
            raise CloseSpider("enough")

    def keep_open() -> None:
        idle.append(1)
        raise DontCloseSpider

    crawler = Crawler(Closing, {**QUIET, "ITEM_PIPELINES": {Dropping: 1}})
    crawler.signals.connect(lambda spider: opened.append(spider.name), their_signals.spider_opened)
    crawler.signals.connect(lambda item: opened.append("dropped"), signal=their_signals.item_dropped)
    await crawler.crawl(site=site.url, paths=("/page/1",))
    assert opened == ["tested", "dropped"]
    assert crawler.reason == "enough"
    crawler.signals.connect(keep_open, signals.spider_idle)
    assert type((await crawler.signals.send(signals.spider_idle))[0]).__module__ == "aioscrapy.exceptions"


def test_a_spider_class_that_needs_scrapys_responses_is_refused() -> None:
    class Rules(CrawlSpider):  # type: ignore[misc]  # untyped
        name = "rules"

    with pytest.raises(ConfigError, match=r"derived from scrapy\.spiders\.crawl\.CrawlSpider"):
        Crawler(Rules, QUIET)


async def test_a_plain_spider_of_scrapy_crawls(site: Site) -> None:
    class Plain(scrapy.Spider):  # type: ignore[misc]  # untyped
        name = "plain"

        def parse(self, response: Any) -> Any:
            yield {"url": response.url}

    crawled = Crawled(Crawler(Plain, QUIET))
    await crawled.crawler.crawl(start_urls=[f"{site.url}/page/1"])
    assert crawled.items == [{"url": f"{site.url}/page/1"}]
