"""The documentation matches the code: links, commands, settings and code blocks."""

import argparse
import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from aioscrapy import default_settings
from aioscrapy.cmdline import whole_parser
from aioscrapy.crawls.keys import OWN
from support import REPOSITORY
from support.pages import DOCS, code_blocks

PAGES = sorted([*REPOSITORY.glob("*.md"), *DOCS.glob("*.md"), *REPOSITORY.glob("*/README.md")])

SETTINGS = {name for name in dir(default_settings) if name.isupper()}
SETTINGS |= {name.removesuffix("_BASE") for name in SETTINGS}
# environment variables
VARIABLES = {
    *("AIOSCRAPY_EGG_CACHE", "AIOSCRAPY_PROJECT", "AIOSCRAPY_SETTINGS_MODULE"),
    *(
        "SCRAPY_PROJECT",
        "SCRAPY_SETTINGS_MODULE",
        "SCRAPYD_USERNAME",
        "SCRAPYD_PASSWORD",
        "SCRAPYD_TOKEN",
        "NO_COLOR",
        "PIP_INDEX_URL",
    ),
}
# settings of scrapy-redis that its page mentions
OF_SCRAPY_REDIS = {"REDIS_START_URLS_AS_SET", "SCHEDULER", "SCHEDULER_DUPEFILTER_KEY", "SCHEDULER_QUEUE_KEY"}
# settings of aio-scrapy that have no effect here
OF_AIO_SCRAPY = {
    *("DUPEFILTER_SET_KEY_TTL", "ENQUEUE_CACHE_NUM", "GET_REQUESTS_COUNT", "SAVE_CACHE_NUM"),
    "USE_THREAD",
}


def page_id(path: Path) -> str:
    return path.relative_to(REPOSITORY).as_posix()


def anchors(page: Path) -> set[str]:
    """Return the anchors of the page's headings, as GitHub forms them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def commands() -> dict[str, argparse.ArgumentParser]:
    for action in whole_parser()._actions:
        if isinstance(action, argparse._SubParsersAction):
            return dict(action.choices)
    raise AssertionError("the parser has no commands")


def option_names(parser: argparse.ArgumentParser) -> Iterator[str]:
    for action in parser._actions:
        yield from action.option_strings
        if isinstance(action, argparse._SubParsersAction):
            for child in action.choices.values():
                yield from option_names(child)


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_links_lead_to_files_and_headings(page: Path) -> None:
    text = re.sub(r"^```.*?^```", "", page.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        file = (page.parent / name).resolve() if name else page
        assert file.exists(), f"{page_id(page)}: {target}"
        if anchor:
            assert anchor in anchors(file), f"{page_id(page)}: {target}"


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_python_blocks_compile(page: Path) -> None:
    for block in code_blocks(page, "python"):
        ast.parse(block)


def test_readme_links_every_page() -> None:
    readme = (REPOSITORY / "README.md").read_text("utf-8")
    assert [page.name for page in DOCS.glob("*.md") if f"docs/{page.name}" not in readme] == []


def test_every_command_is_on_the_page_of_commands() -> None:
    page = (DOCS / "commands.md").read_text("utf-8")
    assert [name for name in commands() if not re.search(rf"`{name}[` ]", page)] == []


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_options_in_shell_blocks_exist(page: Path) -> None:
    parsers = commands()
    for line in "\n".join(code_blocks(page, "bash")).splitlines():
        call = re.search(r"(?:^|&& |<\()(?:\S*/)?(aioscrapy|scrapyd-deploy) (.*)", line.split("  #")[0])
        if call is None:
            continue
        words = call[2].split("&&")[0].split()
        name = "deploy" if call[1] == "scrapyd-deploy" else words.pop(0)
        options = {word for word in words if re.match(r"--?[A-Za-z]", word)}
        assert options <= set(option_names(parsers[name])), f"{page_id(page)}: {line}"


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_settings_in_python_blocks_exist(page: Path) -> None:
    for block in code_blocks(page, "python"):
        for name in re.findall(r"^([A-Z][A-Z0-9_]+) = ", block, re.MULTILINE):
            assert name in SETTINGS | OF_SCRAPY_REDIS, f"{page_id(page)}: {name}"


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_settings_in_the_text_exist(page: Path) -> None:
    text = page.read_text("utf-8")
    names = set(re.findall(r"`([A-Z][A-Z0-9]*_[A-Z0-9_]+)(?: = [^`]*)?`", text))
    assert names - SETTINGS - VARIABLES - OF_AIO_SCRAPY - OF_SCRAPY_REDIS == set()


@pytest.mark.parametrize("package", ["aioscrapy", "aioscrapy_scrapyd", "deploy/aioscrapy_deploy"])
def test_every_module_and_folder_is_on_the_page_of_the_architecture(package: str) -> None:
    page = (DOCS / "architecture.md").read_text("utf-8")
    children = [path for path in (REPOSITORY / package).iterdir() if not path.name.startswith("__")]
    modules = [path.stem for path in children if path.suffix == ".py"]
    folders = [f"{path.name}/" for path in children if path.is_dir()]
    assert [name for name in (*modules, *folders) if f"`{name}`" not in page] == []


def test_every_key_of_a_crawl_is_on_the_page_of_redis() -> None:
    page = (DOCS / "redis.md").read_text("utf-8")
    names = [*(f"C:{suffix}" for suffix in OWN), "P:current", "P:crawls", "P:push"]
    assert [name for name in names if f"`{name}`" not in page] == []


def test_the_files_on_the_page_of_the_architecture_exist() -> None:
    roots = [
        REPOSITORY,
        *(REPOSITORY / name for name in ("aioscrapy", "aioscrapy_scrapyd", "deploy/aioscrapy_deploy")),
    ]
    page = (DOCS / "architecture.md").read_text("utf-8")
    files = set(re.findall(r"`([\w/]+\.py)`", page))
    assert [name for name in files if not any((root / name).is_file() for root in roots)] == []
