"""Requests that leave the domains of the spider."""

import logging
import re
from collections.abc import Iterator
from typing import Any

import pytest

from aioscrapy.doors.scrapy import serve_scrapy, stop_serving
from aioscrapy.exceptions import IgnoreRequest
from aioscrapy.http import HtmlResponse, Request
from aioscrapy.middlewares.offsite import OffsiteMiddleware
from support.context import context

PAGE = HtmlResponse("http://example.com/", request=Request("http://example.com/"))


@pytest.mark.parametrize(
    ("url", "allowed"),
    [
        ("http://example.com/a", True),
        ("https://WWW.Example.com:8443?x=/", True),
        ("http://user@example.com/", True),
        ("http://example.com", True),
        ("http://example.com#top", True),
        ("http://notexample.com/", False),
        ("http://example.com.evil.test/", False),
        ("http://example.com@evil.test/", False),
        ("http://exampleXcom/", False),
        ("data:,example.com", False),
    ],
)
def test_links_stay_in_the_domains(url: str, allowed: bool) -> None:
    middleware = OffsiteMiddleware.from_crawler(context(allowed_domains=["Example.com"]))
    link = Request(url)
    assert middleware.get_processed_request(link, PAGE) is (link if allowed else None)
    assert middleware.get_processed_request(link, PAGE) is (link if allowed else None)


@pytest.mark.parametrize(
    "link",
    [
        Request("http://b.test/", dont_filter=True),
        Request("http://b.test/", meta={"allow_offsite": True}),
    ],
)
def test_a_link_may_be_let_through(link: Request) -> None:
    middleware = OffsiteMiddleware.from_crawler(context(allowed_domains=["a.test"]))
    assert middleware.get_processed_request(link, PAGE) is link


def test_start_requests_are_fetched_wherever_they_lead() -> None:
    middleware = OffsiteMiddleware.from_crawler(context(allowed_domains=["www.a.test"]))
    start = Request("http://a.test/", meta={"depth": 0})
    assert middleware.get_processed_request(start, None) is start
    middleware.process_request(start)


@pytest.mark.parametrize("meta", [{"depth": 0, "redirect_times": 1}, {"depth": 2}])
def test_the_downloader_refuses_what_was_led_astray(meta: dict[str, int]) -> None:
    crawler = context(allowed_domains=["a.test"])
    middleware = OffsiteMiddleware.from_crawler(crawler)
    with pytest.raises(IgnoreRequest):
        middleware.process_request(Request("http://b.test/", meta=meta))
    assert crawler.stats.get_value("offsite/filtered") == 1


def test_dropped_requests_are_counted_and_logged_once_a_domain(caplog: pytest.LogCaptureFixture) -> None:
    crawler = context(allowed_domains=["a.test"])
    middleware = OffsiteMiddleware.from_crawler(crawler)
    with caplog.at_level(logging.DEBUG):
        for url in ("http://b.test/1", "http://b.test/2", "http://c.test/"):
            middleware.get_processed_request(Request(url), PAGE)
    assert crawler.stats.get_stats() == {"offsite/filtered": 3, "offsite/domains": 2}
    assert [record.getMessage() for record in caplog.records] == [
        "Filtered offsite request to 'b.test': <GET http://b.test/1>",
        "Filtered offsite request to 'c.test': <GET http://c.test/>",
    ]


def test_a_spider_may_change_its_domains() -> None:
    crawler = context(allowed_domains=["a.test"])
    middleware = OffsiteMiddleware.from_crawler(crawler)
    link = Request("http://b.test/")
    assert middleware.get_processed_request(link, PAGE) is None
    crawler.spider.allowed_domains.append("b.test")
    assert middleware.get_processed_request(link, PAGE) is link
    crawler.spider.allowed_domains = ["c.test", "d.test"]
    assert middleware.get_processed_request(link, PAGE) is None
    crawler.spider.allowed_domains = []
    assert middleware.get_processed_request(link, PAGE) is link


def test_a_spider_without_domains_has_no_filter() -> None:
    middleware = OffsiteMiddleware.from_crawler(context())
    middleware.process_request(Request("http://b.test/", meta={"depth": 1}))


def test_a_request_without_a_depth_is_checked() -> None:
    middleware = OffsiteMiddleware.from_crawler(context(allowed_domains=["a.test"]))
    with pytest.raises(IgnoreRequest, match=r"Filtered offsite request to 'b\.test'"):
        middleware.process_request(Request("http://b.test/"))
    with pytest.raises(IgnoreRequest):
        middleware.request_scheduled(Request("http://b.test/"))
    assert middleware.domains_seen == {"b.test"}


