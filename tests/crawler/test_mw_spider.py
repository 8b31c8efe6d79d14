"""The middlewares around the callback: status, depth, length of the URL."""

import logging
from typing import Any

import pytest

from aioscrapy.exceptions import IgnoreRequest, NotConfigured
from aioscrapy.http import Request, Response
from aioscrapy.middlewares.depth import DepthMiddleware
from aioscrapy.middlewares.httperror import HttpError, HttpErrorMiddleware
from aioscrapy.middlewares.urllength import UrlLengthMiddleware
from support.context import context

URL = "http://a.test/"


def page(status: int = 200, **meta: Any) -> Response:
    return Response(URL, status=status, request=Request(URL, meta=meta))


@pytest.mark.parametrize(
    ("status", "settings", "attributes", "meta"),
    [
        (200, {}, {}, {}),
        (204, {}, {}, {}),
        (404, {"HTTPERROR_ALLOWED_CODES": "404,410"}, {}, {}),
        (404, {}, {"handle_httpstatus_list": [404]}, {}),
        (404, {}, {}, {"handle_httpstatus_list": [404]}),
        (404, {}, {"handle_httpstatus_list": 404}, {}),
        (404, {}, {}, {"handle_httpstatus_list": 404}),
        (404, {}, {}, {"handle_httpstatus_all": True}),
    ],
)
def test_these_responses_reach_their_callback(
    status: int, settings: dict[str, Any], attributes: dict[str, Any], meta: dict[str, Any]
) -> None:
    crawler = context(settings, **attributes)
    HttpErrorMiddleware.from_crawler(crawler).process_spider_input(page(status, **meta), crawler.spider)
    assert crawler.stats.get_stats() == {}


@pytest.mark.parametrize(
    ("attributes", "meta"),
    [
        ({}, {}),
        ({"handle_httpstatus_list": [410]}, {}),
        ({"handle_httpstatus_list": [404]}, {"handle_httpstatus_list": [410]}),
    ],
)
def test_other_responses_are_refused(attributes: dict[str, Any], meta: dict[str, Any]) -> None:
    crawler = context(**attributes)
    response = page(404, **meta)
    with pytest.raises(HttpError) as refused:
        HttpErrorMiddleware.from_crawler(crawler).process_spider_input(response, crawler.spider)
    text = "Ignoring response <404 http://a.test/>: HTTP status code is not handled or not allowed"
    assert str(refused.value) == text
    assert refused.value.response is response
    assert isinstance(refused.value, IgnoreRequest)
    assert crawler.stats.get_stats() == {
        "httperror/response_ignored_count": 1,
        "httperror/response_ignored_status_count/404": 1,
    }


def test_all_statuses_can_be_allowed() -> None:
    middleware = HttpErrorMiddleware.from_crawler(context({"HTTPERROR_ALLOW_ALL": "yes"}))
    middleware.process_spider_input(page(503))
    middleware.process_spider_input(page(404, handle_httpstatus_list=[404]))
    with pytest.raises(HttpError) as rejected:  # the list of a request limits what the setting allows
        middleware.process_spider_input(page(503, handle_httpstatus_list=[404]))
    assert middleware.process_spider_exception(page(503), rejected.value) == ()
    assert middleware.process_spider_exception(page(503), ValueError()) is None


def test_a_link_may_begin_at_depth_0_again() -> None:
    middleware = DepthMiddleware.from_crawler(context({"DEPTH_LIMIT": 1, "DEPTH_PRIORITY": 1}))
    link = Request(URL, meta={"depth_reset": True})
    assert middleware.get_processed_request(link, page(depth=5)) is link
    assert (link.meta, link.priority) == ({"depth": 0}, 0)
    assert middleware.get_processed_request(Request(URL), page(depth=5)) is None


def test_depth_counts_the_links_from_the_start() -> None:
    crawler = context({"DEPTH_STATS_VERBOSE": True})
    middleware = DepthMiddleware.from_crawler(crawler)
    start = Request(URL)
    assert middleware.get_processed_request(start, None) is start
    link = Request(URL, priority=3)
    assert middleware.get_processed_request(link, Response(URL, request=start)) is link
    deeper = Request(URL)
    middleware.get_processed_request(deeper, Response(URL, request=link))
    middleware.get_processed_request(Request(URL), page())
    assert [request.meta["depth"] for request in (start, link, deeper)] == [0, 1, 2]
    assert link.priority == 3
    assert crawler.stats.get_stats() == {
        "request_depth_max": 2,
        "request_depth_count/0": 1,
        "request_depth_count/1": 2,
        "request_depth_count/2": 1,
    }


def test_what_is_too_deep_is_dropped_and_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    crawler = context({"DEPTH_LIMIT": 2})
    middleware = DepthMiddleware.from_crawler(crawler)
    at_limit = Request(URL)
    assert middleware.get_processed_request(at_limit, page(depth=1)) is at_limit
    with caplog.at_level(logging.DEBUG):
        assert middleware.get_processed_request(Request(URL), page(depth=2)) is None
        assert middleware.get_processed_request(Request(URL), page(depth=7)) is None
    assert len(caplog.records) == 1
    assert crawler.stats.get_stats() == {"request_depth_max": 2, "depth/request_ignored_count": 2}


@pytest.mark.parametrize(("setting", "expected"), [(2, 10 - 2 * 3), (-1, 10 + 3)])
def test_the_priority_changes_with_depth(setting: int, expected: int) -> None:
    middleware = DepthMiddleware.from_crawler(context({"DEPTH_PRIORITY": setting}))
    link = Request(URL, priority=10)
    middleware.get_processed_request(link, page(depth=2))
    assert link.priority == expected


def test_a_long_url_is_dropped() -> None:
    crawler = context({"URLLENGTH_LIMIT": len(URL)})
    middleware = UrlLengthMiddleware.from_crawler(crawler)
    short = Request(URL)
    assert middleware.get_processed_request(short, page()) is short
    assert middleware.get_processed_request(Request(URL + "x"), page()) is None
    assert crawler.stats.get_stats() == {"urllength/request_ignored_count": 1}


def test_urls_may_be_of_any_length() -> None:
    with pytest.raises(NotConfigured):
        UrlLengthMiddleware.from_crawler(context({"URLLENGTH_LIMIT": 0}))
