"""The HTTP cache with the real site, every storage and both policies."""

import dbm
import time
from email.utils import formatdate
from pathlib import Path
from typing import Any

import pytest

from aioscrapy import signals
from aioscrapy.exceptions import DownloadError, IgnoreRequest, NotConfigured
from aioscrapy.extensions import httpcache
from aioscrapy.extensions.httpcache import RFC9111Policy, parse_cachecontrol, rfc1123_to_epoch
from aioscrapy.http import HtmlResponse, Request, Response
from aioscrapy.http.fingerprint import RequestFingerprinter
from aioscrapy.middlewares.httpcache import HttpCacheMiddleware
from aioscrapy.settings import Settings
from aioscrapy.spiders import Spider
from support.context import context
from support.crawling import Everything, SiteSpider, crawl

STORAGES = ["FilesystemCacheStorage", "DbmCacheStorage", "SqliteCacheStorage"]
POLICIES = "aioscrapy.extensions.httpcache"


@pytest.fixture(params=STORAGES)
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> dict[str, Any]:
    return {"HTTPCACHE_STORAGE": f"{POLICIES}.{request.param}", "HTTPCACHE_DIR": str(tmp_path / "cache")}


async def opened(settings: dict[str, Any]) -> HttpCacheMiddleware:
    crawler = context({"HTTPCACHE_ENABLED": True, **settings})
    crawler.spider = Spider("quotes")
    crawler.spider.crawler = crawler
    crawler.request_fingerprinter = RequestFingerprinter.from_crawler(crawler)
    middleware = HttpCacheMiddleware.from_crawler(crawler)
    await crawler.signals.send(signals.spider_opened, spider=crawler.spider)
    return middleware


def page(body: bytes = b"<p>one</p>", status: int = 200, **headers: str) -> Response:
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return HtmlResponse(
        "http://example.com/end", status=status, body=body, headers={"Content-Type": "text/html", **names}
    )


async def stored(middleware: HttpCacheMiddleware, response: Response, request: Request) -> None:
    assert middleware.process_request(request) is None
    assert middleware.process_response(request, response) is response


async def test_it_costs_nothing_when_it_is_off() -> None:
    with pytest.raises(NotConfigured):
        HttpCacheMiddleware.from_crawler(context({}))


async def test_a_response_comes_back_as_it_was(storage: dict[str, Any]) -> None:
    for options in ({}, {"HTTPCACHE_GZIP": True}):
        settings = {**storage, **options, "HTTPCACHE_DIR": f"{storage['HTTPCACHE_DIR']}{len(options)}"}
        middleware = await opened(settings)
        request = Request("http://example.com/begin")
        response = page(Set_Cookie="a=1", ETag='"1"')
        response.headers.appendlist("Set-Cookie", "b=2")
        await stored(middleware, response, request)
        middleware.spider_closed(middleware.crawler.spider)
        again = await opened(settings)
        cached = again.process_request(Request("http://example.com/begin"))
        assert isinstance(cached, HtmlResponse)
        assert (cached.url, cached.status, cached.body) == (response.url, 200, b"<p>one</p>")
        assert cached.headers.getlist("Set-Cookie") == [b"a=1", b"b=2"]
        assert cached.flags == ["cached"]
        assert again.process_response(request, cached) is cached
        assert again.process_request(Request("http://example.com/other")) is None
        assert again.stats.get_stats() == {"httpcache/hit": 1, "httpcache/miss": 1}
        again.spider_closed(again.crawler.spider)


class Rated(Response):
    """A response of a project."""

    attributes = (*Response.attributes, "rating", "parsed")

    def __init__(self, *args: Any, rating: int = 0, parsed: Any = None, **kwargs: Any) -> None:
        self.rating, self.parsed = rating, parsed
        super().__init__(*args, **kwargs)


async def test_a_response_of_a_class_of_the_project_keeps_its_class(storage: dict[str, Any]) -> None:
    middleware = await opened(storage)
    request = Request("http://example.com/begin")
    await stored(middleware, Rated("http://example.com/end", body=b"\0", rating=5, parsed=object()), request)
    cached = middleware.process_request(Request("http://example.com/begin"))
    assert isinstance(cached, Rated)
    assert (cached.body, cached.rating, cached.parsed) == (b"\0", 5, None)


async def test_an_old_response_is_not_used(storage: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    middleware = await opened({**storage, "HTTPCACHE_EXPIRATION_SECS": 100})
    await stored(middleware, page(), Request("http://example.com/"))
    assert middleware.process_request(Request("http://example.com/"))
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 101)
    assert middleware.process_request(Request("http://example.com/")) is None
    middleware.spider_closed(middleware.crawler.spider)


