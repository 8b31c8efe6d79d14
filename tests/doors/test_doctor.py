"""`aioscrapy doctor`: what a project uses that is missing or differs, read from its files."""

import importlib.util
from pathlib import Path

import pytest

from aioscrapy.cmdline import main
from aioscrapy.doors.doctor import examine
from support import REPOSITORY

SETTINGS = """
BOT_NAME = "shop"
TELNETCONSOLE_ENABLED = False
TELNETCONSOLE_PORT = [6023, 6073]
DOWNLOADER_MIDDLEWARES = {
    "scrapy.downloadermiddlewares.retry.RetryMiddleware": None,
    "scrapy.extensions.telnet.TelnetConsole": 500,
    "scrapy.downloadermiddlewares.useragent.UserAgentMiddleware": 100,
}
"""
SPIDER = """
import scrapy
from scrapy import signals
from scrapy.mail import MailSender as Mail
from scrapy_redis import get_redis, picklecompat; from scrapy.spiders import signals as s
raise RuntimeError("a doctor does not run the project")

class Shop(scrapy.Spider):
    custom_settings = {"DNS_TIMEOUT": 3, "DOWNLOAD_DELAY": 1}

    def parse(self, response):
        self.crawler.engine.slot.scheduler
        self.crawler.engine.close_spider(self, "x"), self.crawler.engine.downloader.active
        self.crawler.signals.connect(self.failed, signals.spider_error)
        self.settings.set("MAIL_HOST", "localhost", priority="spider")
        yield scrapy.Request(response.url)
        yield scrapy.nothing.here
"""


def test_each_use_of_a_missing_name_has_its_place(tmp_path: Path) -> None:
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "settings.py").write_text(SETTINGS)
    (tmp_path / "shop" / "spider.py").write_text(SPIDER)
    (tmp_path / ".venv").mkdir()
    (tmp_path / ".venv" / "other.py").write_text("import scrapy.mail")
    findings = [str(finding) for finding in examine(tmp_path)]
    starts = [" ".join(text.split()[:3]) for text in findings]
    assert starts == [
        "shop/settings.py:4: missing: setting",
        "shop/settings.py:7: missing: scrapy.extensions.telnet",
        "shop/spider.py:4: missing: scrapy.mail",
        "shop/spider.py:5: missing: scrapy_redis.picklecompat",
        "shop/spider.py:9: missing: setting",
        "shop/spider.py:12: missing: crawler.engine.slot:",
        "shop/spider.py:13: missing: crawler.engine.downloader.active:",
        "shop/spider.py:14: differs: scrapy.signals.spider_error:",
        "shop/spider.py:15: missing: setting",
        "shop/spider.py:17: missing: scrapy.nothing",
        "shop/spider.py:17: missing: scrapy.nothing.here",
    ]


def test_the_exit_status_says_whether_something_is_missing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "one.py").write_text("import scrapy\nfrom scrapy import Spider\n")
    assert main(["doctor", str(tmp_path)]) == 0
    (tmp_path / "two.py").write_text("import scrapy.mail\n")
    (tmp_path / "three.py").write_text("print 'two'\n")
    assert main(["doctor", str(tmp_path)]) == 1
    out = capsys.readouterr().out
    assert "two.py:1: missing: scrapy.mail isn't here" in out
    assert "three.py:1: missing: the file is not Python 3" in out


def test_the_tables_of_the_page_are_those_of_the_data() -> None:
    path = REPOSITORY / "docs" / "make_from_scrapy.py"
    spec = importlib.util.spec_from_file_location("make_from_scrapy", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    text = (REPOSITORY / "docs" / "from-scrapy.md").read_text("utf-8")
    assert module.page(text) == text, "run: python docs/make_from_scrapy.py"
