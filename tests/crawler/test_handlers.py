"""Downloads by every handler: what is sent, what comes back, and where it is given up.

One contract; what a library can't do stands in the test that meets it.
"""

import asyncio
import logging
import socket
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from ipaddress import ip_address
from typing import Any

import pytest

from aioscrapy.components import load_object
from aioscrapy.exceptions import (
    CannotResolveHostError,
    DownloadConnectionRefusedError,
    DownloadError,
    DownloadFailedError,
    DownloadTimeoutError,
    ResponseDataLossError,
    ResponseTooLargeError,
    SettingError,
    TunnelError,
)
from aioscrapy.http import HtmlResponse, Request, Response, TextResponse
from support.crawling import SiteSpider, crawl
from support.handlers import HANDLERS, WireServer, open_handler
from support.site import Site
from support.site_pages import TEXT

pytestmark = pytest.mark.server

Fetch = Callable[..., Awaitable[Any]]


@pytest.fixture(params=HANDLERS)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def handlers(name: str) -> dict[str, Any]:
    """The settings of a crawl that downloads by the handler."""
    return {"DOWNLOAD_HANDLERS": dict.fromkeys(("http", "https"), HANDLERS[name])}


@pytest.fixture
async def fetch(name: str, site: Site) -> AsyncIterator[Fetch]:
    """Download a path of the site, or a URL."""
    async with open_handler(name, {"DOWNLOAD_TIMEOUT": 5, "DOWNLOAD_MAXSIZE": 300_000}) as handler:

        async def download(path: str, **arguments: Any) -> Response:
            url = path if "://" in path else site.url + path
            return await handler.download_request(Request(url, **arguments), None)

        yield download


async def test_a_page_comes_whole(fetch: Fetch, site: Site) -> None:
    response = await fetch("/page/2")
    assert isinstance(response, HtmlResponse)
    assert response.url == f"{site.url}/page/2"
    assert response.status == 200
    assert "<title>Page 2</title>" in response.text
    assert response.headers["Content-Type"] == b"text/html; charset=utf-8"
    assert response.ip_address == ip_address("127.0.0.1")
    assert response.protocol == "HTTP/1.1"
    assert response.request is not None
    assert 0 < response.meta["download_latency"] < 5


async def test_what_is_sent_is_what_the_request_says_and_no_more(fetch: Fetch) -> None:
    sent = (await fetch("/headers", headers={"X-One": "1", "Accept-Encoding": "gzip"})).json()
    assert sent.pop("host").startswith("127.0.0.1")
    assert sent == {"x-one": "1", "accept-encoding": "gzip"}


async def test_a_body_and_a_method_travel(fetch: Fetch) -> None:
    echoed = (await fetch("/echo?a=1&b=%20x", method="PUT", body="ü", encoding="utf-8")).json()
    assert echoed["method"] == "PUT"
    assert echoed["path"] == "/echo?a=1&b=%20x"
    assert echoed["body"] == "ü"


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE", "PATCH", "OPTIONS"])
async def test_any_method_is_sent(fetch: Fetch, method: str) -> None:
    assert (await fetch("/echo", method=method)).json()["method"] == method


@pytest.mark.parametrize("length", ["1", "999"])
async def test_a_length_among_the_headers_is_not_that_of_the_body(fetch: Fetch, length: str) -> None:
    sent = await fetch("/echo", method="POST", body="abc", headers={"content-length": length, "X-A": "é"})
    assert sent.json()["body"] == "abc"
    assert (await fetch("/echo", headers={"Content-Length": length})).status == 200


async def test_the_url_is_sent_as_it_is(fetch: Fetch) -> None:
    odd = "/echo?q=a%2Fb+c&empty=&q=2"
    assert (await fetch(odd)).json()["path"] == odd


async def test_the_url_of_a_response_has_no_fragment(fetch: Fetch, site: Site) -> None:
    response = await fetch("/page/1?a=b#part")
    assert response.url == f"{site.url}/page/1?a=b"
    assert response.request.url == f"{site.url}/page/1?a=b#part"


async def test_statuses_and_redirects_are_given_back_as_they_are(fetch: Fetch) -> None:
    assert [(await fetch(f"/status/{status}")).status for status in (201, 404, 503)] == [201, 404, 503]
    answer = await fetch("/redirect/1")
    assert answer.status == 302
    assert answer.headers["Location"] is not None


