"""Rows of files, item filters, plugins, exporters of a project: the options of a feed beyond its format."""

import bz2
import gzip
import io
import json
import lzma
import marshal
import pickle
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from aioscrapy import signals
from aioscrapy.context import CrawlContext
from aioscrapy.exceptions import SettingError
from aioscrapy.exporters import BaseItemExporter, CsvItemExporter, JsonLinesItemExporter, PythonItemExporter
from aioscrapy.extensions.feedexport import FeedExporter
from aioscrapy.feeds.options import feed_of
from aioscrapy.http import Request, Response
from aioscrapy.settings import Settings
from aioscrapy.spiders import Spider
from support.crawling import crawl as crawl_spider

RESPONSE = Response("https://example.com/page")
ITEMS = [{"a": str(number)} for number in range(5)]


async def crawl(feeds: Any, *items: Any, **settings: Any) -> CrawlContext:
    """Write items as a crawl in memory does."""
    context = CrawlContext.without_crawl(
        Settings({"FEEDS": feeds, **settings}), Spider("quotes", shelf="top")
    )
    exporter = FeedExporter.from_crawler(context).begin(context.spider)
    await exporter.open(None)
    for item in items:
        exporter.write(exporter.pack(item, RESPONSE))
    await exporter.close(finished=True)
    return context


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


async def test_the_old_settings_name_one_more_feed(tmp_path: Path) -> None:
    settings = {"FEED_URI": f"{tmp_path}/%(name)s.csv", "FEED_FORMAT": "csv"}
    await crawl({f"{tmp_path}/other.jl": {}}, *ITEMS, **settings)
    assert (tmp_path / "quotes.csv").read_text("utf-8").split() == ["a", "0", "1", "2", "3", "4"]
    assert names(tmp_path) == ["other.jl", "quotes.csv"]


@pytest.mark.parametrize("ending", ["jl", "json"])
async def test_a_row_of_files_has_the_items_in_their_order(tmp_path: Path, ending: str) -> None:
    context = await crawl({f"{tmp_path}/%(name)s-%(batch_id)02d.{ending}": {"batch_item_count": 2}}, *ITEMS)
    assert names(tmp_path) == [f"quotes-0{number}.{ending}" for number in (1, 2, 3)]
    items = []
    for path in sorted(tmp_path.iterdir()):
        text = path.read_text()
        items.append(
            json.loads(text) if ending == "json" else [json.loads(line) for line in text.splitlines()]
        )
    assert items == [ITEMS[:2], ITEMS[2:4], ITEMS[4:]]
    assert context.stats.get_value("feedexport/success_count/FileFeedStorage") == 3


async def test_no_file_follows_the_last_full_one(tmp_path: Path) -> None:
    await crawl({f"{tmp_path}/%(batch_id)d.jl": {}}, *ITEMS[:4], FEED_EXPORT_BATCH_ITEM_COUNT=2)
    assert names(tmp_path) == ["1.jl", "2.jl"]


async def test_files_of_a_row_are_named_by_their_times(tmp_path: Path) -> None:
    await crawl({f"{tmp_path}/%(batch_time)s.jl": {"batch_item_count": 1}}, *ITEMS[:3])
    assert len(names(tmp_path)) == 3


async def test_a_crawl_without_items_has_one_empty_file(tmp_path: Path) -> None:
    await crawl({f"{tmp_path}/%(batch_id)d.jl": {"batch_item_count": 1}})
    await crawl({f"{tmp_path}/none-%(batch_id)d.jl": {"batch_item_count": 1, "store_empty": False}})
    assert names(tmp_path) == ["1.jl"]


async def test_complete_files_are_announced(tmp_path: Path) -> None:
    context = CrawlContext.without_crawl(
        Settings({"FEEDS": {f"{tmp_path}/%(batch_id)d.jl": {"batch_item_count": 2}}}), Spider("quotes")
    )
    slots: list[Any] = []
    closed: list[int] = []

    def note(slot: Any) -> None:
        slots.append(slot)

    context.signals.connect(note, signals.feed_slot_closed)
    context.signals.connect(lambda: closed.append(len(slots)), signals.feed_exporter_closed)
    exporter = FeedExporter.from_crawler(context).begin(context.spider)
    await exporter.open(None)
    for item in ITEMS:
        exporter.write(exporter.pack(item, RESPONSE))
    await exporter.close(finished=True)
    assert [(slot.batch_id, slot.itemcount, Path(slot.uri).name) for slot in slots] == [
        (1, 2, "1.jl"),
        (2, 2, "2.jl"),
        (3, 1, "3.jl"),
    ]
    assert closed == [3]


