"""What the downloader counts."""

from typing import Any

import pytest

from aioscrapy.exceptions import DownloadTimeoutError, NotConfigured
from aioscrapy.http import Request, Response
from aioscrapy.middlewares.stats import DownloaderStats
from support.context import context
from support.crawling import SiteSpider, crawl
from support.site import Site


def test_requests_responses_and_failures_are_counted() -> None:
    crawler = context()
    middleware = DownloaderStats.from_crawler(crawler)
    request = Request("http://a.test/", method="POST", body=b"1234", headers={"X-A": "b"})
    response = Response("http://a.test/", status=404, body=b"none", headers={"X-C": ["d", "e"]})
    middleware.process_request(request)
    assert middleware.process_response(request, response) is response
    middleware.process_exception(request, DownloadTimeoutError("slow"))
    sent = b"POST http://a.test/ HTTP/1.1\r\nX-A: b\r\n\r\n1234"
    received = b"HTTP/1.1 200 OK\r\nX-C: d\r\nX-C: e\r\n\r\nnone"
    assert crawler.stats.get_stats() == {
        "downloader/request_count": 1,
        "downloader/request_method_count/POST": 1,
        "downloader/request_bytes": len(sent),
        "downloader/response_count": 1,
        "downloader/response_status_count/404": 1,
        "downloader/response_bytes": len(received),
        "downloader/exception_count": 1,
        "downloader/exception_type_count/aioscrapy.exceptions.DownloadTimeoutError": 1,
    }


def test_counting_can_be_switched_off() -> None:
    with pytest.raises(NotConfigured):
        DownloaderStats.from_crawler(context({"DOWNLOADER_STATS": False}))


async def test_a_collector_of_scrapys_interface_counts_without_our_base_class(site: Site) -> None:
    class Own:
        def __init__(self, crawler: Any) -> None:
            self.values: dict[str, Any] = {}

        def open_spider(self, spider: Any) -> None:
            self.values["opened"] = spider.name

        def close_spider(self, spider: Any, reason: str) -> None:
            self.values["closed"] = reason

        def get_stats(self, spider: Any = None) -> dict[str, Any]:
            return self.values

        def get_value(self, key: str, default: Any = None, spider: Any = None) -> Any:
            return self.values.get(key, default)

        def set_value(self, key: str, value: Any, spider: Any = None) -> None:
            self.values[key] = value

        def inc_value(self, key: str, count: int = 1, start: int = 0, spider: Any = None) -> None:
            self.values[key] = self.values.get(key, start) + count

        def max_value(self, key: str, value: Any, spider: Any = None) -> None:
            self.values[key] = max(self.values.get(key, value), value)

    crawled = await crawl(SiteSpider, {"STATS_CLASS": Own}, site=site.url)
    values: Any = crawled.crawler.stats.get_stats()
    assert (values["opened"], values["closed"]) == ("tested", "finished")
    assert values["downloader/request_count"] == values["downloader/response_status_count/200"] > 0
