"""Parts under Scrapy's paths that a crawl of ours does not need itself."""

import gc
import logging
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.result import TestResult as Results

import pytest

from aioscrapy import signals
from aioscrapy.callback_contracts import ContractsManager
from aioscrapy.doors.scrapy import serve_scrapy, stop_serving
from aioscrapy.dupefilters.foreign import RFPDupeFilter
from aioscrapy.exceptions import NotConfigured
from aioscrapy.extensions.closespider import CloseSpider
from aioscrapy.extensions.logstats import LogStats
from aioscrapy.extensions.memdebug import MemoryDebugger
from aioscrapy.extensions.spiderstate import SpiderState
from aioscrapy.http import Request, Response
from aioscrapy.log import SpiderLoggerAdapter
from aioscrapy.logformatter import write
from aioscrapy.middlewares.metacopy import MetaCopyDetectionMiddleware
from aioscrapy.middlewares.start import StartSpiderMiddleware
from aioscrapy.settings import BaseSettings, Settings
from aioscrapy.spiders import Spider
from aioscrapy.utils.conf import build_component_list, feed_complete_default_values_from_settings
from aioscrapy.utils.datatypes import CaseInsensitiveDict
from aioscrapy.utils.defer import maybe_deferred_to_future
from aioscrapy.utils.misc import load_object
from aioscrapy.utils.request import RequestFingerprinter
from aioscrapy.utils.signal import connect, disconnect, send_catch_log, send_catch_log_deferred
from aioscrapy.utils.trackref import live_refs, object_ref
from support.context import context


def seen(folder: Path, *urls: str) -> list[bool]:
    dupefilter = RFPDupeFilter(str(folder), fingerprinter=RequestFingerprinter())
    results = [dupefilter.request_seen(Request(url)) for url in urls]
    dupefilter.close("finished")
    return results


def test_scrapys_filter_reads_its_file_and_leaves_out_a_broken_last_line(tmp_path: Path) -> None:
    assert seen(tmp_path, "http://a/1", "http://a/2", "http://a/1") == [False, False, True]
    file = tmp_path / "requests.seen"
    file.write_bytes(file.read_bytes()[:-1])
    assert seen(tmp_path, "http://a/1", "http://a/2") == [True, False]
    assert seen(tmp_path, "http://a/1", "http://a/2") == [True, True]


@pytest.mark.parametrize(("debug", "lines"), [(False, 1), (True, 2)])
def test_scrapys_filter_counts_and_logs(debug: bool, lines: int, caplog: pytest.LogCaptureFixture) -> None:
    crawler = context()
    dupefilter = RFPDupeFilter(debug=debug)
    spider: Any = SimpleNamespace(crawler=crawler)
    with caplog.at_level(logging.DEBUG):
        for _ in range(2):
            dupefilter.log(Request("http://a/"), spider)
    assert crawler.stats.get_value("dupefilter/filtered") == 2
    assert len(caplog.messages) == lines
    assert caplog.messages[0].startswith("Filtered duplicate request: <GET http://a/>")


def test_copied_meta_is_reported_once(caplog: pytest.LogCaptureFixture) -> None:
    middleware = MetaCopyDetectionMiddleware(context({"META_COPY_WARN_SKIP_KEYS": ["redirect_urls"]}))
    response = Response("http://a/", request=Request("http://a/"))
    for meta in ({"x": 1}, {"redirect_urls": []}, {"retry_times": 1}, {"retry_times": 2}):
        request = Request("http://b/", meta=meta)
        assert middleware.get_processed_request(request, response) is request
    assert [("retry_times" in line, "redirect_urls" in line) for line in caplog.messages] == [(True, False)]


def test_start_requests_are_marked() -> None:
    middleware = StartSpiderMiddleware(context())
    start = middleware.get_processed_request(Request("http://a/"), None)
    link = middleware.get_processed_request(Request("http://a/"), Response("http://a/"))
    assert start is not None
    assert link is not None
    assert (start.meta, link.meta) == ({"is_start_request": True}, {})


def test_a_line_of_the_spider_has_the_spider_and_the_extra_of_its_call() -> None:
    spider = Spider("shop")
    adapter = spider.logger
    assert isinstance(adapter, SpiderLoggerAdapter)
    assert adapter.process("x", {"extra": {"a": 1, "spider": 2}}) == (
        "x",
        {"extra": {"a": 1, "spider": spider}},
    )


