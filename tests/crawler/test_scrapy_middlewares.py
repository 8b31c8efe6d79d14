"""Middlewares of Scrapy's projects: subclasses of the built-in ones, with Scrapy's constructors."""

from collections.abc import Iterator
from typing import Any

import pytest

from aioscrapy import signals
from aioscrapy.crawler import Crawler
from aioscrapy.exceptions import IgnoreRequest, ScrapyDeprecationWarning
from aioscrapy.http import HtmlResponse, Request
from aioscrapy.middlewares.base import BaseSpiderMiddleware
from aioscrapy.middlewares.cookies import CookiesMiddleware
from aioscrapy.middlewares.depth import DepthMiddleware
from aioscrapy.middlewares.httpcompression import HttpCompressionMiddleware
from aioscrapy.middlewares.httperror import HttpError, HttpErrorMiddleware
from aioscrapy.middlewares.httpproxy import HttpProxyMiddleware
from aioscrapy.middlewares.offsite import OffsiteMiddleware
from aioscrapy.middlewares.redirect import RedirectMiddleware
from aioscrapy.middlewares.referer import RefererMiddleware
from aioscrapy.middlewares.robotstxt import RobotsTxtMiddleware
from aioscrapy.middlewares.stats import get_header_size
from aioscrapy.middlewares.useragent import UserAgentMiddleware
from aioscrapy.utils import deprecate
from aioscrapy.utils.curl import curl_to_request_kwargs
from aioscrapy.utils.sitemap import Sitemap
from support.context import context
from support.crawling import QUIET, Crawled, SiteSpider, crawl
from support.site import Site

PAGE = HtmlResponse("https://a.test/x", request=Request("https://a.test/x"))


class RotatingAgent(UserAgentMiddleware):
    """Inherits `from_crawler`, without a USER_AGENT in the settings."""

    def process_request(self, request: Request, spider: Any) -> None:
        request.headers.setdefault("User-Agent", "rotated")


class OwnAgent(UserAgentMiddleware):
    def __init__(self, user_agent: str = "") -> None:
        self.user_agent = user_agent

    @classmethod
    def from_crawler(cls, crawler: Any) -> Any:
        return cls("own")


class Proxies(HttpProxyMiddleware):
    def __init__(
        self, auth_encoding: str = "latin-1", proxies: tuple[str, ...] = ("http://p.test:1",)
    ) -> None:
        super().__init__(auth_encoding)
        self.proxies = proxies

    def process_request(self, request: Request, spider: Any = None) -> None:
        request.meta["proxy"] = self.proxies[0]
        super().process_request(request, spider)


class Jars(CookiesMiddleware):
    def __init__(self, debug: bool = False) -> None:
        super().__init__(debug)
        self.own = True


class Redirects(RedirectMiddleware):
    def __init__(self, settings: Any) -> None:
        super().__init__(settings)
        self.own = self.max_redirect_times


class RootOnly(OffsiteMiddleware):
    def should_follow(self, request: Request, spider: Any) -> bool:
        return request.url.endswith("/") and super().should_follow(request, spider)


def test_a_user_agent_of_a_subclass_is_sent() -> None:
    for cls, sent in ((RotatingAgent, b"rotated"), (OwnAgent, b"own")):
        request = Request("http://a.test/")
        cls.from_crawler(context({"USER_AGENT": None})).process_request(request, None)
        assert request.headers["User-Agent"] == sent


def test_subclasses_are_created_by_scrapys_constructors() -> None:
    request = Request("http://a.test/")
    Proxies.from_crawler(context()).process_request(request)
    assert request.meta["proxy"] == "http://p.test:1"
    assert Jars.from_crawler(context()).own
    assert Redirects.from_crawler(context({"REDIRECT_MAX_TIMES": 7})).own == 7
    assert HttpCompressionMiddleware.from_crawler(context()).process_response(request, PAGE) is PAGE


