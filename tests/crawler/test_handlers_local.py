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
