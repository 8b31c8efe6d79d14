"""Feeds to S3, Google Cloud Storage and FTP, on real servers: delivered once they are complete."""

import ftplib
import io
import json
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from aioscrapy.context import CrawlContext
from aioscrapy.ends import Reason
from aioscrapy.exceptions import SettingError
from aioscrapy.extensions.feedexport import FeedExporter
from aioscrapy.feeds.options import feed_of
from aioscrapy.http import Response
from aioscrapy.remote_files import remote_files
from aioscrapy.settings import Settings
from aioscrapy.spiders import Spider
from support.file_servers import FileServer, ftp_server, google_server, put, s3_server

RESPONSE = Response("https://example.com/page")
ITEMS = [{"a": number} for number in range(5)]
LINES = "".join(f'{{"a": {number}}}\n' for number in range(5)).encode()
pytestmark = [
    pytest.mark.server,
    # of s3fs, gcsfs and their test servers, when they are closed
    pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


@pytest.fixture(params=["s3", "gs", "ftp"])
def server(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[FileServer]:
    servers = {
        "s3": s3_server,
        "gs": lambda: google_server(monkeypatch),
        "ftp": lambda: ftp_server(tmp_path / "ftp"),
    }
    with servers[request.param]() as running:
        yield running


async def crawl(feeds: Any, settings: dict[str, Any], folder: Path) -> tuple[CrawlContext, list[str]]:
    """Write five items as a crawl in memory does; return the problems that ended it, too."""
    folder.mkdir(exist_ok=True)
    context = CrawlContext.without_crawl(
        Settings({"FEEDS": feeds, "FEED_TEMPDIR": str(folder), **settings}), Spider("quotes")
    )
    problems: list[str] = []

    def fail(reason: Reason, problem: str) -> None:
        problems.append(f"{reason}: {problem}")

    context.fail = fail
    exporter = FeedExporter.from_crawler(context).begin(context.spider)
    await exporter.open(None)
    for item in ITEMS:
        exporter.write(exporter.pack(item, RESPONSE))
    await exporter.close(finished=True)
    return context, problems


def left(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


async def test_a_complete_feed_is_on_the_server(server: FileServer, tmp_path: Path) -> None:
    context, problems = await crawl({f"{server.uri}%(name)s.jl": {}}, server.settings, tmp_path / "temp")
    assert problems == []
    assert server.read("quotes.jl") == LINES
    assert left(tmp_path / "temp") == []
    [name] = context.stats.get_stats()
    assert name.startswith("feedexport/success_count/")


def test_a_folder_that_another_upload_creates_meanwhile_is_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with ftp_server(tmp_path) as server:
        create = ftplib.FTP.mkd

        def be_late(connection: ftplib.FTP, name: str) -> str:
            (tmp_path / "folder").mkdir()
            return create(connection, name)

        monkeypatch.setattr(ftplib.FTP, "mkd", be_late)
        remote_files(server.uri, Settings()).upload("a.jl", io.BytesIO(LINES))
        assert server.read("a.jl") == LINES


async def test_each_file_of_a_row_is_delivered(server: FileServer, tmp_path: Path) -> None:
    feeds = {f"{server.uri}%(batch_id)d.json": {"batch_item_count": 2}}
    _, problems = await crawl(feeds, server.settings, tmp_path / "temp")
    assert problems == []
    assert [json.loads(server.read(f"{number}.json")) for number in (1, 2, 3)] == [
        ITEMS[:2],
        ITEMS[2:4],
        ITEMS[4:],
    ]
    assert left(tmp_path / "temp") == []


async def test_a_file_on_a_server_has_its_time_and_its_checksum(server: FileServer) -> None:
    files = remote_files(server.uri, Settings(server.settings))
    assert files.state("none.txt") is None
    put(server, "a/b.txt", b"hello")
    state = files.state("a/b.txt")
    assert state is not None
    assert state.checksum == "5d41402abc4b2a76b9719d911017c592"
    assert state.last_modified > 1.7e9


async def test_an_ftp_server_can_append(tmp_path: Path) -> None:
    with ftp_server(tmp_path / "ftp") as server:
        for _ in range(2):
            await crawl({f"{server.uri}items.jl": {"overwrite": False}}, {}, tmp_path / "temp")
        assert server.read("items.jl") == LINES * 2


async def test_a_failed_delivery_keeps_the_file_and_ends_the_crawl(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with ftp_server(tmp_path / "ftp") as server:
        uri = server.uri.replace("pass%20word", "wrong")
        context, problems = await crawl({f"{uri}items.jl": {}}, {}, tmp_path / "temp")
        [kept] = left(tmp_path / "temp")
        assert kept.read_bytes() == LINES
        [problem] = problems
        assert problem.startswith("output_failed")
        assert str(kept) in problem
        assert context.stats.get_value("feedexport/failed_count/FTPFeedStorage") == 1
        assert "wrong" not in caplog.text + problem
        await crawl({f"{uri}items.jl": {}}, {}, tmp_path / "temp")  # the next crawl overwrites nothing
        assert [path.read_bytes() for path in left(tmp_path / "temp")] == [LINES, LINES]


class Shelf:
    """A storage of a project, as Scrapy's documentation shows."""

    files: dict[str, bytes] = {}  # noqa: RUF012 of all shelves

    def __init__(self, uri: str, *, feed_options: Any = None) -> None:
        self.uri, self.options = uri, feed_options

    def open(self, spider: Any) -> Any:
        return tempfile.NamedTemporaryFile(prefix=spider.name)

    def store(self, file: Any) -> None:
        file.seek(0)
        self.files[self.uri] = file.read()
        file.close()


async def test_a_storage_of_the_project_gets_the_file(tmp_path: Path) -> None:
    settings = {"FEED_STORAGES": {"shelf": Shelf, "ftp": None}}
    _, problems = await crawl({"shelf://top/items.jl": {"format": "jl"}}, settings, tmp_path / "temp")
    assert (problems, Shelf.files) == ([], {"shelf://top/items.jl": LINES})
    with pytest.raises(SettingError, match="there is no storage for ftp://"):
        feed_of("ftp://host/items.jl", {}, Settings(settings))


def test_a_missing_library_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "s3fs", None)
    with pytest.raises(SettingError, match=r"pip install 'aioscrapy-scrapyd\[s3\]'"):
        feed_of("s3://key:secret@bucket/items.jl", {}, Settings())


def test_a_temporary_folder_of_another_user_is_refused(tmp_path: Path) -> None:
    (tmp_path / f"aioscrapy-feeds-{os.getuid()}").symlink_to("/")
    with pytest.raises(SettingError, match="another user"):
        feed_of("ftp://host/items.jl", {}, Settings({"FEED_TEMPDIR": str(tmp_path)}))
