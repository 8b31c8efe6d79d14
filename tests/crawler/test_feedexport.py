import csv
import json
import logging
import re
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aioscrapy.context import CrawlContext
from aioscrapy.ends import Reason
from aioscrapy.exceptions import NotConfigured, SettingError
from aioscrapy.extensions.feedexport import FeedExporter
from aioscrapy.feeds.feeds import Feeds
from aioscrapy.http import Response
from aioscrapy.settings import Settings
from aioscrapy.spiders import Spider
from support import child_environment

RESPONSE = Response("https://example.com/page")


def context_for(feeds: Any, **settings: Any) -> CrawlContext:
    context = CrawlContext.without_crawl(Settings({"FEEDS": feeds, **settings}))
    context.spider = Spider("quotes", shelf="top")
    return context


async def opened(context: CrawlContext) -> Feeds:
    feeds = FeedExporter.from_crawler(context).begin(context.spider)
    await feeds.open(None)
    return feeds


async def crawl(feeds: Any, *items: Any, **settings: Any) -> dict[str, Any]:
    """Write items as a crawl in memory does; return the stats."""
    context = context_for(feeds, **settings)
    exporter = await opened(context)
    for item in items:
        exporter.write(exporter.pack(item, RESPONSE))
    await exporter.close(finished=True)
    return dict(context.stats.get_stats())


def lines(path: Path) -> list[Any]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


async def test_feeds_of_scrapyd_are_json_text_with_an_escaped_uri(tmp_path: Path) -> None:
    path = tmp_path / "my project" / "spider 100%" / "job.jl"
    stats = await crawl(json.dumps({path.as_uri(): {"format": "jsonlines"}}), {"a": 1}, {"a": "é"})
    assert lines(path) == [{"a": 1}, {"a": "é"}]
    assert stats == {"feedexport/success_count/FileFeedStorage": 1}


@pytest.mark.parametrize("key_type", [str, Path])
async def test_a_key_may_be_a_path(tmp_path: Path, key_type: type) -> None:
    path = tmp_path / "items.jl"
    await crawl({key_type(path): {"format": "jl"}}, {"a": 1})
    assert lines(path) == [{"a": 1}]


async def test_each_format_is_complete_at_the_end(tmp_path: Path) -> None:
    names = ["a.jsonl", "a.json", "a.csv", "a.xml"]
    await crawl({str(tmp_path / name): {} for name in names}, {"a": "1", "b": "x,y"}, {"a": "2", "b": "z"})
    expected = [{"a": "1", "b": "x,y"}, {"a": "2", "b": "z"}]
    assert lines(tmp_path / "a.jsonl") == expected
    assert json.loads((tmp_path / "a.json").read_text()) == expected
    with (tmp_path / "a.csv").open(newline="") as file:
        assert list(csv.DictReader(file)) == expected
    items = ET.parse(tmp_path / "a.xml").getroot()
    assert [{field.tag: field.text for field in item} for item in items] == expected


async def test_placeholders_are_the_spiders_values(tmp_path: Path) -> None:
    await crawl({f"{tmp_path}/%(name)s-%(shelf)s-%(time)s-%(batch_id)03d.jl": {}}, {"a": 1})
    [path] = tmp_path.iterdir()
    assert re.fullmatch(r"quotes-top-\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d\+00-00-001\.jl", path.name)


async def test_lines_are_appended_unless_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "items.jl"
    await crawl({path: {}}, {"a": 1})
    await crawl({path: {}}, {"a": 2})
    assert lines(path) == [{"a": 1}, {"a": 2}]
    await crawl({path: {"overwrite": True}}, {"a": 3})
    assert lines(path) == [{"a": 3}]


async def test_a_line_that_a_killed_process_left_is_not_continued(tmp_path: Path) -> None:
    path = tmp_path / "items.jl"
    path.write_text('{"a": 1}\n{"a"')
    await crawl({path: {}}, {"a": 2})
    assert path.read_text() == '{"a": 1}\n{"a"\n{"a": 2}\n'


async def test_csv_is_appended_under_the_columns_that_are_there(tmp_path: Path) -> None:
    path = tmp_path / "items.csv"
    await crawl({path: {}}, {"a": 1, "b": 2})
    await crawl({path: {}}, {"b": 4, "a": 3})
    assert path.read_text() == "a,b\n1,2\n3,4\n"


