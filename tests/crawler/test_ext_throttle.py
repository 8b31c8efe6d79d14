"""The delay of a host follows its latency."""

import logging
from typing import Any

import pytest

from aioscrapy import signals
from aioscrapy.context import CrawlContext
from aioscrapy.core.control import EngineControl
from aioscrapy.exceptions import NotConfigured, SettingError
from aioscrapy.extensions.throttle import AutoThrottle
from aioscrapy.http import Request, Response
from support.context import context

ON = {"AUTOTHROTTLE_ENABLED": True, "AUTOTHROTTLE_START_DELAY": 5, "AUTOTHROTTLE_MAX_DELAY": 60}


def throttled(**settings: Any) -> CrawlContext:
    crawler: CrawlContext = context({**ON, **settings})
    crawler.engine = EngineControl(crawler)
    AutoThrottle.from_crawler(crawler)._spider_opened(crawler.spider)
    return crawler


async def answer(crawler: CrawlContext, latency_s: float, status: int = 200, **meta: Any) -> float:
    """Send a request to a.test that is answered after `latency_s`; returns its host's delay."""
    request = Request("http://A.test:8080/", meta=meta)
    await crawler.signals.send(signals.request_reached_downloader, request=request)
    request.meta["download_latency"] = latency_s
    response = Response(request.url, status=status, request=request)
    await crawler.signals.send(signals.response_downloaded, response=response, request=request)
    return crawler.politeness.delay(meta.get("download_slot", "a.test"))


async def test_the_delay_comes_closer_to_the_latency_with_each_response() -> None:
    crawler = throttled()
    assert [await answer(crawler, 1.0) for _ in range(3)] == [3.0, 2.0, 1.5]


async def test_a_slow_answer_counts_at_once() -> None:
    crawler = throttled()
    assert await answer(crawler, 20.0) == 20.0


async def test_the_target_divides_the_latency() -> None:
    crawler = throttled(AUTOTHROTTLE_TARGET_CONCURRENCY=4.0, AUTOTHROTTLE_START_DELAY=1.0)
    assert await answer(crawler, 4.0) == 1.0
    assert await answer(crawler, 2.0) == 0.75


async def test_the_delay_stays_within_its_bounds() -> None:
    crawler = throttled(DOWNLOAD_DELAY=2.0, AUTOTHROTTLE_START_DELAY=2.0)
    assert await answer(crawler, 0.1) == 2.0
    assert await answer(crawler, 1000.0) == 60.0


async def test_an_error_page_never_lowers_the_delay() -> None:
    crawler = throttled()
    assert await answer(crawler, 0.1, status=503) == 5.0
    assert await answer(crawler, 9.0, status=503) == 9.0


async def test_hosts_and_slots_are_kept_apart() -> None:
    crawler = throttled()
    assert await answer(crawler, 1.0, download_slot="mine") == 3.0
    assert await answer(crawler, 1.0) == 3.0
    assert await answer(crawler, 9.0, autothrottle_dont_adjust_delay=True) == 3.0


async def test_changes_are_logged_where_asked(caplog: pytest.LogCaptureFixture) -> None:
    crawler = throttled(AUTOTHROTTLE_DEBUG=True)
    with caplog.at_level(logging.INFO):
        await answer(crawler, 1.0)
    assert caplog.messages == ["slot: a.test | delay: 3000 ms (-2000) | latency: 1000 ms | size:     0 bytes"]


def test_a_target_of_nothing_is_refused() -> None:
    with pytest.raises(SettingError, match="AUTOTHROTTLE_TARGET_CONCURRENCY"):
        AutoThrottle.from_crawler(context({**ON, "AUTOTHROTTLE_TARGET_CONCURRENCY": 0}))


def test_throttling_is_off_by_default() -> None:
    with pytest.raises(NotConfigured):
        AutoThrottle.from_crawler(context())
