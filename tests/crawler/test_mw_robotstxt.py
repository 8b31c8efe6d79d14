"""robots.txt: fetched once a host, and obeyed."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from aioscrapy.exceptions import DownloadError, IgnoreRequest, NotConfigured
from aioscrapy.http import Request, Response
from aioscrapy.middlewares.robots_parser import ProtegoRobotParser, PythonRobotParser
from aioscrapy.middlewares.robotstxt import RobotsTxtMiddleware
from support.context import context

RULES = b"\xef\xbb\xbfUser-agent: *\nDisallow: /private/\n\nUser-agent: special\nDisallow: /\n"
ON = {"ROBOTSTXT_OBEY": True, "USER_AGENT": "tested"}


class Web:
    """Answers requests from a function, and remembers them; `gate` holds the answers back."""

    def __init__(self, answer: Callable[[Request], Response]) -> None:
        self.answer = answer
        self.asked: list[Request] = []
        self.calls: asyncio.Queue[str] = asyncio.Queue()
        self.gate = asyncio.Event()
        self.gate.set()

    async def download(self, request: Request) -> Response:
        self.asked.append(request)
        self.calls.put_nowait(request.url)
        await self.gate.wait()
        return self.answer(request)


def rules(request: Request) -> Response:
    return Response(request.url, body=RULES)


def make(web: Web, settings: dict[str, object] | None = None) -> RobotsTxtMiddleware:
    crawler = context({**ON, **(settings or {})})
    crawler.download = web.download
    return RobotsTxtMiddleware.from_crawler(crawler)


async def is_allowed(middleware: RobotsTxtMiddleware, request: Request) -> bool:
    try:
        await middleware.process_request(request)
    except IgnoreRequest:
        return False
    return True


async def test_what_is_forbidden_is_dropped_and_counted() -> None:
    web = Web(rules)
    crawler = context(ON)
    crawler.download = web.download
    middleware = RobotsTxtMiddleware.from_crawler(crawler)
    assert await is_allowed(middleware, Request("http://a.test/public"))
    with pytest.raises(IgnoreRequest, match=r"Forbidden by robots.txt: <GET http://a.test/private/1>"):
        await middleware.process_request(Request("http://a.test/private/1"))
    assert crawler.stats.get_stats() == {
        "robotstxt/request_count": 1,
        "robotstxt/response_count": 1,
        "robotstxt/response_status_count/200": 1,
        "robotstxt/forbidden": 1,
    }


async def test_each_host_is_asked_once_by_whoever_comes_first() -> None:
    web = Web(rules)
    middleware = make(web)
    web.gate.clear()
    urls = [f"http://{host}/private/{n}" for n in range(5) for host in ("a.test", "a.test:81", "u:p@a.test")]
    waiting = [asyncio.create_task(is_allowed(middleware, Request(url))) for url in urls]
    await web.calls.get()
    await web.calls.get()
    web.gate.set()
    assert not any(await asyncio.gather(*waiting))
    assert [request.url for request in web.asked] == [
        "http://a.test/robots.txt",
        "http://a.test:81/robots.txt",
    ]


async def test_another_request_fetches_where_the_first_was_cancelled() -> None:
    web = Web(rules)
    middleware = make(web)
    web.gate.clear()
    first = asyncio.create_task(is_allowed(middleware, Request("http://a.test/private/1")))
    await web.calls.get()
    second = asyncio.create_task(is_allowed(middleware, Request("http://a.test/private/2")))
    await asyncio.sleep(0)
    first.cancel()
    web.gate.set()
    assert not await second
    assert len(web.asked) == 2


@pytest.mark.parametrize(
    ("settings", "headers", "allowed"),
    [
        ({}, {}, True),
        ({"USER_AGENT": "Special/1.0"}, {}, False),
        ({}, {"User-Agent": "special"}, False),
        ({"ROBOTSTXT_USER_AGENT": "special"}, {}, False),
        ({"ROBOTSTXT_USER_AGENT": "other"}, {"User-Agent": "special"}, True),
    ],
)
async def test_rules_are_for_a_user_agent(
    settings: dict[str, object], headers: dict[str, str], allowed: bool
) -> None:
    middleware = make(Web(rules), settings)
    assert await is_allowed(middleware, Request("http://a.test/", headers=headers)) is allowed


async def test_robots_txt_is_asked_for_as_the_request_would_be() -> None:
    web = Web(rules)
    await make(web).process_request(Request("http://a.test/", meta={"proxy": "http://p.test", "x": 1}))
    await make(web).process_request(Request("http://a.test/", headers={"User-Agent": "own"}))
    assert "User-Agent" not in web.asked[0].headers, "the middlewares set it"
    assert web.asked[0].meta == {"proxy": "http://p.test", "dont_obey_robotstxt": True}
    assert web.asked[1].headers["User-Agent"] == b"own"


def failing(request: Request) -> Response:
    raise DownloadError("no such host")


@pytest.mark.parametrize(
    "answer",
    [
        failing,
        lambda request: Response(request.url, status=404, body=RULES),
        lambda request: Response(request.url, status=503, body=RULES),
        lambda request: Response(request.url, body=b"\x00\xff<html>not rules</html>"),
        lambda request: Response(request.url, status=302, headers={"Location": "/robots.txt"}),
    ],
)
async def test_a_host_without_rules_forbids_nothing(answer: Callable[[Request], Response]) -> None:
    middleware = make(Web(answer))
    assert await is_allowed(middleware, Request("http://a.test/private/1"))
    assert await is_allowed(middleware, Request("http://a.test/private/2"))


async def test_a_redirect_of_robots_txt_is_followed() -> None:
    def answer(request: Request) -> Response:
        if request.url == "http://a.test/robots.txt":
            return Response(request.url, status=301, headers={"Location": "//www.a.test/rules"})
        return Response(request.url, body=RULES)

    web = Web(answer)
    assert not await is_allowed(make(web), Request("http://a.test/private/1"))
    assert [request.url for request in web.asked] == ["http://a.test/robots.txt", "http://www.a.test/rules"]


@pytest.mark.parametrize(
    "request_",
    [
        Request("http://a.test/private/", meta={"dont_obey_robotstxt": True}),
        Request("data:,private"),
    ],
)
async def test_some_requests_need_no_robots_txt(request_: Request) -> None:
    web = Web(rules)
    assert await is_allowed(make(web), request_)
    assert web.asked == []


def test_robots_txt_is_off_by_default() -> None:
    with pytest.raises(NotConfigured):
        RobotsTxtMiddleware.from_crawler(context())


class NoPrivatePages:
    """A parser of a project, without `crawl_delay`."""

    def __init__(self, body: bytes) -> None:
        self.body = body

    @classmethod
    def from_crawler(cls, crawler: Any, robotstxt_body: bytes) -> Any:
        assert crawler.spider.name == "tested"
        return cls(robotstxt_body)

    def allowed(self, url: str, user_agent: str) -> bool:
        return b"Disallow" in self.body and "/private" not in url


@pytest.mark.parametrize("parser", [NoPrivatePages, f"{__name__}.NoPrivatePages"])
async def test_a_parser_of_the_project_decides(parser: Any) -> None:
    middleware = make(Web(rules), {"ROBOTSTXT_PARSER": parser})
    assert await is_allowed(middleware, Request("http://a.test/open"))
    assert not await is_allowed(middleware, Request("http://a.test/private"))


def test_the_parser_of_the_standard_library_reads_the_same_file() -> None:
    parser = PythonRobotParser.from_crawler(None, b"User-agent: *\nDisallow: /admin\nCrawl-delay: 2\n")
    assert [parser.allowed(url, b"Bot") for url in ("http://a.test/x", b"http://a.test/admin")] == [
        True,
        False,
    ]
    assert parser.crawl_delay("Bot") == 2.0
    assert PythonRobotParser(b"").crawl_delay("Bot") is None


@pytest.mark.parametrize(
    ("line", "forbidden"),
    [
        (b"Disallow: /\xe9", "/%E9t%E9"),  # without the byte, the rule would forbid all pages
        (b"Disallow: /\xe9t\xe9", "/%E9t%E9"),
        (b"\xffDisallow: /private # \xe9", "/private"),
        (b"# \xe9\nDisallow: /caf\xc3\xa9", "/caf%C3%A9"),
    ],
)
@pytest.mark.parametrize("cls", [ProtegoRobotParser, PythonRobotParser])
def test_bytes_that_are_not_utf_8_cost_no_other_page(cls: Any, line: bytes, forbidden: str) -> None:
    parser = cls(b"User-agent: *\n" + line + b"\n")
    assert [parser.allowed(f"http://a.test{path}", "Bot") for path in (forbidden, "/", "/x")] == [
        False,
        True,
        True,
    ]


class WithSpider(RobotsTxtMiddleware):
    def process_request_2(self, rp: Any, request: Request, spider: Any) -> None:  # type: ignore[override]  # Scrapy 2.13
        request.meta["allowed"] = rp.allowed(request.url, "Bot"), spider.name


class WithoutSpider(RobotsTxtMiddleware):
    def process_request_2(self, rp: Any, request: Request) -> None:  # type: ignore[override]  # Scrapy 2.19
        request.meta["allowed"] = rp.allowed(request.url, "Bot"), self.crawler.spider.name


@pytest.mark.parametrize("cls", [WithSpider, WithoutSpider])
async def test_a_subclass_decides_by_the_rules_of_the_host(cls: type[RobotsTxtMiddleware]) -> None:
    crawler = context(ON)
    crawler.download = Web(rules).download
    middleware = cls.from_crawler(crawler)
    requests = [Request(f"http://a.test/{path}") for path in ("private/x", "x")]
    for request in requests:
        await middleware.process_request(request)
    name = crawler.spider.name
    assert [request.meta["allowed"] for request in requests] == [(False, name), (True, name)]
