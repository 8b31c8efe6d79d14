"""Scrapy's import paths, below `aioscrapy` and as `scrapy` itself."""

import importlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import aioscrapy
from aioscrapy.doors import finder, paths
from aioscrapy.doors.scrapy import serve_scrapy, stop_serving
from support import REPOSITORY, child_environment
from support.commands import aioscrapy as command
from support.commands import output


@pytest.fixture
def served() -> Iterator[None]:
    serve_scrapy()
    yield
    stop_serving()


def test_every_row_leads_to_a_name_of_ours() -> None:
    for path, module in paths.MODULES.items():
        assert importlib.import_module(f"aioscrapy.{path}") is importlib.import_module(f"aioscrapy.{module}")
    for path, homes in paths.NAMES.items():
        door = importlib.import_module(f"aioscrapy.{path}")
        for names in homes.values():
            for pair in names.split():
                assert getattr(door, pair.partition("=")[0]) is not None


def test_the_finder_extends_the_modules_of_the_table_and_no_other() -> None:
    for path in paths.all_paths():
        parents = [path[:end] for end in range(len(path)) if path[end] == "."]
        for name in (path, *parents):
            if (REPOSITORY / "aioscrapy" / f"{name.replace('.', '/')}.py").exists():
                assert f"aioscrapy.{name}" in finder.EXTENDED
    for name in finder.EXTENDED:
        assert importlib.import_module(name).__getattr__ is not None


def test_an_absent_name_says_what_to_use_instead() -> None:
    for statement in (
        "from aioscrapy.mail import MailSender",
        "import aioscrapy.mail",
        "from aioscrapy.extensions.telnet import TelnetConsole",
    ):
        with pytest.raises(ImportError, match=r"scrapy\.\S+ isn't here: "):
            exec(statement)


def test_modules_that_scrapy_imports_itself_are_attributes(served: None) -> None:
    program = (
        "import scrapy\n"
        "scrapy.http.response.html.HtmlResponse, scrapy.utils.response.open_in_browser\n"
        "scrapy.utils.project.get_project_settings, scrapy.spiders.crawl.Rule, scrapy.core.engine\n"
        "scrapy.selector.unified.Selector, scrapy.linkextractors.lxmlhtml, scrapy.http.request.form\n"
    )
    exec(program)
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        exec("import scrapy; scrapy.utils.nothing")
    with pytest.raises(AttributeError, match="isn't here: "):
        exec("import scrapy; scrapy.utils.reqser")


def test_scrapy_is_ours_while_it_is_served(served: None) -> None:
    names: dict[str, object] = {}
    exec(
        "import scrapy, scrapy.http.response.html\n"
        "from scrapy.downloadermiddlewares.retry import RetryMiddleware\n"
        "from scrapy.spiders import Spider\n"
        "version = scrapy.version_info\n"
        "signal = scrapy.signals.spider_idle\n"
        "error = scrapy.exceptions.CloseSpider\n",
        names,
    )
    assert names["Spider"] is aioscrapy.Spider
    assert names["RetryMiddleware"] is importlib.import_module("aioscrapy.middlewares.retry").RetryMiddleware
    assert names["signal"] is aioscrapy.signals.spider_idle
    assert names["error"] is aioscrapy.CloseSpider
    assert names["version"] == (2, 19, 0)


def test_a_module_keeps_its_own_name_under_its_second_one(served: None) -> None:
    module = importlib.import_module("scrapy.downloadermiddlewares.retry")
    assert module.__name__ == "aioscrapy.middlewares.retry"
    assert module.__spec__ is not None
    assert module.__spec__.name == "aioscrapy.middlewares.retry"


def test_an_unknown_name_of_scrapy_has_the_name_that_the_user_wrote(served: None) -> None:
    with pytest.raises(ModuleNotFoundError, match=r"No module named 'scrapy\.zoo'"):
        importlib.import_module("scrapy.zoo")


SPIDER = """
import scrapy
from scrapy.exceptions import CloseSpider

assert scrapy.Spider.__module__.startswith("aioscrapy")


class One(scrapy.Spider):
    name = "one"
"""


def write_project(folder: Path, cfg: str = "scrapy.cfg", more: str = "") -> Path:
    (folder / cfg).write_text(f"[settings]\ndefault = shop.settings\n{more}")
    (folder / "shop" / "spiders").mkdir(parents=True)
    (folder / "shop" / "__init__.py").touch()
    (folder / "shop" / "spiders" / "__init__.py").touch()
    (folder / "shop" / "settings.py").write_text("import scrapy\nSPIDER_MODULES = ['shop.spiders']\n")
    (folder / "shop" / "spiders" / "one.py").write_text(SPIDER)
    return folder


@pytest.mark.server
def test_a_project_of_scrapy_is_listed_unmodified(tmp_path: Path) -> None:
    assert output(write_project(tmp_path), "list") == "one\n"


@pytest.mark.server
def test_a_line_in_the_cfg_file_switches_the_alias_off(tmp_path: Path) -> None:
    folder = write_project(tmp_path, "aioscrapy.cfg", "[aioscrapy]\nscrapy_alias = off\n")
    assert "AssertionError" in command(folder, "list").stderr


@pytest.mark.server
def test_a_real_scrapy_that_was_imported_before_is_not_in_the_way() -> None:
    program = (
        "import sys, scrapy, scrapy.spiders\n"
        "from aioscrapy.doors.scrapy import serve_scrapy\n"
        "real = scrapy.Spider\n"
        "serve_scrapy()\n"
        "from scrapy.spiders import Spider\n"
        "import scrapy\n"
        "assert scrapy.Spider is Spider and Spider is not real\n"
        "assert Spider.__module__ == 'aioscrapy.spiders.spider', Spider\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], env=child_environment(), capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
