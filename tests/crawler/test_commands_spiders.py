"""The commands for writing spiders: shell, fetch, parse, check, edit, bench, and commands of a project."""

import argparse
import json
import logging
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from aioscrapy import cmdline
from aioscrapy.callback_contracts import ContractsManager, ReturnsContract
from aioscrapy.commands import fetch
from aioscrapy.exceptions import ConfigError, UsageError
from aioscrapy.fetching import request_of
from aioscrapy.log import remove_handler
from aioscrapy.project_command import project_commands, run_command
from aioscrapy.settings import Settings
from support import child_environment
from support.commands import aioscrapy, fails, output
from support.site import Site

SPIDERS = '''
from aioscrapy.callback_contracts import Contract
from aioscrapy.exceptions import ContractFail
from aioscrapy.linkextractors import LinkExtractor
from aioscrapy.shell import inspect_response
from aioscrapy.spiders import CrawlSpider, Rule, Spider


class StatusContract(Contract):
    name = "status"

    def pre_process(self, response):
        if response.status != int(self.args[0]):
            raise ContractFail(f"status {response.status}, not {self.args[0]}")


class Pages(CrawlSpider):
    name = "pages"
    rules = (Rule(LinkExtractor(allow="/page/"), callback="parse_page"),)

    def parse_page(self, response, more=None):
        """Make an item.

        @url SITE/page/1
        @cb_kwargs {"more": 1}
        @status 200
        @returns items 1 1
        @returns requests 0 0
        @scrapes url title
        """
        yield {"url": response.url, "title": response.css("title::text").get(), "more": more}

    async def parse_list(self, response):
        """@url SITE/page/2
        @returns requests 0 0
        @scrapes price
        """
        yield {"url": response.url}
        for link in response.css("a::attr(href)"):
            yield response.follow(link)


class Looking(Spider):
    name = "looking"
    start_urls = ["SITE/page/1"]

    def parse(self, response):
        inspect_response(response, self)
        yield {"url": response.url}
'''
COMMAND = """
from scrapy.commands import ScrapyCommand
from scrapy.exceptions import UsageError
from scrapy.spiderloader import SpiderLoader


class Command(ScrapyCommand):
    requires_project = True
    default_settings = {"LOG_LEVEL": "ERROR"}

    def short_desc(self):
        return "Crawl and count"

    def add_options(self, parser):
        super().add_options(parser)
        parser.add_argument("--sum", type=int, default=0)

    def run(self, args, opts):
        if not args:
            raise UsageError("name a spider", print_help=False)
        spider_class = SpiderLoader(self.settings).load(args[0])
        self.crawler_process.crawl(spider_class, start_urls=[args[1]])
        self.crawler_process.start()
        print("counted", opts.sum, self.settings.getint("CONCURRENT_REQUESTS"))
        self.exitcode = 3
"""


@pytest.fixture
def shop(tmp_path: Path, site: Site) -> Path:
    package = tmp_path / "shop"
    (package / "commands").mkdir(parents=True)
    (tmp_path / "aioscrapy.cfg").write_text("[settings]\ndefault = shop.settings\n")
    for folder in (package, package / "commands"):
        (folder / "__init__.py").touch()
    (package / "settings.py").write_text(
        "BOT_NAME = 'shop'\nSPIDER_MODULES = ['shop.spiders']\nCOMMANDS_MODULE = 'shop.commands'\n"
        "SPIDER_CONTRACTS = {'shop.spiders.StatusContract': 10}\n"
    )
    (package / "spiders.py").write_text(SPIDERS.replace("SITE", site.url))
    (package / "commands" / "count.py").write_text(COMMAND)
    (package / "commands" / "broken.py").write_text("import no_such_module")
    return tmp_path


def test_the_shell_runs_code_on_a_page(tmp_path: Path, site: Site) -> None:
    assert output(tmp_path, "shell", f"{site.url}/page/1", "-c", "response.status, spider.name") == (
        "(200, 'default')\n"
    )
    lines = (
        f"fetch('{site.url}/redirect/2')\n(request.url, response.status)\n"
        f"fetch('{site.url}/redirect/2', redirect=False)\nresponse.status\n"
        "import asyncio\nawait asyncio.sleep(0, 'awaited')\n1/0\nfetch('http://127.0.0.1:1/')\nresponse\n'end'\n"
    )
    done = aioscrapy(tmp_path, "shell", stdin=lines)
    assert f"('{site.url}/page/1', 200)" in done.stdout
    assert "302" in done.stdout
    assert "'awaited'" in done.stdout
    assert "'end'" in done.stdout
    assert "ZeroDivisionError" in done.stderr
    assert "DownloadConnectionRefusedError: " in done.stderr
    assert done.returncode == 0


