"""Proxies of requests and of the environment."""

from base64 import b64encode
from typing import Any

import pytest

from aioscrapy.exceptions import NotConfigured
from aioscrapy.http import Request
from aioscrapy.middlewares.httpproxy import HttpProxyMiddleware
from support.context import context

VARIABLES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy", "ftp_proxy")
LOGIN = b"Basic " + b64encode(b"us:er:p@ss")


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


def process(request: Request) -> tuple[str | None, bytes | None]:
    HttpProxyMiddleware.from_crawler(context()).process_request(request)
    return request.meta.get("proxy"), request.headers.get("Proxy-Authorization")


@pytest.mark.parametrize(
    ("given", "proxy", "login"),
    [
        ("http://p.test:3128", "http://p.test:3128", None),
        ("p.test:3128", "http://p.test:3128", None),
        ("http://us%3Aer:p%40ss@p.test:3128/", "http://p.test:3128", LOGIN),
        ("socks5://p.test", "socks5://p.test", None),
        ("http://us%3Aer:p@ss@p.test:3128", "http://p.test:3128", LOGIN),
        ("http://u:a/b?c#d@p.test:3128", "http://p.test:3128", b"Basic " + b64encode(b"u:a/b?c#d")),
        (" HTTP://p.test:3128/path?a ", "http://p.test:3128", None),
        (None, None, None),
        ("", "", None),
    ],
)
def test_the_login_moves_to_the_header(given: str | None, proxy: str | None, login: bytes | None) -> None:
    assert process(Request("http://a.test/", meta={"proxy": given})) == (proxy, login)


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ("http://", "has no host: 'http://'"),
        ("http://us:pass@:80/", "has no host: 'http://:80'"),
        ("://", "has no host: '://'"),
        ("socks5:///x", "has no host: 'socks5:'"),
        (5, "is a int, not a text"),
        (b"http://p.test", "is a bytes, not a text"),
    ],
)
def test_a_request_never_goes_without_the_proxy_that_it_names(given: Any, problem: str) -> None:
    with pytest.raises((TypeError, ValueError), match=f"the proxy of <GET http://a.test/> {problem}"):
        process(Request("http://a.test/", meta={"proxy": given}))


def test_another_attempt_keeps_proxy_and_login() -> None:
    request = Request("http://a.test/", meta={"proxy": "http://us%3Aer:p%40ss@p.test:3128"})
    process(request)
    assert process(request.copy()) == ("http://p.test:3128", LOGIN)


def test_another_proxy_never_sees_the_login() -> None:
    request = Request("http://a.test/", meta={"proxy": "http://us:er@p.test:3128"})
    process(request)
    other = request.copy()
    other.meta["proxy"] = "http://other.test"
    assert process(other) == ("http://other.test", None)
    none = request.copy()
    del none.meta["proxy"]
    assert process(none) == (None, None)


def test_an_own_header_is_for_the_first_proxy_only() -> None:
    header = {"Proxy-Authorization": "Basic own"}
    request = Request("http://a.test/", headers=header, meta={"proxy": "http://p.test"})
    assert process(request) == ("http://p.test", b"Basic own")
    request.meta["proxy"] = "http://other.test"
    assert process(request) == ("http://other.test", None)
    assert process(Request("http://a.test/", headers=header)) == (None, None)


def test_the_environment_names_a_proxy_for_each_scheme(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://us%3Aer:p%40ss@p.test:3128")
    monkeypatch.setenv("no_proxy", "local.test")
    assert process(Request("http://a.test/")) == ("http://p.test:3128", LOGIN)
    assert process(Request("https://a.test/")) == (None, None)
    assert process(Request("http://local.test/")) == (None, None)
    assert process(Request("http://a.test/", meta={"proxy": None})) == (None, None)
    assert process(Request("http://a.test/", meta={"proxy": "http://mine.test"})) == (
        "http://mine.test",
        None,
    )


def test_the_environments_proxy_does_not_follow_a_redirect(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://us:er@p.test")
    request = Request("http://a.test/")
    process(request)
    assert process(request.replace(url="https://a.test/")) == (None, None)


def test_proxies_can_be_switched_off() -> None:
    with pytest.raises(NotConfigured):
        HttpProxyMiddleware.from_crawler(context({"HTTPPROXY_ENABLED": False}))
