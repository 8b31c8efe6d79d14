"""Run the programs and commands of documentation pages as printed, against the demo site and a real Redis."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from aioscrapy.demo.pages import site_pages
from aioscrapy.demo.servers import SiteProcess
from support import child_environment
from support.pages import DOCS, code_blocks

PAGES = ("spiders.md", "components.md")
PAGE_COUNT = 250
SHELL = """
set -e
aioscrapy() {{ "{python}" -m aioscrapy "$@"; }}
cat > urls.txt <<'END'
{urls}END
{first_block}
until aioscrapy crawls show quotes > /dev/null 2>&1; do :; done
{other_blocks}
"""


@pytest.fixture
def programs(tmp_path: Path) -> Iterator[Path]:
    """Write every Python block that begins with `# NAME.py` into a folder."""
    with SiteProcess(80, tmp_path / "site.log") as site:
        for page in PAGES:
            for block in code_blocks(DOCS / page, "python"):
                name = block.split(maxsplit=2)[1]
                (tmp_path / name).write_text(block.replace("http://localhost:8000/", site.url), "utf-8")
        yield tmp_path


def run(folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env=child_environment(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert " ERROR: " not in done.stderr, done.stderr
    return done.stderr


def items(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def test_the_spider_takes_an_argument_and_an_errback(programs: Path) -> None:
    log = run(programs, "-m", "aioscrapy", "runspider", "authors.py", "-a", "since=1900", "-O", "authors.jl")
    authors = items(programs / "authors.jl")
    assert authors
    assert all(author["born"] >= 1900 for author in authors)
    assert "/missing failed: " in log
    assert "'authors/errors': 1" in log


def test_the_spider_runs_from_a_script(programs: Path) -> None:
    run(programs, "run.py")
    assert all(author["born"] >= 1950 for author in items(programs / "run.jl"))


def test_the_components_work_together(programs: Path) -> None:
    log = run(programs, "run_components.py")
    authors = items(programs / "components.jl")
    assert authors
    assert all(author["page"].endswith("/") and author["born"] >= 1900 for author in authors)
    assert log.count("] INFO: author ") == len(authors)
    assert "] WARNING: Dropped: " in log


def test_the_commands_of_the_page_on_crawls_work_in_their_order(tmp_path: Path, redis_url: str) -> None:
    page = DOCS / "crawls.md"
    urls = next(block for block in code_blocks(page, "") if '"priority": 10' in block)
    commands = code_blocks(page, "bash")
    start = next(number for number, block in enumerate(commands) if "startproject" in block)
    others = "\n".join(commands[start + 1 :]).replace("crawls stop quotes\n", "crawls stop quotes\nwait\n")
    others = others.replace("delete quotes\n", "delete quotes --yes\n").replace(" urls.txt", " ../urls.txt")
    script = SHELL.format(python=sys.executable, urls=urls, first_block=commands[start], other_blocks=others)
    # two workers take ten seconds for so many pages: the crawl is still open when `crawls stop` comes
    with SiteProcess(PAGE_COUNT, tmp_path / "site.log") as site:
        script = script.replace("http://127.0.0.1:8000/", site.url)
        done = subprocess.run(
            ["/bin/bash", "-c", script.replace("redis://:PASSWORD@127.0.0.1:6379/0", redis_url)],
            cwd=tmp_path,
            env=child_environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=150,
            check=False,
        )
    assert done.returncode == 0, done.stderr
    exported = (tmp_path / "shop" / "quotes.csv").read_text("utf-8").splitlines()
    assert len({line.split(",")[0] for line in exported}) == len(site_pages(PAGE_COUNT)) + 1
    assert "Deleted crawl" in done.stdout
