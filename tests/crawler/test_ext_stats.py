"""The extensions that count and log: core stats, log stats, log lines by level."""

import asyncio
import logging
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from aioscrapy import signals
from aioscrapy.exceptions import DropItem, NotConfigured
from aioscrapy.extensions.corestats import CoreStats
from aioscrapy.extensions.logcount import LogCount
from aioscrapy.extensions.logstats import LogStats
from support.context import context


class Lines(logging.Handler):
    """Keeps log lines, and says when there are as many as wanted."""

    def __init__(self, wanted: int) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.wanted = wanted
        self.enough = asyncio.Event()

    def emit(self, record: logging.LogRecord) -> None:
        self.texts.append(record.getMessage())
        if len(self.texts) >= self.wanted:
            self.enough.set()


async def test_core_stats_tell_what_the_crawl_did() -> None:
    crawler = context()
    CoreStats.from_crawler(crawler)
    send, spider = crawler.signals.send, crawler.spider
    before = datetime.now(UTC)
    await send(signals.spider_opened, spider=spider)
    await send(signals.item_scraped, item={}, response=None, spider=spider)
    await send(signals.item_scraped, item={}, response=None, spider=spider)
    await send(signals.item_dropped, item={}, response=None, exception=DropItem("bad"), spider=spider)
    await send(signals.spider_closed, spider=spider, reason="finished")
    stats = dict(crawler.stats.get_stats())
    started, finished = stats.pop("start_time"), stats.pop("finish_time")
    assert before <= started <= finished <= datetime.now(UTC)
    assert 0 <= stats.pop("elapsed_time_seconds") < 60
    assert stats == {
        "item_scraped_count": 2,
        "item_dropped_count": 1,
        "item_dropped_reasons_count/DropItem": 1,
        "finish_reason": "finished",
    }


@pytest.fixture
def lines() -> Iterator[Lines]:
    handler = Lines(wanted=3)
    log = logging.getLogger("aioscrapy.extensions.logstats")
    level = log.level
    log.setLevel(logging.INFO)
    log.addHandler(handler)
    yield handler
    log.removeHandler(handler)
    log.setLevel(level)


async def test_a_line_is_logged_at_the_start_and_at_each_interval(lines: Lines) -> None:
    crawler = context({"LOGSTATS_INTERVAL": 0.02})
    LogStats.from_crawler(crawler)
    await crawler.signals.send(signals.spider_opened, spider=crawler.spider)
    crawler.stats.set_value("response_received_count", 3)
    crawler.stats.set_value("item_scraped_count", 2)
    await asyncio.wait_for(lines.enough.wait(), 10)
    others = asyncio.all_tasks() - {asyncio.current_task()}
    await crawler.signals.send(signals.spider_closed, spider=crawler.spider, reason="finished")
    assert lines.texts[:3] == [
        "Crawled 0 pages (at 0 pages/min), scraped 0 items (at 0 items/min)",
        "Crawled 3 pages (at 9000 pages/min), scraped 2 items (at 6000 items/min)",
        "Crawled 3 pages (at 0 pages/min), scraped 2 items (at 0 items/min)",
    ]
    assert others
    assert all(task.done() for task in others)


def test_no_interval_no_lines() -> None:
    with pytest.raises(NotConfigured):
        LogStats.from_crawler(context({"LOGSTATS_INTERVAL": 0}))


async def test_a_crawl_that_never_opened_can_be_closed() -> None:
    crawler = context()
    LogStats.from_crawler(crawler)
    LogCount.from_crawler(crawler)
    results = await crawler.signals.send(signals.spider_closed, spider=crawler.spider, reason="shutdown")
    assert not any(isinstance(result, Exception) for result in results)


async def test_log_lines_are_counted_by_level_while_the_crawl_runs() -> None:
    crawler = context()
    LogCount.from_crawler(crawler)
    log = logging.getLogger("anything")
    log.error("before")
    await crawler.signals.send(signals.spider_opened, spider=crawler.spider)
    log.error("one")
    log.error("two")
    log.warning("three")
    await crawler.signals.send(signals.spider_closed, spider=crawler.spider, reason="finished")
    log.error("after")
    assert crawler.stats.get_stats() == {"log_count/ERROR": 2, "log_count/WARNING": 1}
