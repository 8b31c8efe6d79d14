"""The way down to the network and back up: both kinds of middleware, the spider's own hooks, handlers."""

import gzip
import logging
from collections import Counter
from typing import Any

import pytest

from aioscrapy import signals
from aioscrapy.core.downloader import handler_paths
from aioscrapy.crawler import Crawler
from aioscrapy.exceptions import IgnoreRequest, SettingError
from aioscrapy.handlers.base import DownloadHandler
from aioscrapy.http import HtmlResponse, Request, Response
from aioscrapy.settings import Settings
from support.crawling import QUIET, SiteSpider, crawl
from support.handlers import HANDLERS
from support.site import Site

UNPACKING = "scrapy.downloadermiddlewares.httpcompression.HttpCompressionMiddleware"

HERE = "crawler.test_downloader"


class Plain:
    """Plain hooks, without the spider."""

    def process_request(self, request: Request) -> None:
        request.headers["X-Path"] = path(request, "plain")

    def process_response(self, request: Request, response: Response) -> Response:
        note(request, "plain up")
        return response


class Async:
    """Async hooks, with the spider, made by from_crawler."""

    def __init__(self, mark: str) -> None:
        self.mark = mark

    @classmethod
    async def from_crawler(cls, crawler: Any) -> "Async":
        return cls(crawler.settings["BOT_NAME"])

    async def process_request(self, request: Request, spider: Any) -> None:
        request.headers["X-Path"] = path(request, f"{self.mark} {spider.name}")

    async def process_response(self, request: Request, response: Response, spider: Any) -> Response:
        note(request, "async up")
        return response


def path(request: Request, step: str) -> str:
    note(request, step)
    return " > ".join(request.meta["steps"])


def note(request: Request, step: str) -> None:
    request.meta.setdefault("steps", []).append(step)


class Told(SiteSpider):
    """Yields what its page says."""

    paths = ("/headers",)

    def parse(self, response: Any) -> Any:
        yield {"steps": response.meta.get("steps"), "status": response.status, "url": response.url}


def middlewares(*names: Any) -> dict[str, Any]:
    return {"DOWNLOADER_MIDDLEWARES": {name: 1000 + order for order, name in enumerate(names)}}


async def test_hooks_run_down_in_their_order_and_up_in_reverse(site: Site) -> None:
    class Hooked(Told):
        def process_request(self, request: Request) -> None:
            note(request, "spider")

        async def process_response(self, request: Request, response: Response) -> Response:
            note(request, "spider up")
            return response

    settings = {**middlewares(Plain, Async), "BOT_NAME": "bot"}
    crawled = await crawl(Hooked, settings, site=site.url)
    steps = ["plain", "bot tested", "spider", "async up", "plain up", "spider up"]
    assert crawled.items == [{"steps": steps, "status": 200, "url": f"{site.url}/headers"}]


async def test_middlewares_are_found_by_their_path(site: Site) -> None:
    settings = {"DOWNLOADER_MIDDLEWARES": {f"{HERE}.Plain": 1, f"{HERE}.Async": None}}
    crawled = await crawl(Told, settings, site=site.url)
    assert crawled.items[0]["steps"] == ["plain", "plain up"]


async def test_a_response_from_process_request_needs_no_network(site: Site) -> None:
    class Cache:
        def process_request(self, request: Request) -> Response:
            return HtmlResponse(request.url, body=b"<title>kept</title>")

    crawled = await crawl(Told, middlewares(Cache), site=site.url)
    assert crawled.items == [{"steps": None, "status": 200, "url": f"{site.url}/headers"}]
    assert site.counts() == {}


async def test_a_request_from_process_request_takes_its_place(site: Site) -> None:
    class Rewrite:
        def process_request(self, request: Request) -> Request | None:
            return request.replace(url=f"{site.url}/page/1") if "/headers" in request.url else None

    crawled = await crawl(Told, middlewares(Rewrite), site=site.url)
    assert [item["url"] for item in crawled.items] == [f"{site.url}/page/1"]
    assert site.counts() == {"/page/1": 1}


async def test_a_request_from_process_response_is_asked_again(site: Site) -> None:
    class Again:
        def process_response(self, request: Request, response: Response) -> Request | Response:
            if request.meta.get("again"):
                return response
            again: Request = request.replace(meta={"again": True}, dont_filter=True)
            return again

    await crawl(Told, middlewares(Again), site=site.url)
    assert site.counts() == {"/headers": 2}


async def test_an_exception_may_be_answered_by_a_response(site: Site) -> None:
    class Instead:
        async def process_exception(self, request: Request, exception: Exception, spider: Any) -> Response:
            return HtmlResponse(request.url, status=203)

    crawled = await crawl(Told, middlewares(Instead), site=site.url, paths=("/truncated",))
    assert crawled.items == [{"steps": None, "status": 203, "url": f"{site.url}/truncated"}]


