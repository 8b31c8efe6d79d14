"""A crawl says `finished` only where all is done; whatever else ends it has a reason and an exit status."""

import asyncio
import dataclasses
import logging
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest

from aioscrapy import signals
from aioscrapy.cmdline import main
from aioscrapy.crawler import Crawler
from aioscrapy.ends import End
from aioscrapy.exceptions import (
    CloseSpider,
    ConfigError,
    CrawlError,
    DropItem,
    IgnoreRequest,
    QueueError,
    SettingError,
)
from aioscrapy.http import Request
from aioscrapy.logformatter import LogFormatter
from aioscrapy.open_crawls import open_crawls
from aioscrapy.settings import Settings
from aioscrapy.stats import StatsCollector
from support.crawling import QUIET, Crawled, SiteSpider, crawl
from support.site import Site

NO_RETRY = {"RETRY_ENABLED": False}
PAGES = tuple(f"/page/{number}" for number in range(1, 6))


@pytest.fixture(params=["memory", "jobdir", "redis"])
def store(request: pytest.FixtureRequest, tmp_path: Any) -> dict[str, Any]:
    """Settings of each kind of frontier."""
    if request.param == "redis":
        return dict(request.getfixturevalue("shared"))
    return {"JOBDIR": str(tmp_path / "job")} if request.param == "jobdir" else {}


def end_of(crawled: Crawled) -> End:
    assert crawled.crawler.end is not None
    assert crawled.reason == crawled.stat("finish_reason") == crawled.crawler.end.reason
    return crawled.crawler.end


class Worse(BaseException):
    """What a library may raise that is not an Exception."""


# -- The project's code raises what is not an Exception


def raising(where: str, error: BaseException) -> tuple[type[SiteSpider], dict[str, Any]]:
    """Return a spider and settings with which `where` raises, at the page 3 if it is called for each page."""

    def reach(here: str, path: str = "/page/3") -> None:
        if here == where and path.endswith("/page/3"):
            raise error

    class Pipeline:
        def open_spider(self) -> None:
            reach("open_spider")

        def process_item(self, item: Any) -> Any:
            reach("pipeline", item["path"])
            return item

        def close_spider(self) -> None:
            reach("close_spider")

    class Middleware:
        def process_request(self, request: Request) -> None:
            reach("middleware", request.url)

    class Output:
        def process_spider_output(self, response: Any, result: Any) -> Iterator[Any]:
            for output in result:
                reach("spider middleware", response.url)
                yield output

    settings = {
        "ITEM_PIPELINES": {Pipeline: 1},
        "DOWNLOADER_MIDDLEWARES": {Middleware: 1},
        "SPIDER_MIDDLEWARES": {Output: 1},
        **NO_RETRY,
    }
    return raising_spider(reach, errbacks=where == "errback"), settings


def raising_spider(reach: Callable[..., None], *, errbacks: bool) -> type[SiteSpider]:
    class Raiser(SiteSpider):
        @classmethod
        def from_crawler(cls, crawler: Any, *args: Any, **kwargs: Any) -> Any:
            reach("from_crawler")
            spider = super().from_crawler(crawler, *args, **kwargs)
            crawler.signals.connect(spider.scraped, signals.item_scraped)  # type: ignore[attr-defined]
            return spider

        def scraped(self, item: Any) -> None:
            reach("signal", item["path"])

        async def start_requests(self) -> AsyncIterator[Request]:
            for path in PAGES:
                yield self.request(path, errback=self.failed if errbacks else None)
                reach("start", path)

        def failed(self, failure: Exception) -> None:
            reach("errback")

        def parse(self, response: Any) -> Iterator[Any]:
            reach("callback", response.url)
            yield from super().parse(response)

    return Raiser


RUNNING = ["callback", "errback", "pipeline", "middleware", "spider middleware", "start"]


