"""The extension FeedExporter as projects use it: subclasses of it, by hand, and the storages by hand."""

import io
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from aioscrapy import signals
from aioscrapy.context import CrawlContext
from aioscrapy.exceptions import ConfigError, NotConfigured, SettingError
from aioscrapy.exporters import JsonLinesItemExporter
from aioscrapy.extensions.feedexport import FeedExporter, StdoutFeedStorage
from aioscrapy.feeds.remote_storages import FTPFeedStorage, GCSFeedStorage, S3FeedStorage
from aioscrapy.http import Response
from aioscrapy.settings import Settings
from aioscrapy.spiders import Spider
from support import child_environment
from support.crawling import Everything, crawl, json_lines
from support.site import Site

RESPONSE = Response("https://example.com/page")
INSTEAD = {"scrapy.extensions.feedexport.FeedExporter": None}


class OnlyPages(FeedExporter):
    """Drops items, changes others, and notes when it is called."""

    events: list[str]

    def __init__(self, crawler: Any) -> None:
        super().__init__(crawler)
        self.events = crawler.settings["EVENTS"]

    def open_spider(self, spider: Any) -> None:
        super().open_spider(spider)
        self.events.append(f"open {spider.name}")

    def item_scraped(self, item: Any, spider: Any) -> None:
        if item["path"].startswith("/page"):
            super().item_scraped({**item, "spider": spider.name}, spider)

    async def close_spider(self, spider: Any) -> None:
        await super().close_spider(spider)
        self.events.append(f"close {spider.name}")


class Fails(FeedExporter):
    """Fails for one page."""

    def item_scraped(self, item: Any, spider: Any) -> None:
        super().item_scraped(item, spider)
        if item["path"] == "/page/3":
            raise ValueError("page 3")


@pytest.mark.parametrize("stored", [False, True])
async def test_a_subclass_decides_which_items_are_in_the_feeds(
    stored: bool, site: Site, tmp_path: Path
) -> None:
    events: list[str] = []
    settings: dict[str, Any] = {"EXTENSIONS": {**INSTEAD, OnlyPages: 0}, "EVENTS": events}
    feeds = {"FEEDS": {f"{tmp_path}/%(name)s.jl": {}}}
    directory = {"JOBDIR": str(tmp_path / "job")} if stored else {}
    crawled = await crawl(Everything, {**settings, **feeds, **directory}, site=site.url)
    pages = [item for item in crawled.items if item["path"].startswith("/page")]
    assert pages
    assert len(pages) < len(crawled.items)
    expected = [{**item, "spider": "tested"} for item in pages]
    assert sorted(json_lines(tmp_path / "tested.jl"), key=str) == sorted(expected, key=str)
    assert (events, crawled.reason) == (["open tested", "close tested"], "finished")


async def test_an_item_for_which_a_subclass_fails_is_counted_and_the_crawl_goes_on(
    site: Site, tmp_path: Path
) -> None:
    path = tmp_path / "items.jl"
    settings = {"EXTENSIONS": {**INSTEAD, Fails: 0}, "FEEDS": {path: {}}}
    crawled = await crawl(Everything, settings, site=site.url)
    assert len(json_lines(path)) == len(crawled.items) > 3
    assert crawled.stat("feedexport/item_error_count") == 1


async def test_two_exporters_and_a_coroutine_function_are_refused(site: Site, tmp_path: Path) -> None:
    class Late(FeedExporter):
        async def item_scraped(self, item: Any, spider: Any) -> None:  # type: ignore[override]
            super().item_scraped(item, spider)

    feeds = {"FEEDS": {tmp_path / "items.jl": {}}}
    with pytest.raises(ConfigError, match="write the same files"):
        await crawl(Everything, {"EXTENSIONS": {OnlyPages: 0}, "EVENTS": [], **feeds}, site=site.url)
    with pytest.raises(ConfigError, match=r"Late\.item_scraped is a coroutine function"):
        await crawl(Everything, {"EXTENSIONS": {**INSTEAD, Late: 0}, **feeds}, site=site.url)


async def test_without_a_crawl_its_methods_write_the_files(tmp_path: Path) -> None:
    path = tmp_path / "quotes.json"
    context = CrawlContext.without_crawl(Settings({"FEEDS": {f"{tmp_path}/%(name)s.json": {}}}))
    events: list[str] = []
    context.signals.connect(lambda slot: events.append(slot.uri), signals.feed_slot_closed)
    context.signals.connect(lambda: events.append("closed"), signals.feed_exporter_closed)
    exporter, spider = FeedExporter.from_crawler(context), Spider("quotes")
    assert exporter.feeds[f"{tmp_path}/%(name)s.json"]["format"] == "json"
    exporter.open_spider(spider)
    assert [slot.uri for slot in exporter.slots] == [str(path)]
    exporter.item_scraped({"a": 1}, spider)
    await exporter.close_spider(spider)
    assert path.read_text() == '[\n{"a": 1}\n]'
    assert events == [str(path), "closed"]


