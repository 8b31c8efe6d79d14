"""One warning at the start names the settings that nothing reads."""

import importlib.util
import re
import sys
from pathlib import Path
from typing import Any

import pytest

from aioscrapy import Spider, default_settings
from aioscrapy.foreign_settings import INSTEAD, WITHOUT_EFFECT
from aioscrapy.process import CrawlerProcess
from aioscrapy.settings import Settings
from aioscrapy.unread_settings import unread_settings
from support.commands import aioscrapy


class Elsewhere(Spider):
    """A spider of a module that names none of the settings of these tests."""

    name = "elsewhere"


Elsewhere.__module__ = "support.commands"


def unread(**values: Any) -> str:
    return unread_settings(Settings(values), Elsewhere)


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("DOWNLOAD_DELAYY", "DOWNLOAD_DELAY"),
        ("DOWNLAOD_DELAY", "DOWNLOAD_DELAY"),
        ("DOWNLOADER_DELAY", "DOWNLOAD_DELAY"),
        ("CONCURRENT_REQUEST", "CONCURRENT_REQUESTS"),
        ("CONCURENT_REQUESTS", "CONCURRENT_REQUESTS"),
        ("AUTOTHROTTLE_ENABLE", "AUTOTHROTTLE_ENABLED"),
        ("ROBOTS_TXT_OBEY", "ROBOTSTXT_OBEY"),
        ("LOGLEVEL", "LOG_LEVEL"),
        ("FEED", "FEEDS"),
        ("JOB_DIR", "JOBDIR"),
        ("ITEM_PIPELINE", "ITEM_PIPELINES"),
        ("download_delay", "DOWNLOAD_DELAY"),
        ("RETRY_HTTP_CODE", "RETRY_HTTP_CODES"),
    ],
)
def test_a_misspelled_name_is_named_with_the_nearest_one(name: str, meant: str) -> None:
    assert unread(**{name: 1}) == f"{name} (did you mean {meant}?)"


@pytest.mark.parametrize(
    "name",
    [
        "MYSQL_HOST",
        "MONGO_URI",
        "UTC",
        "SEEDS",
        "SHOPS",
        "PAGES",
        "SENTRY_DSN",
        "MY_DELAY",
        "SPIDERMON_ENABLED",
    ],
)
def test_a_setting_of_the_project_is_not_named(name: str) -> None:
    assert unread(**{name: 1}) == ""


@pytest.mark.parametrize(
    "use",
    [
        "settings.get('USER_AGENTS')",
        'crawler.settings.getlist("USER_AGENTS")',
        "settings['USER_AGENTS']",
        "from shop.settings import USER_AGENTS",
        "from shop.settings import (\n    A,\n    USER_AGENTS,\n)",
        "import shop.settings\nx = shop.settings.USER_AGENTS",
        "for agent in USER_AGENTS: pass",
    ],
)
def test_a_name_that_the_project_reads_is_not_named(use: str, tmp_path: Path) -> None:
    spider = spider_of_package(tmp_path, {"settings.py": "USER_AGENTS = []\n", "deep/middleware.py": use})
    assert unread_settings(Settings({"USER_AGENTS": []}), spider) == ""


@pytest.mark.parametrize(
    "mention",
    [
        "USER_AGENTS = []",
        "USER_AGENTS: list[str] = []",
        "custom_settings = {'USER_AGENTS': []}",
        "settings['USER_AGENTS'] = []",
        "settings.set('USER_AGENTS', [])",
        "# settings.get('USER_AGENTS')",
        "settings.get('USER_AGENTS_OF_OURS')",
    ],
)
def test_a_name_that_the_project_only_sets_is_named(mention: str, tmp_path: Path) -> None:
    spider = spider_of_package(tmp_path, {"settings.py": mention})
    assert unread_settings(Settings({"USER_AGENTS": []}), spider) == "USER_AGENTS (did you mean USER_AGENT?)"