@pytest.mark.parametrize(
    "error", [SystemExit(3), KeyboardInterrupt(), Worse("odd"), GeneratorExit()], ids=repr
)
@pytest.mark.parametrize("where", RUNNING)
async def test_an_exit_of_the_projects_code_ends_the_crawl_with_its_reason(
    site: Site, where: str, error: BaseException, caplog: pytest.LogCaptureFixture
) -> None:
    spider, settings = raising(where, error)
    paths = {"site": site.url if where != "errback" else "http://127.0.0.1:1"}
    crawled = await crawl(spider, {**settings, "CONCURRENT_REQUESTS": 1}, **paths)
    end = end_of(crawled)
    assert (end.reason, end.exit_status) == ("exited", 3 if isinstance(error, SystemExit) else 1)
    assert type(error).__name__ in end.error
    assert type(error).__name__ in caplog.text
    assert len(crawled.items) < len(PAGES)


@pytest.mark.parametrize("code", [0, None, "a text", 256, -1])
async def test_an_exit_without_a_status_is_not_a_success(site: Site, code: Any) -> None:
    spider, settings = raising("callback", SystemExit(code))
    assert end_of(await crawl(spider, settings, site=site.url)).exit_status == 1


async def test_sys_exit_in_a_store_fails_its_page_and_gives_back_the_others(
    site: Site, store: dict[str, Any]
) -> None:
    class Exits(SiteSpider):
        paths = PAGES
        exits = True

        def parse(self, response: Any) -> Iterator[Any]:
            if self.exits and response.url.endswith("/page/2"):
                sys.exit(7)
            yield from super().parse(response)

    settings = {**store, "CONCURRENT_REQUESTS": 1}
    first = await crawl(Exits, settings, site=site.url)
    assert (first.reason, end_of(first).exit_status) == ("exited", 7)
    if store:
        second = await crawl(Exits, settings, site=site.url, exits=False)
        paths = [item["path"] for item in first.items + second.items]
        assert sorted(paths) == ["/page/1", "/page/3", "/page/4", "/page/5"]  # the second is a dead letter


async def test_a_signal_handler_that_exits_ends_the_crawl(site: Site, store: dict[str, Any]) -> None:
    spider, settings = raising("signal", SystemExit(5))
    crawled = await crawl(spider, {**settings, **store, "CONCURRENT_REQUESTS": 1}, site=site.url)
    assert (crawled.reason, end_of(crawled).exit_status) == ("exited", 5)


async def test_an_exit_in_close_spider_is_an_output_that_is_not_closed(site: Site) -> None:
    spider, settings = raising("close_spider", SystemExit(0))
    crawled = await crawl(spider, settings, site=site.url)
    assert (crawled.reason, end_of(crawled).exit_status) == ("output_failed", 1)