@pytest.mark.parametrize("uri", ["items.jl", "items-%(time)s.jl"])
def test_a_row_without_numbers_is_refused(uri: str) -> None:
    with pytest.raises(SettingError, match="batch_id"):
        feed_of(uri, {"batch_item_count": 2}, Settings())


async def test_a_path_has_the_values_of_a_function_of_the_project(tmp_path: Path) -> None:
    def params(values: dict[str, Any], spider: Spider) -> dict[str, Any]:
        return {**values, "shop": f"{spider.name}-{values['shelf']}-{values['batch_id']}"}

    await crawl({f"{tmp_path}/%(shop)s.jl": {"uri_params": params}}, *ITEMS)
    await crawl({f"{tmp_path}/other-%(shop)s.jl": {}}, *ITEMS, FEED_URI_PARAMS=params)
    assert names(tmp_path) == ["other-quotes-top-1.jl", "quotes-top-1.jl"]


@dataclass
class Offer:
    a: int


class Even:
    """A filter of a project."""

    def __init__(self, feed_options: dict[str, Any]) -> None:
        self.least = feed_options["least"]

    def accepts(self, item: Any) -> bool:
        return int(item["a"]) >= self.least


async def test_a_filter_of_the_project_decides_what_a_feed_takes(tmp_path: Path) -> None:
    feeds = {
        f"{tmp_path}/few.jl": {"item_filter": Even, "least": 3},
        f"{tmp_path}/offers.jl": {"item_classes": [Offer]},
    }
    await crawl({name: feeds[name] for name in list(feeds)[:1]}, *ITEMS)
    await crawl({name: feeds[name] for name in list(feeds)[1:]}, *ITEMS, Offer(7))
    assert (tmp_path / "few.jl").read_text() == '{"a": "3"}\n{"a": "4"}\n'
    assert (tmp_path / "offers.jl").read_text() == '{"a": 7}\n'


def test_a_misspelled_option_is_refused() -> None:
    with pytest.raises(SettingError, match="unknown option 'batch_item_counts'"):
        feed_of("items.jl", {"batch_item_counts": 2}, Settings())


PLUGINS = "aioscrapy.extensions.postprocessing"
COMPRESSED: dict[str, tuple[str, Any]] = {
    "gz": (f"{PLUGINS}.GzipPlugin", gzip.decompress),
    "bz2": (f"{PLUGINS}.Bz2Plugin", bz2.decompress),
    "xz": (f"{PLUGINS}.LZMAPlugin", lzma.decompress),
}


@pytest.mark.parametrize("ending", COMPRESSED)
async def test_a_compressed_feed_is_a_document_and_can_be_appended_to(tmp_path: Path, ending: str) -> None:
    plugin, decompress = COMPRESSED[ending]
    path = tmp_path / f"items.csv.{ending}"
    for items in (ITEMS[:2], ITEMS[2:]):
        await crawl({str(path): {"postprocessing": [plugin]}}, *items)
    assert decompress(path.read_bytes()) == b"a\r\n0\r\n1\r\n2\r\n3\r\n4\r\n"


async def test_options_of_a_compressor_reach_it(tmp_path: Path) -> None:
    path = tmp_path / "items.jl.gz"
    options = {"gzip_compresslevel": 0, "gzip_mtime": 7, "gzip_filename": "inside.jl"}
    await crawl({str(path): {"postprocessing": [COMPRESSED["gz"][0]], **options}}, *ITEMS)
    head = path.read_bytes()
    assert head[4:8] == b"\x07\0\0\0"
    assert b"inside.jl" in head
    assert b'{"a": "0"}' in head


class Upper:
    """A plugin of a project."""

    def __init__(self, file: Any, feed_options: dict[str, Any]) -> None:
        self.file, self.end = file, feed_options.get("end", b"")

    def write(self, data: bytes) -> int:
        self.file.write(data.upper())
        return len(data)

    def close(self) -> None:
        self.file.write(self.end)


async def test_plugins_of_a_project_and_ours_form_a_chain(tmp_path: Path) -> None:
    path = tmp_path / "items.bin"
    plugins = [Upper, COMPRESSED["gz"][0], COMPRESSED["bz2"][0]]
    await crawl({str(path): {"format": "jl", "postprocessing": plugins, "end": b"END"}}, *ITEMS[:2])
    assert gzip.decompress(bz2.decompress(path.read_bytes())) == b'{"A": "0"}\n{"A": "1"}\nEND'


