"""Files and images of items, downloaded from a real server through the crawl."""

import errno
import hashlib
import io
import os
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, ClassVar

import pytest
from aiohttp import web
from PIL import Image

from aioscrapy.exceptions import DropItem, IgnoreRequest, SettingError
from aioscrapy.http import Request
from aioscrapy.item import Field, Item
from aioscrapy.pipelines.files import (
    FilesPipeline,
    FSFilesStore,
    FTPFilesStore,
    GCSFilesStore,
    S3FilesStore,
)
from aioscrapy.pipelines.images import ImagesPipeline
from aioscrapy.pipelines.media import FileException
from aioscrapy.settings import Settings
from support.context import context
from support.crawling import Crawled, SiteSpider, crawl
from support.file_servers import ftp_server, s3_server

FILES = {"aioscrapy.pipelines.files.FilesPipeline": 1}
IMAGES = {"aioscrapy.pipelines.images.ImagesPipeline": 1}


def image(size: tuple[int, int] = (40, 20), form: str = "PNG", mode: str = "RGBA") -> bytes:
    file = io.BytesIO()
    Image.new(mode, size, 7 if mode == "P" else None).save(file, form)
    return file.getvalue()


class Server:
    """Files by their paths, and how often each was asked for."""

    def __init__(self) -> None:
        self.url = ""
        self.counts: Counter[str] = Counter()
        self.files: dict[str, tuple[int, bytes, dict[str, str]]] = {
            "/": (200, b"<p>page</p>", {"Content-Type": "text/html"}),
            "/a.pdf": (200, b"%PDF a", {}),
            "/b.txt": (200, b"text", {}),
            "/empty.txt": (200, b"", {}),
            "/moved.txt": (302, b"", {"Location": "/b.txt"}),
            "/big.png": (200, image(), {}),
            "/small.png": (200, image((4, 4)), {}),
            "/photo.jpg": (200, image(form="JPEG", mode="RGB"), {}),
            "/palette.gif": (200, image(form="GIF", mode="P"), {}),
            "/text.png": (200, b"no image", {}),
        }

    async def answer(self, request: web.Request) -> web.Response:
        self.counts[request.path] += 1
        if request.path == "/flaky.txt" and self.counts[request.path] < 3:
            return web.Response(status=503)
        status, body, headers = self.files.get(request.path, (404, b"", {}))
        if request.path == "/flaky.txt":
            status, body = 200, b"at last"
        return web.Response(status=status, body=body, headers=headers)


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    server = Server()
    app = web.Application()
    app.router.add_get("/{path:.*}", server.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    server.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield server
    await runner.cleanup()


class Shop(SiteSpider):
    """Yields items whose URLs are those of `names`."""

    names: tuple[str, ...] = ()
    field = "file_urls"
    count = 1

    def parse(self, response: Any) -> Any:
        for number in range(self.count):
            yield {"number": number, self.field: [self.site + name for name in self.names]}


async def shop(server: Server, folder: Path, *names: str, **arguments: Any) -> Crawled:
    settings = {"ITEM_PIPELINES": FILES, "FILES_STORE": str(folder), "RETRY_DELAY": 0}
    settings |= arguments.pop("settings", {})
    return await crawl(Shop, settings, site=server.url, names=names, **arguments)


def path_of(url: str, ending: str, kind: str = "full") -> str:
    return f"{kind}/{hashlib.sha1(url.encode()).hexdigest()}{ending}"


async def test_an_item_has_its_files(server: Server, tmp_path: Path) -> None:
    crawled = await shop(server, tmp_path, "/a.pdf", "/b.txt")
    [item] = crawled.items
    url = f"{server.url}/a.pdf"
    assert item["files"][0] == {
        "url": url,
        "path": path_of(url, ".pdf"),
        "checksum": hashlib.md5(b"%PDF a").hexdigest(),
        "status": "downloaded",
    }
    assert (tmp_path / path_of(url, ".pdf")).read_bytes() == b"%PDF a"
    assert (crawled.stat("file_count"), crawled.stat("file_status_count/downloaded")) == (2, 2)


async def test_a_file_is_downloaded_once_for_all_items(server: Server, tmp_path: Path) -> None:
    crawled = await shop(server, tmp_path, "/a.pdf", "/a.pdf", count=5)
    assert [len(item["files"]) for item in crawled.items] == [2] * 5
    assert server.counts["/a.pdf"] == 1


async def test_a_file_of_the_store_is_used_until_it_expires(server: Server, tmp_path: Path) -> None:
    await shop(server, tmp_path, "/a.pdf")
    crawled = await shop(server, tmp_path, "/a.pdf")
    assert crawled.items[0]["files"][0]["status"] == "uptodate"
    assert server.counts["/a.pdf"] == 1
    path = tmp_path / path_of(f"{server.url}/a.pdf", ".pdf")
    old = time.time() - 3 * 24 * 3600
    os.utime(path, (old, old))
    crawled = await shop(server, tmp_path, "/a.pdf", settings={"FILES_EXPIRES": 2})
    assert crawled.items[0]["files"][0]["status"] == "downloaded"


async def test_files_that_fail_are_left_out(
    server: Server, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    crawled = await shop(server, tmp_path, "/none.txt", "/empty.txt", "/moved.txt", "/b.txt")
    [item] = crawled.items
    assert [file["url"] for file in item["files"]] == [f"{server.url}/b.txt"]
    for text in ("File (code: 404)", "File (empty-content)", "File (code: 302)"):
        assert text in caplog.text
    assert crawled.reason == "finished"


class BadUrls(Shop):
    def parse(self, response: Any) -> Any:
        yield {"file_urls": ["http://[x/", None, "x.pdf", self.site + "/b.txt"]}


class Outside(FilesPipeline):
    def file_path(self, *arguments: Any, **named: Any) -> str:
        return "../b.txt"


@pytest.mark.parametrize(
    ("spider", "pipeline", "count", "lines"),
    [
        (BadUrls, FilesPipeline, 1, ["'http://[x/': Invalid IPv6 URL", "None: url must be", "'x.pdf': Miss"]),
        (Shop, Outside, 0, ["../b.txt is outside of"]),
    ],
)
async def test_a_bad_file_costs_neither_the_item_nor_its_line(
    server: Server, tmp_path: Path, caplog: Any, spider: Any, pipeline: Any, count: int, lines: list[str]
) -> None:
    settings = {"ITEM_PIPELINES": {pipeline: 1}, "FILES_STORE": str(tmp_path / "store")}
    crawled = await crawl(spider, settings, site=server.url, names=("/b.txt",))
    assert [len(item["files"]) for item in crawled.items] == [count]
    assert all(line in caplog.text for line in lines)


class FailingStore(FSFilesStore):
    number = errno.ENOSPC

    def persist_file(self, path: Any, *arguments: Any, **named: Any) -> None:
        if path.endswith(".pdf"):
            raise OSError(self.number, "no", path)
        super().persist_file(path, *arguments, **named)


class FailingFiles(FilesPipeline):
    STORE_SCHEMES: ClassVar[dict[str, type]] = {"file": FailingStore}


async def test_a_crawl_whose_files_can_not_be_stored_is_not_finished(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = {"ITEM_PIPELINES": {FailingFiles: 1}}
    full = await shop(server, tmp_path, "/a.pdf", "/b.txt", settings=settings)
    assert (full.reason, len(full.items[0]["files"])) == ("output_failed", 1)
    assert full.crawler.end.exit_status == 1
    assert "FailingFiles can't store full/" in full.crawler.end.error

    class Pages(Shop):
        paths = ("/?1", "/?2", "/?3")

    arguments = {"site": server.url, "names": ("/a.pdf", "/b.txt")}
    settings |= {"FILES_STORE": str(tmp_path), "CONCURRENT_REQUESTS": 1}
    for number, pages in ((errno.ENAMETOOLONG, 3), (errno.EROFS, 1)):
        monkeypatch.setattr(FailingStore, "number", number)
        crawled = await crawl(Pages, settings, **arguments)
        assert (crawled.reason, len(crawled.items)) == ("output_failed", pages)


async def test_redirects_are_followed_if_they_may_be(server: Server, tmp_path: Path) -> None:
    crawled = await shop(server, tmp_path, "/moved.txt", settings={"MEDIA_ALLOW_REDIRECTS": True})
    [file] = crawled.items[0]["files"]
    assert file["url"] == f"{server.url}/moved.txt"
    assert (tmp_path / file["path"]).read_bytes() == b"text"


async def test_a_failed_download_is_repeated(server: Server, tmp_path: Path) -> None:
    crawled = await shop(server, tmp_path, "/flaky.txt", settings={"RETRY_TIMES": 3})
    assert [file["status"] for file in crawled.items[0]["files"]] == ["downloaded"]
    assert server.counts["/flaky.txt"] == 3


class NoText:
    """A downloader middleware that drops requests for text files."""

    def process_request(self, request: Request) -> None:
        if request.url.endswith(".txt"):
            raise IgnoreRequest("no text")


async def test_a_middleware_may_drop_a_file(
    server: Server, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    settings = {"DOWNLOADER_MIDDLEWARES": {NoText: 5}}
    crawled = await shop(server, tmp_path, "/b.txt", "/a.pdf", settings=settings)
    assert server.counts["/b.txt"] == 0
    assert [Path(file["url"]).name for file in crawled.items[0]["files"]] == ["a.pdf"]
    assert not [record for record in caplog.records if record.levelname in {"ERROR", "WARNING"}]


async def test_images_become_jpeg_with_thumbnails(server: Server, tmp_path: Path) -> None:
    settings = {
        "ITEM_PIPELINES": IMAGES,
        "IMAGES_STORE": str(tmp_path),
        "IMAGES_THUMBS": {"tiny": (10, 10)},
        "IMAGES_MIN_HEIGHT": 5,
    }
    names = ("/big.png", "/small.png", "/photo.jpg", "/palette.gif", "/text.png")
    crawled = await shop(server, tmp_path, *names, settings=settings, field="image_urls")
    [item] = crawled.items
    assert [Path(result["url"]).name for result in item["images"]] == ["big.png", "photo.jpg", "palette.gif"]
    for name in ("/big.png", "/photo.jpg", "/palette.gif"):
        with Image.open(tmp_path / path_of(server.url + name, ".jpg")) as stored:
            assert (stored.format, stored.mode, stored.size) == ("JPEG", "RGB", (40, 20))
        with Image.open(tmp_path / path_of(server.url + name, ".jpg", "thumbs/tiny")) as thumb:
            assert thumb.size == (10, 5)
    [photo] = [result for result in item["images"] if result["url"].endswith("photo.jpg")]
    assert photo["checksum"] == hashlib.md5(server.files["/photo.jpg"][1]).hexdigest()


class Books(FilesPipeline):
    """A pipeline as public projects write it."""

    EXPIRES = 1

    def get_media_requests(self, item: Any, info: Any) -> Any:
        for url in item["file_urls"]:
            yield Request(url, meta={"number": item["number"]})

    def file_path(self, request: Request, response: Any = None, info: Any = None, *, item: Any = None) -> str:
        return f"{request.meta['number']}/{request.url.rpartition('/')[2]}"

    def item_completed(self, results: Any, item: Any, info: Any) -> Any:
        paths = [value["path"] for ok, value in results if ok]
        if not paths:
            raise DropItem("no files")
        item["paths"] = paths
        item["failures"] = [failure.value.args[0] for ok, failure in results if not ok]
        return item


async def test_a_pipeline_of_the_project(server: Server, tmp_path: Path) -> None:
    settings = {"ITEM_PIPELINES": {Books: 1}, "BOOKS_FILES_EXPIRES": 3}
    crawled = await shop(server, tmp_path, "/b.txt", "/none.txt", settings=settings)
    assert crawled.items[0]["paths"] == ["0/b.txt"]
    assert crawled.items[0]["failures"] == ["download-error"]
    assert (tmp_path / "0/b.txt").read_bytes() == b"text"
    dropped = await shop(server, tmp_path / "other", "/none.txt", settings=settings)
    assert dropped.items == []
    assert dropped.stat("item_dropped_count") == 1


class Manual(Item):  # type: ignore[misc]
    file_urls = Field()


def test_settings_and_fields_of_a_subclass(tmp_path: Path) -> None:
    class Covers(ImagesPipeline):
        EXPIRES = 5
        IMAGES_URLS_FIELD = "cover_urls"

    own = {"IMAGES_STORE": str(tmp_path), "COVERS_IMAGES_RESULT_FIELD": "covers", "IMAGES_MIN_WIDTH": "7"}
    pipeline = Covers.from_crawler(context(own))
    assert (pipeline.expires, pipeline.images_urls_field, pipeline.images_result_field) == (
        5,
        "cover_urls",
        "covers",
    )
    assert (pipeline.min_width, pipeline.min_height, pipeline.thumbs) == (7, 0, {})
    files = FilesPipeline.from_crawler(context({"FILES_STORE": tmp_path.as_uri()}))
    item = Manual(file_urls=[])
    assert files.item_completed([(True, {})], item, None) is item  # an Item without the field
    with pytest.raises(TypeError, match="file_urls must be a list of URLs"):
        files.get_media_requests({"file_urls": "http://a"}, None)


def test_a_store_that_cannot_be_is_refused() -> None:
    with pytest.raises(SettingError, match="there is no store for nowhere://"):
        FilesPipeline.from_crawler(context({"FILES_STORE": "nowhere://bucket"}))


def test_no_file_is_written_outside_of_the_store(tmp_path: Path) -> None:
    store = FSFilesStore(str(tmp_path / "store"))
    for path in ("../out.txt", "/etc/out.txt", "a/../../out.txt"):
        with pytest.raises(FileException, match="is outside of"):
            store.persist_file(path, io.BytesIO(b"x"), None)
    store.persist_file("a/in.txt", io.BytesIO(b"x"), None)
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["in.txt"]


async def test_a_missing_library_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, server: Server
) -> None:
    monkeypatch.setitem(sys.modules, "PIL", None)
    settings = {"ITEM_PIPELINES": IMAGES, "IMAGES_STORE": str(tmp_path)}
    await shop(server, tmp_path, settings=settings)
    assert "pip install 'aioscrapy-scrapyd[images]'" in caplog.text


@pytest.mark.server
@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::DeprecationWarning")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("kind", ["s3", "ftp"])
async def test_files_are_kept_on_a_server(server: Server, tmp_path: Path, kind: str) -> None:
    with s3_server() if kind == "s3" else ftp_server(tmp_path / "ftp") as store:
        settings = {**store.settings, "FILES_STORE": store.uri.rstrip("/")}
        await shop(server, tmp_path, "/a.pdf", settings=settings)
        path = path_of(f"{server.url}/a.pdf", ".pdf")
        assert store.read(path) == b"%PDF a"
        crawled = await shop(server, tmp_path, "/a.pdf", settings=settings)
        assert crawled.items[0]["files"][0]["status"] == "uptodate"
        assert crawled.items[0]["files"][0]["checksum"] == hashlib.md5(b"%PDF a").hexdigest()


@pytest.mark.parametrize("store_class", [S3FilesStore, GCSFilesStore, FTPFilesStore])
def test_a_store_for_a_server_refuses_another_kind_of_uri(store_class: type) -> None:
    with pytest.raises(ValueError, match="can't use http://"):
        store_class("http://example.com/files")


def test_a_subclass_of_a_store_has_its_own_access_rights() -> None:
    class PublicStore(S3FilesStore):
        POLICY = "public-read"

    assert remote_acl(PublicStore("s3://bucket/files")) == "public-read"
    assert remote_acl(PublicStore.from_settings("s3://bucket/files", Settings(), "private")) == "private"


def remote_acl(store: Any) -> str:
    acl: str = store._files._acl["ACL"]
    return acl