def test_fetch_writes_the_body_or_the_headers(tmp_path: Path, site: Site) -> None:
    assert '"answer": 42' in output(tmp_path, "fetch", f"{site.url}/json")
    headers = output(tmp_path, "fetch", f"{site.url}/json", "--headers")
    assert "> User-Agent: aioscrapy" in headers
    assert "< Content-Type: application/json" in headers
    page = tmp_path / "page.html"
    page.write_text("<p>here")
    assert output(tmp_path, "fetch", "./page.html") == "<p>here"
    done = aioscrapy(tmp_path, "fetch", "http://127.0.0.1:1/")
    assert done.stderr.splitlines()[-1].startswith("aioscrapy: http://127.0.0.1:1/: ")
    assert done.returncode == 1


def test_a_terminal_gets_no_control_characters_of_a_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "page.html").write_bytes(b"<p>\x1b]0;x\x07\r\nhere")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    options = argparse.Namespace(
        url="./page.html", settings=Settings(), spider=None, no_redirect=False, headers=False
    )
    before = logging.getLogger().handlers.copy()
    try:
        assert fetch.run(options) == 0
    finally:
        for handler in set(logging.getLogger().handlers) - set(before):
            remove_handler(handler)
    assert capsys.readouterr().out == "<p>\\x1b]0;x\\x07\nhere\n"


def test_a_word_is_a_file_or_a_host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("index.html").touch()
    assert request_of("index.html").url == (tmp_path / "index.html").as_uri()
    assert request_of("example.test/x").url == "http://example.test/x"


def test_parse_prints_what_a_callback_makes(shop: Path, site: Site) -> None:
    url = f"{site.url}/page/1"
    arguments = ("--spider", "pages", "-r", "--cbkwargs", '{"more": 2}', "-O", "pages.json")
    printed = output(shop, "parse", url, *arguments)
    assert [item["url"] for item in json.loads((shop / "pages.json").read_text())] == [url]
    assert ">>> STATUS DEPTH LEVEL 1 <<<" in printed
    assert f"'url': '{url}'" in printed
    assert "'more': 2" in printed
    deep = output(shop, "parse", f"{site.url}/", "--spider", "pages", "-d", "2", "--nolinks", "--pipelines")
    assert deep.count("'title'") > 1
    wrong = aioscrapy(shop, "parse", url, "--spider", "pages", "-c", "nothing", "--nolog")
    fails(wrong, "Cannot find callback 'nothing' in spider 'pages'")


def test_check_reports_the_contracts_that_do_not_hold(shop: Path) -> None:
    assert output(shop, "check", "--list") == "pages\n  * parse_list\n  * parse_page\n"
    done = aioscrapy(shop, "check")
    assert done.returncode == 1
    assert "[pages] parse_list (@scrapes post-hook)" in done.stderr
    assert "Missing fields: price" in done.stderr
    assert "parse_page" not in done.stderr
    assert "6 contracts in" in done.stderr
    assert "2 failed" in done.stderr


def test_a_command_that_cannot_be_imported_leaves_the_others(shop: Path) -> None:
    fails(
        aioscrapy(shop, "broken"),
        "setting COMMANDS_MODULE: 'shop.commands.broken' can't be imported: "
        "ModuleNotFoundError: No module named 'no_such_module'",
    )


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("os:getcwd", "the entry point odd = os:getcwd is not a class of a command"),
        ("no.such:Command", "'no.such:Command' can't be imported: ModuleNotFoundError"),
    ],
)
def test_a_broken_command_of_a_package_leaves_the_others(
    value: str, text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "odd-1.dist-info").mkdir()
    (tmp_path / "odd-1.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: odd\nVersion: 1\n")
    (tmp_path / "odd-1.dist-info" / "entry_points.txt").write_text(f"[scrapy.commands]\nodd = {value}\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    command = project_commands(Settings())["odd"]
    assert text in command().short_desc()
    with pytest.raises(ConfigError, match=re.escape(text)):
        run_command(command, "odd", [], Settings())


def test_a_contract_needs_words_that_it_knows() -> None:
    with pytest.raises(ValueError, match="needs items or requests"):
        ReturnsContract(print, "pages")
    assert ContractsManager([ReturnsContract]).extract_contracts(print) == []


def test_a_project_has_commands_of_its_own(shop: Path, site: Site) -> None:
    done = aioscrapy(
        shop, "count", "pages", f"{site.url}/page/1", "--sum", "2", "-s", "CONCURRENT_REQUESTS=7"
    )
    assert (done.stdout, done.returncode) == ("counted 2 7\n", 3)
    fails(aioscrapy(shop, "count"), "name a spider")


def test_a_mistyped_command_gets_a_suggestion(shop: Path) -> None:
    for word, hint in (("coutn", "count"), ("chek", "check")):
        done = aioscrapy(shop, word)
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr.startswith(f"aioscrapy: no command '{word}'; did you mean {hint}")
        assert done.stderr.count("\n") == 1


def test_a_callback_can_open_a_prompt(shop: Path, site: Site) -> None:
    done = aioscrapy(shop, "crawl", "looking", stdin="response.url + '!'\nfetch\n")
    assert f"'{site.url}/page/1!'" in done.stdout
    assert "item_scraped_count" in done.stderr


def test_edit_opens_the_file_of_a_spider(shop: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "aioscrapy", "edit", "pages"],
        cwd=shop,
        env=child_environment(EDITOR="echo edit"),
        capture_output=True,
        text=True,
    )
    assert done.stdout == f"edit {shop / 'shop' / 'spiders.py'}\n"
    fails(aioscrapy(shop, "edit", "pages", "-s", f"EDITOR={os.devnull}/no"), "can't be started")