@pytest.mark.parametrize("error", [SystemExit(3), ValueError("no such shop"), Worse("odd")], ids=repr)
@pytest.mark.parametrize("where", ["from_crawler", "open_spider"])
async def test_an_error_before_the_first_request_is_logged_and_named(
    site: Site, where: str, error: BaseException, store: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    spider, settings = raising(where, error)
    crawled = Crawled(Crawler(spider, {**QUIET, **settings, **store}))
    with pytest.raises(CrawlError, match=type(error).__name__):
        await crawled.crawler.crawl(site=site.url)
    assert crawled.crawler.end == End("not_started", 1, f"{type(error).__name__}: {error}")
    assert type(error).__name__ in caplog.text
    assert site.counts() == {}
    again = await crawl(SiteSpider, store, site=site.url, paths=PAGES)  # nothing of the crawl is held
    assert len(again.items) == len(PAGES)


class ExitsAtTheSettings:
    @classmethod
    def update_pre_crawler_settings(cls, settings: Any) -> None:
        sys.exit(0)


class ExitsAtItsOwnSettings:
    def update_settings(self, settings: Any) -> None:
        sys.exit(0)


class ExitsAsLoader:
    @classmethod
    def from_settings(cls, settings: Any) -> Any:
        sys.exit(0)


@pytest.mark.parametrize("addon", [ExitsAtTheSettings, ExitsAtItsOwnSettings])
def test_an_exit_of_an_addon_is_an_error_of_the_settings(addon: type) -> None:
    with pytest.raises(SettingError, match="SystemExit: 0"):
        Crawler(SiteSpider, {"ADDONS": {addon: 1}})


def test_an_exit_while_a_spider_changes_the_settings_is_an_error() -> None:
    class Exits(SiteSpider):
        @classmethod
        def update_settings(cls, settings: Any) -> None:
            sys.exit(0)

    with pytest.raises(ConfigError, match=r"Exits.update_settings: SystemExit: 0"):
        Crawler(Exits)


@pytest.mark.parametrize("command", ["list", "crawl one"])
def test_an_exit_of_the_project_s_code_is_not_the_success_of_a_command(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = Settings({"SPIDER_LOADER_CLASS": ExitsAsLoader, "SPIDER_MODULES": ["shop"]})
    assert main(command.split(), settings) == 1
    assert "aioscrapy: the project's code ended the command: SystemExit: 0\n" in capsys.readouterr().err


# -- A cancellation that nobody asked for


@pytest.mark.parametrize("where", [*RUNNING, "signal"])
async def test_a_cancelled_error_of_the_projects_code_is_an_error_of_its_page(
    site: Site, where: str, caplog: pytest.LogCaptureFixture
) -> None:
    spider, settings = raising(where, asyncio.CancelledError())
    crawled = await crawl(spider, {**settings, "CONCURRENT_REQUESTS": 2}, site=site.url)
    assert crawled.reason == ("start_failed" if where == "start" else "finished")
    expected = {"start": 3, "errback": 5, "signal": 5}.get(where, 4)
    assert len(crawled.items) == expected
    assert "CancelledError" in caplog.text or where == "errback"


async def test_awaiting_a_cancelled_task_does_not_stop_the_workers(site: Site) -> None:
    class Awaits(SiteSpider):
        paths = PAGES

        async def parse(self, response: Any) -> Any:
            task = asyncio.ensure_future(asyncio.sleep(60))
            task.cancel()
            await task
            yield {"never": True}

    crawled = await crawl(Awaits, {"CONCURRENT_REQUESTS": 2}, site=site.url)
    assert (crawled.reason, crawled.stat("spider_exceptions/CancelledError")) == ("all_failed", 5)


async def test_a_callback_that_cancels_its_own_task_is_a_failure_of_its_page(
    site: Site, store: dict[str, Any]
) -> None:
    class Cancels(SiteSpider):
        paths = PAGES

        async def parse(self, response: Any) -> Any:
            yield {"path": self.path_of(response.url)}
            if not response.url.endswith("/page/5"):
                task = asyncio.current_task()
                assert task is not None
                task.cancel()
                await asyncio.sleep(0)
                yield {"never": True}

    crawled = await crawl(Cancels, {**store, "CONCURRENT_REQUESTS": 2}, site=site.url)
    assert crawled.reason == "finished"
    assert sorted(item["path"] for item in crawled.items) == list(PAGES)
    assert crawled.stat("log_count/ERROR") == 4


# -- The start


@pytest.mark.parametrize("error", [ValueError("odd"), asyncio.CancelledError(), RecursionError()], ids=repr)
async def test_a_start_that_raises_is_not_finished(
    site: Site, store: dict[str, Any], error: BaseException
) -> None:
    spider, settings = raising("start", error)
    crawled = await crawl(spider, {**settings, **store}, site=site.url)
    assert (crawled.reason, end_of(crawled).exit_status) == ("start_failed", 1)
    assert type(error).__name__ in end_of(crawled).error
    assert len(crawled.items) == 3  # what came before it is crawled


async def test_a_plain_start_that_raises_is_not_finished(site: Site) -> None:
    class Plain(SiteSpider):
        def start_requests(self) -> Any:
            yield self.request("/page/1")
            yield Request("no scheme here")

    crawled = await crawl(Plain, site=site.url)
    assert (crawled.reason, len(crawled.items)) == ("start_failed", 1)


async def test_a_start_method_of_scrapy_that_raises_is_not_finished(site: Site) -> None:
    class Modern(SiteSpider):
        async def start(self) -> AsyncIterator[Any]:  # type: ignore[override]
            yield self.request("/page/1")
            raise OSError("no list of shops")

    crawled = await crawl(Modern, site=site.url)
    assert (crawled.reason, end_of(crawled).error) == ("start_failed", "OSError: no list of shops")


@pytest.mark.parametrize(
    "bad", ["http://[oops/", "www.no-scheme.test", "", None, 7, b"http://a.test/", ["x"]]
)
async def test_one_bad_start_url_is_reported_and_the_others_are_crawled(
    site: Site, store: dict[str, Any], bad: Any, caplog: pytest.LogCaptureFixture
) -> None:
    class Urls(SiteSpider):
        start_requests = SiteSpider.__mro__[1].start_requests  # type: ignore[attr-defined]  # Spider's own
        start_urls = [f"{site.url}/page/1", bad, f"{site.url}/page/2", bad]  # noqa: RUF012

    crawled = await crawl(Urls, store, site=site.url)
    assert sorted(item["path"] for item in crawled.items) == ["/page/1", "/page/2"]
    assert crawled.stat("start_urls/invalid_count") == 2
    errors = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert len(errors) == 2
    assert all(repr(bad) in record.getMessage() for record in errors)
    assert crawled.reason == "finished"


async def test_start_urls_that_are_all_bad_are_not_a_finished_crawl(site: Site) -> None:
    class Urls(SiteSpider):
        start_requests = SiteSpider.__mro__[1].start_requests  # type: ignore[attr-defined]
        start_urls = ["/page/1", "page/2"]  # noqa: RUF012

    assert (await crawl(Urls, site=site.url)).reason == "all_failed"


async def test_one_text_as_start_urls_is_refused_in_words(site: Site) -> None:
    class Urls(SiteSpider):
        start_requests = SiteSpider.__mro__[1].start_requests  # type: ignore[attr-defined]
        start_urls = "http://a.test/"  # type: ignore[assignment]

    crawled = await crawl(Urls, site=site.url)
    assert crawled.reason == "start_failed"
    assert "must be a list" in end_of(crawled).error


async def test_bad_outputs_of_the_start_are_reported_and_the_rest_goes_on(
    site: Site, shared: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    class Mixed(SiteSpider):
        async def start_requests(self) -> AsyncIterator[Any]:
            yield self.request("/page/1")
            yield 5
            yield self.request("/page/2", callback=lambda response: None)
            yield self.request("/page/3", meta={"what": object()})
            yield self.request("/page/4")

    crawled = await crawl(Mixed, shared, site=site.url)
    assert sorted(item["path"] for item in crawled.items) == ["/page/1", "/page/4"]
    assert crawled.stat("spider_exceptions/count") == 3
    assert caplog.text.count("Left out") == 3


@pytest.mark.parametrize("outputs", [["http://a.test/1"], [5, "x"]])
async def test_a_start_without_a_usable_request_is_not_a_finished_crawl(
    site: Site, store: dict[str, Any], outputs: list[Any]
) -> None:
    class Texts(SiteSpider):
        def start_requests(self) -> Any:
            return outputs

    crawled = await crawl(Texts, store, site=site.url)
    assert (crawled.reason, end_of(crawled).exit_status) == ("all_failed", 1)


async def test_what_a_generator_returns_beside_its_yields_is_reported_once(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    class Returns(SiteSpider):
        paths = ("/page/1", "/page/2")

        def parse(self, response: Any) -> Any:
            yield {"yielded": 1}
            return {"lost": 2}

    crawled = await crawl(Returns, site=site.url)
    assert crawled.items == [{"yielded": 1}, {"yielded": 1}]
    (line,) = [line for line in caplog.messages if "beside its yields" in line]
    assert line.startswith("What ")
    assert "Returns.parse returns beside its yields is lost: yield it (" in line


# -- Every request fails


async def test_start_requests_that_all_fail_are_not_a_finished_crawl(store: dict[str, Any]) -> None:
    settings = {**store, "RETRY_TIMES": 1}
    crawled = await crawl(SiteSpider, settings, site="http://127.0.0.1:1", paths=("/1", "/2"))
    assert (crawled.reason, end_of(crawled).exit_status) == ("all_failed", 1)


@pytest.mark.parametrize("path", ["/status/404", "/status/500", "/redirect/status"])
async def test_statuses_that_nobody_handles_are_failures_where_nothing_else_comes(
    site: Site, path: str
) -> None:
    crawled = await crawl(SiteSpider, {"RETRY_TIMES": 1}, site=site.url, paths=(path,))
    assert crawled.reason == "all_failed"


async def test_a_status_that_the_spider_handles_is_a_page(site: Site) -> None:
    class Handles(SiteSpider):
        paths = ("/status/404",)
        handle_httpstatus_list = (404,)

    assert (await crawl(Handles, site=site.url)).reason == "finished"


async def test_an_errback_handles_a_failure(site: Site) -> None:
    class Errback(SiteSpider):
        async def start_requests(self) -> AsyncIterator[Request]:
            yield Request("http://127.0.0.1:1/", errback=self.failed)

        def failed(self, failure: Exception) -> None:
            return None

    assert (await crawl(Errback, NO_RETRY, site=site.url)).reason == "finished"


async def test_one_good_page_among_failures_is_a_finished_crawl(site: Site, store: dict[str, Any]) -> None:
    crawled = await crawl(SiteSpider, {**store, **NO_RETRY}, site=site.url, paths=("/status/500", "/page/1"))
    assert crawled.reason == "finished"


async def test_callbacks_that_all_raise_are_failures_unless_they_gave_something(site: Site) -> None:
    class Raises(SiteSpider):
        gives = False

        def parse(self, response: Any) -> Iterator[Any]:
            if self.gives:
                yield {"a": 1}
            raise ValueError("odd")

    assert (await crawl(Raises, site=site.url)).reason == "all_failed"
    assert (await crawl(Raises, site=site.url, gives=True)).reason == "finished"


async def test_a_start_that_a_middleware_drops_on_purpose_is_a_finished_crawl(site: Site) -> None:
    class Drop:
        def process_request(self, request: Request) -> None:
            raise IgnoreRequest("not today")

    settings = {"DOWNLOADER_MIDDLEWARES": {Drop: 1}}
    assert (await crawl(SiteSpider, settings, site=site.url)).reason == "finished"


async def test_no_start_request_at_all_is_a_finished_crawl(site: Site, store: dict[str, Any]) -> None:
    assert (await crawl(SiteSpider, store, site=site.url, paths=())).reason == "finished"


# -- Stops, and what breaks


async def test_a_stop_wins_over_what_would_be_finished(site: Site, store: dict[str, Any]) -> None:
    class Closes(SiteSpider):
        def parse(self, response: Any) -> Any:
            raise CloseSpider("seen enough")

    assert end_of(await crawl(Closes, store, site=site.url)) == End("seen enough", 0)


async def test_a_failure_wins_over_a_stop(site: Site) -> None:
    class Closes(SiteSpider):
        def parse(self, response: Any) -> Any:
            raise CloseSpider("seen enough")

    class Stuck:
        def process_item(self, item: Any) -> Any:
            return item

        async def close_spider(self) -> None:
            raise OSError(28, "No space left on device")

    crawled = await crawl(Closes, {"ITEM_PIPELINES": {Stuck: 1}}, site=site.url)
    assert (crawled.reason, end_of(crawled).exit_status) == ("output_failed", 1)
    assert "No space left" in end_of(crawled).error


async def test_a_crawl_whose_frontier_breaks_is_not_finished(site: Site, shared: dict[str, Any]) -> None:
    crawled = Crawled(
        Crawler(SiteSpider, {**QUIET, **shared, "REDIS_ARGS": {"queue": {"url": "redis://127.0.0.1:1"}}})
    )
    with pytest.raises(QueueError):
        await crawled.crawler.crawl(site=site.url)
    assert crawled.crawler.end is not None
    assert (crawled.crawler.end.reason, crawled.crawler.end.exit_status) == ("not_started", 1)


async def test_workers_of_a_crawl_that_is_stopped_or_deleted_say_so(
    site: Site, shared: dict[str, Any], redis_url: str
) -> None:
    for command, reason, status in (("stop", "stopped", 0), ("delete", "deleted", 1)):
        settings = {**shared, "CRAWL_ID": command, "SCHEDULER_HEARTBEAT": 0.2}
        crawled = Crawled(Crawler(SiteSpider, {**QUIET, **settings}))
        begun = asyncio.Event()
        crawled.crawler.signals.connect(begun.set, signals.item_scraped)
        paths = tuple(f"/slow/0.1?{number}" for number in range(200))
        running = asyncio.create_task(crawled.crawler.crawl(site=site.url, paths=paths))
        await asyncio.wait_for(begun.wait(), 10)
        async with open_crawls(Settings(settings), redis_url, bot="") as crawls:
            running_crawl = await crawls.find(command)
            if command == "stop":
                await crawls.stop(running_crawl)
            else:
                await crawls.delete(running_crawl, force=True)
        await asyncio.wait_for(running, 20)
        assert (crawled.reason, end_of(crawled).exit_status) == (reason, status)


async def test_a_start_that_failed_in_one_worker_is_the_end_of_all(
    site: Site, shared: dict[str, Any]
) -> None:
    class Fails(SiteSpider):
        async def start_requests(self) -> AsyncIterator[Request]:
            for number in range(6):
                yield self.request(f"/slow/0.2?{number}")
            raise ValueError("no list of shops")

    workers = [Crawled(Crawler(Fails, {**QUIET, **shared})) for _ in range(2)]
    async with asyncio.timeout(30):
        await asyncio.gather(*(worker.crawler.crawl(site=site.url) for worker in workers))
    assert [worker.reason for worker in workers] == ["start_failed"] * 2
    assert all("no list of shops" in end_of(worker).error for worker in workers)
    assert sum(len(worker.items) for worker in workers) == 6


# -- Items


class Forgets:
    def process_item(self, item: Any) -> Any:
        item["seen"] = True


class ForgetsLater:
    async def process_item(self, item: Any, spider: Any) -> Any:
        item["seen"] = True


@pytest.mark.parametrize("pipeline", [Forgets, ForgetsLater])
async def test_a_pipeline_that_forgets_to_return_the_item_is_named(
    site: Site, store: dict[str, Any], pipeline: type, caplog: pytest.LogCaptureFixture
) -> None:
    settings = {**store, "ITEM_PIPELINES": {pipeline: 1}}
    crawled = await crawl(SiteSpider, settings, site=site.url, paths=PAGES)
    assert crawled.items == []
    assert crawled.stat("item_error_count") == len(PAGES)
    errors = [record.getMessage() for record in caplog.records if record.levelno == logging.ERROR]
    assert len(errors) == len(PAGES)
    assert all(f"{pipeline.__name__}.process_item returned None" in error for error in errors)


async def test_what_is_not_run_is_not_an_item(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    class Yields:
        def process_item(self, item: Any) -> Any:
            yield item

    class Mistaken(SiteSpider):
        def more(self) -> Iterator[Any]:
            yield {"never": True}

        async def details(self) -> Any:
            return {"never": True}

        def parse(self, response: Any) -> Iterator[Any]:
            coroutine = self.details()
            yield self.more()
            yield coroutine
            yield {"path": "/"}
            coroutine.close()

    crawled = await crawl(Mistaken, site=site.url)
    assert crawled.items == [{"path": "/"}]
    assert crawled.stat("spider_exceptions/TypeError") == 2
    assert caplog.text.count("is `yield from` or `await` missing?") == 2
    crawled = await crawl(SiteSpider, {"ITEM_PIPELINES": {Yields: 1}}, site=site.url)
    assert (crawled.items, crawled.stat("item_error_count")) == ([], 1)


class NoOutput:
    def process_spider_output(self, response: Any, result: Any) -> None:
        list(result)


class NoAsyncOutput:
    async def process_spider_output(self, response: Any, result: Any) -> None:
        [output async for output in result]


class NoStart:
    def process_start_requests(self, start_requests: Any) -> None:
        list(start_requests)


class NoAsyncStart:
    async def process_start(self, start: Any) -> None:
        [request async for request in start]


@pytest.mark.parametrize("middleware", [NoOutput, NoAsyncOutput, NoStart, NoAsyncStart])
async def test_a_spider_middleware_that_forgets_its_output_is_named(
    site: Site, middleware: type, caplog: pytest.LogCaptureFixture
) -> None:
    crawled = await crawl(SiteSpider, {"SPIDER_MIDDLEWARES": {middleware: 1}}, site=site.url)
    assert crawled.reason == ("all_failed" if "Output" in middleware.__name__ else "start_failed")
    assert f"TypeError: {middleware.__name__}.process_" in caplog.text


async def test_the_spiders_own_process_item_need_not_return_the_item(site: Site) -> None:
    class Own(SiteSpider):
        def process_item(self, item: Any) -> None:
            item["own"] = True

    assert (await crawl(Own, site=site.url)).items == [{"path": "/", "own": True}]


async def test_one_bad_item_does_not_end_its_callback(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    class Picky:
        def process_item(self, item: Any) -> Any:
            if item["number"] == 2:
                raise KeyError("price")
            return item

    class Many(SiteSpider):
        def parse(self, response: Any) -> Iterator[Any]:
            yield from ({"number": number} for number in range(5))

    crawled = await crawl(Many, {"ITEM_PIPELINES": {Picky: 1}}, site=site.url)
    assert [item["number"] for item in crawled.items] == [0, 1, 3, 4]
    assert crawled.stat("item_error_count") == 1


async def test_bad_links_of_follow_all_are_counted_and_the_rest_goes_on(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    class Links(SiteSpider):
        def parse(self, response: Any) -> Iterator[Any]:
            links = ["/page/1", "http://[x/", "/page/2", "mailto:a@b.test", 7, "/page/3"]
            yield from response.follow_all(links, self.page)

        def page(self, response: Any) -> Any:
            return {"path": self.path_of(response.url)}

    crawled = await crawl(Links, site=site.url)
    assert sorted(item["path"] for item in crawled.items) == ["/page/1", "/page/2", "/page/3"]
    assert crawled.stat("links/invalid_count") == caplog.text.count("Skipped a link") == 2


async def test_a_hook_that_raises_for_one_request_leaves_the_others(site: Site) -> None:
    class Picky:
        def get_processed_request(self, request: Request, response: Any) -> Request:
            if request.url.endswith("/page/2"):
                raise KeyError("odd")
            return request

    class Links(SiteSpider):
        def parse(self, response: Any) -> Iterator[Any]:
            yield from (self.request(path, callback=self.page) for path in PAGES)

        def page(self, response: Any) -> Any:
            return {"path": self.path_of(response.url)}

    crawled = await crawl(Links, {"SPIDER_MIDDLEWARES": {Picky: 1}}, site=site.url)
    assert sorted(item["path"] for item in crawled.items) == ["/page/1", "/page/3", "/page/4", "/page/5"]
    assert crawled.stat("spider_exceptions/KeyError") == 1


# -- Objects of the project that fail at their own text


class MuteError(Exception):
    """An exception whose text can't be had."""

    def __str__(self) -> str:
        raise ValueError("no text")


class OwnValueError(Exception):
    """An exception with a property of a name that failures have."""

    @property
    def value(self) -> int:
        return 5


@dataclasses.dataclass(frozen=True)
class FrozenError(Exception):
    """An exception that takes no attributes."""

    code: int = 1


@pytest.mark.parametrize("error", [MuteError, OwnValueError, FrozenError], ids=lambda error: error.__name__)
@pytest.mark.parametrize("where", [*RUNNING, "signal"])
async def test_an_odd_exception_is_an_error_of_its_page(
    site: Site, where: str, error: type[Exception], caplog: pytest.LogCaptureFixture
) -> None:
    spider, settings = raising(where, error())
    crawled = await crawl(spider, {**settings, "CONCURRENT_REQUESTS": 2}, site=site.url)
    assert crawled.reason == ("start_failed" if where == "start" else "finished")
    expected = {"start": 3, "errback": 5, "signal": 5}.get(where, 4)
    assert len(crawled.items) == expected
    assert error.__name__ in caplog.text or where == "errback"


async def test_a_pipeline_that_closes_with_an_odd_exception_is_an_output_that_is_not_closed(
    site: Site,
) -> None:
    spider, settings = raising("close_spider", MuteError())
    assert (await crawl(spider, settings, site=site.url)).reason == "output_failed"


async def test_items_that_can_not_be_printed_do_not_end_a_crawl(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    deep: list[Any] = []
    for _ in range(5000):
        deep = [deep]

    class Unprintable(dict[str, Any]):
        def __repr__(self) -> str:
            raise ValueError("no text")

    class Refuses:
        def process_item(self, item: Any) -> Any:
            if item.get("bad"):
                raise DropItem("bad") if item["bad"] == "drop" else ValueError("bad")
            return item

    class Odd(SiteSpider):
        def parse(self, response: Any) -> Any:
            for value in ({"a": deep}, Unprintable(a=1)):
                yield value
                yield Unprintable(value, bad="drop")
                yield Unprintable(value, bad="raise")
            yield {"last": True}

    crawled = await crawl(Odd, {"ITEM_PIPELINES": {Refuses: 1}}, site=site.url)
    assert (crawled.reason, len(crawled.items)) == ("finished", 3)
    assert crawled.items[-1] == {"last": True}
    assert crawled.stat("item_error_count") == 2


async def test_a_log_formatter_that_raises_does_not_end_a_crawl(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    class Raises(LogFormatter):
        def crawled(self, *args: Any) -> Any:
            raise ValueError("no line")

        scraped = crawled

    crawled = await crawl(SiteSpider, {"LOG_FORMATTER": Raises}, site=site.url, paths=PAGES)
    assert (crawled.reason, len(crawled.items)) == ("finished", len(PAGES))
    assert "A log line of crawled can't be written" in caplog.text


# -- Exits in handlers that the frontier calls


@pytest.mark.parametrize("moment", ["spider_idle", "request_scheduled", "engine_started"])
async def test_an_exit_in_a_handler_of_the_frontier_ends_the_crawl(
    site: Site, store: dict[str, Any], moment: str
) -> None:
    crawled = Crawled(Crawler(SiteSpider, {**QUIET, **store}))

    def leave() -> None:
        sys.exit(4)

    crawled.crawler.signals.connect(leave, getattr(signals, moment))
    async with asyncio.timeout(20):
        await crawled.crawler.crawl(site=site.url)
    assert (crawled.reason, end_of(crawled).exit_status) == ("exited", 4)


@pytest.mark.parametrize("kind", ["plain", "async", "start"])
async def test_start_requests_that_return_nothing_are_named(site: Site, kind: str) -> None:
    class Forgets(SiteSpider):
        paths = PAGES

    def forget(self: Any) -> None:
        [self.request(path) for path in self.paths]

    async def forget_async(self: Any) -> None:
        forget(self)

    method = forget_async if kind == "async" else forget
    setattr(Forgets, "start" if kind == "start" else "start_requests", method)
    crawled = await crawl(Forgets, site=site.url)
    assert (crawled.reason, end_of(crawled).exit_status) == ("start_failed", 1)
    assert "missing?" in end_of(crawled).error


async def test_an_exit_at_the_end_is_the_end(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    class Exits(SiteSpider):
        def closed(self, reason: str) -> None:
            sys.exit()

    caplog.set_level(logging.INFO)
    crawled = await crawl(Exits, site=site.url)
    assert (crawled.reason, end_of(crawled).exit_status) == ("exited", 1)
    assert "Spider closed (exited)" in caplog.text


async def test_a_pipeline_that_closes_by_the_signal_and_fails_is_an_output_that_is_not_closed(
    site: Site, store: dict[str, Any]
) -> None:
    class Writes:
        @classmethod
        def from_crawler(cls, crawler: Any) -> Any:
            pipeline = cls()
            crawler.signals.connect(pipeline.finish, signals.spider_closed)
            return pipeline

        def process_item(self, item: Any) -> Any:
            return item

        def finish(self) -> None:
            raise OSError(28, "No space left on device")

    crawled = await crawl(SiteSpider, {**store, "ITEM_PIPELINES": {Writes: 1}}, site=site.url)
    end = crawled.crawler.end
    assert end is not None
    assert (end.reason, end.exit_status, crawled.stat("finish_reason")) == (
        "output_failed",
        1,
        "output_failed",
    )
    assert "a pipeline did not close: OSError: [Errno 28] No space left on device" in end.error


@pytest.mark.parametrize("error", [OSError("no room"), SystemExit(0)], ids=repr)
async def test_stats_that_fail_do_not_change_the_end(
    site: Site, error: BaseException, caplog: pytest.LogCaptureFixture
) -> None:
    class Fails(StatsCollector):
        def _persist_stats(self, stats: Any) -> None:
            raise error

    caplog.set_level(logging.INFO)
    crawled = await crawl(SiteSpider, {"STATS_CLASS": Fails, "STATS_DUMP": True}, site=site.url)
    assert (crawled.reason, len(crawled.items)) == ("finished", 1)
    assert "The stats can't be stored" in caplog.text