def spider_of_package(folder: Path, files: dict[str, str]) -> type[Spider]:
    """Make a package of these files and import a spider from it."""
    package = folder / "unread_shop"
    for name, text in {"__init__.py": "", **files}.items():
        path = package / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    spec = importlib.util.spec_from_file_location("unread_shop", package / "__init__.py")
    assert spec is not None
    sys.modules["unread_shop"] = importlib.util.module_from_spec(spec)
    return type("OfPackage", (Spider,), {"name": "a", "__module__": "unread_shop.spiders"})


def test_a_setting_of_scrapy_is_named_with_what_to_use_instead() -> None:
    line = unread(MAIL_HOST="localhost", DNS_TIMEOUT=5, CONCURRENT_REQUESTS_PER_IP=2)
    assert line == (
        "CONCURRENT_REQUESTS_PER_IP (use CONCURRENT_REQUESTS_PER_DOMAIN); "
        "DNS_TIMEOUT (the HTTP client resolves names; DOWNLOAD_TIMEOUT limits the whole download); "
        "MAIL_HOST (no mail is sent here)"
    )


def test_a_setting_that_asks_for_nothing_is_not_named() -> None:
    assert (
        unread(HTTPCACHE_ENABLED=False, TELNETCONSOLE_ENABLED="0", ADDONS={}, MEMUSAGE_ENABLED="false") == ""
    )
    assert unread(TELNETCONSOLE_ENABLED=None, TWISTED_REACTOR=None, DNS_RESOLVER=None) == ""


def test_every_setting_of_scrapy_is_read_or_in_the_table() -> None:
    from scrapy.settings import default_settings as scrapys

    names = {name for name in dir(scrapys) if name.isupper()}
    ours = {name for name in dir(default_settings) if name.isupper()}
    assert names - ours - set(INSTEAD) == set()
    assert ours & set(INSTEAD) == set(), "a setting that is read needs no advice"
    assert set(WITHOUT_EFFECT) <= set(INSTEAD)


def test_every_setting_that_the_table_advises_exists() -> None:
    ours = {name for name in dir(default_settings) if name.isupper()}
    for advice in INSTEAD.values():
        for word in re.findall(r"\b[A-Z]+_[A-Z_]*[A-Z]\b", advice):
            assert word in ours, f"{word} in {advice!r}"


def test_a_crawl_warns_once_at_its_start(caplog: pytest.LogCaptureFixture) -> None:
    process = CrawlerProcess({"MAIL_HOST": "csv", "RETRY_TIME": 3, "OF_OURS": 1})
    process.crawl(Elsewhere)
    process.start()
    (warning,) = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert warning.startswith("Nothing reads these settings: MAIL_HOST (no mail")
    assert warning.endswith("RETRY_TIME (did you mean RETRY_TIMES?)")
    messages = [record.getMessage() for record in caplog.records]
    assert messages.index(warning) < messages.index("Spider opened")


def test_a_crawl_logs_the_names_of_overridden_settings(caplog: pytest.LogCaptureFixture) -> None:
    process = CrawlerProcess(
        {"RETRY_TIMES": 3, "REDIRECT_ENABLED": True, "REDIS_ARGS": {"a": {"password": "p"}}}
    )
    process.crawl(Elsewhere)
    process.start()
    messages = [record.getMessage() for record in caplog.records]
    assert "Overridden settings: REDIS_ARGS, RETRY_TIMES" in messages


@pytest.mark.server
def test_a_crawl_of_several_processes_warns_once(tmp_path: Path) -> None:
    (tmp_path / "one.py").write_text(
        "from aioscrapy import Spider\n\n\nclass One(Spider):\n    name = 'one'\n    start_urls = []\n"
    )
    done = aioscrapy(tmp_path, "runspider", "one.py", "--processes", "2", "-s", "MAIL_HOST=a.jl")
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("Nothing reads these settings: MAIL_HOST") == 1
    assert done.stderr.count("Overridden settings: ") == 1
