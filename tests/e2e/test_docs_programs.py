"""Run the programs of docs/spiders.md and docs/components.md as printed, against the demo site."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from aioscrapy.demo.servers import SiteProcess
from support import REPOSITORY, child_environment

PAGES = ("spiders.md", "components.md")


@pytest.fixture
def programs(tmp_path: Path) -> Iterator[Path]:
    """Write every Python block that begins with `# NAME.py` into a folder."""
    with SiteProcess(80, tmp_path / "site.log") as site:
        for page in PAGES:
            text = (REPOSITORY / "docs" / page).read_text("utf-8")
            for block in re.findall(r"^```python\n(# \w+\.py\n.*?)^```", text, re.MULTILINE | re.DOTALL):
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
