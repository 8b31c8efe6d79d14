"""Projects that catch Twisted's errors catch ours."""

import socket
from typing import Any

import pytest
from twisted.internet import defer, error
from twisted.python.failure import Failure
from twisted.web.client import ResponseFailed

from aioscrapy.crawler import Crawler
from aioscrapy.exceptions import (
    CannotResolveHostError,
    DownloadConnectionRefusedError,
    DownloadFailedError,
    DownloadTimeoutError,
    ResponseDataLossError,
    TunnelError,
)
from aioscrapy.http import HtmlResponse, Request
from aioscrapy.middlewares.retry import RetryMiddleware
from aioscrapy.twisted_errors import TWISTED, ours_for, with_twisted
from support.context import context
from support.crawling import QUIET, Crawled, SiteSpider
from support.site import Site

# As in many public projects.
ALL_EXCEPTIONS = (
    *(
        defer.TimeoutError,
        error.TimeoutError,
        error.DNSLookupError,
        error.ConnectionRefusedError,
        error.ConnectionDone,
        error.ConnectError,
    ),
    *(error.ConnectionLost, error.TCPTimedOutError, ResponseFailed, IOError, TunnelError),
)


class Failing(SiteSpider):
    """Sends requests that fail, and has the answers of `failure.check` as items."""

    paths = ("/drop", "/truncated", "/hang")
    refused: str = ""

    async def start_requests(self) -> Any:
        for path in self.paths:
            yield self.request(path, errback=self.failed, meta={"download_timeout": 0.5})
        yield self.request("/page/1").replace(url=self.refused, errback=self.failed)
        yield self.request("/page/1").replace(url="http://no-such-host.invalid/", errback=self.failed)

    def failed(self, failure: Any) -> Any:
        kinds = (error.DNSLookupError, error.ConnectionRefusedError, error.TCPTimedOutError, ResponseFailed)
        assert isinstance(failure, Failure)
        yield {"url": failure.request.url, "kind": failure.check(*kinds), "text": str(failure.value)}


class Replacing:
    def process_exception(self, request: Any, exception: Exception, spider: Any = None) -> Any:
        assert isinstance(exception, ALL_EXCEPTIONS), exception
        return HtmlResponse(request.url, body=b"replaced")


@pytest.fixture
def refused() -> Any:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{taken.getsockname()[1]}/"


@pytest.mark.server
async def test_an_errback_sees_twisteds_errors(site: Site, refused: str) -> None:
    crawled = Crawled(Crawler(Failing, {**QUIET, "RETRY_ENABLED": False}))
    await crawled.crawler.crawl(site=site.url, refused=refused)
    assert {item["url"]: item["kind"] for item in crawled.items} == {
        site.url + "/drop": ResponseFailed,
        site.url + "/truncated": ResponseFailed,
        site.url + "/hang": error.TCPTimedOutError,
        refused: error.ConnectionRefusedError,
        "http://no-such-host.invalid/": error.DNSLookupError,
    }
    assert all(item["url"] in item["text"] for item in crawled.items)


@pytest.mark.server
async def test_a_middleware_replaces_all_of_them(site: Site, refused: str) -> None:
    settings = {**QUIET, "RETRY_ENABLED": False, "DOWNLOADER_MIDDLEWARES": {Replacing: 900}}
    crawled = Crawled(Crawler(Failing, settings))
    await crawled.crawler.crawl(site=site.url, refused=refused)
    assert len(crawled.items) == 5
    assert not any("kind" in item for item in crawled.items)


@pytest.mark.server
async def test_only_the_listed_errors_are_retried(site: Site, refused: str) -> None:
    listed = ["twisted.internet.error.DNSLookupError", "twisted.internet.error.TimeoutError"]
    crawled = Crawled(Crawler(Failing, {**QUIET, "RETRY_TIMES": 1, "RETRY_EXCEPTIONS": listed}))
    await crawled.crawler.crawl(site=site.url, refused=refused)
    stats = crawled.crawler.stats.get_stats()
    assert {name: value for name, value in stats.items() if name.startswith("retry/")} == {
        "retry/count": 2,
        "retry/max_reached": 2,
        "retry/reason_count/aioscrapy.exceptions.CannotResolveHostError": 1,
        "retry/reason_count/aioscrapy.exceptions.DownloadTimeoutError": 1,
    }


@pytest.mark.parametrize("cls", [*TWISTED, TunnelError])
def test_the_text_and_the_name_stay_ours(cls: type[Any]) -> None:
    both = with_twisted(cls("http://a.test/: a reason"))
    assert str(both) == "http://a.test/: a reason"
    assert repr(both) == f"{cls.__name__}('http://a.test/: a reason')"
    assert isinstance(both, cls)
    assert type(both).__module__ == "aioscrapy.exceptions"


def test_a_table_without_twisted_says_the_same() -> None:
    for ours in TWISTED:
        both = with_twisted(ours("text"))
        for base in type(both).__mro__:
            if base.__module__.startswith("twisted.") and base.__name__[0] != "_":
                path = f"{base.__module__}.{base.__qualname__}"
                if base.__name__ not in {"UserError", "ConnectingCancelledError"}:
                    assert issubclass(ours, ours_for(path)), path


def test_scrapys_default_list_is_understood() -> None:
    middleware = RetryMiddleware.from_crawler(
        context(
            {
                "RETRY_EXCEPTIONS": [
                    "scrapy.core.downloader.handlers.http11.TunnelError",
                    "twisted.internet.error.ConnectionLost",
                    "twisted.web.client.ResponseFailed",
                    OSError,
                ]
            }
        )
    )
    kinds = middleware.exceptions_to_retry
    assert {TunnelError, DownloadFailedError, ResponseDataLossError, OSError} == set(kinds)
    assert not {CannotResolveHostError, DownloadConnectionRefusedError, DownloadTimeoutError} & set(kinds)


@pytest.mark.parametrize(
    "exc",
    [
        OSError("broken pipe"),
        TimeoutError(),
        error.TimeoutError(),
        error.ConnectionLost(),
        error.ConnectError(),
        defer.TimeoutError(),
        ResponseFailed([]),
    ],
    ids=repr,
)
def test_what_a_project_raises_as_a_failed_download_is_retried(exc: Exception) -> None:
    for listed, retries in ((None, True), (["aioscrapy.exceptions.NotSupported"], False)):
        settings = {} if listed is None else {"RETRY_EXCEPTIONS": listed}
        middleware = RetryMiddleware.from_crawler(context(settings))
        for raised, expected in ((exc, retries), (ValueError(), False)):
            retried = middleware.process_exception(Request("http://a.test/"), raised)
            assert (retried is not None) is expected