POOL = """
from aioscrapy import Request, Spider
from aioscrapy.extensions.feedexport import FeedExporter


class Even(FeedExporter):
    def item_scraped(self, item, spider):
        if item["number"] % 2 == 0:
            super().item_scraped(item, spider)


class Tested(Spider):
    name = "tested"
    custom_settings = {"EXTENSIONS": {"aioscrapy.extensions.feedexport.FeedExporter": None, Even: 0}}

    async def start_requests(self):
        for number in range(6):
            yield Request(f"data:,{number}")

    def parse(self, response):
        yield {"number": int(response.text)}
"""


@pytest.mark.server
def test_worker_processes_use_the_subclass(tmp_path: Path) -> None:
    (tmp_path / "tested.py").write_text(POOL)
    command = [sys.executable, "-m", "aioscrapy", "runspider", "tested.py", "--processes", "2"]
    done = subprocess.run(
        [*command, "-o", "items.jl"], cwd=tmp_path, env=child_environment(), capture_output=True
    )
    assert done.returncode == 0, done.stderr
    assert sorted(item["number"] for item in json_lines(tmp_path / "items.jl")) == [0, 2, 4]


# -- Storages that a project creates


def test_storages_have_the_arguments_and_attributes_of_scrapy(caplog: pytest.LogCaptureFixture) -> None:
    ftp = FTPFeedStorage("ftp://user:p%40ss@example.com/folder/items.jl", True)
    assert (ftp.host, ftp.port, ftp.username, ftp.password) == ("example.com", 21, "user", "p@ss")
    assert (ftp.path, ftp.use_active_mode, ftp.overwrite) == ("/folder/items.jl", True, True)
    s3 = S3FeedStorage("s3://bucket/a/b.jl", "key", "secret", "private", session_token="token")
    assert (s3.bucketname, s3.keyname, s3.acl, s3.access_key) == ("bucket", "a/b.jl", "private", "key")
    s3 = S3FeedStorage("s3://user:secret@bucket/b.jl", "key", "other", region_name="eu")
    assert (s3.access_key, s3.secret_key, s3.region_name) == ("user", "secret", "eu")
    google = GCSFeedStorage("gs://bucket/a.jl", "project", "")
    assert (google.project_id, google.acl, google.bucket_name, google.blob_name) == (
        "project",
        None,
        "bucket",
        "a.jl",
    )
    output = io.BytesIO()
    stdout = StdoutFeedStorage("stdout:", _stdout=output, feed_options={"overwrite": True})
    stdout.open(Spider("quotes")).write(b"content")
    assert output.getvalue() == b"content"
    S3FeedStorage("s3://key:secret@bucket/b.jl", feed_options={"overwrite": False})
    assert "s3://bucket/b.jl: S3 does not support appending" in caplog.text
    assert "does not support overwriting" in caplog.text


@pytest.mark.parametrize(
    ("storage_class", "uri", "options"),
    [
        (FTPFeedStorage, "ftp:///folder", {}),
        (S3FeedStorage, "s3:///key", {}),
        (GCSFeedStorage, "gs:///name", {}),
    ],
)
def test_a_storage_that_cannot_be_is_refused(storage_class: Any, uri: str, options: Any) -> None:
    with pytest.raises(SettingError, match=uri):
        storage_class(uri, feed_options=options)


def test_a_storage_that_is_not_configured_ends_the_crawl_before_the_first_page() -> None:
    class Disabled:
        def __init__(self, uri: str, *, feed_options: Any = None) -> None:
            raise NotConfigured("no login")

    settings = Settings({"FEEDS": {"own://items.jl": {}}, "FEED_STORAGES": {"own": Disabled}})
    with pytest.raises(SettingError, match=r"own://items\.jl: no login"):
        FeedExporter.from_crawler(CrawlContext.without_crawl(settings))


class BreaksInTheFile(JsonLinesItemExporter):
    """Packs items as usual, and raises when it writes."""

    def write(self, packed: bytes) -> None:
        raise LookupError("no line for it")


async def test_an_exporter_that_raises_when_it_writes_ends_the_crawl_as_output_failed(
    site: Site, tmp_path: Path
) -> None:
    settings = {
        "JOBDIR": str(tmp_path / "job"),
        "FEED_EXPORTERS": {"lines": BreaksInTheFile},
        "FEEDS": {str(tmp_path / "items.jl"): {"format": "lines"}},
    }
    crawled = await crawl(Everything, settings, site=site.url)
    assert crawled.reason == "output_failed"
    assert crawled.crawler.end is not None
    assert "LookupError: no line for it" in crawled.crawler.end.error
