"""A project in a folder, a small web server with answers that a test sets, and a home of the test's own."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent

import pytest

from aioscrapy_deploy import cli
from support import child_environment
from support.deploying import PROGRAM, SPIDER, Both, Done, Run, Server, Write


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.answer_now.set()
        server.shutdown()
        thread.join()


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home and temporary folder: no cfg, no netrc, no proxy of the machine counts."""
    folder = tmp_path / "home"
    folder.mkdir()
    (tmp_path / "tmp").mkdir()
    monkeypatch.setenv("HOME", str(folder))
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    monkeypatch.setattr("tempfile.tempdir", None)
    for name in ("XDG_CONFIG_HOME", "NETRC", "http_proxy", "HTTP_PROXY", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    return folder


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The empty current folder."""
    folder = tmp_path / "shop"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def write(folder: Path) -> Write:
    """Return `write({path: text})`, which makes files in the current folder."""

    def write(files: dict[str, str]) -> Path:
        for name, text in files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(dedent(text))
        return folder

    return write


@pytest.fixture
def project(write: Write, server: Server) -> Path:
    """A project with one spider, whose target `local` is `server`; the current folder."""
    return write(
        {
            "aioscrapy.cfg": f"""
                [settings]
                default = shop.settings

                [deploy:local]
                url = {server.url}/
                project = shop
            """,
            "shop/__init__.py": "",
            "shop/settings.py": "SPIDER_MODULES = ['shop.spiders']\n",
            "shop/spiders/__init__.py": "",
            "shop/spiders/one.py": SPIDER,
        }
    )


@pytest.fixture
def litter(project: Path, tmp_path: Path) -> Iterator[None]:
    """Check that folder and temporary folder have at the end what they had."""
    before = sorted(project.rglob("*"))
    yield
    assert sorted(project.rglob("*")) == before
    assert list((tmp_path / "tmp").iterdir()) == []


@pytest.fixture
def deploy(capfd: pytest.CaptureFixture[str]) -> Run:
    """Return `deploy(*argv)`, which runs the program in this process."""

    def deploy(*argv: str) -> Done:
        capfd.readouterr()
        status = cli.main(argv)
        printed = capfd.readouterr()
        return Done.printed(status, printed.out, printed.err)

    return deploy


@pytest.fixture
def python(folder: Path) -> Run:
    """Return `python(*argv)`, which runs Python in the current folder, with this repository on its path."""

    def python(*argv: str, **variables: str) -> Done:
        done = subprocess.run(
            [sys.executable, *argv],
            cwd=folder,
            env=child_environment(**variables),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        return Done.printed(done.returncode, done.stdout, done.stderr)

    return python


@pytest.fixture
def beside(project: Path, python: Run) -> Both:
    """Return `beside(cfg, *argv, **variables)`: what theirs and ours do with this scrapy.cfg alone."""
    (project / "aioscrapy.cfg").unlink()

    def beside(cfg: str, *argv: str, **variables: str) -> tuple[Done, Done]:
        (project / "scrapy.cfg").write_text(f"[settings]\ndefault = shop.settings\n{cfg}")
        theirs = python("-m", "scrapyd_client.deploy", *argv, **variables)
        return theirs, python("-c", PROGRAM, *argv, **variables)

    return beside
