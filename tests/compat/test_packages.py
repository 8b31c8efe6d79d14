"""What packages for Scrapy do: their handlers, signals, old names and settings, in a crawl of ours."""

import importlib
from pathlib import Path
from typing import Any

import pytest

from aioscrapy.exporters import BaseItemExporter
from aioscrapy.http import Request, Response
from aioscrapy.settings import Settings
from support.crawling import SiteSpider, crawl
from support.site import Site

_HANDLERS = "scrapy.core.downloader.handlers"


@pytest.mark.parametrize(
    ("module", "name"),
    [("http11", "HTTP11DownloadHandler"), ("http", "HTTPDownloadHandler"), ("http2", "H2DownloadHandler")],
)
async def test_a_handler_passes_on_what_it_does_not_handle(module: str, name: str, site: Site) -> None:
    base = getattr(importlib.import_module(f"aio{_HANDLERS}.{module}"), name)

    class Browser(base):
        """The shape of scrapy-playwright and scrapy-impersonate."""

        closed = 0

        async def download_request(self, request: Request) -> Response:
            if not request.meta.get("browser"):
                response: Response = await super().download_request(request)
                return response
            return Response(request.url, body=b"drawn by a browser", request=request)

        async def close(self) -> None:
            await super().close()
            Browser.closed += 1

    class Mixed(SiteSpider):
        paths = ("/page/1", "/page/2")

        async def start(self) -> Any:
            yield self.request("/page/1")
            yield self.request("/page/2", meta={"browser": True})

        def parse(self, response: Response) -> Any:
            yield {"url": response.url, "drawn": response.body == b"drawn by a browser"}

    crawled = await crawl(Mixed, {"DOWNLOAD_HANDLERS": {"http": Browser}}, site=site.url)
    assert {(item["url"][-1], item["drawn"]) for item in crawled.items} == {("1", False), ("2", True)}
    assert site.counts() == {"/page/1": 1}
    assert Browser.closed == 1


@pytest.mark.parametrize(
    "path",
    [
        f"{_HANDLERS}.http11.HTTP11DownloadHandler",
        f"{_HANDLERS}.http.HTTPDownloadHandler",
        f"{_HANDLERS}.http2.H2DownloadHandler",
    ],
)
async def test_scrapys_own_handlers_may_be_named_in_the_settings(path: str, site: Site) -> None:
    crawled = await crawl(SiteSpider, {"DOWNLOAD_HANDLERS": {"http": path, "https": path}}, site=site.url)
    assert crawled.reason == "finished"
    assert site.counts() == {"/": 1}


async def test_a_component_sends_a_signal_of_its_own_and_waits_for_it(site: Site) -> None:
    own = object()

    class Sender(SiteSpider):
        def __init__(self, **kwargs: Any) -> None:
            super().__init__(**kwargs)
            self.received: list[Any] = []

        async def parse(self, response: Response) -> Any:
            self.crawler.signals.connect(self.note, own)
            await self.crawler.signals.send_catch_log_async(own, answer=1)
            await self.crawler.signals.send_catch_log_async(signal=own, answer=2)
            yield {"url": response.url}

        async def note(self, signal: Any, answer: int) -> None:
            self.received.append((signal is own, answer))

    crawled = await crawl(Sender, site=site.url)
    assert crawled.spider.received == [(True, 1), (True, 2)]
    assert crawled.reason == "finished"