async def test_a_broken_entry_is_a_miss(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    middleware = await opened({"HTTPCACHE_DIR": str(tmp_path)})
    await stored(middleware, page(), Request("http://example.com/"))
    [meta] = tmp_path.rglob("meta")
    meta.write_text("{'timestamp'")
    assert middleware.process_request(Request("http://example.com/")) is None
    assert middleware.stats.get_value("httpcache/retrieve_error") == 1
    assert "treating it as a cache miss" in caplog.text


@pytest.mark.parametrize("name", STORAGES)
async def test_a_cache_that_can_not_be_written_loses_no_page(
    site: Any, tmp_path: Path, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    class Full(getattr(httpcache, name)):  # type: ignore[misc]  # the class of the parameter
        def _write(self, path: Any, data: Any) -> None:
            raise OSError(28, "No space left on device")

        _set = _write

    settings = {"HTTPCACHE_ENABLED": True, "HTTPCACHE_DIR": str(tmp_path), "HTTPCACHE_STORAGE": Full}
    crawled = await crawl(SiteSpider, settings, site=site.url, paths=("/page/1", "/page/2"))
    assert (crawled.reason, len(crawled.items)) == ("finished", 2)
    assert crawled.stat("httpcache/store_error") == 2
    assert crawled.stat("httpcache/store") == 0
    assert caplog.text.count("No space left on device") == 1


@pytest.mark.parametrize(("name", "file"), [("DbmCacheStorage", "db.dir"), ("SqliteCacheStorage", "sqlite")])
async def test_a_damaged_cache_ends_the_crawl_before_its_first_request(
    site: Any, tmp_path: Path, name: str, file: str
) -> None:
    (tmp_path / f"tested.{file}").write_bytes(b"\xff\x00 neither")
    settings = {
        "HTTPCACHE_ENABLED": True,
        "HTTPCACHE_DIR": str(tmp_path),
        "HTTPCACHE_STORAGE": f"{POLICIES}.{name}",
        "HTTPCACHE_DBM_MODULE": "dbm.dumb",
    }
    crawled = await crawl(SiteSpider, settings, site=site.url)
    assert (crawled.reason, site.counts()) == ("not_started", {})
    assert "the HTTP cache can't be opened: " in crawled.crawler.end.error  # type: ignore[union-attr]  # it has ended


async def test_requests_that_are_not_kept(tmp_path: Path) -> None:
    middleware = await opened({"HTTPCACHE_DIR": str(tmp_path), "HTTPCACHE_IGNORE_HTTP_CODES": [500]})
    for request in (Request("file:///a"), Request("http://example.com/", meta={"dont_cache": True})):
        await stored(middleware, page(), request)
    await stored(middleware, page(status=500), Request("http://example.com/"))
    assert not list(tmp_path.rglob("meta"))
    assert middleware.stats.get_value("httpcache/uncacheable") == 1


async def test_only_the_cache_is_read(tmp_path: Path) -> None:
    middleware = await opened({"HTTPCACHE_DIR": str(tmp_path), "HTTPCACHE_IGNORE_MISSING": True})
    with pytest.raises(IgnoreRequest):
        middleware.process_request(Request("http://example.com/"))


RULES = {"HTTPCACHE_POLICY": f"{POLICIES}.RFC9111Policy"}
OLD = formatdate(time.time() - 1000, usegmt=True)


@pytest.mark.parametrize(
    ("headers", "kept", "fresh"),
    [
        ({"Cache_Control": "max-age=100"}, True, True),
        ({"Cache_Control": "max-age=100", "Date": OLD}, True, False),
        ({"Cache_Control": "max-age=100", "Age": "101"}, True, False),
        ({"Cache_Control": "no-store, max-age=100"}, False, False),
        ({"Cache_Control": "no-cache, max-age=100"}, True, False),
        ({"Expires": formatdate(time.time() + 1000, usegmt=True)}, True, True),
        ({"Expires": "0"}, True, False),
        ({"Last_Modified": formatdate(time.time() - 1e6, usegmt=True)}, True, True),
        ({"ETag": '"1"'}, True, False),
        ({}, False, False),
    ],
)
async def test_headers_decide_what_is_used_again(
    tmp_path: Path, headers: dict[str, str], kept: bool, fresh: bool
) -> None:
    middleware = await opened({"HTTPCACHE_DIR": str(tmp_path), **RULES})
    await stored(middleware, page(**headers), Request("http://example.com/"))
    assert bool(list(tmp_path.rglob("meta"))) == kept
    assert bool(middleware.process_request(Request("http://example.com/"))) == fresh


async def test_an_unchanged_response_is_used_again(tmp_path: Path) -> None:
    middleware = await opened({"HTTPCACHE_DIR": str(tmp_path), **RULES})
    modified = formatdate(time.time() - 10, usegmt=True)
    await stored(
        middleware, page(ETag='"1"', Last_Modified=modified, Date=OLD), Request("http://example.com/")
    )
    request = Request("http://example.com/")
    assert middleware.process_request(request) is None
    assert request.headers["If-None-Match"] == b'"1"'
    assert request.headers["If-Modified-Since"] == modified.encode()
    unchanged = Response("http://example.com/", status=304, headers={"Cache-Control": "max-age=9"})
    cached = middleware.process_response(request, unchanged)
    assert (cached.status, cached.body) == (200, b"<p>one</p>")
    assert middleware.process_request(Request("http://example.com/"))  # fresh by the new headers
    assert middleware.stats.get_value("httpcache/revalidate") == 1


async def test_a_stale_response_replaces_a_failure(tmp_path: Path) -> None:
    middleware = await opened({"HTTPCACHE_DIR": str(tmp_path), **RULES})
    await stored(middleware, page(ETag='"1"'), Request("http://example.com/"))
    request = Request("http://example.com/")
    assert middleware.process_request(request) is None
    assert middleware.process_exception(request, ValueError()) is None
    assert middleware.process_request(request) is None
    cached = middleware.process_exception(request, DownloadError("away"))
    assert cached is not None
    assert cached.body == b"<p>one</p>"
    assert "cached_response" not in request.meta
    assert middleware.process_request(request) is None
    assert middleware.process_response(request, page(b"error", 503)).body == b"<p>one</p>"
    assert middleware.process_request(request) is None
    assert middleware.process_response(request, page(b"two", ETag='"2"')).body == b"two"
    assert middleware.stats.get_value("httpcache/invalidate") == 1


def test_a_policy_can_be_more_generous() -> None:
    settings = Settings(
        {"HTTPCACHE_ALWAYS_STORE": True, "HTTPCACHE_IGNORE_RESPONSE_CACHE_CONTROLS": ["no-store", "no-cache"]}
    )
    policy, request = RFC9111Policy(settings), Request("http://example.com/")
    assert policy.should_cache_response(page(Cache_Control="no-store"), request)
    assert policy.is_cached_response_fresh(page(Cache_Control="no-cache, max-age=9"), request)
    patient = Request("http://example.com/", headers={"Cache-Control": "max-stale=2000"})
    assert policy.is_cached_response_fresh(page(Cache_Control="max-age=1", Date=OLD), patient)
    assert not policy.should_cache_request(Request("http://a/", headers={"Cache-Control": "no-store"}))


def test_headers_are_read_leniently() -> None:
    assert parse_cachecontrol(b' public, Max-Age="3600",,') == {b"public": None, b"max-age": b"3600"}
    assert rfc1123_to_epoch(b"Thu, 01 Jan 1970 00:01:00 GMT") == 60
    assert rfc1123_to_epoch("never") is None


async def test_dbm_module_of_the_settings(tmp_path: Path) -> None:
    middleware = await opened(
        {
            "HTTPCACHE_DIR": str(tmp_path),
            "HTTPCACHE_STORAGE": f"{POLICIES}.DbmCacheStorage",
            "HTTPCACHE_DBM_MODULE": "dbm.dumb",
        }
    )
    await stored(middleware, page(), Request("http://example.com/"))
    middleware.spider_closed(middleware.crawler.spider)
    assert dbm.whichdb(str(tmp_path / "quotes.db")) == "dbm.dumb"


@pytest.mark.parametrize("name", STORAGES)
async def test_the_second_crawl_sends_nothing(site: Any, tmp_path: Path, name: str) -> None:
    settings = {
        "HTTPCACHE_ENABLED": True,
        "HTTPCACHE_DIR": str(tmp_path),
        "HTTPCACHE_STORAGE": f"{POLICIES}.{name}",
    }
    first = await crawl(Everything, settings, site=site.url)
    sent = sum(site.counts().values())
    second = await crawl(Everything, settings, site=site.url)
    assert sum(site.counts().values()) == sent
    assert sorted(item["path"] for item in first.items) == sorted(item["path"] for item in second.items)
    assert second.crawler.stats.get_value("httpcache/hit") == len(second.items)
