"""Scrapy's components by their paths, and components of Scrapy's interface."""

import json
import logging
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from aioscrapy import signals
from aioscrapy.crawler import Crawler
from aioscrapy.dupefilters.foreign import RFPDupeFilter
from aioscrapy.exceptions import DownloadError, SettingError
from aioscrapy.http import HtmlResponse, JsonResponse, Request, Response, XmlResponse
from aioscrapy.http.response_types import responsetypes
from aioscrapy.middlewares.retry import RetryMiddleware
from aioscrapy.settings import Settings
from aioscrapy.spiderloader import get_spider_loader
from support.crawling import QUIET, Crawled, SiteSpider
from support.site import Site


def test_a_component_at_its_path_of_scrapy_is_ours_once() -> None:
    path = "scrapy.downloadermiddlewares.retry.RetryMiddleware"
    settings = Settings(
        {"DOWNLOADER_MIDDLEWARES": {path: 90, "scrapy.extensions.telnet.TelnetConsole": None}}
    )
    orders = settings.getwithbase("DOWNLOADER_MIDDLEWARES")
    assert orders["aioscrapy.middlewares.retry.RetryMiddleware"] == 90
    assert path not in orders


async def test_a_subclass_of_the_retry_middleware_decides_by_itself(site: Site) -> None:
    class Own(RetryMiddleware):
        def __init__(self, crawler: Any) -> None:
            super().__init__(crawler.settings)

        @classmethod
        def from_crawler(cls, crawler: Any) -> Any:
            return cls(crawler)

        def process_response(self, request: Request, response: Any, spider: Any) -> Any:
            if response.status == 404 and 404 not in self.retry_http_codes:
                return self._retry(request, "missing", spider) or response
            return response

    middlewares = {Own: 550, "scrapy.downloadermiddlewares.retry.RetryMiddleware": None}
    settings = {**QUIET, "DOWNLOADER_MIDDLEWARES": middlewares, "RETRY_TIMES": 2, "HTTPERROR_ALLOW_ALL": True}
    crawler = Crawler(SiteSpider, settings)
    await crawler.crawl(site=site.url, paths=("/status/404",))
    assert site.counts() == {"/status/404": 3}
    assert crawler.stats.get_value("retry/max_reached") == 1


async def test_only_the_exceptions_of_the_setting_are_repeated(site: Site) -> None:
    class Failing:
        def process_request(self, request: Request) -> None:
            raise DownloadError("broken") if "error" in request.url else KeyError("own")

    settings = {
        **QUIET,
        "DOWNLOADER_MIDDLEWARES": {Failing: 560},
        "RETRY_EXCEPTIONS": [KeyError, "twisted.internet.error.DNSLookupError"],
        "RETRY_TIMES": 1,
    }
    crawler = Crawler(SiteSpider, settings)
    await crawler.crawl(site=site.url, paths=("/error", "/own"))
    assert crawler.stats.get_value("retry/count") == 1
    assert crawler.stats.get_value("retry/reason_count/builtins.KeyError") == 1


async def test_the_login_of_the_settings_goes_to_its_domain_only(site: Site) -> None:
    sent: dict[str, Any] = {}

    class Login(SiteSpider):
        def parse(self, response: Any) -> None:
            sent["header"] = response.request.headers.get("Authorization")

    settings = {**QUIET, "HTTPAUTH_USER": "me", "HTTPAUTH_PASS": "secret"}
    with pytest.raises(SettingError, match="HTTPAUTH_DOMAIN: set it with HTTPAUTH_USER"):
        await Crawler(Login, settings).crawl(site=site.url, paths=("/page/1",))
    for domain, header in (("localhost", None), ("127.0.0.1", b"Basic bWU6c2VjcmV0")):
        settings["HTTPAUTH_DOMAIN"] = domain
        await Crawler(Login, settings).crawl(site=site.url, paths=("/page/1",))
        assert sent["header"] == header