@pytest.mark.server
def test_bench_counts_pages(tmp_path: Path) -> None:
    line = output(tmp_path, "bench", "--seconds", "20", "-s", "CLOSESPIDER_PAGECOUNT=1")
    seconds = float(re.fullmatch(r"\d+ pages in ([\d.]+) s: \d+ pages a minute\n", line)[1])  # type: ignore[index]
    assert seconds < 20


def test_check_passes_arguments_to_the_spiders(shop: Path) -> None:
    with (shop / "shop" / "spiders.py").open("a") as file:
        file.write(
            "\n\nclass Named(Spider):\n    name = 'named'\n\n    def parse(self, response):\n"
            "        '''@url data:,\n        @returns items 1 1'''\n        yield {'key': self.key}\n"
        )
    assert aioscrapy(shop, "check", "named", "-a", "key=value").returncode == 0
    assert "AttributeError" in aioscrapy(shop, "check", "named").stderr
    assert aioscrapy(shop, "check", "named", "-a", "key").returncode == 2


def test_genspider_prints_edits_and_reads_templates(shop: Path) -> None:
    assert "CrawlSpider" in output(shop, "genspider", "-d", "crawl")
    own = shop / "own" / "spiders"
    own.mkdir(parents=True)
    (own / "small.tmpl").write_text('class $classname:\n    name = "$name"\n    url = "$url"\n')
    (own / "bad.tmpl").write_text("$nothing")
    expected = 'class NewSpider:\n    name = "new"\n    url = "https://a.example"\n'
    spider = shop / "new.py"
    for template in ("own/spiders/small.tmpl", "own/spiders/small"):
        output(shop, "genspider", "new", "a.example", "-t", template, "--force")
        assert spider.read_text() == expected
    folder = ("-s", "TEMPLATES_DIR=own")
    assert output(shop, "genspider", "-l", *folder) == "bad\nsmall\n"
    output(shop, "genspider", "new", "a.example", "-t", "small", "--force", "-e", "-s", "EDITOR=rm", *folder)
    assert not spider.exists()
    fails(aioscrapy(shop, "genspider", "new", "a.example", "-t", "bad", *folder), "'nothing' is not a word")
    fails(aioscrapy(shop, "genspider", "new", "a.example", "-t", "basic", *folder), "there are bad, small")
    fails(aioscrapy(shop, "genspider", "-d", "none"), "no template 'none'")


def test_a_command_writes_its_process_id_and_its_profile(shop: Path) -> None:
    output(shop, "list", "--pidfile", "list.pid", "--profile", "list.prof")
    assert int((shop / "list.pid").read_text()) > 1
    assert (shop / "list.prof").stat().st_size > 0
    fails(aioscrapy(shop, "list", "--pidfile", "no/such.pid"), "no/such.pid can't be written")


def test_a_command_of_a_project_writes_its_process_id_too(shop: Path, site: Site) -> None:
    done = aioscrapy(
        shop, "count", "pages", f"{site.url}/page/1", "--pidfile", "own.pid", "--profile", "own.prof"
    )
    assert done.stdout.startswith("counted 0 "), done.stderr
    assert int((shop / "own.pid").read_text()) > 1
    assert (shop / "own.prof").stat().st_size > 0


@pytest.mark.parametrize("name", ["self", "cls", "crawler"])
def test_an_argument_that_no_spider_can_have_is_named(tmp_path: Path, name: str) -> None:
    (tmp_path / "one.py").write_text("from aioscrapy import Spider\nclass One(Spider):\n    name = 'one'\n")
    options = cmdline.parse(["runspider", str(tmp_path / "one.py"), "-a", f"{name}=1"])
    with pytest.raises(UsageError, match=f"-a {name}=…"):
        options.run(options)
