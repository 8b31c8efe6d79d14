"""Failed requests are sent again, some times."""

import logging

import pytest

from aioscrapy.exceptions import (
    DownloadError,
    DownloadTimeoutError,
    IgnoreRequest,
    NotConfigured,
    ResponseTooLargeError,
)
from aioscrapy.http import Request, Response
from aioscrapy.middlewares.retry import RetryMiddleware, get_retry_request
from support.context import context

URL = "http://a.test/"


def test_a_bad_status_is_retried_until_it_was_enough(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.ERROR)
    crawler = context({"RETRY_TIMES": 2})
    middleware = RetryMiddleware.from_crawler(crawler)
    bad = Response(URL, status=503)
    first = Request(URL, priority=5, meta={"kept": 1})
    second = middleware.process_response(first, bad)
    assert isinstance(second, Request)
    third = middleware.process_response(second, bad)
    assert isinstance(third, Request)
    assert middleware.process_response(third, bad) is bad
    assert (second.priority, third.priority) == (4, 3)
    assert second.dont_filter
    assert third.meta == {"kept": 1, "retry_times": 2}
    assert first.meta == {"kept": 1}
    assert crawler.stats.get_stats() == {
        "retry/count": 2,
        "retry/reason_count/503 Service Unavailable": 2,
        "retry/max_reached": 1,
    }
    assert caplog.messages == [
        "Gave up retrying <GET http://a.test/> (failed 3 times): 503 Service Unavailable"
    ]


@pytest.mark.parametrize(("status", "meta"), [(200, {}), (404, {}), (503, {"dont_retry": True})])
def test_other_responses_pass(status: int, meta: dict[str, object]) -> None:
    middleware = RetryMiddleware.from_crawler(context())
    response = Response(URL, status=status)
    assert middleware.process_response(Request(URL, meta=meta), response) is response


def test_a_status_without_a_name_can_be_retried() -> None:
    crawler = context({"RETRY_HTTP_CODES": "522"})
    middleware = RetryMiddleware.from_crawler(crawler)
    assert isinstance(middleware.process_response(Request(URL), Response(URL, status=522)), Request)
    assert crawler.stats.get_value("retry/reason_count/522 Unknown Status") == 1


def test_a_failed_download_is_retried() -> None:
    crawler = context()
    middleware = RetryMiddleware.from_crawler(crawler)
    retried = middleware.process_exception(Request(URL), DownloadTimeoutError("slow"))
    assert retried is not None
    assert retried.meta["retry_times"] == 1
    assert crawler.stats.get_value("retry/reason_count/aioscrapy.exceptions.DownloadTimeoutError") == 1


@pytest.mark.parametrize(
    ("exception", "meta"),
    [
        (ResponseTooLargeError("huge"), {}),
        (IgnoreRequest("no"), {}),
        (ValueError("bug"), {}),
        (DownloadError("down"), {"dont_retry": True}),
        (DownloadError("down"), {"max_retry_times": 0}),
        (DownloadError("down"), {"retry_times": 2}),
    ],
)
def test_other_failures_are_not_retried(exception: Exception, meta: dict[str, object]) -> None:
    middleware = RetryMiddleware.from_crawler(context({"RETRY_TIMES": 2}))
    assert middleware.process_exception(Request(URL, meta=meta), exception) is None


def test_meta_overrides_times_and_priority() -> None:
    middleware = RetryMiddleware.from_crawler(context({"RETRY_TIMES": 0}))
    request = Request(URL, meta={"max_retry_times": 1, "priority_adjust": 7})
    retried = middleware.process_exception(request, DownloadError("down"))
    assert retried is not None
    assert retried.priority == 7


def test_a_callback_can_ask_for_another_attempt() -> None:
    crawler = context({"RETRY_TIMES": 1})
    first = get_retry_request(Request(URL), spider=crawler.spider, reason=ValueError)
    assert first is not None
    assert get_retry_request(first, spider=crawler.spider, reason="empty") is None
    again = get_retry_request(
        first,
        spider=crawler.spider,
        reason="empty",
        max_retry_times=2,
        priority_adjust=3,
        stats_base_key="mine",
    )
    assert again is not None
    assert again.priority == first.priority + 3
    assert crawler.stats.get_stats() == {
        "retry/count": 1,
        "retry/reason_count/builtins.ValueError": 1,
        "retry/max_reached": 1,
        "mine/count": 1,
        "mine/reason_count/empty": 1,
    }


def test_retry_can_be_switched_off() -> None:
    with pytest.raises(NotConfigured):
        RetryMiddleware.from_crawler(context({"RETRY_ENABLED": "0"}))