def test_should_follow_decides_in_a_subclass() -> None:
    middleware = RootOnly.from_crawler(context(allowed_domains=["a.test"]))
    for url, follows in (("http://a.test/", True), ("http://a.test/x", False), ("http://b.test/", False)):
        link = Request(url, meta={"depth": 1})
        assert (middleware.get_processed_request(link, PAGE) is link) is follows
        if not follows:
            with pytest.raises(IgnoreRequest):
                middleware.process_request(link)


@pytest.mark.parametrize(
    "name",
    [
        "scrapy.spidermiddlewares.referer.SameOriginPolicy",
        "same-origin",
        "aioscrapy.spidermiddlewares.referer.SameOriginPolicy",
    ],
)
def test_a_referrer_policy_may_be_named_as_in_scrapy(name: str) -> None:
    middleware = RefererMiddleware.from_crawler(context({"REFERRER_POLICY": name}))
    same, other = Request("https://a.test/y"), Request("https://b.test/")
    for link in (same, other):
        middleware.get_processed_request(link, PAGE)
    assert same.headers.get("Referer") == b"https://a.test/x"
    assert "Referer" not in other.headers


@pytest.mark.server
async def test_a_subclass_of_a_spider_middleware_calls_its_base(site: Site) -> None:
    class Deep(DepthMiddleware):
        def process_spider_output(self, response: Any, result: Any, spider: Any) -> Iterator[Any]:
            yield from super().process_spider_output(response, result, spider)

    class Marks(BaseSpiderMiddleware):
        def get_processed_item(self, item: Any, response: Any) -> Any:
            return {**item, "bot": self.crawler.settings["BOT_NAME"]}

    class Linking(SiteSpider):
        def parse(self, response: Any) -> Any:
            yield {"depth": response.meta["depth"]}
            if not response.meta["depth"]:
                yield self.request("/page/1")

    settings = {
        **QUIET,
        "BOT_NAME": "shop",
        "SPIDER_MIDDLEWARES": {
            "aioscrapy.middlewares.depth.DepthMiddleware": None,
            Deep: 900,
            Marks: 10,
        },
    }
    crawled = await crawl(Linking, settings, site=site.url)
    assert sorted(item["depth"] for item in crawled.items) == [0, 1]
    assert {item["bot"] for item in crawled.items} == {"shop"}


@pytest.mark.server
@pytest.mark.parametrize("name", ["process_spider_output", "process_spider_output_async", "process_start"])
async def test_a_hook_of_the_stream_gets_each_element_once(site: Site, name: str) -> None:
    class Counting(BaseSpiderMiddleware):
        def get_processed_request(self, request: Request, response: Any) -> Request:
            request.meta["seen"] = request.meta.get("seen", 0) + 1
            return request

        def get_processed_item(self, item: Any, response: Any) -> Any:
            return {**item, "seen": item.get("seen", 0) + 1}

    class Plain(Counting):
        def process_spider_output(self, response: Any, result: Any, spider: Any = None) -> Iterator[Any]:
            yield from super().process_spider_output(response, result, spider)

    class Streamed(Counting):
        async def process_spider_output_async(self, response: Any, result: Any, spider: Any = None) -> Any:
            async for output in super().process_spider_output_async(response, result, spider):
                yield output

    class Starting(Counting):
        async def process_start(self, start: Any) -> Any:
            async for output in super().process_start(start):
                yield output

    class Linking(SiteSpider):
        def parse(self, response: Any) -> Any:
            yield {"request": response.meta["seen"]}
            if not response.meta["depth"]:
                yield self.request("/page/1")

    middleware = next(cls for cls in (Plain, Streamed, Starting) if name in vars(cls))
    crawled = await crawl(Linking, {**QUIET, "SPIDER_MIDDLEWARES": {middleware: 10}}, site=site.url)
    assert crawled.items == [{"request": 1, "seen": 1}, {"request": 1, "seen": 1}]


@pytest.mark.server
async def test_outputs_before_an_error_pass_a_plain_generator(site: Site) -> None:
    class Plain:
        def process_spider_output(self, response: Any, result: Any, spider: Any) -> Iterator[Any]:
            yield from result

    class Breaking(SiteSpider):
        def parse(self, response: Any) -> Any:
            yield {"before": True}
            raise ValueError("in the middle")

    crawled = await crawl(Breaking, {**QUIET, "SPIDER_MIDDLEWARES": {Plain: 10}}, site=site.url)
    assert crawled.items == [{"before": True}]
    assert crawled.stat("spider_exceptions/ValueError") == 1