async def test_the_spiders_process_exception_may_send_another_request(site: Site) -> None:
    class Hooked(Told):
        def process_exception(self, request: Request, exception: Exception) -> Request:
            return self.request("/page/2")

    crawled = await crawl(Hooked, {"RETRY_ENABLED": False}, site=site.url, paths=("/truncated",))
    assert [item["url"] for item in crawled.items] == [f"{site.url}/page/2"]


async def test_an_ignored_request_is_dropped_without_an_error(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    class Refuse:
        def process_request(self, request: Request) -> None:
            raise IgnoreRequest("not this one")

    crawled = await crawl(Told, middlewares(Refuse), site=site.url)
    assert crawled.items == []
    assert crawled.reason == "finished"
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


@pytest.mark.parametrize("hook", ["process_request", "process_response", "process_exception"])
async def test_a_hook_that_raises_fails_its_request_alone(
    site: Site, hook: str, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(self: Any, request: Request, *rest: Any) -> Any:
        if "/page/1" in request.url or "/truncated" in request.url:
            raise ValueError(f"broken at {request.url}")
        return rest[0] if hook == "process_response" else None

    broken_class = type("Broken", (), {hook: broken})
    settings = {**middlewares(broken_class), "RETRY_ENABLED": False}
    crawled = await crawl(Told, settings, site=site.url, paths=("/page/1", "/truncated", "/page/2"))
    assert f"{site.url}/page/2" in [item["url"] for item in crawled.items]
    assert "broken at" in caplog.text
    assert crawled.reason == "finished"


async def test_a_hook_that_gives_back_nonsense_is_named(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    class Nonsense:
        def process_request(self, request: Request) -> Any:
            return "yes"

    crawled = await crawl(Told, middlewares(Nonsense), site=site.url)
    assert crawled.items == []
    assert "Nonsense.process_request" in caplog.text
    assert "returned str" in caplog.text


class Echo(DownloadHandler):
    """A handler of a scheme of its own."""

    closed = 0

    async def download_request(self, request: Request, spider: Any) -> Response:
        return HtmlResponse(request.url, body=request.url.encode(), request=request)

    async def close(self) -> None:
        type(self).closed += 1


async def test_a_handler_of_ones_own_serves_its_schemes_and_is_closed_once(site: Site) -> None:
    class Schemes(SiteSpider):
        async def start_requests(self) -> Any:
            yield Request("echo://one/")
            yield Request("echo2://two/")
            yield self.request("/page/1")

        def parse(self, response: Any) -> Any:
            yield {"url": response.url}

    Echo.closed = 0
    crawled = await crawl(Schemes, {"DOWNLOAD_HANDLERS": {"echo": Echo, "echo2": Echo}}, site=site.url)
    assert {item["url"] for item in crawled.items} == {"echo://one/", "echo2://two/", f"{site.url}/page/1"}
    assert Echo.closed == 1


class Packed:
    """A handler that leaves the bodies of packed:// as they travelled, and the headers of plain:// too."""

    async def download_request(self, request: Request, spider: Any) -> Response:
        accepted = request.headers.get("Accept-Encoding") or b""
        text = f"<html>\u20ac\u20ac\u20ac {accepted.decode()}".encode()
        body = gzip.compress(text) if request.url.startswith("packed") else text
        return Response(request.url, body=body, headers={"Content-Encoding": "gzip"}, request=request)


@pytest.mark.parametrize(
    ("settings", "result"),
    [
        ({}, {"HtmlResponse 3": 2}),
        ({"COMPRESSION_ENABLED": False}, {"Response 0": 2}),
        ({"DOWNLOADER_MIDDLEWARES": {UNPACKING: None}}, {"Response 0": 2}),
        ({"DOWNLOADER_MIDDLEWARES": {UNPACKING: 810}}, {"HtmlResponse 3": 2}),
    ],
)
async def test_what_a_handler_of_ones_own_leaves_packed_is_unpacked(
    settings: dict[str, Any], result: dict[str, int]
) -> None:
    class Schemes(SiteSpider):
        async def start_requests(self) -> Any:
            yield Request("packed://one/")
            yield Request("plain://two/")

        def parse(self, response: Any) -> Any:
            euros = response.text.count("\u20ac") if hasattr(response, "text") else 0
            assert (b"gzip, deflate" in response.body) is bool(euros)
            yield {"got": f"{type(response).__name__} {euros}"}

    handlers = {"DOWNLOAD_HANDLERS": {"packed": Packed, "plain": Packed}}
    crawled = await crawl(Schemes, {**handlers, **settings})
    assert Counter(item["got"] for item in crawled.items) == result


async def test_a_request_that_was_sent_has_its_slot_in_meta(site: Site) -> None:
    hosts = ("127.0.0.1", "localhost")
    first, second = (f"http://{host}:{site.port}/page/1" for host in hosts)
    slots: list[tuple[str, str]] = []

    class Copying(SiteSpider):
        async def start_requests(self) -> Any:
            yield Request(first)
            yield Request(second, self.parse_second, meta={"download_slot": "own"}, dont_filter=True)

        def parse(self, response: Any) -> Any:
            slots.append((response.url, response.meta["download_slot"]))
            yield Request(second, self.parse_second, meta=response.meta)

        def parse_second(self, response: Any) -> None:
            slots.append((response.url, response.meta["download_slot"]))

    await crawl(Copying)
    assert sorted(slots) == [(first, hosts[0]), (second, hosts[1]), (second, "own")]


async def test_a_handler_of_request_scheduled_drops_requests_before_the_filter(site: Site) -> None:
    scheduled: list[str] = []
    dropped: list[str] = []

    def at_scheduled(request: Request) -> None:
        scheduled.append(request.url.removeprefix(site.url))
        if request.url.endswith("/page/2"):
            raise IgnoreRequest

    def at_dropped(request: Request) -> None:
        dropped.append(request.url.removeprefix(site.url))

    class Pages(SiteSpider):
        paths = ("/page/1", "/page/2", "/page/1")

    crawler = Crawler(Pages, QUIET)
    crawler.signals.connect(at_scheduled, signals.request_scheduled)
    crawler.signals.connect(at_dropped, signals.request_dropped)
    await crawler.crawl(site=site.url)
    assert (sorted(scheduled), sorted(dropped)) == (["/page/1", "/page/1", "/page/2"], ["/page/1", "/page/2"])
    assert site.counts() == {"/page/1": 1}


async def test_a_scheme_without_a_handler_fails_its_request(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    class Other(SiteSpider):
        async def start_requests(self) -> Any:
            yield Request("gopher://example.com/")
            yield self.request("/page/1")

    crawled = await crawl(Other, site=site.url)
    assert crawled.items == [{"path": "/page/1"}]
    assert "no download handler for gopher://example.com/" in caplog.text


async def test_a_scheme_may_be_switched_off(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    crawled = await crawl(SiteSpider, {"DOWNLOAD_HANDLERS": {"http": None}}, site=site.url)
    assert crawled.items == []
    assert "no download handler for http://" in caplog.text


@pytest.mark.parametrize(
    ("settings", "http", "https"),
    [
        ({}, "aiohttp", "aiohttp"),
        ({"DOWNLOAD_HANDLERS_TYPE": "wreq"}, "wreq", "wreq"),
        ({"DOWNLOAD_HANDLERS_TYPE": "curl_cffi"}, "curl_cffi", "curl_cffi"),
        ({"DOWNLOAD_HANDLERS_TYPE": "httpx"}, "aiohttp", "aiohttp"),
        ({"DOWNLOAD_HANDLERS_TYPE": "wreq", "DOWNLOAD_HANDLERS": {"http": None}}, None, "wreq"),
        (
            {"DOWNLOAD_HANDLERS_TYPE": "wreq", "DOWNLOAD_HANDLERS": {"https": HANDLERS["curl_cffi"]}},
            "wreq",
            "curl_cffi",
        ),
    ],
)
def test_a_type_chooses_the_handlers_and_a_scheme_may_have_its_own(
    settings: dict[str, Any], http: str | None, https: str
) -> None:
    paths = handler_paths(Settings(settings))
    assert (paths.get("http"), paths["https"]) == (http and HANDLERS[http], HANDLERS[https])


@pytest.mark.parametrize(
    "settings",
    [
        {"DOWNLOAD_HANDLERS": {"http": "no.such.Handler"}},
        {"DOWNLOAD_HANDLERS_TYPE": "nosuch"},
        {"CURL_CFFI_ARGS": {"no_such": 1}, "DOWNLOAD_HANDLERS_TYPE": "curl_cffi"},
        {"DOWNLOAD_HANDLERS": {"http": f"{HERE}.Plain"}},
        {"DOWNLOADER_MIDDLEWARES": {"no.such.Middleware": 1}},
        {"DOWNLOADER_MIDDLEWARES": {f"{HERE}.NoSuch": 1}},
        {"DOWNLOADER_MIDDLEWARES": {f"{HERE}.Plain": "first"}},
    ],
)
async def test_what_can_not_be_made_is_named_by_its_setting(site: Site, settings: dict[str, Any]) -> None:
    with pytest.raises(SettingError, match=next(iter(settings))):
        await crawl(Told, settings, site=site.url)
    assert site.counts() == {}


@pytest.mark.parametrize("gives", [None, "text", 7])
async def test_a_hook_that_returns_no_response_fails_its_request_by_name(
    site: Site, gives: object, caplog: pytest.LogCaptureFixture
) -> None:
    class Forgets:
        async def process_response(self, request: Request, response: Response) -> object:
            return gives

    crawled = await crawl(SiteSpider, {"DOWNLOADER_MIDDLEWARES": {Forgets: 1}}, site=site.url)
    assert crawled.reason == "all_failed"
    assert f"returned {type(gives).__name__}, not a Request or a Response" in caplog.text
    assert "Forgets.process_response" in caplog.text
