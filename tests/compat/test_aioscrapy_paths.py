"""Import paths of aio-scrapy, and its Excel pipeline."""

import importlib
import re
import zipfile
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from zope.interface import implementer

from aioscrapy.components import load_object
from aioscrapy.context import CrawlContext
from aioscrapy.exceptions import SettingError
from aioscrapy.pipelines.excel import ExcelPipeline
from aioscrapy.settings import Settings
from support.crawling import SiteSpider, crawl

PRESENT = [
    "aioscrapy.utils.log.logger",
    "aioscrapy.utils.tools.call_helper",
    "aioscrapy.utils.tools.singleton",
    "aioscrapy.utils.tools.create_task",
    "aioscrapy.utils.misc.load_object",
    "aioscrapy.utils.project.get_project_settings",
    "aioscrapy.libs.downloader.retry.RetryMiddleware",
    "aioscrapy.libs.spider.depth.DepthMiddleware",
    "aioscrapy.libs.extensions.logstats.LogStats",
    "aioscrapy.libs.pipelines.csv.CsvPipeline",
    "aioscrapy.libs.pipelines.excel.ExcelPipeline",
    "aioscrapy.libs.pipelines.redis.RedisPipeline",
    "aioscrapy.core.downloader.handlers.aiohttp.AioHttpDownloadHandler",
    "aioscrapy.http.XmlRpcRequest",
    "aioscrapy.http.request.NO_CALLBACK",
]
ABSENT = {
    "aioscrapy.libs.pipelines.mysql": "a pipeline of your own",
    "aioscrapy.libs.extensions.metric": "Prometheus",
    "aioscrapy.core.downloader.handlers.webdriver": "no browser",
    "aioscrapy.queue.rabbitmq": "no RabbitMQ",
    "aioscrapy.db.aiomysql": "a pipeline of your own",
    "aioscrapy.db.aiorabbitmq": "no RabbitMQ",
    "aioscrapy.utils.reqser": r"aioscrapy\.utils\.reqser isn't here: use request\.to_dict",
}


@pytest.mark.parametrize("path", PRESENT)
def test_a_path_of_aio_scrapy_is_there(path: str) -> None:
    module, _, name = path.rpartition(".")
    assert getattr(importlib.import_module(module), name) is not None


def test_a_setting_with_an_absent_class_names_what_to_use() -> None:
    with pytest.raises(SettingError, match=r"aioscrapy\.queue\.AbsQueue isn't here: derive a store"):
        load_object("aioscrapy.queue.AbsQueue", "SCHEDULER_QUEUE_CLASS")


@pytest.mark.parametrize("path", ABSENT)
def test_an_absent_path_names_what_to_use(path: str) -> None:
    with pytest.raises(ModuleNotFoundError, match=ABSENT[path]):
        importlib.import_module(path)


async def test_a_filter_of_aio_scrapy_whose_answer_is_a_coroutine_is_refused() -> None:
    class Filter:
        async def request_seen(self, request: Any) -> bool:
            return False

    with pytest.raises(SettingError, match=r"Filter\.request_seen is a coroutine function"):
        await crawl(SiteSpider, {"DUPEFILTER_CLASS": Filter})


async def test_a_class_is_created_by_its_path() -> None:
    load_instance = importlib.import_module("aioscrapy.utils.misc").load_instance
    path, settings = "aioscrapy.middlewares.depth.DepthMiddleware", Settings()
    context = CrawlContext.without_crawl(settings, SimpleNamespace(settings=settings))
    assert type(await load_instance(path, crawler=context)).__name__ == "DepthMiddleware"
    assert await load_instance("fractions.Fraction", "1/2", settings=settings) == 0.5
    with pytest.raises(ValueError, match="Specify at least one"):
        await load_instance(path)


def test_a_component_of_scrapy_2_13_declares_its_interface() -> None:
    feedexport: Any = importlib.import_module("aioscrapy.extensions.feedexport")
    loader: Any = importlib.import_module("aioscrapy.interfaces").ISpiderLoader

    @implementer(feedexport.IFeedStorage, loader)
    class Storage:
        def __init__(self, uri: str, mode: str, *, feed_options: Any = None) -> None:
            self.built = uri, mode, feed_options

    assert loader.implementedBy(Storage)
    storage = feedexport.build_storage(Storage, "own://items.jl", "wb", feed_options={"a": 1})
    assert storage.built == ("own://items.jl", "wb", {"a": 1})


async def test_the_tools_call_and_iterate_whatever_they_get() -> None:
    tools: Any = importlib.import_module("aioscrapy.utils.tools")

    async def double(number: int) -> int:
        return number * 2

    async def count() -> Any:
        yield 1

    assert await tools.call_helper(double, 2) == 4
    assert await tools.call_helper(len, "abc") == 3
    assert await tools.create_task(double(3)) == 6
    for wrapped in (count(), [1], iter_of(1), 1):
        assert [element async for element in tools.async_generator_wrapper(wrapped)] == [1]
    only = tools.singleton(dict)
    assert only(a=1) is only()


def iter_of(value: Any) -> Any:
    yield value


def test_items_become_rows_of_an_excel_file(tmp_path: Path, caplog: Any) -> None:
    pipeline, spider = ExcelPipeline(), SimpleNamespace(name="shop")
    target = {
        "filename": str(tmp_path / "out"),
        "sheet": "one",
        "date_fields": ["at"],
        "strings_to_urls": False,
    }
    for number in (1, 2):
        item = {
            "name": f"n{number}",
            "at": datetime(2026, 1, 2, tzinfo=UTC),
            "tags": ["a"],
            "__excel__": dict(target),
        }
        assert "__excel__" not in pipeline.process_item(item, spider)
    pipeline.process_item({"more": 1, "__excel__": dict(target)}, spider)
    pipeline.process_item({"name": "left out"}, spider)
    pipeline.close_spider()
    with zipfile.ZipFile(tmp_path / "out.xlsx") as book:
        texts = re.findall(r"<t>([^<]*)</t>", book.read("xl/sharedStrings.xml").decode())
        sheet = book.read("xl/worksheets/sheet1.xml").decode()
    assert texts == ["name", "at", "tags", "n1", "['a']", "n2"]
    assert sheet.count("<row ") >= 3
    assert "46024" in sheet  # 2026-01-02
    assert "Fields without a column in the Excel file: more" in caplog.text
    assert "Item without __excel__" in caplog.text
