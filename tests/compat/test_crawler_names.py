"""The crawler, its add-ons and its commands as programs of Scrapy use them."""

from pathlib import Path
from typing import Any

import pytest

from aioscrapy import Spider
from aioscrapy.addons import update_pre_crawler
from aioscrapy.crawler import AsyncCrawlerRunner, Crawler
from aioscrapy.exceptions import SettingError
from aioscrapy.failure import as_failure
from aioscrapy.handlers.aiohttp import AioHttpDownloadHandler
from aioscrapy.handlers.certificates import tls_context
from aioscrapy.http import Request
from aioscrapy.settings import Settings
from aioscrapy.utils.test import get_crawler
from support.commands import aioscrapy, fails, output
from support.context import context
from support.crawling import json_lines

SPIDERS = """
import scrapy


class Late(scrapy.Spider):
    name = "late"
"""


class Still(Spider):
    name = "still"

    async def start(self) -> Any:
        return
        yield


class Broken(Still):
    @classmethod
    def from_crawler(cls, crawler: Any, *args: Any, **kwargs: Any) -> Any:
        raise LookupError("no spider today")


class LateSpiders:
    """An add-on that names the modules of the spiders."""

    @classmethod
    def update_pre_crawler_settings(cls, settings: Settings) -> None:
        settings.set("SPIDER_MODULES", ["late_spiders"], "addon")


class FailingAddOn:
    @classmethod
    def update_pre_crawler_settings(cls, settings: Settings) -> None:
        raise OSError("no disk")


async def test_feeds_without_their_exporter_are_named(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    off = {"scrapy.extensions.feedexport.FeedExporter": None}
    await Crawler(Still, {"FEEDS": {tmp_path / "a.jl": {"format": "jsonlines"}}, "EXTENSIONS": off}).crawl()
    assert "No item is written to FEEDS: the FeedExporter extension is not enabled" in caplog.messages
    assert not (tmp_path / "a.jl").exists()


async def test_a_crawler_crawls_once() -> None:
    crawler = Crawler(Still)
    await crawler.crawl()
    assert crawler.reason == "finished"
    with pytest.raises(RuntimeError, match="has crawled before"):
        await crawler.crawl()


def test_a_crawler_needs_a_class() -> None:
    spider: Any = Still()
    with pytest.raises(ValueError, match="needs the class of a spider"):
        Crawler(spider)


async def test_a_runner_raises_what_the_project_raises() -> None:
    with pytest.raises(LookupError, match="no spider today"):
        await AsyncCrawlerRunner().crawl(Broken)


def test_a_crawler_for_tests_has_its_extensions_and_frozen_settings() -> None:
    crawler = get_crawler(Still, {"AUTOTHROTTLE_ENABLED": True})
    names = {type(extension).__name__ for extension in crawler.extensions.middlewares}
    assert {"AutoThrottle", "CoreStats"} <= names
    assert crawler.settings.frozen
    assert crawler.logformatter is not None
    assert len(crawler.request_fingerprinter.fingerprint(Request("http://example.test/"))) == 20


def test_an_add_on_names_the_spiders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "late_spiders.py").write_text(SPIDERS)
    monkeypatch.syspath_prepend(tmp_path)
    runner = AsyncCrawlerRunner({"ADDONS": {LateSpiders: 1}})
    assert runner.create_crawler("late").spidercls.name == "late"
    with pytest.raises(SettingError, match="OSError: no disk"):
        update_pre_crawler(Settings({"ADDONS": {FailingAddOn: 1}}))


def test_a_failure_raises_its_exception() -> None:
    with pytest.raises(KeyError):
        as_failure(KeyError("x")).raiseException()


def test_the_versions_of_tls_have_bounds() -> None:
    settings = Settings({"DOWNLOAD_TLS_MIN_VERSION": "TLSv1.2", "DOWNLOAD_TLS_MAX_VERSION": "TLSv1.3"})
    made = tls_context(settings, True)
    assert (made.minimum_version.name, made.maximum_version.name) == ("TLSv1_2", "TLSv1_3")
    with pytest.raises(SettingError, match="'new' is not one of"):
        tls_context(Settings({"DOWNLOAD_TLS_MIN_VERSION": "new"}), True)


@pytest.mark.parametrize("value", [("127.0.0.1",), ("127.0.0.1", "x")])
def test_an_address_that_is_none_is_refused(value: Any) -> None:
    with pytest.raises(SettingError, match="is not a host or"):
        AioHttpDownloadHandler(context({"DOWNLOAD_BIND_ADDRESS": value}))


@pytest.mark.server
def test_a_project_is_made_of_the_templates_of_the_user(tmp_path: Path) -> None:
    templates = tmp_path / "mine" / "project"
    (templates / "module").mkdir(parents=True)
    (templates / "module" / "settings.py.tmpl").write_text("BOT_NAME = '$project_name'\n")
    (templates / "notes").write_text("$ stays")
    own_templates = ("-s", f"TEMPLATES_DIR={tmp_path / 'mine'}")
    output(tmp_path, "startproject", "shop", *own_templates)
    assert (tmp_path / "shop" / "shop" / "settings.py").read_text() == "BOT_NAME = 'shop'\n"
    assert (tmp_path / "shop" / "notes").read_text() == "$ stays"
    (templates / "module" / "settings.py.tmpl").write_text("$unknown")
    wrong = aioscrapy(tmp_path, "startproject", "other", *own_templates)
    fails(wrong, "'unknown' is not a word of templates")


COMMANDS = """
from scrapy.commands.crawl import Command as Crawl
from scrapy.commands.runspider import Command as RunSpider


class All(Crawl):
    def run(self, args, opts):
        for name in self.crawler_process.spider_loader.list():
            super().run([name], opts)
"""


@pytest.mark.server
def test_a_command_of_a_project_derives_from_crawl(tmp_path: Path) -> None:
    (tmp_path / "scrapy.cfg").write_text("[settings]\ndefault = bot.settings\n")
    (tmp_path / "bot" / "commands").mkdir(parents=True)
    for path in ("bot/__init__.py", "bot/commands/__init__.py"):
        (tmp_path / path).touch()
    (tmp_path / "bot" / "settings.py").write_text(
        "SPIDER_MODULES = ['bot.spiders']\nCOMMANDS_MODULE = 'bot.commands'\n"
    )
    (tmp_path / "bot" / "spiders.py").write_text(
        f"{SPIDERS}    start_urls = ['data:,']\n\n"
        "    def parse(self, response):\n        yield {'n': self.n}\n"
    )
    (tmp_path / "bot" / "commands" / "all.py").write_text(COMMANDS)
    done = aioscrapy(tmp_path, "all", "-a", "n=1", "-o", "items.jl")
    assert done.returncode == 0, done.stderr
    assert json_lines(tmp_path / "items.jl") == [{"n": "1"}]
    assert aioscrapy(tmp_path, "all").returncode == 1  # the spider has no n, so its callback fails