async def test_two_crawls_that_begin_one_csv_write_one_header(tmp_path: Path) -> None:
    path = tmp_path / "items.csv"
    crawls = [await opened(context_for({path: {}})), await opened(context_for({path: {}}))]
    for feeds in crawls:
        feeds.write(feeds.pack({"a": 1}, RESPONSE))
    for feeds in crawls:
        await feeds.close(finished=True)
    assert path.read_text() == "a\n1\n1\n"


@pytest.mark.parametrize("ending", ["json", "xml"])
async def test_a_second_document_follows_the_first_with_a_warning(
    tmp_path: Path, ending: str, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / f"items.{ending}"
    await crawl({path: {}}, {"a": 1})
    first = path.read_bytes()
    assert "second" not in caplog.text
    await crawl({path: {}}, {"a": 1})
    assert path.read_bytes() == first * 2
    assert f"items.{ending} exists: a second {ending} document follows in it" in caplog.text
    await crawl({path: {"overwrite": True}}, {"a": 1})
    assert path.read_bytes() == first


async def test_an_item_is_in_the_file_before_the_next_page(tmp_path: Path) -> None:
    feeds = await opened(context_for({tmp_path / "items.jl": {}, tmp_path / "items.csv": {}}))
    feeds.write(feeds.pack({"a": 1}, RESPONSE))
    assert (tmp_path / "items.jl").read_text() == '{"a": 1}\n'
    assert (tmp_path / "items.csv").read_text() == "a\n1\n"
    await feeds.close(finished=True)


@pytest.mark.server
def test_what_was_written_survives_kill_9(tmp_path: Path) -> None:
    path = tmp_path / "items.jl"
    program = f"""
import asyncio, os, signal
from aioscrapy.context import CrawlContext
from aioscrapy.extensions.feedexport import FeedExporter
from aioscrapy.settings import Settings
context = CrawlContext.without_crawl(Settings({{"FEEDS": {{{str(path)!r}: {{}}}}}}))
feeds = FeedExporter.from_crawler(context).begin(context.spider)
asyncio.run(feeds.open(None))
for number in range(500):
    feeds.write(feeds.pack({{"n": number}}, None))
os.kill(os.getpid(), signal.SIGKILL)
"""
    done = subprocess.run([sys.executable, "-c", program], env=child_environment())
    assert done.returncode == -signal.SIGKILL
    assert lines(path) == [{"n": number} for number in range(500)]


async def test_an_item_that_has_no_form_is_named_and_the_rest_is_written(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "items.json"
    stats = await crawl({path: {}}, {"a": 1}, {"a": 2, "bad": object()}, {"a": 3})
    assert json.loads(path.read_text()) == [{"a": 1}, {"a": 3}]
    assert stats["feedexport/item_error_count"] == 1
    [error] = [record.getMessage() for record in caplog.records if record.levelno == logging.ERROR]
    assert "<https://example.com/page>" in error
    assert "field 'bad'" in error


async def test_a_feed_that_can_not_be_written_ends_the_crawl(caplog: pytest.LogCaptureFixture) -> None:
    context, failures = context_for({"/dev/full": {"format": "jl"}}), []
    context.fail = lambda reason, error: failures.append((reason, error))
    feeds = await opened(context)
    for number in (1, 2):
        feeds.write(feeds.pack({"a": number}, RESPONSE))
    await feeds.close(finished=True)
    problem = "[Errno 28] No space left on device: items are missing"
    assert failures == [(Reason.OUTPUT_FAILED, f"feed /dev/full can't be written: {problem}")]
    assert context.stats.get_value("feedexport/failed_count/FileFeedStorage") == 1
    assert "Stored" not in caplog.text


async def test_the_last_line_says_what_is_where(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    uri = (tmp_path / "items.jl").as_uri()
    with caplog.at_level(logging.INFO):
        await crawl({uri: {"format": "jl"}}, {"a": 1}, {"a": 2})
    assert f"Stored jsonlines feed (2 items) in: {uri}" in caplog.messages


async def test_a_crawl_without_items_leaves_an_empty_document_or_none(tmp_path: Path) -> None:
    await crawl({tmp_path / "a.json": {}, tmp_path / "b.jl": {}, tmp_path / "c.json": {"store_empty": False}})
    assert json.loads((tmp_path / "a.json").read_text()) == []
    assert (tmp_path / "b.jl").read_text() == ""
    assert not (tmp_path / "c.json").exists()
    assert await crawl({tmp_path / "d.json": {}}, FEED_STORE_EMPTY=False) == {}
    assert not (tmp_path / "d.json").exists()


async def test_a_feed_that_may_stay_away_comes_with_its_first_item(tmp_path: Path) -> None:
    path = tmp_path / "new" / "items.jl"
    await crawl({path: {"store_empty": False}}, {"a": 1})
    assert lines(path) == [{"a": 1}]


async def test_options_and_their_settings_choose_fields_encoding_and_indent(tmp_path: Path) -> None:
    item = {"a": "é", "b": 2, "c": 3}
    first, second = tmp_path / "first.json", tmp_path / "second.json"
    await crawl(
        {first: {"fields": {"a": "A"}, "encoding": "latin-1", "indent": 0}, second: {}},
        item,
        FEED_EXPORT_FIELDS="c,a",
        FEED_EXPORT_INDENT="1",
        FEED_EXPORT_ENCODING="ascii",
    )
    assert first.read_bytes() == b'[\n{"A": "\xe9"}\n]'
    assert second.read_bytes() == b'[\n{\n "c": 3,\n "a": "\\u00e9"\n}\n]'


@dataclass
class Book:
    title: str


async def test_a_feed_can_be_for_items_of_some_classes(tmp_path: Path) -> None:
    books, rest = tmp_path / "books.jl", tmp_path / "all.jl"
    await crawl({books: {"item_classes": [Book]}, rest: {}}, {"a": 1}, Book("b"))
    assert lines(books) == [{"title": "b"}]
    assert lines(rest) == [{"a": 1}, {"title": "b"}]


@pytest.mark.server
@pytest.mark.parametrize("key", ["-", "stdout:"])
def test_items_can_go_to_standard_output(key: str) -> None:
    program = f"""
import asyncio
from aioscrapy.context import CrawlContext
from aioscrapy.extensions.feedexport import FeedExporter
from aioscrapy.settings import Settings
settings = Settings({{"FEEDS": {{{key!r}: {{"format": "jsonlines"}}}}}})
context = CrawlContext.without_crawl(settings)
feeds = FeedExporter.from_crawler(context).begin(context.spider)
asyncio.run(feeds.open(None))
feeds.write(feeds.pack({{"a": 1}}, None))
asyncio.run(feeds.close(finished=True))
assert context.stats.get_stats() == {{"feedexport/success_count/StdoutFeedStorage": 1}}
"""
    done = subprocess.run(
        [sys.executable, "-c", program], env=child_environment(), capture_output=True, text=True, check=True
    )
    assert done.stdout == '{"a": 1}\n'


def test_without_feeds_there_is_no_exporter() -> None:
    with pytest.raises(NotConfigured):
        FeedExporter.from_crawler(context_for({}))


@pytest.mark.parametrize(
    ("uri", "options", "problem"),
    [
        ("nowhere://bucket/items.jl", {}, "there is no storage for nowhere://"),
        ("file://items.jl", {}, "'items.jl' is taken for a host: a local file has file:///"),
        ("items.jl", "jsonlines", "its options are 'jsonlines', not a dict"),
        ("items.jl", {"formatt": "csv"}, "unknown option 'formatt'"),
        ("items.txt", {}, "unknown format 'txt'; there are jsonlines, jsonl, jl, json, csv, xml"),
        ("items.jl", {"format": "yaml"}, "unknown format 'yaml'"),
        ("items.jl", {"encoding": "klingon"}, "unknown encoding 'klingon'"),
        ("items.jl", {"fields": "a,b"}, "fields 'a,b' are neither a list nor a dict"),
        ("items.jl", {"indent": "two"}, "indent 'two' is not a number of spaces"),
        ("items.csv", {"encoding": "rot13"}, "'rot13' is not a text encoding"),
        ("items.csv", {"encoding": "base64"}, "'base64' is not a text encoding"),
        ("items.csv", {"fields": {"a": "x", "b": "x"}}, "two fields have the name 'x' in the output"),
        (
            "items.csv",
            {"item_export_kwargs": {"delimiter": ";;"}},
            '"delimiter" must be a 1-character string',
        ),
        ("%(color)s.jl", {}, "the spider has no 'color' for %(color)s"),
        ("%(name)d.jl", {}, "TypeError: %d format: a real number is required, not str"),
        ("/dev/null/items.jl", {}, "can't be written: File exists: /dev/null"),
        ("a\0b.jl", {}, "the path of a file can't have a NUL character"),
        ("file:///srv/a%00b.jl", {}, "the path of a file can't have a NUL character"),
        ("file://[srv/items.jl", {}, "Invalid IPv6 URL"),
    ],
)
def test_a_feed_that_cannot_be_is_refused_before_the_first_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, uri: str, options: Any, problem: str
) -> None:
    monkeypatch.chdir(tmp_path)
    context = context_for({uri: options})
    with pytest.raises(SettingError) as caught:
        FeedExporter.from_crawler(context).begin(context.spider)
    assert str(caught.value).startswith(f"setting FEEDS: {uri}: ")
    assert problem in str(caught.value)
    assert str(caught.value).count("FEEDS") == 1


# -- A file that is not what was written


@pytest.mark.parametrize("change", ["removed", "replaced", "cut", "appended to", "other folder"])
async def test_a_feed_that_lost_its_items_during_the_crawl_is_not_stored(
    tmp_path: Path, change: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "items.jl"
    context = context_for({"items.jl": {"format": "jsonlines"}})
    feeds = await opened(context)
    feeds.write(feeds.pack({"number": 1}, RESPONSE))
    if change in ("removed", "replaced"):
        path.unlink()
    if change == "replaced":
        path.write_text('{"number": 0}\n{"number": 0}\n', encoding="utf-8")
    elif change == "cut":
        path.write_text("", encoding="utf-8")
    elif change == "appended to":
        with path.open("a", encoding="utf-8") as file:
            file.write('{"number": 5}\n')
    elif change == "other folder":
        monkeypatch.chdir("/")
    feeds.write(feeds.pack({"number": 2}, RESPONSE))
    await feeds.close(finished=True)
    whole = change in ("appended to", "other folder")
    assert ("Error storing jsonlines feed" in caplog.text) is not whole
    assert context.stats.get_value("feedexport/success_count/FileFeedStorage", 0) == whole
    if whole:
        lines = path.read_text(encoding="utf-8").splitlines()
        assert [json.loads(line)["number"] for line in lines if "5" not in line] == [1, 2]


@pytest.mark.parametrize("twin", ["./items.jl", "link.jl", "folder/../items.jl"])
def test_one_file_is_one_feed(tmp_path: Path, twin: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "link.jl").symlink_to("items.jl")
    (tmp_path / "folder").mkdir()
    context = context_for({"items.jl": {"format": "jsonlines"}, twin: {"format": "jsonlines"}})
    with pytest.raises(SettingError, match="the same file as items"):
        FeedExporter.from_crawler(context).begin(context.spider)


# -- Whatever an item holds


class Odd:
    """An object that fails at its own text, and can't be copied."""

    def __repr__(self) -> str:
        raise ValueError("no text")

    __str__ = __reduce__ = __repr__  # type: ignore[assignment]


CIRCULAR: dict[str, Any] = {}
CIRCULAR["self"] = CIRCULAR
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**400), 10**400)
    | st.floats()
    | st.text(st.characters(exclude_categories=()))  # with surrogates
    | st.binary(max_size=5)
    | st.dates()
    | st.decimals()
    | st.builds(Odd)
    | st.just(CIRCULAR),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3) | st.integers(), inner, max_size=2)
    ),
    max_leaves=4,
)
FORMATS = ("jsonlines", "json", "csv", "xml", "pickle", "marshal")


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(values=st.lists(VALUES, max_size=4))
async def test_an_item_is_in_each_feed_or_counted(tmp_path: Path, values: list[Any]) -> None:
    paths = {name: tmp_path / f"items.{name}" for name in FORMATS}
    context = context_for({str(path): {"format": name, "overwrite": True} for name, path in paths.items()})
    feeds = await opened(context)
    records = 0
    for value in [*values, "last"]:
        packed = feeds.pack({"value": value}, RESPONSE)
        records += len(packed)
        feeds.write(packed)
    await feeds.close(finished=True)
    lost = context.stats.get_value("feedexport/item_error_count", 0)
    assert records + lost == len(FORMATS) * (len(values) + 1)
    assert context.stats.get_value("feedexport/success_count/FileFeedStorage") == len(FORMATS)
    assert json.loads(paths["json"].read_text(encoding="utf-8"))[-1] == {"value": "last"}
    assert json.loads(paths["jsonlines"].read_text(encoding="utf-8").splitlines()[-1]) == {"value": "last"}
    assert list(ET.fromstring(paths["xml"].read_text(encoding="utf-8")))[-1].findtext("value") == "last"