async def test_a_duplicate_filter_of_scrapys_interface_is_asked(site: Site) -> None:
    closed: list[str] = []

    class ByPath(RFPDupeFilter):
        def request_fingerprint(self, request: Request) -> str:
            return request.url.partition("?")[0]

        def close(self, reason: str) -> None:
            closed.append(reason)

    class Queries(SiteSpider):
        def parse(self, response: Any) -> Any:
            yield {"path": self.path_of(response.url)}
            yield Request(f"{self.site}/page/1?again=1")
            yield Request(f"{self.site}/page/2?x=1")

    crawled = Crawled(Crawler(Queries, {**QUIET, "DUPEFILTER_CLASS": ByPath}))
    await crawled.crawler.crawl(site=site.url, paths=("/page/1",))
    assert [item["path"] for item in crawled.items] == ["/page/1", "/page/2?x=1"]
    assert closed == ["finished"]


def test_a_duplicate_filter_of_scrapys_interface_needs_a_crawl_in_memory(tmp_path: Path) -> None:
    from aioscrapy.core.frontier import load_frontier

    with pytest.raises(SettingError, match="Scrapy's interface"):
        load_frontier(Settings({"DUPEFILTER_CLASS": RFPDupeFilter, "JOBDIR": str(tmp_path)}))


def test_a_spider_loader_of_the_project_is_asked() -> None:
    class Loader:
        @classmethod
        def from_settings(cls, settings: Settings) -> Any:
            assert settings.frozen
            return cls()

        def list(self) -> list[str]:
            return ["one"]

        def load(self, name: str) -> Any:
            return SiteSpider

    assert get_spider_loader(Settings({"SPIDER_LOADER_CLASS": Loader})).list() == ["one"]


async def test_a_crawl_ends_at_its_limit_of_memory(site: Site) -> None:
    warnings: list[str] = []

    class Slow(SiteSpider):
        async def parse(self, response: Any) -> Any:
            yield Request(f"{self.site}/page/1?{response.url[-3:]}{len(response.url)}", dont_filter=True)

    settings = {**QUIET, "MEMUSAGE_LIMIT_MB": 1, "MEMUSAGE_CHECK_INTERVAL_SECONDS": 0.05}
    crawler = Crawler(Slow, settings)
    await crawler.crawl(site=site.url, paths=("/page/1",))
    assert crawler.reason == "memusage_exceeded"
    settings = {**QUIET, "MEMUSAGE_WARNING_MB": 1}
    crawler = Crawler(SiteSpider, settings)
    crawler.signals.connect(lambda: warnings.append("reached"), signals.memusage_warning_reached)
    await crawler.crawl(site=site.url, paths=("/page/1",))
    assert warnings == ["reached"]


async def test_stats_are_logged_as_json(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    settings = {
        **QUIET,
        "LOGSTATS_INTERVAL": 60,
        "PERIODIC_LOG_STATS": {"include": ["item_scraped"]},
        "PERIODIC_LOG_DELTA": 1,
        "PERIODIC_LOG_TIMING_ENABLED": True,
    }
    with caplog.at_level(logging.INFO):
        await Crawler(SiteSpider, settings).crawl(site=site.url, paths=("/page/1",))
    lines = [json.loads(text) for text in caplog.messages if text.startswith("{")]
    assert lines[-1]["stats"] == {"item_scraped_count": 1}
    assert lines[-1]["delta"]["response_received_count"] == 1
    assert lines[-1]["time"]["elapsed"] >= 0


def test_response_types_are_chosen_by_one_part() -> None:
    assert responsetypes.from_args(headers={"Content-Type": "text/html"}, body=b"x") is HtmlResponse
    assert responsetypes.from_filename("a.xml") is XmlResponse
    assert responsetypes.from_filename("a.bin") is Response
    assert responsetypes.from_mimetype("application/json") is JsonResponse
    assert responsetypes.from_content_disposition('attachment; filename="a.xml"') is XmlResponse
    assert responsetypes.from_body(b"<html><body>") is HtmlResponse


@pytest.mark.server
def test_the_logger_of_scrapy_is_ours() -> None:
    script = (
        "from aioscrapy.doors.scrapy import serve_scrapy\nserve_scrapy()\nimport logging\n"
        "from aioscrapy.log import logger\nlogging.getLogger('scrapy').setLevel('ERROR')\n"
        "assert not logger.isEnabledFor(logging.WARNING)\n"
        "assert not logging.getLogger('scrapy.core.engine').isEnabledFor(logging.WARNING)\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True)
