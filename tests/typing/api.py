"""The public interface as users write it; only type-checked: mypy tests/typing/api.py."""
# ruff: noqa: RUF012 users don't annotate these

from collections.abc import AsyncIterator, Iterator
from typing import Any, Self, assert_type

from redis.asyncio import Redis

from aioscrapy import (
    CloseSpider,
    CrawlContext,
    Crawler,
    CrawlerProcess,
    DropItem,
    Field,
    FormRequest,
    Headers,
    HtmlResponse,
    IgnoreRequest,
    Item,
    JsonRequest,
    NotConfigured,
    Request,
    Response,
    Selector,
    SelectorList,
    Settings,
    Spider,
    TextResponse,
    db_manager,
    logger,
    signals,
)
from aioscrapy.contracts import (
    DownloaderMiddleware,
    DownloadHandler,
    LocalDupeFilter,
    Pipeline,
    Serializer,
    SpiderMiddleware,
)
from aioscrapy.ends import End, Reason
from aioscrapy.stats import StatsCollector
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


class Offer(Item):
    title = Field()


class FullDownloaderMiddleware(DownloaderMiddleware):
    def process_request(self, request: Request) -> Response | None:
        assert_type(request.url, str)
        assert_type(request.meta, dict[str, Any])
        assert_type(request.headers, Headers)
        assert_type(request.headers.get("A"), bytes | None)
        assert_type(request.headers.get("A", b""), bytes)
        return None

    async def process_response(self, request: Request, response: Response) -> Request | Response:
        return request.replace(dont_filter=True) if response.status == 500 else response

    def process_exception(self, request: Request, exception: Exception) -> None:
        return None


class FullSpiderMiddleware(SpiderMiddleware):
    changes_requests = False

    def process_spider_input(self, response: Response) -> None:
        return None

    def get_processed_request(self, request: Request, response: Response | None) -> Request | None:
        return request

    def get_processed_item(self, item: Any, response: Response | None) -> Any:
        return item

    async def process_spider_output(self, response: Response | None, result: Any) -> AsyncIterator[Any]:
        async for output in result:
            yield output

    def process_spider_exception(self, response: Response | None, exception: BaseException) -> None:
        return None

    async def process_start(self, start: AsyncIterator[Any]) -> AsyncIterator[Any]:
        async for output in start:
            yield output


class FullPipeline(Pipeline):
    @classmethod
    def from_crawler(cls, crawler: CrawlContext) -> Self:
        crawler.signals.connect(lambda: None, signals.item_scraped)
        crawler.stop("enough")
        crawler.fail(Reason.OUTPUT_FAILED, "no space left")
        return cls()

    async def open_spider(self) -> None:
        assert_type(db_manager.redis("queue"), Redis)
        assert_type(db_manager.redis.queue, Redis)

    def process_item(self, item: Offer) -> Offer:
        return item

    def close_spider(self) -> None:
        return None


class OwnHandler(DownloadHandler):
    async def download_request(self, request: Request, spider: Spider) -> Response:
        return Response(request.url)

    async def close(self) -> None:
        return None


class OwnFilter(LocalDupeFilter):
    def __init__(self) -> None:
        self._seen: set[bytes] = set()

    def add(self, fingerprint: bytes) -> bool:
        self._seen.add(fingerprint)
        return True

    def __contains__(self, fingerprint: object) -> bool:
        return fingerprint in self._seen

    def __len__(self) -> int:
        return len(self._seen)

    def clear(self) -> None:
        self._seen.clear()


class OwnSerializer:
    def dumps(self, obj: Any) -> bytes:
        return repr(obj).encode()

    def loads(self, data: bytes) -> Any:
        return data


def contracts() -> None:
    downloader: DownloaderMiddleware = FullDownloaderMiddleware()
    spider: SpiderMiddleware = FullSpiderMiddleware()
    pipeline: Pipeline = FullPipeline()
    handler: DownloadHandler = OwnHandler()
    serializer: Serializer = OwnSerializer()
    logger.info("%r", (downloader, spider, pipeline, handler, serializer, OwnFilter()))


def types(crawler: Crawler, context: CrawlContext, page: HtmlResponse) -> None:
    assert_type(AsyncSpider.from_crawler(context), AsyncSpider)
    assert_type(AsyncSpider().stats, StatsCollector)
    assert_type(crawler.end, End | None)
    assert_type(Request("http://a/").replace(url="http://b/"), Request)
    assert_type(JsonRequest("http://a/").replace(url="http://b/"), JsonRequest)
    assert_type(JsonRequest("http://a/").replace(cls=Request), Request)
    assert_type(page.replace(status=404), HtmlResponse)
    assert_type(page.headers.get("Content-Type"), bytes | None)
    assert_type(page.css("a"), SelectorList)


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
