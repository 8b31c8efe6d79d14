"""What the small middlewares put on a request: headers, time-out, password."""

from typing import Any

import pytest

from aioscrapy import signals
from aioscrapy.contracts import DownloaderMiddleware
from aioscrapy.exceptions import NotConfigured, SettingError
from aioscrapy.hooks import hooks
from aioscrapy.http import Request
from aioscrapy.middlewares.defaultheaders import DefaultHeadersMiddleware, UserAgentMiddleware
from aioscrapy.middlewares.downloadtimeout import DownloadTimeoutMiddleware
from aioscrapy.middlewares.httpauth import HttpAuthMiddleware
from aioscrapy.middlewares.offsite import OffsiteMiddleware
from support.context import context

URL = "http://a.test/"
PROCESS = DownloaderMiddleware.process_request


def test_default_headers_fill_what_is_missing() -> None:
    middleware = DefaultHeadersMiddleware.from_crawler(
        context({"DEFAULT_REQUEST_HEADERS": {"Accept": "text/html", "X-A": "default", "X-None": None}})
    )
    request = Request("http://a.test/", headers={"X-A": "own"})
    middleware.process_request(request)
    assert request.headers.to_unicode_dict() == {"Accept": "text/html", "X-A": "own"}


def test_no_default_headers_no_middleware() -> None:
    with pytest.raises(NotConfigured):
        DefaultHeadersMiddleware.from_crawler(context({"DEFAULT_REQUEST_HEADERS": {"Accept": None}}))


def test_the_user_agent_is_the_requests_then_the_spiders_then_the_settings() -> None:
    of_setting = UserAgentMiddleware.from_crawler(context({"USER_AGENT": "setting"}))
    of_spider = UserAgentMiddleware.from_crawler(context({"USER_AGENT": "setting"}, user_agent="spider"))
    plain, from_spider = Request("http://a.test/"), Request("http://a.test/")
    own = Request("http://a.test/", headers={"User-Agent": "own"})
    of_setting.process_request(plain)
    of_spider.process_request(from_spider)
    of_spider.process_request(own)
    agents = [request.headers["User-Agent"] for request in (plain, from_spider, own)]
    assert agents == [b"setting", b"spider", b"own"]


def test_a_middleware_without_a_task_costs_no_call() -> None:
    class Own(DownloadTimeoutMiddleware):
        """Has a task in every crawl."""

    crawler = context({"USER_AGENT": ""})
    idle = (UserAgentMiddleware, DownloadTimeoutMiddleware, OffsiteMiddleware)
    assert hooks([cls.from_crawler(crawler) for cls in idle], PROCESS, crawler.spider) == []
    assert len(hooks([Own.from_crawler(crawler)], PROCESS, crawler.spider)) == 1


@pytest.mark.parametrize(
    ("attributes", "meta", "expected"),
    [
        ({"download_timeout": "3"}, {}, 3.0),
        ({"download_timeout": 3}, {"download_timeout": 1}, 1),
    ],
)
def test_the_time_limit_is_the_one_of_the_request_or_of_the_spider(
    attributes: dict[str, object], meta: dict[str, object], expected: float
) -> None:
    middleware = DownloadTimeoutMiddleware.from_crawler(context({"DOWNLOAD_TIMEOUT": "12.5"}, **attributes))
    request = Request("http://a.test/", meta=meta)
    middleware.process_request(request)
    assert request.meta["download_timeout"] == expected


@pytest.mark.parametrize("attributes", [{}, {"download_timeout": 0}, {"download_timeout": None}])
def test_without_a_time_limit_of_the_spider_the_handler_takes_the_setting(
    attributes: dict[str, object],
) -> None:
    crawler = context({"DOWNLOAD_TIMEOUT": "12.5"}, **attributes)
    middleware, request = DownloadTimeoutMiddleware.from_crawler(crawler), Request("http://a.test/")
    assert hooks([middleware], PROCESS, crawler.spider) == []
    middleware.process_request(request)  # as a test of a project calls it
    assert request.meta["download_timeout"] == 12.5


@pytest.mark.parametrize(
    ("url", "header"),
    [
        ("http://example.com/", b"Basic dTpw"),
        ("http://www.example.com:8080/", b"Basic dTpw"),
        ("http://badexample.com/", None),
        ("http://example.com.evil.test/", None),
        ("http://example.com@evil.test/", None),
    ],
)
def test_the_password_goes_to_its_domain_only(url: str, header: bytes | None) -> None:
    crawler = context(http_user="u", http_pass="p", http_auth_domain="Example.com")
    request = Request(url)
    HttpAuthMiddleware.from_crawler(crawler).process_request(request)
    assert request.headers.get("Authorization") == header


def test_a_domain_of_none_means_every_host() -> None:
    crawler = context(http_user="u", http_pass="p", http_auth_domain=None)
    request = Request("http://anywhere.test/")
    HttpAuthMiddleware.from_crawler(crawler).process_request(request)
    assert request.headers["Authorization"] == b"Basic dTpw"


def test_an_own_authorization_header_stays() -> None:
    crawler = context(http_user="u", http_pass="p", http_auth_domain=None)
    request = Request("http://anywhere.test/", headers={"Authorization": "Bearer x"})
    HttpAuthMiddleware.from_crawler(crawler).process_request(request)
    assert request.headers["Authorization"] == b"Bearer x"


def test_a_password_without_a_domain_is_never_sent(caplog: pytest.LogCaptureFixture) -> None:
    middleware, request = HttpAuthMiddleware.from_crawler(context(http_user="u", http_pass="p")), Request(URL)
    middleware.process_request(request)
    assert "Authorization" not in request.headers
    assert "no http_auth_domain" in caplog.text
    with pytest.raises(SettingError, match="HTTPAUTH_DOMAIN"):
        HttpAuthMiddleware.from_crawler(context({"HTTPAUTH_USER": "u"}))


@pytest.mark.parametrize(
    ("url", "meta", "header"),
    [
        (URL, {"http_user": "m", "http_pass": "q"}, b"Basic bTpx"),
        (URL, {"http_user": b"m", "http_pass": b"q"}, b"Basic bTpx"),
        (URL, {"http_user": "m", "http_pass": "q", "http_auth_domain": "A.test"}, b"Basic bTpx"),
        (URL, {"http_user": "m", "http_pass": "q", "http_auth_domain": "b.test"}, None),
        (URL, {}, b"Basic dTpw"),
        ("http://b.test/", {}, None),
    ],
)
def test_the_login_of_a_request_wins(url: str, meta: dict[str, str], header: bytes | None) -> None:
    settings = {"HTTPAUTH_USER": "u", "HTTPAUTH_PASS": "p", "HTTPAUTH_DOMAIN": "a.test"}
    request = Request(url, meta=meta)
    HttpAuthMiddleware.from_crawler(context(settings)).process_request(request)
    assert request.headers.get("Authorization") == header


def test_a_subclass_takes_its_login_when_the_spider_opens() -> None:
    class FromVault(HttpAuthMiddleware):
        def spider_opened(self, spider: Any) -> None:
            spider.http_user, spider.http_pass, spider.http_auth_domain = "u", "p", None
            super().spider_opened(spider)

    crawler, request = context(), Request(URL)
    middleware = FromVault.from_crawler(crawler)
    middleware.process_request(request)
    assert "Authorization" not in request.headers
    crawler.signals.send_catch_log(signals.spider_opened, spider=crawler.spider)
    middleware.process_request(request)
    assert request.headers["Authorization"] == b"Basic dTpw"