def test_a_package_has_its_name_after_the_rename_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("scrapy_shape", "aioscrapy_own"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("")
        (tmp_path / name / "parts.py").write_text("class Part: ...")
    monkeypatch.syspath_prepend(tmp_path)
    renamed = importlib.import_module("aioscrapy_shape.parts")
    assert renamed is importlib.import_module("scrapy_shape.parts")
    assert importlib.import_module("aioscrapy_own.parts").__name__ == "aioscrapy_own.parts"
    with pytest.raises(ModuleNotFoundError, match=r"No module named 'aioscrapy_shape\.other'"):
        importlib.import_module("aioscrapy_shape.other")
    with pytest.raises(ModuleNotFoundError, match="No module named 'aioscrapy_absent'"):
        importlib.import_module("aioscrapy_absent")


def test_a_part_of_a_package_has_its_name_after_the_rename_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("watch", "watch/contrib", "watch/contrib/scrapy", "watch/aioscrapy_own"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("")
        (tmp_path / name / "parts.py").write_text("class Part: ...")
    monkeypatch.syspath_prepend(tmp_path)
    renamed = importlib.import_module("watch.contrib.aioscrapy.parts")
    assert renamed is importlib.import_module("watch.contrib.scrapy.parts")
    assert renamed.__name__ == "watch.contrib.scrapy.parts"
    assert importlib.import_module("watch.aioscrapy_own.parts").__name__ == "watch.aioscrapy_own.parts"
    with pytest.raises(ModuleNotFoundError, match=r"No module named 'watch\.contrib\.aioscrapy\.other'"):
        importlib.import_module("watch.contrib.aioscrapy.other")


def test_names_that_old_packages_import_are_there() -> None:
    item = importlib.import_module("aioscrapy.item")
    assert item.BaseItem is item.Item
    assert item.DictItem is item.Item
    request = Request("http://a.test/?b=1&a=2")
    digits = importlib.import_module("aioscrapy.utils.request").request_fingerprint(request)
    assert digits == "a586bde248057f5a060e5c48e16a22cf08763c17"
    resolver = importlib.import_module("aioscrapy.resolver")
    assert resolver.dnscache.pop("example.com", None) is None


class ByName(BaseItemExporter):
    """The shape of scrapy-xlsx: its library writes to a path."""

    def __init__(self, file: Any, **options: Any) -> None:
        super().__init__(dont_fail=True, **options)
        self.file = file
        self.rows: list[Any] = []

    def export_item(self, item: Any) -> None:
        self.rows.append(dict(self._get_serialized_fields(item, default_value="", include_empty=True)))

    def finish_exporting(self) -> None:
        Path(self.file.name).write_text(repr(self.rows), "utf-8")


async def test_an_exporter_may_write_its_file_by_name(tmp_path: Path, site: Site) -> None:
    feed = {"format": "own", "fields": ["path", "other"], "overwrite": True}
    settings = {"FEED_EXPORTERS": {"own": ByName}, "FEEDS": {str(tmp_path / "items.own"): feed}}
    crawled = await crawl(SiteSpider, settings, site=site.url)
    assert crawled.reason == "finished"
    assert (tmp_path / "items.own").read_text("utf-8") == "[{'path': '/', 'other': ''}]"


def test_a_formatter_of_a_project_uses_scrapys_texts() -> None:
    logformatter = importlib.import_module("aioscrapy.logformatter")
    line = logformatter.LogFormatter().item_error({"a": 1}, ValueError(), None, None)
    assert line["msg"] == logformatter.ITEMERRORMSG
    assert line["msg"] % line["args"] == "Error processing {'a': 1}"
    own = logformatter.LogFormatterResult(level=10, msg=logformatter.DROPPEDMSG, args={})
    assert own["msg"].splitlines() == ["Dropped: %(exception)s", "%(item)s"]


def test_a_package_reads_the_values_and_layers_of_settings() -> None:
    settings = Settings({"OWN": 1}, "spider")
    assert "OWN" in settings.attributes
    assert settings.attributes["OWN"].value == 1
    assert settings.attributes["OWN"].priority == settings.getpriority("OWN")


@pytest.mark.parametrize("name", ["FEED_FORMAT", "DOWNLOAD_DELAY", "LOG_LEVEL", "ROBOTSTXT_OBEY", "BOT_NAME"])
def test_none_of_an_environment_variable_leaves_the_default(name: str) -> None:
    settings, untouched = Settings({name: None}), Settings()
    settings.check()
    assert settings[name] == untouched[name]
