"""Answers as they occur on the web, byte by byte: where Chromium shows the page, every handler brings it."""

import json
from pathlib import Path
from typing import Any

import pytest

from aioscrapy.components import load_object
from aioscrapy.exceptions import DownloadError
from aioscrapy.http import Request
from support.chromium import RESULTS
from support.context import context
from support.handlers import HANDLERS, open_handler
from support.raw_answers import ANSWERS, ASKED_AGAIN, REFUSED, RawAnswer, table
from support.raw_server import RawServer

pytestmark = pytest.mark.server

CHROMIUM: dict[str, str] = json.loads(RESULTS.read_text())
DOCS = Path(__file__).parents[2] / "docs" / "handlers.md"
CUT = [answer for answer in ANSWERS if answer.lost]


@pytest.mark.parametrize("handler", HANDLERS)
@pytest.mark.parametrize("answer", ANSWERS, ids=lambda answer: answer.name)
async def test_the_page_comes(handler: str, answer: RawAnswer) -> None:
    crawler = context({"DOWNLOAD_TIMEOUT": 5, "DOWNLOAD_FAIL_ON_DATALOSS": not answer.lost})
    opened = load_object(HANDLERS[handler], "DOWNLOAD_HANDLERS").from_crawler(crawler)
    async with RawServer({"/": answer.answer}) as server:
        request = Request(server.url, method=answer.method)
        if answer.name in REFUSED[handler]:
            with pytest.raises(DownloadError) as failure:
                await opened.download_request(request, None)
            assert len(str(failure.value).splitlines()) == 1
        else:
            response = await opened.download_request(request, None)
            assert response.body == answer.body
            assert ("dataloss" in response.flags) == answer.lost
        await opened.close()
    asked_again = crawler.stats.get_value("downloader/answers_read_by_aiohttp", 0)
    assert asked_again == (answer.name in ASKED_AGAIN[handler]) == len(server.requests) - 1


@pytest.mark.parametrize("handler", HANDLERS)
@pytest.mark.parametrize("answer", CUT, ids=lambda answer: answer.name)
async def test_a_body_that_was_cut_short_fails_unless_it_is_wanted(handler: str, answer: RawAnswer) -> None:
    async with RawServer({"/": answer.answer}) as server, open_handler(handler) as opened:
        with pytest.raises(DownloadError):
            await opened.download_request(Request(server.url, method=answer.method), None)
        meta = {"download_fail_on_dataloss": False}
        response = await opened.download_request(Request(server.url, method=answer.method, meta=meta), None)
    assert (response.body, response.flags) == (answer.body, ["dataloss"])


def test_where_chromium_shows_the_page_nothing_is_lost() -> None:
    assert CHROMIUM.keys() == {answer.name for answer in ANSWERS if answer.method == "GET"}
    assert not [answer.name for answer in CUT if CHROMIUM[answer.name].startswith("page|")]


def test_the_docs_name_what_a_library_does_not_read() -> None:
    assert table() in DOCS.read_text(encoding="utf-8")


@pytest.mark.parametrize("handler", HANDLERS)
async def test_what_stands_behind_an_answer_does_not_reach_the_next_one(handler: str) -> None:
    """A connection with bytes left over is not used again."""
    odd = {"/head", "/204", "/tail"}
    answers = {answer.name: answer.answer for answer in ANSWERS}
    served = {
        "/head": answers["plain"],
        "/204": answers["204-with-body"],
        "/tail": answers["length-too-short"],
        "/page": answers["plain"],
    }
    async with RawServer(served, close=False) as server, open_handler(handler) as opened:
        for path in sorted(odd) * 3:
            method = "HEAD" if path == "/head" else "GET"
            await opened.download_request(Request(server.url + path, method=method), None)
            response: Any = await opened.download_request(Request(server.url + "/page"), None)
            assert response.css("title::text").get() == "page"


@pytest.mark.parametrize("method", ["POST", "GET"])
@pytest.mark.parametrize("handler", ["wreq", "curl_cffi"])
async def test_a_request_that_may_change_something_is_not_sent_twice(handler: str, method: str) -> None:
    answers = {answer.name: answer.answer for answer in ANSWERS}
    async with RawServer({"/": answers["status-http-1.2"]}) as server, open_handler(handler) as opened:
        with pytest.raises(DownloadError):
            await opened.download_request(Request(server.url, method=method, body=b"x"), None)
    assert len(server.requests) == 1


async def test_a_request_that_looks_like_a_browser_is_not_repeated_by_another_client() -> None:
    answers = {answer.name: answer.answer for answer in ANSWERS}
    async with RawServer({"/": answers["status-http-1.2"]}) as server, open_handler("curl_cffi") as opened:
        with pytest.raises(DownloadError):
            await opened.download_request(Request(server.url, meta={"impersonate": "chrome124"}), None)
    assert len(server.requests) == 1
