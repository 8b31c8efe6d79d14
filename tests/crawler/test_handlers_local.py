"""data: and file: URLs."""

from pathlib import Path
from typing import Any

import pytest

from aioscrapy.crawler import Crawler
from aioscrapy.exceptions import DownloadError, NotSupported
from aioscrapy.handlers.local import DataDownloadHandler, FileDownloadHandler
from aioscrapy.http import Request
from aioscrapy.spiders import Spider
from support.crawling import QUIET, Crawled
from support.site import Site


class Local(Spider):
    name = "local"

    def parse(self, response: Any) -> Any:
        yield {"kind": type(response).__name__, "text": response.text}
        for url in response.css("a::attr(href)").getall():
            yield Request(url)


@pytest.mark.server
async def test_data_and_files_are_read_and_a_link_to_a_file_is_not(tmp_path: Path) -> None:
    secret = tmp_path / "secret.html"
    secret.write_text("<title>secret</title>")
    page = tmp_path / "a page.html"
    page.write_text(f'<a href="{secret.as_uri()}">x</a><a href="data:,linked">y</a>')
    crawled = Crawled(Crawler(Local, {**QUIET, "RETRY_ENABLED": False}))
    await crawled.crawler.crawl(start_urls=["data:text/html;charset=latin1,<p>%E9", page.as_uri()])
    texts = sorted(item["text"] for item in crawled.items)
    assert texts == sorted([page.read_text(), "<p>é", "linked"])
    assert {item["kind"] for item in crawled.items} == {"HtmlResponse", "TextResponse"}


class Following(Spider):
    """Its errback follows the links of a page that is refused, and copies whatever meta it can."""

    name = "following"
    handle_httpstatus_list = ()

    def start_requests(self) -> Any:
        for path in ("/status/404", "/"):
            yield Request(self.site + path, errback=self.follow)  # type: ignore[attr-defined]

    def parse(self, response: Any) -> Any:
        yield {"text": response.text}
        yield Request(self.secret, meta={"depth": 0, "is_start_request": True})  # type: ignore[attr-defined]

    def follow(self, failure: Any) -> Any:
        for meta in ({}, {"depth": 0}, dict(failure.request.meta)):
            yield Request(self.secret, meta=meta, dont_filter=True)  # type: ignore[attr-defined]
        yield {"text": "the rest of the errback"}


@pytest.mark.server
async def test_neither_callback_nor_errback_makes_a_start_request(tmp_path: Path, site: Site) -> None:
    secret = tmp_path / "secret.html"
    secret.write_text("<title>secret</title>")
    crawled = Crawled(Crawler(Following, {**QUIET, "RETRY_ENABLED": False}))
    await crawled.crawler.crawl(site=site.url, secret=secret.as_uri())
    texts = [item["text"] for item in crawled.items]
    assert "the rest of the errback" in texts
    assert len(texts) == 2
    assert not [text for text in texts if "secret" in text]
    assert crawled.crawler.stats.get_value("spider_exceptions/NotSupported") == 4


@pytest.mark.parametrize(
    "request_", [Request("file:///etc/passwd"), Request("file:///etc/passwd", meta={"depth": 1})]
)
async def test_what_is_not_a_start_request_reads_no_file(request_: Request) -> None:
    """A media pipeline sends URLs of pages, without a depth."""
    with pytest.raises(NotSupported, match="for start requests"):
        await FileDownloadHandler().download_request(request_, None)


async def test_a_failure_is_one_line(tmp_path: Path) -> None:
    missing = Request((tmp_path / "missing").as_uri(), meta={"depth": 0})
    with pytest.raises(DownloadError, match="No such file"):
        await FileDownloadHandler().download_request(missing, None)
    with pytest.raises(DownloadError):
        await DataDownloadHandler().download_request(Request("data:;base64,a"), None)
