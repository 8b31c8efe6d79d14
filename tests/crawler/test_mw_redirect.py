"""Redirects: by status and by a meta refresh."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aioscrapy.exceptions import IgnoreRequest, NotConfigured
from aioscrapy.http import HtmlResponse, Request, Response
from aioscrapy.middlewares.redirect import MetaRefreshMiddleware, RedirectMiddleware
from aioscrapy.middlewares.referer import RefererMiddleware
from support.context import context

URL = "http://a.test/dir/page?q=1#part"


def follow(
    request: Request, location: str | bytes, status: int = 302, settings: dict[str, Any] | None = None
) -> Request:
    crawler = context(settings)
    crawler.components["SPIDER_MIDDLEWARES"] = [RefererMiddleware.from_crawler(crawler)]
    middleware = RedirectMiddleware.from_crawler(crawler)
    middleware._engine_started()
    response = Response(request.url, status=status, headers={"Location": location})
    redirected = middleware.process_response(request, response, crawler.spider)
    assert isinstance(redirected, Request)
    return redirected


@pytest.mark.parametrize(
    ("location", "expected"),
    [
        ("other", "http://a.test/dir/other#part"),
        ("/root", "http://a.test/root#part"),
        ("?q=2", "http://a.test/dir/page?q=2#part"),
        ("http://b.test/x#own", "http://b.test/x#own"),
        ("//b.test/x", "http://b.test/x#part"),
        ("///b.test/x", "http://b.test/x#part"),
        ("  /spaces here ", "http://a.test/spaces%20here#part"),
        ("/caf\u00e9".encode(), "http://a.test/caf%C3%A9#part"),
        ("/caf\u00e9".encode("latin-1"), "http://a.test/caf%E9#part"),
        ("/\u4e2d?q=\u4e2d".encode("gbk"), "http://a.test/%D6%D0?q=%D6%D0#part"),
        ("http://m\u00fcnchen.test/\u00e9".encode(), "http://xn--mnchen-3ya.test/%C3%A9#part"),
        ("\\\\b.test\\x", "http://b.test/x#part"),
        ("HTTP:\\\\b.test\\x?\\", "http://b.test/x?%5C#part"),
        ("http:other", "http://a.test/dir/other#part"),
        ("http:/root", "http://a.test/root#part"),
        ("https:/b.test/x", "https://b.test/x#part"),
        ("http:///b.test/x", "http://b.test/x#part"),
        ("/../up", "http://a.test/up#part"),
        ("/a%zz%2", "http://a.test/a%zz%2#part"),
    ],
)
def test_the_location_is_joined_to_the_url(location: str | bytes, expected: str) -> None:
    assert follow(Request(URL), location).url == expected


@pytest.mark.parametrize(
    ("status", "method", "expected"),
    [
        (301, "POST", "GET"),
        (302, "POST", "GET"),
        (303, "POST", "GET"),
        (303, "PUT", "GET"),
        (303, "HEAD", "HEAD"),
        (302, "PUT", "PUT"),
        (302, "HEAD", "HEAD"),
        (307, "POST", "POST"),
        (308, "POST", "POST"),
    ],
)
def test_the_method_follows_the_status(status: int, method: str, expected: str) -> None:
    request = Request(URL, method=method, body=b"data", headers={"Content-Type": "text/plain", "X-Kept": "1"})
    redirected = follow(request, "/next", status)
    changed = method != expected
    assert redirected.method == expected
    assert redirected.body == (b"" if changed else b"data")
    assert ("Content-Type" in redirected.headers) is not changed
    assert redirected.headers["X-Kept"] == b"1"


def test_what_belongs_to_the_request_travels_on() -> None:
    def parse(response: Response) -> None:
        pass

    request = Request(
        URL,
        parse,
        errback=parse,
        cb_kwargs={"a": 1},
        meta={"b": 2},
        priority=1,
        cookies={"s": "1"},
        flags=["f"],
    )
    redirected = follow(request, "/next", settings={"REDIRECT_PRIORITY_ADJUST": 2})
    assert (redirected.callback, redirected.errback, redirected.cb_kwargs) == (parse, parse, {"a": 1})
    assert redirected.meta["b"] == 2
    assert redirected.flags == ["f"]
    assert redirected.priority == 3
    assert not redirected.cookies
    assert not redirected.dont_filter
    assert request.meta == {"b": 2}


def test_the_chain_is_noted_and_ends() -> None:
    settings = {"REDIRECT_MAX_TIMES": 2}
    first = follow(Request("http://a.test/1"), "/2", 301, settings)
    second = follow(first, "/3", 302, settings)
    assert second.meta == {
        "redirect_times": 2,
        "redirect_ttl": 0,
        "redirect_urls": ["http://a.test/1", "http://a.test/2"],
        "redirect_reasons": [301, 302],
    }
    with pytest.raises(IgnoreRequest, match="max redirections"):
        follow(second, "/4", 302, settings)


def test_a_redirect_to_itself_is_no_duplicate() -> None:
    redirected = follow(Request("http://a.test/1"), "/1")
    assert redirected.dont_filter
    assert follow(follow(Request("http://a.test/1"), "/2"), "/1#x").dont_filter


@pytest.mark.parametrize(
    ("url", "location", "cookie", "authorization"),
    [
        ("http://a.test/", "/x", True, True),
        ("http://a.test/", "http://a.test:80/x", True, True),
        ("http://a.test/", "http://a.test:8080/x", True, False),
        ("http://a.test/", "https://a.test/x", True, False),
        ("https://a.test/", "http://a.test/x", False, False),
        ("http://a.test/", "http://b.test/x", False, False),
        ("http://a.test/", "http://a.test@b.test/x", False, False),
        ("http://a.test/", "http://sub.a.test/x", False, False),
    ],
)
def test_secrets_stay_with_their_host(url: str, location: str, cookie: bool, authorization: bool) -> None:
    request = Request(url, headers={"Cookie": "s=1", "Authorization": "Basic x"})
    headers = follow(request, location).headers
    assert (("Cookie" in headers), ("Authorization" in headers)) == (cookie, authorization)


@pytest.mark.parametrize(
    ("location", "meta", "expected"),
    [
        ("https://b.test/", {}, b"https://a.test/page"),
        ("http://b.test/", {}, None),
        ("https://b.test/", {"referrer_policy": "same-origin"}, None),
        ("https://a.test/x", {"referrer_policy": "same-origin"}, b"https://a.test/page"),
        ("https://b.test/", {"referrer_policy": "origin"}, b"https://a.test/"),
    ],
)
def test_the_referer_obeys_its_policy(location: str, meta: dict[str, str], expected: bytes | None) -> None:
    request = Request("https://a.test/page", headers={"Referer": "https://a.test/from"}, meta=meta)
    assert follow(request, location).headers.get("Referer") == expected


@pytest.mark.parametrize(
    ("status", "headers", "meta", "attributes"),
    [
        (200, {"Location": "/x"}, {}, {}),
        (304, {"Location": "/x"}, {}, {}),
        (302, {}, {}, {}),
        (302, {"Location": "mailto:a@a.test"}, {}, {}),
        (302, {"Location": "file:///etc/passwd"}, {}, {}),
        (302, {"Location": "http://["}, {}, {}),
        (302, {"Location": "https://"}, {}, {}),
        (302, {"Location": "/x"}, {"dont_redirect": True}, {}),
        (302, {"Location": "/x"}, {"handle_httpstatus_list": [302]}, {}),
        (302, {"Location": "/x"}, {"handle_httpstatus_list": 302}, {}),
        (302, {"Location": "/x"}, {"handle_httpstatus_all": True}, {}),
        (302, {"Location": "/x"}, {}, {"handle_httpstatus_list": [302]}),
        (302, {"Location": "/x"}, {}, {"handle_httpstatus_list": 302}),
    ],
)
def test_other_responses_pass(
    status: int, headers: dict[str, str], meta: dict[str, Any], attributes: dict[str, Any]
) -> None:
    crawler = context(**attributes)
    middleware = RedirectMiddleware.from_crawler(crawler)
    response = Response(URL, status=status, headers=headers)
    assert middleware.process_response(Request(URL, meta=meta), response, crawler.spider) is response


@given(
    location=st.one_of(st.binary(max_size=60), st.text(max_size=60).map(lambda text: text.encode())),
    status=st.sampled_from([301, 302, 303, 307, 308]),
)
def test_no_location_breaks_a_crawl(location: bytes, status: int) -> None:
    crawler = context()
    middleware = RedirectMiddleware.from_crawler(crawler)
    response = Response(URL, status=status, headers={"Location": location})
    answer = middleware.process_response(Request(URL, headers={"Cookie": "s=1"}), response, crawler.spider)
    if isinstance(answer, Request):
        assert answer.url.startswith(("http://", "https://"))
        assert answer.url.startswith("http://a.test/") or "Cookie" not in answer.headers
    else:
        assert answer is response


def refresh(body: str, url: str = "http://a.test/dir/page", **settings: Any) -> Request | Response:
    middleware = MetaRefreshMiddleware.from_crawler(context(settings))
    request = Request(url, method="POST", body=b"data")
    return middleware.process_response(request, HtmlResponse(url, body=body.encode("utf-8")))


def test_a_meta_refresh_is_followed_by_get() -> None:
    redirected = refresh('<html><head><META HTTP-EQUIV="Refresh" content="5; url=next?a=1&amp;b=2"></head>')
    assert isinstance(redirected, Request)
    assert redirected.url == "http://a.test/dir/next?a=1&b=2"
    assert (redirected.method, redirected.body) == ("GET", b"")
    assert redirected.meta["redirect_reasons"] == ["meta refresh"]


@pytest.mark.parametrize(
    ("element", "path"),
    [
        ('<meta http-equiv=refresh content="0 ; URL = /next">', "/next"),
        ('<meta content="0,url=/next" http-equiv=" refresh ">', "/next"),
        ('<meta http-equiv="refresh" content="0;/next">', "/next"),
        ('<meta http-equiv="refresh" content="0 url=/next">', "/next"),
        ('<meta http-equiv="refresh" content="1.5.2;url=/next">', "/next"),
        ("""<meta http-equiv="refresh" content="0;url='/next' and more">""", "/next"),
        ("""<meta http-equiv="refresh" content="0;url='/next">""", "/next"),
        ('<base href="/other/"><meta http-equiv="refresh" content="0;url=next">', "/other/next"),
        ('<meta http-equiv="refresh" content="0;url=\\\\a.test\\next">', "/next"),
        ('<meta http-equiv="refresh" content="0;url=/\u00e9?q=\u00e9">', "/%C3%A9?q=%C3%A9"),
        ('<meta http-equiv="refresh" content="9"><meta http-equiv="refresh" content="0;url=/next">', "/next"),
    ],
)
def test_a_meta_refresh_is_read_as_browsers_read_it(element: str, path: str) -> None:
    redirected = refresh(f"<html><head>{element}</head>")
    assert isinstance(redirected, Request)
    assert redirected.url == f"http://a.test{path}"


def test_a_meta_refresh_in_utf_16_is_followed() -> None:
    body = '<meta http-equiv="refresh" content="0; url=/next">'.encode("utf-16")
    response = HtmlResponse("http://a.test/", body=body)
    middleware = MetaRefreshMiddleware.from_crawler(context())
    assert isinstance(middleware.process_response(Request("http://a.test/"), response), Request)


@pytest.mark.parametrize(
    "body",
    [
        "<p>no refresh here</p>",
        '<meta http-equiv="refresh" content="100; url=/next">',
        '<meta http-equiv="refresh" content="30">',
        '<meta http-equiv="refresh" content="30 seconds">',
        '<meta http-equiv="refresh" content="30; url=/dir/page#top">',
        '<noscript><meta http-equiv="refresh" content="0; url=/next"></noscript>',
        '<!-- <meta http-equiv="refresh" content="0; url=/next"> -->',
        '<meta http-equiv="refresh" content="0; url=javascript:go()">',
        '<meta http-equiv="refresh" content="0; url=http://[">',
        '<meta http-equiv="refresh" content="0;url=">',
    ],
)
def test_other_pages_pass(body: str) -> None:
    assert isinstance(refresh(body), Response)


def test_a_page_that_sets_a_cookie_and_reloads_itself_is_fetched_again() -> None:
    body = b'<meta http-equiv="refresh" content="0; url=/dir/page">'
    page = HtmlResponse("http://a.test/dir/page", headers={"Set-Cookie": "seen=1"}, body=body)
    middleware = MetaRefreshMiddleware.from_crawler(context())
    again = middleware.process_response(Request(page.url), page)
    assert isinstance(again, Request)
    assert (again.url, again.dont_filter) == (page.url, True)


def test_what_is_not_html_is_not_searched() -> None:
    response = Response("http://a.test/", body=b'<meta http-equiv="refresh" content="0; url=/next">')
    middleware = MetaRefreshMiddleware.from_crawler(context())
    assert middleware.process_response(Request("http://a.test/"), response) is response


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("0; url=/next", "http://a.test/next"),
        ("0;URL='next'", "http://a.test/dir/next"),
        ('3, url="http://b.test/"', "http://b.test/"),
        ("0; /next", "http://a.test/next"),
        ("0 url=/next", "http://a.test/next"),
        ("0;url='/next' x", "http://a.test/next"),
        (b"0; url=/caf\xe9", "http://a.test/caf%E9"),
        ("0", None),
        ("", None),
        ("soon; url=/next", None),
        ("500; url=/next", None),
    ],
)
def test_a_refresh_header_is_followed(header: str | bytes, expected: str | None) -> None:
    middleware = MetaRefreshMiddleware.from_crawler(context())
    response = Response("http://a.test/dir/page", headers={"Refresh": header}, body=b"\0")
    followed = middleware.process_response(Request("http://a.test/dir/page"), response)
    assert (followed is response) if expected is None else (followed.url == expected)


def test_an_empty_location_is_not_a_redirect_and_the_first_full_one_counts() -> None:
    crawler = context()
    middleware = RedirectMiddleware.from_crawler(crawler)
    empty = Response(URL, status=302, headers={"Location": ["", "  "]})
    assert middleware.process_response(Request(URL), empty, crawler.spider) is empty
    two = Response(URL, status=302, headers={"Location": ["", "/one", "/two"]})
    followed = middleware.process_response(Request(URL), two, crawler.spider)
    assert followed.url == "http://a.test/one#part"


def test_both_can_be_switched_off() -> None:
    with pytest.raises(NotConfigured):
        RedirectMiddleware.from_crawler(context({"REDIRECT_ENABLED": False}))
    with pytest.raises(NotConfigured):
        MetaRefreshMiddleware.from_crawler(context({"METAREFRESH_ENABLED": False}))
