"""The way of a response through the spider: middlewares, callbacks that fail, items, pipelines."""

import dataclasses
import logging
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from aioscrapy import signals
from aioscrapy.crawler import Crawler
from aioscrapy.exceptions import CloseSpider, DropItem, NotConfigured, SettingError
from aioscrapy.http import Request, Response
from support.crawling import QUIET, Crawled, SiteSpider, crawl
from support.frontier import TAG
from support.site import Site


class TwoPages(SiteSpider):
    paths: tuple[str, ...] = ("/page/1", "/page/2")


def spider_middlewares(*names: Any) -> dict[str, Any]:
    return {"SPIDER_MIDDLEWARES": {name: 1000 + order for order, name in enumerate(names)}}


def pipelines(*names: Any) -> dict[str, Any]:
    return {"ITEM_PIPELINES": {name: 100 + order for order, name in enumerate(names)}}


# -- Callbacks that fail


class Raising(SiteSpider):
    paths = ("/page/1", "/page/2")

    def parse(self, response: Any) -> Any:
        yield {"path": self.path_of(response.url)}
        if response.url.endswith("/1"):
            raise ValueError("page one is odd")
        yield {"after": True}


async def test_a_callback_that_raises_is_counted_and_logged_with_its_url(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    crawled = await crawl(Raising, site=site.url)
    assert len(crawled.items) == 3  # what it yielded before is kept
    assert crawled.stat("spider_exceptions/ValueError") == 1
    assert crawled.stat("spider_exceptions/count") == 1
    (record,) = [each for each in caplog.records if "Spider error processing" in each.message]
    assert f"<GET {site.url}/page/1>" in record.message
    assert record.exc_info
    assert "page one is odd" in caplog.text
    assert crawled.reason == "finished"


async def test_a_callback_that_raises_is_announced(site: Site) -> None:
    crawled = Crawled(Crawler(Raising, QUIET))
    failures: list[tuple[str, str]] = []
    crawled.crawler.signals.connect(
        lambda failure, response: failures.append((str(failure), response.url)), signals.spider_error
    )
    await crawled.crawler.crawl(site=site.url)
    assert failures == [("page one is odd", f"{site.url}/page/1")]


async def test_a_spider_without_parse_fails_its_pages(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    class NoParse(TwoPages):
        parse = SiteSpider.__mro__[1].parse  # type: ignore[attr-defined]  # Spider's own

    crawled = await crawl(NoParse, site=site.url)
    assert crawled.stat("spider_exceptions/NotImplementedError") == 2
    assert "NoParse.parse is not defined" in caplog.text


@pytest.mark.parametrize("kind", ["async", "plain"])
async def test_a_request_that_can_not_travel_is_reported_with_its_yield_and_the_rest_goes_on(
    site: Site, shared: dict[str, Any], kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    class Lambda(TwoPages):
        def parse(self, response: Any) -> Any:
            return self.plain(response) if kind == "plain" else self.asynchronous(response)

        def plain(self, response: Any) -> Iterator[Any]:
            yield {"path": response.url}
            yield self.request("/page/3", callback=lambda response: None)
            yield self.request("/page/4", callback=self.quiet)

        async def asynchronous(self, response: Any) -> AsyncIterator[Any]:
            yield {"path": response.url}
            yield self.request("/page/3", callback=lambda response: None)
            yield self.request("/page/4", callback=self.quiet)

        def quiet(self, response: Any) -> None:
            return None

    crawled = await crawl(Lambda, shared, site=site.url)
    assert len(crawled.items) == 2
    assert crawled.stat("spider_exceptions/SerializeError") == 2
    assert "methods of other objects can't be stored" in caplog.text
    assert f"in {'plain' if kind == 'plain' else 'asynchronous'})" in caplog.text  # where the yield stands
    assert site.counts()["/page/4"] == 1


async def test_an_output_that_is_neither_item_nor_request_is_named(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    class Text(TwoPages):
        def parse(self, response: Any) -> Any:
            yield "some text"
            yield {"fine": True}

    crawled = await crawl(Text, site=site.url)
    assert crawled.items == [{"fine": True}] * 2
    assert "must yield requests or items, got str" in caplog.text
    assert crawled.stat("spider_exceptions/TypeError") == 2


# -- Items


@dataclasses.dataclass
class Named:
    path: str


async def test_an_item_may_be_a_dataclass(site: Site) -> None:
    class Data(TwoPages):
        def parse(self, response: Any) -> Any:
            return Named(self.path_of(response.url))

    crawled = await crawl(Data, {"CONCURRENT_REQUESTS": 1}, site=site.url)
    assert crawled.items == [Named("/page/1"), Named("/page/2")]


async def test_an_item_that_can_not_be_stored_in_redis_is_left_out_and_counted(
    site: Site, shared: dict[str, Any], redis: Any, caplog: pytest.LogCaptureFixture
) -> None:
    class Odd(TwoPages):
        def parse(self, response: Any) -> Any:
            yield {"what": object()}
            yield {"path": self.path_of(response.url)}

    settings = {**shared, "ITEMS_IN_REDIS": True, "CRAWL_ID": "odd"}
    crawled = await crawl(Odd, settings, site=site.url)
    assert crawled.reason == "finished"
    assert redis.llen(f"{TAG}:odd:items") == 2
    assert crawled.stat("item_error_count") == 2
    assert "can't be written as JSON" in caplog.text


async def test_items_lie_in_redis_as_json(site: Site, shared: dict[str, Any], redis: Any) -> None:
    settings = {**shared, "ITEMS_IN_REDIS": True, "CRAWL_ID": "json"}
    await crawl(TwoPages, settings, site=site.url)
    assert sorted(redis.lrange(f"{TAG}:json:items", 0, -1)) == ['{"path":"/page/1"}', '{"path":"/page/2"}']


# -- Pipelines


class Doubling:
    """Plain, without the spider."""

    def process_item(self, item: Any) -> Any:
        return {**item, "steps": [*item.get("steps", []), "doubling"]}


class Waiting:
    """Async, with the spider; opened and closed."""

    seen: list[str] = []  # noqa: RUF012 what happened, over all of them

    async def open_spider(self, spider: Any) -> None:
        self.seen.append(f"open {spider.name}")

    async def process_item(self, item: Any, spider: Any) -> Any:
        return {**item, "steps": [*item.get("steps", []), f"waiting {spider.name}"]}

    def close_spider(self) -> None:
        self.seen.append("close")


async def test_items_pass_all_pipelines_in_their_order(site: Site) -> None:
    class Last(TwoPages):
        paths = ("/page/1",)

        async def process_item(self, item: Any) -> None:
            item["steps"].append("spider")

    Waiting.seen.clear()
    crawled = await crawl(Last, pipelines(Doubling, Waiting), site=site.url)
    assert crawled.items == [{"path": "/page/1", "steps": ["doubling", "waiting tested", "spider"]}]
    assert Waiting.seen == ["open tested", "close"]


async def test_a_dropped_item_is_counted_by_its_reason(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    class Known(DropItem):
        pass

    class Drop:
        def process_item(self, item: Any) -> Any:
            if item["path"] == "/page/1":
                raise Known("had it")
            return item

    dropped: list[Any] = []
    crawled = Crawled(Crawler(TwoPages, {**QUIET, **pipelines(Drop, Doubling)}))

    def note(item: Any) -> None:
        dropped.append(item)

    crawled.crawler.signals.connect(note, signals.item_dropped)
    await crawled.crawler.crawl(site=site.url)
    assert [item["path"] for item in crawled.items] == ["/page/2"]
    assert [item["path"] for item in dropped] == ["/page/1"]
    assert crawled.stat("item_dropped_count") == 1
    assert crawled.stat("item_dropped_reasons_count/Known") == 1
    assert "Dropped: had it" in caplog.text


async def test_a_pipeline_that_raises_loses_its_item_alone(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    class Broken:
        def process_item(self, item: Any) -> Any:
            if item["path"] == "/page/1":
                raise RuntimeError("no disk")
            return item

    crawled = await crawl(TwoPages, pipelines(Broken), site=site.url)
    assert [item["path"] for item in crawled.items] == ["/page/2"]
    assert crawled.stat("item_error_count") == 1
    assert "no disk" in caplog.text
    assert crawled.reason == "finished"


async def test_a_pipeline_may_close_the_spider(site: Site) -> None:
    class Enough:
        def process_item(self, item: Any) -> Any:
            raise CloseSpider("enough items")

    assert (await crawl(TwoPages, pipelines(Enough), site=site.url)).reason == "enough items"


async def test_a_pipeline_that_does_not_close_keeps_no_other_open(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    class Stuck(Doubling):
        def close_spider(self, spider: Any) -> None:
            raise OSError("still busy")

    Waiting.seen.clear()
    crawled = await crawl(TwoPages, pipelines(Waiting, Stuck), site=site.url)
    assert Waiting.seen[-1] == "close"
    assert "still busy" in caplog.text
    assert crawled.reason == "output_failed"


async def test_a_component_may_stay_out(site: Site) -> None:
    class Out(Doubling):
        @classmethod
        def from_crawler(cls, crawler: Any) -> Any:
            raise NotConfigured("nothing to do")

    crawled = await crawl(TwoPages, pipelines(Out), site=site.url)
    assert "steps" not in crawled.items[0]


async def test_a_pipeline_that_can_not_be_made_is_named(site: Site) -> None:
    class Broken:
        def __init__(self) -> None:
            raise OSError("no disk")

    with pytest.raises(SettingError, match=r"ITEM_PIPELINES: .*OSError: no disk"):
        await crawl(TwoPages, pipelines(Broken), site=site.url)


# -- Spider middlewares


class Elements:
    """Our own form: one element at a time."""

    def get_processed_request(self, request: Request, response: Response | None) -> Request | None:
        return None if request.url.endswith("/page/9") else request

    def get_processed_item(self, item: Any, response: Response | None) -> Any:
        return None if item.get("path") == "/page/2" else {**item, "marked": True}


class AsyncStream:
    """Scrapy's form: an async generator over the output."""

    async def process_spider_output(self, response: Any, result: Any, spider: Any) -> AsyncIterator[Any]:
        async for output in result:
            if isinstance(output, dict):
                output["stream"] = spider.name
            yield output


class PlainStream:
    """Scrapy's older form: a plain generator over the output."""

    def process_spider_output(self, response: Any, result: Any, spider: Any) -> Iterator[Any]:
        for output in result:
            if isinstance(output, dict):
                output["plain"] = True
            yield output
        yield {"path": "/added"}


class Linking(TwoPages):
    def parse(self, response: Any) -> Any:
        yield {"path": self.path_of(response.url)}
        yield self.request("/page/9")
        yield self.request("/page/8", callback=self.quiet)

    def quiet(self, response: Any) -> None:
        return None


async def test_elements_of_an_output_may_be_changed_or_dropped(site: Site) -> None:
    crawled = await crawl(Linking, spider_middlewares(Elements), site=site.url)
    assert crawled.items == [{"path": "/page/1", "marked": True}]
    assert site.counts() == {"/page/1": 1, "/page/2": 1, "/page/8": 1}


async def test_an_output_may_pass_an_async_generator(site: Site) -> None:
    crawled = await crawl(TwoPages, spider_middlewares(AsyncStream), site=site.url)
    assert all(item["stream"] == "tested" for item in crawled.items)


async def test_an_output_may_pass_a_plain_generator(site: Site) -> None:
    crawled = await crawl(TwoPages, spider_middlewares(PlainStream), site=site.url)
    assert sorted(item["path"] for item in crawled.items) == ["/added", "/added", "/page/1", "/page/2"]
    assert sum(item.get("plain", False) for item in crawled.items) == 2


async def test_generators_of_both_kinds_may_follow_each_other(site: Site) -> None:
    for order in ((PlainStream, AsyncStream), (AsyncStream, PlainStream)):
        crawled = await crawl(TwoPages, spider_middlewares(*order), site=site.url)
        paths = sorted(item["path"] for item in crawled.items)
        assert paths == ["/added", "/added", "/page/1", "/page/2"]
        assert sum(item.get("plain", False) and "stream" in item for item in crawled.items) == 2


async def test_a_callback_of_async_kind_passes_a_plain_generator(site: Site) -> None:
    class Modern(TwoPages):
        async def parse(self, response: Any) -> Any:
            yield {"path": self.path_of(response.url)}

    crawled = await crawl(Modern, spider_middlewares(PlainStream), site=site.url)
    assert len(crawled.items) == 4


async def test_a_refused_response_goes_to_the_errback(site: Site) -> None:
    class Refuse:
        async def process_spider_input(self, response: Any, spider: Any) -> None:
            raise ValueError("not for you")

    class WithErrback(SiteSpider):
        async def start_requests(self) -> Any:
            yield self.request("/page/1", errback=self.failed)

        def failed(self, failure: Exception) -> Any:
            yield {"refused": str(failure)}

    crawled = await crawl(WithErrback, spider_middlewares(Refuse), site=site.url)
    assert crawled.items == [{"refused": "not for you"}]


async def test_an_error_of_a_callback_may_be_answered(site: Site) -> None:
    class Rescue:
        def process_spider_exception(self, response: Any, exception: Exception, spider: Any) -> Any:
            return [{"rescued": str(exception), "from": response.url}]

    crawled = await crawl(Raising, spider_middlewares(Rescue), site=site.url)
    assert {"rescued": "page one is odd", "from": f"{site.url}/page/1"} in crawled.items
    assert crawled.stat("spider_exceptions/count") == 0


@pytest.mark.parametrize("kind", ["async stream", "plain generator", "list"])
async def test_an_error_of_an_output_hook_goes_to_the_middlewares_after_it(site: Site, kind: str) -> None:
    calls: list[str] = []

    class Base:
        def process_spider_exception(self, response: Any, exception: Exception, spider: Any) -> Any:
            calls.append(type(self).__name__)

        def process_spider_output(self, response: Any, result: Any, spider: Any) -> Any:
            for output in result:
                yield {**output, type(self).__name__: True}

    class After(Base):
        pass

    class Rescue(Base):
        def process_spider_exception(self, response: Any, exception: Exception, spider: Any) -> Any:
            super().process_spider_exception(response, exception, spider)
            return [{"rescued": str(exception)}]

    class Between(Base):
        pass

    class AsyncStream(Base):
        async def process_spider_output(self, response: Any, result: Any, spider: Any) -> Any:
            async for _ in result:
                raise ValueError("the hook failed")
            yield

    class PlainGenerator(Base):
        def process_spider_output(self, response: Any, result: Any, spider: Any) -> Any:
            yield from ()
            raise ValueError("the hook failed")

    class List(Base):
        def process_spider_output(self, response: Any, result: Any, spider: Any) -> Any:
            raise ValueError("the hook failed")

    class Before(Base):
        pass

    failing = {"async stream": AsyncStream, "plain generator": PlainGenerator, "list": List}[kind]
    crawled = await crawl(
        SiteSpider, spider_middlewares(After, Rescue, Between, failing, Before), site=site.url
    )
    assert crawled.items == [{"rescued": "the hook failed", "After": True}]
    assert calls == ["Between", "Rescue"]


async def test_an_errback_that_raises_leaves_the_failure_of_the_download_in_the_log(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    class Failing(SiteSpider):
        async def start_requests(self) -> Any:
            yield Request("gopher://a.test/", errback=self.failed)

        def failed(self, failure: Any) -> Any:
            raise KeyError("in the errback")

    await crawl(Failing, site=site.url)
    (first, second) = [record.message for record in caplog.records if record.levelname == "ERROR"][:2]
    assert first.startswith(
        "Error downloading <GET gopher://a.test/>: NotSupported: Unsupported URL scheme 'gopher'"
    )
    assert second.startswith("Spider error processing <GET gopher://a.test/>")


async def test_an_exception_hook_that_raises_fails_its_page_alone(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    class Worse:
        def process_spider_exception(self, response: Any, exception: Exception, spider: Any) -> Any:
            raise KeyError("even worse")

    crawled = await crawl(Raising, spider_middlewares(Worse), site=site.url)
    assert crawled.stat("spider_exceptions/KeyError") == 1
    assert "even worse" in caplog.text
    assert crawled.reason == "finished"


async def test_the_start_may_pass_a_middleware(site: Site) -> None:
    class More:
        async def process_start(self, start: Any) -> AsyncIterator[Any]:
            async for output in start:
                yield output
            yield Request(f"{site.url}/page/3")

    crawled = await crawl(TwoPages, spider_middlewares(More), site=site.url)
    assert sorted(item["path"] for item in crawled.items) == ["/page/1", "/page/2", "/page/3"]


async def test_failures_leave_no_warning_behind(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    """The warnings filter makes an error of a generator that was never closed or awaited."""
    await crawl(Raising, spider_middlewares(AsyncStream, PlainStream), site=site.url)
    assert not [record for record in caplog.records if record.levelno == logging.CRITICAL]