@pytest.mark.parametrize(
    ("msg", "args"), [("90% done", {}), ("90% done", ()), ("%d%% done", (90,)), ("%(n)d%% done", {"n": 90})]
)
def test_a_log_formatter_may_have_no_arguments_or_a_tuple(
    msg: str, args: Any, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        write(logging.getLogger(), {"level": logging.INFO, "msg": msg, "args": args}, None)
    assert caplog.messages == ["90% done"]


def test_our_loggers_have_scrapys_names_when_scrapy_is_imported() -> None:
    serve_scrapy()
    early = logging.getLogger("scrapy.downloadermiddlewares.redirect")
    early.setLevel(logging.ERROR)
    try:
        import scrapy

        assert scrapy.Request is Request
        ours = logging.getLogger("aioscrapy.middlewares.retry")
        assert logging.getLogger("scrapy.downloadermiddlewares.retry") is ours
        redirect = logging.getLogger("aioscrapy.middlewares.redirect")
        assert redirect.level == logging.ERROR
        redirect.setLevel(logging.NOTSET)
        closespider = logging.getLogger("aioscrapy.extensions.closespider")
        assert logging.getLogger("scrapy.extensions.closespider") is closespider
    finally:
        stop_serving()
    assert logging.getLogger("scrapy.extensions.closespider") is not closespider


async def test_a_receiver_of_pydispatch_that_fails_gives_a_failure(caplog: pytest.LogCaptureFixture) -> None:
    signal = object()

    def fail() -> None:
        raise ZeroDivisionError

    connect(fail, signal)
    try:
        ((_, failure),) = send_catch_log(signal)
        ((_, later),) = await maybe_deferred_to_future(
            send_catch_log_deferred(signal, dont_log=ZeroDivisionError)
        )
    finally:
        disconnect(fail, signal)
    assert failure.check(ZeroDivisionError)
    assert later.check(ZeroDivisionError)
    assert len(caplog.messages) == 1


def test_of_two_paths_of_a_component_the_higher_layer_is_used() -> None:
    components = BaseSettings({"one": 1, "two": 2}, 0)
    components.set("ONE", 4, 10)
    assert build_component_list(components, convert=str.lower) == ["two", "one"]
    components.set("one", 1, 10)
    with pytest.raises(ValueError, match="convert to the same object"):
        build_component_list(components, convert=str.lower)


class Hourly(LogStats):
    """A subclass as packages have it."""

    def log(self, spider: Any) -> None:
        self.stats.set_value("logged", (spider.name, self.interval))


async def test_subclasses_of_extensions_use_scrapys_constructors_and_hooks(tmp_path: Path) -> None:
    crawler = context({"LOGSTATS_INTERVAL": 60, "CLOSESPIDER_ITEMCOUNT": 1, "MEMDEBUG_ENABLED": True})
    extension = Hourly.from_crawler(crawler)
    await crawler.signals.send(signals.spider_opened, spider=crawler.spider)
    await crawler.signals.send(signals.spider_closed, spider=crawler.spider, reason="finished")
    assert extension.stats.get_value("logged") == ("tested", 60)
    assert CloseSpider(crawler).crawler is crawler
    with pytest.raises(NotConfigured):
        CloseSpider(context())
    SpiderState(str(tmp_path)).spider_opened(crawler.spider)
    assert crawler.spider.state == {}
    counted = object_ref()
    MemoryDebugger.from_crawler(crawler).spider_closed(crawler.spider, "finished")
    assert crawler.stats.get_value("memdebug/live_refs/object_ref") == 1
    del counted


class Searching(Spider):
    """A spider with contracts."""

    name = "searching"

    def found(self, response: Any) -> None:
        """Read the results.

        @url http://a.test/search
        @method POST
        @body q=red shoes
        @header X-One a b
        @header X-Two c
        @cookie session 1 2
        """

    def nothing(self, response: Any) -> None:
        """Read nothing.

        @url http://a.test/search
        @header
        """


def test_contracts_describe_the_request() -> None:
    results = Results()
    manager = ContractsManager(map(load_object, Settings().getwithbase("SPIDER_CONTRACTS")))
    request = manager.from_method(Searching().found, results)
    assert request is not None
    assert (request.method, request.body, request.cookies) == ("POST", b"q=red shoes", {"session": "1 2"})
    assert [request.headers["X-One"], request.headers["X-Two"]] == [b"a b", b"c"]
    assert not results.errors
    assert manager.from_method(Searching().nothing, results) is None
    assert len(results.errors) == 1


def test_small_functions_do_what_scrapys_do() -> None:
    options = feed_complete_default_values_from_settings({}, BaseSettings(), "out.json")
    assert options["format"] == "json"
    names = CaseInsensitiveDict({"A": 1})
    names.copy()["B"] = 2
    assert list(names) == ["A"]


def test_a_class_that_a_program_drops_is_not_kept_by_the_count_of_its_objects() -> None:
    kept = type("Dropped", (object_ref,), {})()
    assert [len(objects) for cls, objects in live_refs.items() if cls.__name__ == "Dropped"] == [1]
    del kept
    gc.collect()
    assert "Dropped" not in {cls.__name__ for cls in live_refs}
