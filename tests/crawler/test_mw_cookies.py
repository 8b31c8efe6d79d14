"""Cookies that come and go."""

import logging
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aioscrapy.http import Request, Response
from aioscrapy.middlewares.cookies import CookiesMiddleware
from support.context import context


def cookies(settings: dict[str, Any] | None = None) -> CookiesMiddleware:
    return CookiesMiddleware.from_crawler(context(settings))


def sent(middleware: CookiesMiddleware, request: Request) -> str | None:
    middleware.process_request(request)
    header: bytes | None = request.headers.get("Cookie")
    return None if header is None else header.decode()


def receive(
    middleware: CookiesMiddleware, url: str, *set_cookies: str, meta: dict[str, Any] | None = None
) -> None:
    response = Response(url, headers={"Set-Cookie": list(set_cookies)})
    assert middleware.process_response(Request(url, meta=meta), response) is response


def test_a_cookie_comes_back_to_its_host_and_path() -> None:
    middleware = cookies()
    receive(middleware, "http://a.test/shop/list", "s=1; Path=/shop", "t=2; Path=/")
    assert sent(middleware, Request("http://a.test/shop/cart")) == "s=1; t=2"
    assert sent(middleware, Request("http://a.test/")) == "t=2"
    assert sent(middleware, Request("http://b.test/shop/cart")) is None
    assert sent(middleware, Request("http://sub.a.test/shop/cart")) is None


@pytest.mark.parametrize("url", ["http://localhost:8000/", "http://127.0.0.1:8000/", "http://[::1]:8000/"])
def test_hosts_without_a_domain_have_cookies_too(url: str) -> None:
    middleware = cookies()
    receive(middleware, url, "s=1")
    assert sent(middleware, Request(url + "next")) == "s=1"
    assert sent(middleware, Request(url, cookies={"own": "2"})) in {"s=1; own=2", "own=2; s=1"}


def test_a_cookie_of_a_domain_goes_to_its_subdomains() -> None:
    middleware = cookies()
    receive(middleware, "http://www.a.test/", "s=1; Domain=a.test")
    assert sent(middleware, Request("http://shop.a.test/")) == "s=1"
    assert sent(middleware, Request("http://nota.test/")) is None


@pytest.mark.parametrize("domain", ["b.test", "test", "co.uk", "www.a.co.uk.evil.test"])
def test_a_cookie_of_a_foreign_domain_is_refused(domain: str) -> None:
    middleware = cookies()
    receive(middleware, "http://www.a.co.uk/", f"s=1; Domain={domain}")
    for url in ("http://www.a.co.uk/", "http://b.test/", "http://b.co.uk/"):
        assert sent(middleware, Request(url)) is None


def test_a_secure_cookie_needs_https() -> None:
    middleware = cookies()
    receive(middleware, "https://a.test/", "s=1; Secure; HttpOnly; SameSite=Lax")
    assert sent(middleware, Request("http://a.test/")) is None
    assert sent(middleware, Request("https://a.test/")) == "s=1"


def test_a_deleted_cookie_is_not_sent_by_the_next_attempt() -> None:
    middleware = cookies()
    receive(middleware, "http://a.test/", "s=1")
    request = Request("http://a.test/")
    assert sent(middleware, request) == "s=1"
    receive(middleware, "http://a.test/", "s=; Max-Age=0")
    assert sent(middleware, request.copy()) is None


def test_jars_are_kept_apart() -> None:
    middleware = cookies()
    receive(middleware, "http://a.test/", "s=1", meta={"cookiejar": 1})
    receive(middleware, "http://a.test/", "s=2", meta={"cookiejar": 2})
    assert sent(middleware, Request("http://a.test/", meta={"cookiejar": 1})) == "s=1"
    assert sent(middleware, Request("http://a.test/", meta={"cookiejar": 2})) == "s=2"
    assert sent(middleware, Request("http://a.test/")) is None


def test_cookies_of_a_request_stay_for_the_whole_host() -> None:
    middleware = cookies()
    first = Request("http://a.test/deep/page", cookies={"n": 1, "b": b"x", "t": "y"})
    assert sent(middleware, first) == "n=1; b=x; t=y"
    assert sent(middleware, Request("http://a.test/")) == "n=1; b=x; t=y"


@pytest.mark.parametrize("value", ["\xe1", b"\xc3\xa1", b"\xe1"])
def test_a_cookie_of_a_request_is_sent_in_utf_8(value: str | bytes) -> None:
    request = Request("http://a.test/", cookies=[{"name": "a", "value": value}])  # type: ignore[list-item]
    CookiesMiddleware().process_request(request)
    assert request.headers["Cookie"] == b"a=\xc3\xa1"


