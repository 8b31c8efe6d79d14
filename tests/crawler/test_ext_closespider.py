"""The limits that end a crawl."""

import asyncio
from typing import Any

import pytest

from aioscrapy import signals
from aioscrapy.context import CrawlContext
from aioscrapy.exceptions import NotConfigured
from aioscrapy.extensions.closespider import CloseSpider
from support.context import context

SENT = {
    "item": signals.item_scraped,
    "page": signals.response_received,
    "error": signals.spider_error,
}


def watched(settings: dict[str, Any]) -> tuple[CrawlContext, list[str], asyncio.Event]:
    """Return a context with the extension, the reasons of its stops, and the event of the first."""
    crawler = context(settings)
    reasons: list[str] = []
    stopped = asyncio.Event()

    def stop(reason: str) -> None:
        reasons.append(reason)
        stopped.set()

    crawler.stop = stop
    CloseSpider.from_crawler(crawler)
    return crawler, reasons, stopped


@pytest.mark.parametrize(
    ("setting", "happens", "reason"),
    [
        ("ITEMCOUNT", "item item", "closespider_itemcount"),
        ("PAGECOUNT", "page page", "closespider_pagecount"),
        ("ERRORCOUNT", "error error", "closespider_errorcount"),
        ("PAGECOUNT_NO_ITEM", "page item page page", "closespider_pagecount_no_item"),
    ],
)
async def test_a_count_ends_the_crawl_once(setting: str, happens: str, reason: str) -> None:
    crawler, reasons, _ = watched({f"CLOSESPIDER_{setting}": 2})
    *before, last = happens.split()
    for what in before:
        await crawler.signals.send(SENT[what])
    assert reasons == []
    await crawler.signals.send(SENT[last])
    assert reasons == [reason]
    await crawler.signals.send(SENT[last])
    assert reasons == [reason]


async def test_time_ends_the_crawl() -> None:
    crawler, reasons, stopped = watched({"CLOSESPIDER_TIMEOUT": 0.01})
    await crawler.signals.send(signals.spider_opened)
    await asyncio.wait_for(stopped.wait(), 10)
    assert reasons == ["closespider_timeout"]


async def test_time_without_an_item_ends_the_crawl() -> None:
    crawler, reasons, stopped = watched({"CLOSESPIDER_TIMEOUT_NO_ITEM": 0.05})
    loop = asyncio.get_running_loop()
    started = loop.time()
    await crawler.signals.send(signals.spider_opened)
    await crawler.signals.send(signals.item_scraped)
    await asyncio.wait_for(stopped.wait(), 10)
    assert reasons == ["closespider_timeout_no_item"]
    assert loop.time() - started >= 0.09


async def test_a_crawl_that_has_ended_is_not_stopped_by_its_clock() -> None:
    crawler, reasons, _ = watched({"CLOSESPIDER_TIMEOUT": 0.01, "CLOSESPIDER_TIMEOUT_NO_ITEM": 0.01})
    await crawler.signals.send(signals.spider_opened)
    await crawler.signals.send(signals.spider_closed, reason="finished")
    later = asyncio.Event()
    asyncio.get_running_loop().call_later(0.03, later.set)
    await later.wait()
    assert reasons == []


def test_no_limit_no_extension() -> None:
    with pytest.raises(NotConfigured):
        CloseSpider.from_crawler(context())