async def test_a_compressed_page_is_unpacked(fetch: Fetch) -> None:
    response = await fetch("/gzip")
    assert "Compressed" in response.text
    assert "Content-Encoding" not in response.headers


async def test_compression_is_asked_for(fetch: Fetch) -> None:
    assert "gzip" in (await fetch("/headers")).json()["accept-encoding"]


async def test_bytes_that_are_no_text_come_as_bytes(fetch: Fetch) -> None:
    response = await fetch("/binary")
    assert not isinstance(response, TextResponse)
    assert response.body == bytes(range(256)) * 4


@pytest.mark.parametrize("encoding", sorted(TEXT))
async def test_a_page_in_another_encoding_is_read(fetch: Fetch, encoding: str) -> None:
    for way in ("", "?by=meta"):
        assert TEXT[encoding] in (await fetch(f"/encoding/{encoding}{way}")).text


async def test_a_page_whose_encoding_is_a_lie_is_still_text(fetch: Fetch) -> None:
    response = await fetch("/broken-encoding")
    assert "end" in response.text
    assert response.css("p::text").get()


# -- Where it is given up


async def test_no_answer_in_time_is_a_timeout(fetch: Fetch, site: Site) -> None:
    began = time.monotonic()
    with pytest.raises(DownloadTimeoutError, match=r"/hang: no answer within 0\.3 s"):
        await fetch("/hang", meta={"download_timeout": 0.3})
    assert 0.25 < time.monotonic() - began < 2


async def test_a_body_that_never_ends_is_given_up_at_the_limit(fetch: Fetch) -> None:
    with pytest.raises(ResponseTooLargeError, match=r"download max size \(300000\)"):
        await fetch("/endless")


async def test_a_body_that_says_it_is_too_large_is_not_read(fetch: Fetch) -> None:
    with pytest.raises(ResponseTooLargeError, match=r"download max size \(300000\)"):
        await fetch("/huge?bytes=1000000000")
    with pytest.raises(ResponseTooLargeError):
        await fetch("/huge?bytes=400000&chunked=1")
    assert len((await fetch("/huge?bytes=300000")).body) == 300_000


async def test_a_bomb_is_given_up_by_its_unpacked_size(fetch: Fetch) -> None:
    with pytest.raises(ResponseTooLargeError):
        await fetch("/gzip-bomb?bytes=50000000")


async def test_a_request_may_have_a_limit_of_its_own(fetch: Fetch) -> None:
    with pytest.raises(ResponseTooLargeError, match=r"\(1000\)"):
        await fetch("/page/1", meta={"download_maxsize": 1000})
    assert len((await fetch("/huge?bytes=400000", meta={"download_maxsize": 0})).body) == 400_000