class Numbered(BaseItemExporter):
    """An exporter of a project that writes by itself, as Scrapy's documentation shows."""

    def __init__(self, file: Any, *, start: int = 1, **kwargs: Any) -> None:
        super().__init__(dont_fail=True, **kwargs)
        self.file, self.number = file, start

    def start_exporting(self) -> None:
        self.file.write(b"begin\n")

    def export_item(self, item: Any) -> None:
        fields = " ".join(f"{name}={value}" for name, value in self.get_serialized_fields(item))
        self.file.write(f"{self.number} {fields}\n".encode())
        self.number += 1

    def finish_exporting(self) -> None:
        self.file.write(b"end\n")


class Tabbed(CsvItemExporter):
    """An exporter of a project that changes options."""

    def __init__(self, file: Any, **kwargs: Any) -> None:
        super().__init__(file, **{**kwargs, "delimiter": "\t"})


class Loud(JsonLinesItemExporter):
    """An exporter of a project that changes values."""

    def serialize_field(self, field: Any, name: str, value: Any) -> Any:
        return f"{value}!"


EXPORTERS = {"numbered": Numbered, "tab": Tabbed, "loud": Loud, "xml": None}


async def test_exporters_of_a_project_write_their_formats(tmp_path: Path) -> None:
    options = {"item_export_kwargs": {"start": 7}}
    feeds = {f"{tmp_path}/a.numbered": options, f"{tmp_path}/a.tab": {}, f"{tmp_path}/a.loud": {}}
    await crawl(feeds, {"a": 1, "b": 2}, FEED_EXPORTERS=EXPORTERS)
    assert (tmp_path / "a.numbered").read_text() == "begin\n7 a=1 b=2\nend\n"
    assert (tmp_path / "a.tab").read_text() == "a\tb\n1\t2\n"
    assert (tmp_path / "a.loud").read_text() == '{"a": "1!", "b": "2!"}\n'


def test_only_an_exporter_that_packs_is_kept_by_a_store() -> None:
    settings = Settings({"FEED_EXPORTERS": EXPORTERS})
    assert [feed_of(f"a.{name}", {}, settings).form.packs for name in ("numbered", "tab", "loud", "csv")] == [
        False,
        True,
        True,
        True,
    ]
    with pytest.raises(SettingError, match="unknown format 'xml'"):
        feed_of("a.xml", {}, settings)


def test_an_exporter_that_fails_to_start_is_one_line() -> None:
    with pytest.raises(SettingError, match="Unexpected options: colour"):
        feed_of("a.pickle", {"item_export_kwargs": {"colour": "red"}}, Settings())


async def test_values_of_python_are_written_one_behind_the_other(tmp_path: Path) -> None:
    await crawl({f"{tmp_path}/a.pickle": {}, f"{tmp_path}/a.marshal": {}}, {"a": 1}, {"a": [2]})
    for name, load in (("a.pickle", pickle.load), ("a.marshal", marshal.load)):
        file = io.BytesIO((tmp_path / name).read_bytes())
        assert [load(file), load(file)] == [{"a": 1}, {"a": [2]}]


def test_nested_items_are_dicts_for_any_library() -> None:
    assert PythonItemExporter().export_item({"a": Offer(3), "b": [Offer(4), b"x"]}) == {
        "a": {"a": 3},
        "b": [{"a": 4}, "x"],
    }


class Headless(CsvItemExporter):
    """Writes the header into an empty file only; it asks the file for its position."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if args[0].tell() > 0:
            kwargs["include_headers_line"] = False
        super().__init__(*args, **kwargs)


@pytest.mark.parametrize("jobdir", [False, True])
async def test_an_exporter_of_the_project_may_ask_for_the_position(tmp_path: Path, jobdir: bool) -> None:
    path = tmp_path / "items.own"
    settings: dict[str, Any] = {"FEEDS": {path: {"format": "own"}}, "FEED_EXPORTERS": {"own": Headless}}
    for run in range(2):
        own = {"JOBDIR": str(tmp_path / f"job{run}")} if jobdir else {}
        await crawl_spider(ThreeItems, {**settings, **own})
    assert path.read_text().split() == ["a", "0", "1", "2", "0", "1", "2"]


class ThreeItems(Spider):
    name = "three"

    async def start_requests(self) -> Any:
        yield Request("data:,")

    def parse(self, response: Any) -> Any:
        yield from ITEMS[:3]


async def test_a_feed_without_fields_has_all_of_them_though_the_settings_name_some(tmp_path: Path) -> None:
    feeds = {tmp_path / "some.jl": {}, tmp_path / "all.jl": {"fields": None}}
    await crawl(feeds, {"a": 1, "b": 2}, FEED_EXPORT_FIELDS=["b"])
    assert [json.loads(path.read_text()) for path in feeds] == [{"b": 2}, {"a": 1, "b": 2}]