@pytest.mark.server
async def test_a_refused_status_reaches_process_spider_exception(site: Site) -> None:
    class Answers:
        def process_spider_exception(self, response: Any, exception: Exception, spider: Any) -> Any:
            return [{"status": response.status}] if isinstance(exception, HttpError) else None

    class Missing(SiteSpider):
        paths = ("/status/404",)

    class Fails(Missing):
        async def start_requests(self) -> Any:
            yield self.request("/status/404", errback=self.failed)

        def failed(self, failure: Any) -> Any:
            yield {"errback": failure.check(HttpError) is HttpError}

    settings = {**QUIET, "SPIDER_MIDDLEWARES": {Answers: 10}}
    assert (await crawl(Missing, settings, site=site.url)).items == [{"status": 404}]
    assert (await crawl(Fails, settings, site=site.url)).items == [{"errback": True}]


@pytest.mark.server
async def test_robots_parsed_has_the_parser_and_the_request(site: Site) -> None:
    parsed: list[Any] = []

    def keep(robotparser: Any, request: Request) -> None:
        parsed.append((robotparser.allowed(site.url + "/private/x", "bot"), request.url))

    crawled = Crawled(Crawler(SiteSpider, {**QUIET, "ROBOTSTXT_OBEY": True}))
    crawled.crawler.signals.connect(keep, signals.robots_parsed)
    await crawled.crawler.crawl(site=site.url)
    assert parsed == [(False, site.url + "/")]


class Marked:
    def process_request(self, request: Request, spider: Any) -> None:
        request.headers["X-Mark"] = "1"


@pytest.mark.server
async def test_robots_txt_passes_the_middlewares_of_the_project(site: Site) -> None:
    sent: dict[str, Any] = {}

    def keep(request: Request) -> None:
        sent[request.url.removeprefix(site.url)] = (
            request.headers.get("X-Mark"),
            request.headers["User-Agent"],
        )

    settings = {"ROBOTSTXT_OBEY": True, "USER_AGENT": "us", "DOWNLOADER_MIDDLEWARES": {Marked: 350}}
    crawled = Crawled(Crawler(SiteSpider, {**QUIET, **settings}))
    crawled.crawler.signals.connect(keep, signals.request_reached_downloader)
    await crawled.crawler.crawl(site=site.url)
    assert sent == {"/robots.txt": (b"1", b"us"), "/": (b"1", b"us")}


def test_the_status_middleware_takes_the_settings() -> None:
    middleware = HttpErrorMiddleware(context({"HTTPERROR_ALLOWED_CODES": [404]}).settings)
    assert middleware.handle_httpstatus_list == [404]
    assert RobotsTxtMiddleware.from_crawler(context({"ROBOTSTXT_OBEY": True}))


def test_small_helpers_of_scrapys_modules(monkeypatch: pytest.MonkeyPatch) -> None:
    command = "curl -X POST http://a.test/ -d a=1 --data-raw b=2"
    assert curl_to_request_kwargs(command) == {"url": "http://a.test/", "method": "POST", "body": "a=1&b=2"}
    sent = Request.from_curl(command)
    assert sent.headers["Content-Type"] == b"application/x-www-form-urlencoded"
    assert get_header_size({"A": [b"1", b"22"], "B": "text"}) == len("A: 1A: 22\r\n")
    text = "<urlset><url><loc>http://a.test/</loc></url></urlset>"
    assert list(Sitemap(text)) == [{"loc": "http://a.test/"}]
    monkeypatch.setattr(deprecate, "DEPRECATION_RULES", [("old.", "new.")])
    with pytest.warns(ScrapyDeprecationWarning, match="new.part.Class"):
        assert deprecate.update_classpath("old.part.Class") == "new.part.Class"
    assert [deprecate.update_classpath(path) for path in ("a.old.B", None, 3)] == ["a.old.B", None, 3]