async def test_a_large_body_is_warned_of(
    handlers: dict[str, Any], site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    await crawl(SiteSpider, {"DOWNLOAD_WARNSIZE": 1000, **handlers}, site=site.url, paths=("/page/1",))
    assert "larger than download warn size (1000)" in caplog.text


@pytest.mark.parametrize("path", ["/drop", "/truncated"])
async def test_a_connection_that_breaks_is_a_download_error(fetch: Fetch, path: str) -> None:
    with pytest.raises(DownloadError, match=path):
        await fetch(path)


async def test_a_failure_has_the_class_of_its_reason(fetch: Fetch) -> None:
    with pytest.raises(CannotResolveHostError):
        await fetch("http://no-such-host.invalid/")
    with pytest.raises(ResponseDataLossError):
        await fetch("/truncated")
    with pytest.raises(DownloadFailedError):
        await fetch("/drop")
    async with WireServer(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n") as proxy:
        with pytest.raises(TunnelError):
            await fetch("https://site.test/", meta={"proxy": proxy.url})


async def test_nobody_there_is_a_download_error(fetch: Fetch, name: str) -> None:
    said = {"aiohttp": "ClientConnectorError", "wreq": "Connection refused", "curl_cffi": "Could not connect"}
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound but not listening: refused
        with pytest.raises(DownloadConnectionRefusedError, match=said[name]) as failure:
            await fetch(f"http://127.0.0.1:{taken.getsockname()[1]}/")
    assert len(str(failure.value).splitlines()) == 1
    assert " object at " not in str(failure.value)


@pytest.mark.parametrize(
    "answer", [b"HTTP/9 what\r\n\r\n", b"\x00\xff\x00\r\n\r\n", b"HTTP/1.1 200 OK\r\nBad\r\n\r\n"]
)
async def test_an_answer_that_is_no_http_is_a_download_error(fetch: Fetch, answer: bytes) -> None:
    async with WireServer(answer) as server:
        with pytest.raises(DownloadError):
            await fetch(server.url)


async def test_a_cancelled_download_lets_its_connection_go(fetch: Fetch) -> None:
    async with WireServer(answer=b"") as server:
        task = asyncio.ensure_future(fetch(server.url))
        await server.asked.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.wait_for(server.idle.wait(), 5)
    assert (await fetch("/page/1")).status == 200


async def test_a_download_that_is_given_up_lets_its_connection_go(fetch: Fetch) -> None:
    async with WireServer(answer=b"") as server:
        with pytest.raises(DownloadTimeoutError):
            await fetch(server.url, meta={"download_timeout": 0.2})
        await asyncio.wait_for(server.idle.wait(), 5)


async def test_a_body_that_is_too_large_lets_its_connection_go(fetch: Fetch) -> None:
    async with WireServer(
        b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n" + bytes(300_001)
    ) as server:
        with pytest.raises(ResponseTooLargeError):
            await fetch(server.url)
        await asyncio.wait_for(server.idle.wait(), 5)


async def test_a_connection_serves_one_request_after_the_other(fetch: Fetch) -> None:
    async with WireServer() as server:
        for number in range(20):
            await fetch(f"{server.url}/{number}")
        assert (len(server.requests), server.connections) == (20, 1)


async def test_close_closes_the_connections(name: str) -> None:
    async with WireServer() as server:
        async with open_handler(name) as handler:
            await handler.download_request(Request(server.url), None)
            assert server.open == 1
        await asyncio.wait_for(server.idle.wait(), 5)


async def test_the_requests_of_a_crawl_share_its_connections(fetch: Fetch) -> None:
    async with WireServer() as server:
        await asyncio.gather(*(fetch(f"{server.url}/{number}") for number in range(10)))
        await asyncio.gather(*(fetch(f"{server.url}/{number}") for number in range(10)))
        assert (len(server.requests), server.connections <= 10) == (20, True)


# -- In a crawl


async def test_what_is_too_large_is_not_asked_for_again(
    handlers: dict[str, Any], site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    settings = {"DOWNLOAD_MAXSIZE": 100_000, **handlers}
    paths = ("/huge?bytes=200000", "/endless", "/page/1")
    crawled = await crawl(SiteSpider, settings, site=site.url, paths=paths)
    assert crawled.items == [{"path": "/page/1"}]
    assert site.counts() == dict.fromkeys(paths, 1)
    assert caplog.text.count("download max size (100000)") >= 2
    assert not [record for record in caplog.records if record.exc_info and record.levelno >= logging.ERROR]


async def test_a_page_that_hangs_does_not_hold_up_the_others(handlers: dict[str, Any], site: Site) -> None:
    settings = {"DOWNLOAD_TIMEOUT": 0.4, "RETRY_TIMES": 1, **handlers}
    paths = ("/hang", *(f"/page/{number}" for number in range(1, 10)))
    crawled = await crawl(SiteSpider, settings, site=site.url, paths=paths)
    assert len(crawled.items) == 9
    assert site.counts()["/hang"] == 2
    name = "downloader/exception_type_count/aioscrapy.exceptions.DownloadTimeoutError"
    assert crawled.stat(name) == 2


async def test_the_timeout_of_the_settings_holds(name: str, site: Site) -> None:
    async with open_handler(name, {"DOWNLOAD_TIMEOUT": "0.3"}) as handler:
        with pytest.raises(DownloadTimeoutError, match=r"no answer within 0\.3 s"):
            await handler.download_request(Request(f"{site.url}/hang"), None)


@pytest.mark.parametrize("name", ["wreq", "curl_cffi"])
def test_a_library_that_is_not_installed_is_named(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, f"aioscrapy.handlers.{name}", raising=False)
    monkeypatch.setitem(sys.modules, name, None)  # what Python notes of a module that can't be imported
    extra = name.replace("_", "-")  # pip 23.2 knows no other form
    with pytest.raises(
        SettingError, match=rf"{name} is not installed: pip install 'aioscrapy-scrapyd\[{extra}\]'"
    ):
        load_object(HANDLERS[name], "DOWNLOAD_HANDLERS")