def test_a_subclass_has_its_own_pattern_of_hosts() -> None:
    class Mirrors(OffsiteMiddleware):
        patterns = 0

        def get_host_regex(self, spider: Any) -> Any:
            self.patterns += 1
            return re.compile(rf"^mirror\d+\.({'|'.join(spider.allowed_domains)})$")

    crawler = context(allowed_domains=["a.test"])
    middleware = Mirrors.from_crawler(crawler)
    links = [
        Request(f"http://{host}/", meta={"depth": 1})
        for host in ("mirror1.a.test", "www.a.test", "mirror2.b.test")
    ]
    assert [middleware.get_processed_request(link, PAGE) is link for link in links] == [True, False, False]
    crawler.spider.allowed_domains.append("b.test")
    assert [middleware.get_processed_request(link, PAGE) is link for link in links] == [True, False, True]
    assert middleware.patterns == 2


@pytest.mark.parametrize(
    ("domains", "url"),
    [
        (["münchen.test"], "http://www.münchen.test/"),
        (["MÜNCHEN.test"], "http://xn--mnchen-3ya.test/"),
        (["straße.test"], "http://straße.test/"),
        ([" a.test "], "http://a.test./"),
        ([".a.test", "*.b.test"], "http://x.b.test/"),
        ("a.test", "http://x.a.test/"),
    ],
)
def test_a_domain_may_be_written_in_other_forms(domains: Any, url: str) -> None:
    middleware = opened(domains)
    middleware.process_request(Request(url))
    with pytest.raises(IgnoreRequest):
        middleware.process_request(Request("http://other.test/"))


def test_what_is_not_a_domain_is_named(caplog: pytest.LogCaptureFixture) -> None:
    middleware = opened(["http://a.test/", "b.test:8080", "::1", "", "*"])
    for url in ("http://a.test/", "http://b.test:8080/"):
        with pytest.raises(IgnoreRequest):
            middleware.process_request(Request(url))
    middleware.process_request(Request("http://[::1]/"))
    assert caplog.text.count("which is not a domain") == 4


@pytest.fixture
def of_scrapy() -> Iterator[type]:
    """A class of spiders whose module imports scrapy."""
    serve_scrapy()
    try:
        import scrapy

        yield type("Imported", (scrapy.Spider,), {"__module__": "a_project_without_source"})
    finally:
        stop_serving()


def passes(middleware: OffsiteMiddleware, url: str) -> bool:
    try:
        middleware.process_request(Request(url, meta={"depth": 0}))
    except IgnoreRequest:
        return False
    return True


def test_of_a_spider_of_scrapy_only_start_urls_may_be_elsewhere(of_scrapy: Any) -> None:
    urls = ["http://[oops/", 7, "no url", "http://b.test/ä"]
    crawler = context()
    crawler.spider = of_scrapy("tested", allowed_domains=["a.test"], start_urls=urls)
    middleware = OffsiteMiddleware.from_crawler(crawler)
    assert passes(middleware, "http://b.test/ä")
    assert not passes(middleware, "http://b.test/2")
    urls.append("http://b.test/2")
    assert passes(middleware, "http://b.test/2")
    crawler.spider.start_urls = ["http://c.test/"] * len(urls)
    assert passes(middleware, "http://c.test/")
    assert not passes(middleware, "http://b.test/2")
    crawler.spider.start_urls = None
    assert not passes(middleware, "http://b.test/2")


def test_start_urls_are_read_once(of_scrapy: Any) -> None:
    class Counted(list[str]):
        reads = 0

        def __iter__(self) -> Iterator[str]:
            self.reads += 1
            return super().__iter__()

    crawler, urls = context(), Counted(["http://b.test/1", "http://b.test/2"])
    crawler.spider = of_scrapy("tested", allowed_domains=["a.test"], start_urls=urls)
    middleware = OffsiteMiddleware.from_crawler(crawler)
    assert all(passes(middleware, url) for url in ("http://b.test/1", "http://b.test/2"))
    assert urls.reads == 1
    crawler.spider.start_urls = (url for url in ("http://b.test/3", "http://b.test/4"))
    assert passes(middleware, "http://b.test/3")
    assert next(crawler.spider.start_urls) == "http://b.test/3"


def opened(domains: Any) -> OffsiteMiddleware:
    """Return the middleware of a crawl whose spider has these domains."""
    crawler = context(allowed_domains=domains)
    middleware = OffsiteMiddleware.from_crawler(crawler)
    middleware.spider_opened(crawler.spider)
    return middleware
