"""Eggs from one machine to another: other Pythons, another setuptools or none, other folders."""

import hashlib
import json
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import pytest

from support import child_environment
from support.environments import (
    another_python,
    environment_without,
    our_requirements,
    peer_environment,
)
from support.scrapyd import ScrapydServer
from support.site import Site

SETUPTOOLS = "setuptools==84.*"  # Scrapyd asks for one before 81, and a builder needs no Scrapyd
PROGRAM = "import sys; from aioscrapy_deploy.cli import main; sys.exit(main())"

SETUP = """
    from setuptools import setup, find_packages

    setup(
        name         = 'project',
        version      = '1.0',
        packages     = find_packages(),
        MORE
        entry_points = {'aioscrapy': ['settings = shop.settings']},
    )
"""
# requirements and zip-safety are what each setuptools writes in a way of its own
MORE = """package_data = {'shop': ['data/*']}, scripts = ['run.py'],
        install_requires = ['parsel >= 1.6', 'lxml; python_version < "4"'],"""
PYPROJECT = """
    [build-system]
    requires = ["setuptools>=75"]
    build-backend = "setuptools.build_meta"
    [project]
    name = "shop"
    version = "1.0"
    dependencies = ["parsel >= 1.6"]
    [tool.setuptools]
    packages = ["shop", "shop.spiders"]
    [tool.setuptools.package-data]
    shop = ["data/*"]
"""
PROJECTS = {
    "no setup.py": {},
    "the seed's setup.py": {"setup.py": SETUP.replace("MORE", "")},
    "a setup.py with data": {
        "setup.py": SETUP.replace("MORE", MORE),
        "run.py": "#!/usr/bin/env python\nprint(1)\n",
    },
    "a pyproject.toml": {"pyproject.toml": PYPROJECT},
}
SPIDER = """
    from importlib.resources import files
    from pathlib import Path

    from aioscrapy import Request, Spider


    class Pages(Spider):
        name = "pages"

        async def start_requests(self):
            yield Request(self.url)

        async def parse(self, response):
            yield {
                "title": response.css("title::text").get(),
                "by_path": (Path(__file__).parent.parent / "data" / "words.txt").read_text(),
                "by_resource": files("shop").joinpath("data/words.txt").read_text(),
            }
"""


def write_project(folder: Path, more: dict[str, str]) -> Path:
    texts = {
        "aioscrapy.cfg": "[settings]\ndefault = shop.settings\n",
        "shop/__init__.py": "HERE = __file__\n",
        "shop/settings.py": "SPIDER_MODULES = ['shop.spiders']\n",
        "shop/spiders/__init__.py": "",
        "shop/spiders/pages.py": SPIDER,
        "shop/data/words.txt": "two words",
    }
    for name, text in {**texts, **more}.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text))
    return folder


def git(folder: Path, *arguments: str) -> None:
    identity = ["-c", "user.name=Ann", "-c", "user.email=ann@example.com"]
    subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True)


def deploy(
    python: Path, folder: Path, *arguments: str, **variables: str
) -> "subprocess.CompletedProcess[str]":
    done = subprocess.run(
        [str(python), "-c", PROGRAM, *arguments],
        cwd=folder,
        env=child_environment(**variables),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return done


def builder(python: str) -> Path:
    """Return such a Python that has setuptools 84, what a project is listed with, and no Scrapyd."""
    needed = our_requirements("scrapyd", "scrapyd-client", "setuptools")
    return peer_environment("builder", *needed, SETUPTOOLS, python=python) / "python"


@pytest.mark.timeout(600)
@pytest.mark.parametrize("more", PROJECTS.values(), ids=PROJECTS)
def test_one_commit_is_one_egg_on_two_pythons_and_in_two_folders(
    tmp_path: Path, more: dict[str, str]
) -> None:
    first = write_project(tmp_path / "first", more)
    git(first, "init")
    git(first, "add", ".")
    git(first, "commit", "-m", "one")
    second = tmp_path / "elsewhere" / "deep"
    second.parent.mkdir()
    git(tmp_path, "clone", str(first), str(second))

    here = Path(sys.executable)
    deploy(here, first, "--build-egg", str(tmp_path / "first.egg"), PYTHONDONTWRITEBYTECODE="")
    other = builder(another_python())
    deploy(
        other,
        second,
        "--build-egg",
        str(tmp_path / "second.egg"),
        PYTHONDONTWRITEBYTECODE="1",
        TZ="Asia/Tokyo",
    )

    eggs = [(tmp_path / name).read_bytes() for name in ("first.egg", "second.egg")]
    assert len({hashlib.sha256(egg).hexdigest() for egg in eggs}) == 1
    about = json.loads(deploy(other, second, "--show", str(tmp_path / "first.egg"), "--json").stdout)
    assert (about["spiders"], about["dirty"]) == (["pages"], False)
    assert len(about["commit"]) == 40


@pytest.mark.timeout(600)
@pytest.mark.parametrize("kind", ["no setup.py", "a setup.py with data"])
def test_a_job_needs_no_setuptools_and_finds_its_data(tmp_path: Path, site: Site, kind: str) -> None:
    jobs = environment_without("setuptools", tmp_path / "jobs") / "python"
    lacks = (
        "import importlib.util as i; assert not (i.find_spec('setuptools') or i.find_spec('pkg_resources'))"
    )
    subprocess.run([jobs, "-c", lacks], check=True)
    python = environment_without("setuptools", tmp_path / "builder", SETUPTOOLS) / "python"
    has = "import setuptools; assert setuptools.__version__.startswith('84.')"
    subprocess.run([python, "-c", has], check=True)

    with ScrapydServer(tmp_path / "scrapyd", python=jobs) as scrapyd:
        folder = write_project(tmp_path / "shop", PROJECTS[kind])
        with (folder / "aioscrapy.cfg").open("a") as cfg:
            cfg.write(f"[deploy:local]\nurl = {scrapyd.url}\nproject = shop\n")
        done = deploy(python, folder, "local", "-v", "1", AIOSCRAPY_EGG_CACHE=str(tmp_path / "cache"))
        assert json.loads(done.stdout)["spiders"] == 1
        assert scrapyd.api("listspiders", project="shop")["spiders"] == ["pages"]
        job = scrapyd.api("schedule", "POST", project="shop", spider="pages", url=f"{site.url}/")["jobid"]
        scrapyd.wait_job(job)
        assert "Spider closed (finished)" in scrapyd.log("shop", "pages", job)
        (item,) = scrapyd.items("shop", "pages", job)
    assert item["title"]
    assert item["by_path"] == item["by_resource"] == "two words"
