"""The programs of examples/, run with the commands of examples/README.md against the demo site."""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from aioscrapy.demo.servers import SiteProcess
from support import REPOSITORY, child_environment
from support.redis import RedisServer

EXAMPLES = REPOSITORY / "examples"


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[SiteProcess]:
    with SiteProcess(80, tmp_path / "site.log") as site:
        yield site


@pytest.fixture
def examples(tmp_path: Path, demo: SiteProcess, redis_url: str) -> Path:
    """Return a copy of examples/ with the addresses of our site and our Redis."""
    folder = tmp_path / "examples"
    shutil.copytree(EXAMPLES, folder)
    for file in folder.rglob("*.py"):
        text = file.read_text(encoding="utf-8").replace("http://localhost:8000/", demo.url)
        file.write_text(text.replace("redis://localhost:6379/0", redis_url), encoding="utf-8")
    return folder


def start(folder: Path, *arguments: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, *arguments],
        cwd=folder,
        env=child_environment(),
        stderr=subprocess.PIPE,
        text=True,
    )


def succeeds(process: "subprocess.Popen[str]") -> None:
    _, log = process.communicate(timeout=60)
    assert process.returncode == 0, log
    assert " ERROR: " not in log, log


def test_quotes_runs_as_a_file_and_as_a_program(examples: Path) -> None:
    succeeds(start(examples, "-m", "aioscrapy", "runspider", "quotes.py", "-o", "quotes.jl"))
    succeeds(start(examples, "quotes.py"))
    quotes = [json.loads(line) for line in (examples / "quotes.jl").read_text(encoding="utf-8").splitlines()]
    assert len(quotes) == len({quote["text"] for quote in quotes}) > 20


def test_authors_are_dataclasses_and_pass_a_pipeline(examples: Path) -> None:
    succeeds(start(examples, "-m", "aioscrapy", "runspider", "authors.py", "-o", "authors.csv"))
    header, *rows = (examples / "authors.csv").read_text(encoding="utf-8").splitlines()
    assert header == "name,born,trade,found_on"
    assert rows
    assert all(int(row.split(",")[1]) >= 1900 for row in rows)


def test_links_reports_a_missing_page(examples: Path, demo: SiteProcess) -> None:
    missing = f"site={demo.url}nowhere/"
    command = ["-m", "aioscrapy", "runspider", "links.py", "-a", missing, "-o", "broken.jl"]
    succeeds(start(examples, *command))
    broken = [json.loads(line) for line in (examples / "broken.jl").read_text(encoding="utf-8").splitlines()]
    assert [(link["url"], link["problem"]) for link in broken] == [(f"{demo.url}nowhere/", 404)]


def test_three_workers_of_the_distributed_project_share_the_site(
    examples: Path, demo: SiteProcess, redis_server: RedisServer
) -> None:
    crawl = ["-m", "aioscrapy", "crawl", "distributed"]
    workers = [start(examples / "distributed", *crawl) for _ in range(3)]
    for worker in workers:
        succeeds(worker)
    counted = demo.stats()
    assert counted["requests"] == counted["fetched"] == counted["pages"]
    with redis_server.client(decode_responses=True) as client:
        items = client.lrange("items", 0, -1)
    assert len(items) == len(set(items)) == counted["pages"]
