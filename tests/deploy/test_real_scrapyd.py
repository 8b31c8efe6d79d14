"""Deploys to the real Scrapyd, with its own runner and with ours."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from aioscrapy_deploy.eggs.format import read_egg
from aioscrapy_deploy.eggs.record import recorded_spiders
from support.deploying import Run, Write
from support.scrapyd import ScrapydServer

pytestmark = pytest.mark.server

SETUP = """
    from setuptools import setup, find_packages

    setup(
        name         = 'project',
        version      = '1.0',
        packages     = find_packages(),
        entry_points = {'aioscrapy': ['settings = shop.settings']},
    )
"""


@pytest.fixture(params=["scrapyd.runner", "aioscrapy.scrapyd.runner"])
def runner(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def daemon(runner: str, tmp_path: Path) -> Iterator[ScrapydServer]:
    with ScrapydServer(tmp_path / "scrapyd", conf={"runner": runner}) as server:
        yield server


@pytest.fixture
def spider(daemon: ScrapydServer, runner: str, write: Write) -> Path:
    """A project that the daemon's runner can list, in the current folder."""
    framework = "scrapy" if runner == "scrapyd.runner" else "aioscrapy"
    return write(
        {
            "aioscrapy.cfg": f"[deploy:local]\nurl = {daemon.url.rstrip('/')}\nproject = shop\n",
            "setup.py": SETUP,
            "shop/__init__.py": "",
            "shop/settings.py": "SPIDER_MODULES = ['shop.spiders']\n",
            "shop/spiders/__init__.py": "",
            "shop/spiders/one.py": f"""
                from {framework} import Spider

                class One(Spider):
                    name = "one"
            """,
        }
    )


def test_the_seed_s_setup_deploys_and_lists(spider: Path, daemon: ScrapydServer, deploy: Run) -> None:
    done = deploy("local", "-v", "7")
    assert done.status == 0, done.err
    answer = json.loads(done.out)
    assert (answer["status"], answer["project"], answer["version"], answer["spiders"]) == (
        "ok",
        "shop",
        "7",
        1,
    )
    assert daemon.api("listspiders", project="shop")["spiders"] == ["one"]
    stored = (daemon.folder / "eggs" / "shop" / "7.egg").read_bytes()
    assert recorded_spiders(read_egg(stored, "it")) == ["one"]
    assert deploy("-L", "local").out == "shop\n"


def test_a_failure_on_the_server_alone_is_exit_status_1(spider: Path, write: Write, deploy: Run) -> None:
    here = "import os\nif 'SCRAPY_PROJECT' in os.environ:\n    raise KeyError('only there')\n"
    write({"shop/settings.py": f"{here}SPIDER_MODULES = ['shop.spiders']\n"})
    done = deploy("local", "-v", "7")
    assert done.status == 1
    assert json.loads(done.out)["status"] == "error"
    last = done.err.splitlines()[-2]
    assert last.startswith("Deploy failed: ")
    assert "only there" in last


def test_a_broken_project_leaves_the_server_as_it_was(
    spider: Path, write: Write, daemon: ScrapydServer, deploy: Run
) -> None:
    assert deploy("local", "-v", "7").status == 0
    write({"shop/spiders/one.py": "import nonesuch\n"})
    done = deploy("local", "-v", "8")
    assert done.status == 1
    assert done.err.splitlines()[-1] == (
        "Error: the project can't be imported: shop/spiders/one.py:1: "
        "ModuleNotFoundError: No module named 'nonesuch' (--no-check deploys without this check)"
    )
    assert daemon.api("listversions", project="shop")["versions"] == ["7"]