def test_cookies_may_say_their_domain_and_path() -> None:
    middleware = cookies()
    given_cookies = [
        {"name": "a", "value": "1", "domain": "a.test"},
        {"name": "b", "value": "2", "path": "/shop"},
        {"name": "c", "value": "3", "domain": "evil.test"},
    ]
    assert sent(middleware, Request("http://www.a.test/", cookies=given_cookies)) == "a=1"
    assert sent(middleware, Request("http://shop.a.test/shop")) == "a=1"
    assert sent(middleware, Request("http://www.a.test/shop/1")) in {"a=1; b=2", "b=2; a=1"}
    assert sent(middleware, Request("http://evil.test/")) is None


def test_cookies_given_to_https_are_not_sent_to_http() -> None:
    middleware = cookies()
    assert sent(middleware, Request("https://a.test/", cookies={"s": "1"})) == "s=1"
    assert sent(middleware, Request("http://a.test/")) is None


def test_a_cookie_without_a_value_is_left_out_with_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    assert sent(cookies(), Request("http://a.test/", cookies={"s": None, "t": "1"})) == "t=1"
    assert "without name or value" in caplog.text


def test_an_own_cookie_header_wins() -> None:
    middleware = cookies()
    receive(middleware, "http://a.test/", "s=1")
    own = Request("http://a.test/", headers={"Cookie": "mine=1"})
    assert sent(middleware, own) == "mine=1"
    assert sent(middleware, own.copy()) == "mine=1"


@pytest.mark.parametrize(
    ("settings", "meta"), [({"COOKIES_ENABLED": False}, {}), ({}, {"dont_merge_cookies": True})]
)
def test_without_a_jar_only_the_requests_own_cookies_are_sent(
    settings: dict[str, Any], meta: dict[str, Any]
) -> None:
    middleware = cookies(settings)
    receive(middleware, "http://a.test/", "s=1", meta=meta)
    own = Request("http://a.test/", cookies={"mine": "1"}, meta=meta)
    assert sent(middleware, own) == "mine=1"
    assert sent(middleware, own.copy()) == "mine=1"
    assert sent(middleware, Request("http://a.test/", meta=meta)) is None


def test_the_log_shows_cookies_where_asked(caplog: pytest.LogCaptureFixture) -> None:
    middleware = cookies({"COOKIES_DEBUG": True})
    with caplog.at_level(logging.DEBUG):
        receive(middleware, "http://a.test/", "s=1", "t=2")
        sent(middleware, Request("http://a.test/"))
    assert caplog.messages == [
        "Received cookies from: <200 http://a.test/>\nSet-Cookie: s=1\nSet-Cookie: t=2",
        "Sending cookies to: <GET http://a.test/>\nCookie: s=1; t=2",
    ]


@given(st.lists(st.text(max_size=40), max_size=3), st.dictionaries(st.text(max_size=8), st.text(max_size=8)))
def test_no_cookie_breaks_a_crawl(set_cookies: list[str], own: dict[str, str]) -> None:
    middleware = cookies()
    receive(middleware, "http://a.test/x", *set_cookies)
    sent(middleware, Request("http://a.test/x", cookies=own))
    assert sent(middleware, Request("http://b.test/x")) is None


@pytest.mark.parametrize("cookie", [{"a\r\n": "b"}, {"a": "b\r\nSet-Cookie: c"}, {"a\x00": "b"}])
def test_a_cookie_that_would_break_every_request_is_left_out(
    cookie: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    middleware = cookies()
    assert sent(middleware, Request("http://a.test/", cookies={**cookie, "good": "1"})) == "good=1"
    assert sent(middleware, Request("http://a.test/2")) == "good=1"
    assert caplog.text.count("is left out") == 1


def test_the_jars_of_a_label_are_one_of_scrapys_jars() -> None:
    middleware = CookiesMiddleware()
    for url in ("http://www.a.test/", "http://b.test/"):
        request = Request(url, cookies={"s": "1"}, meta={"cookiejar": 7})
        middleware.process_request(request)
    jar = middleware.jars[7]
    assert sorted(cookie.domain for cookie in jar.jar) == ["b.test", "www.a.test"]
    (cookie,) = (cookie for cookie in jar.jar if cookie.domain == "b.test")
    cookie.value = "\u00fc"
    jar.set_cookie(cookie)
    jar.clear("www.a.test")
    assert (len(jar), list(middleware.jars), len(middleware.jars["other"])) == (1, [7], 0)
    request = Request("http://b.test/", meta={"cookiejar": 7})
    middleware.process_request(request)
    assert request.headers["Cookie"] == "s=\u00fc".encode()
    assert list(jar._cookies) == ["b.test"]
    jar.clear_session_cookies()
    assert len(jar) == 0
