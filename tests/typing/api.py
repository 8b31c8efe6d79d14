"""The public interface as users write it; only type-checked: mypy tests/typing/api.py."""
# ruff: noqa: RUF012 users don't annotate these

from collections.abc import AsyncIterator, Iterator
from typing import Any, assert_type

from aioscrapy import (
    CrawlerProcess,
    FormRequest,
    HtmlResponse,
    JsonRequest,
    Request,
    Response,
    Selector,
    Settings,
    Spider,
    TextResponse,
    logger,
)
from aioscrapy.context import CrawlContext
from aioscrapy.exceptions import CloseSpider, DropItem, IgnoreRequest, NotConfigured
from aioscrapy_deploy import Job, ScrapydClient


class AsyncSpider(Spider):
    name = "async"
    start_urls = ["https://example.com"]
    custom_settings = {"CONCURRENT_REQUESTS": 4}

    async def start_requests(self) -> AsyncIterator[Request]:
        yield Request("https://example.com", callback=self.parse, errback=self.failed, cb_kwargs={"page": 1})
        yield FormRequest("https://example.com/login", formdata={"user": "ann"})
        yield JsonRequest("https://example.com/api", data={"a": [1, 2]})

    async def parse(self, response: TextResponse) -> AsyncIterator[Request | dict[str, Any]]:
        title = response.css("title::text").get()
        assert_type(response.text, str)
        assert_type(response.status, int)
        assert_type(response.urljoin("/x"), str)
        yield {"title": title}
        for href in response.css("a::attr(href)"):
            yield Request(response.urljoin(href), callback="parse", priority=1, meta={"depth": 2})
        yield response.follow("/next", callback=self.parse)

    async def failed(self, failure: Exception) -> None:
        self.logger.warning("%s", failure)
        raise CloseSpider("failed")

    async def closed(self, reason: str) -> None:
        logger.info(reason)

    async def process_item(self, item: dict[str, Any]) -> None:
        raise DropItem("no")


class PlainSpider(Spider):
    name = "plain"

    @classmethod
    def from_crawler(cls, crawler: CrawlContext, *args: Any, **kwargs: Any) -> "PlainSpider":
        spider = cls(*args, **kwargs)
        spider.depth = crawler.settings.getint("DEPTH_LIMIT")
        return spider

    depth = 0

    def parse(self, response: HtmlResponse) -> Iterator[Any]:
        selector = Selector(text=response.text)
        yield {"links": selector.xpath("//a/@href").getall(), "settings": self.settings.getbool("X")}

    def process_request(self, request: Request) -> Response | None:
        if request.method == "POST":
            raise IgnoreRequest
        return None


class Middleware:
    @classmethod
    def from_crawler(cls, crawler: CrawlContext) -> "Middleware":
        if not crawler.settings.getbool("MINE"):
            raise NotConfigured
        return cls()

    async def process_response(self, request: Request, response: Response, spider: Spider) -> Response:
        return response


def script() -> None:
    process = CrawlerProcess(Settings({"LOG_LEVEL": "INFO"}))
    process.crawl(AsyncSpider, category="books")
    process.start()
    AsyncSpider.start()


def operate() -> None:
    scrapyd = ScrapydClient("http://localhost:6800/", "me", "word", timeout_s=(3, 10))
    job = scrapyd.schedule(
        "shop", "books", arguments={"tag": "a"}, settings={"DOWNLOAD_DELAY": "1"}, priority=1
    )
    assert_type(job, str)
    assert_type(scrapyd.status(job), str | None)
    assert_type(scrapyd.listjobs("shop"), list[Job])
    assert_type(scrapyd.listjobs()[0].pid, int | None)
    assert_type(scrapyd.cancel("shop", job, "TERM"), str | None)
    for each in scrapyd.listjobs():
        assert_type(scrapyd.log(each, start=-1000), bytes | None)
        assert_type(scrapyd.items(each), Iterator[bytes] | None)
