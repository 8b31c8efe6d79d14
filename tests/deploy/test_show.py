"""What an egg says of itself: where it comes from, what is in it, whether it is whole."""

import getpass
import hashlib
import io
import json
import os
import socket
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from aioscrapy.version import __version__
from aioscrapy_deploy.build.project import builder
from aioscrapy_deploy.eggs.format import egg_bytes, read_egg
from aioscrapy_deploy.eggs.record import with_record
from support.deploying import Run, Write

Show = Callable[[], dict[str, Any]]


def git(*arguments: str) -> str:
    identity = ["-c", "user.name=Ann", "-c", "user.email=ann@example.com", "-c", "init.defaultBranch=main"]
    return subprocess.run(
        ["git", *identity, *arguments], check=True, capture_output=True, text=True
    ).stdout.strip()


@pytest.fixture
def committed(project: Path, write: Write) -> str:
    """The commit of the project in the current folder."""
    write({".gitignore": "*.log\nlocal.py\n"})
    git("init")
    git("add", ".")
    git("commit", "-m", "one")
    return git("rev-parse", "HEAD")


@pytest.fixture
def show(project: Path, deploy: Run, tmp_path: Path) -> Show:
    """Return `show()`: what the egg of the current folder says of itself."""

    def show() -> dict[str, Any]:
        assert deploy("--build-egg", str(tmp_path / "it.egg")).status == 0
        done = deploy("--show", str(tmp_path / "it.egg"), "--json")
        assert (done.status, done.err) == (0, "")
        about: dict[str, Any] = json.loads(done.out)
        return about

    return show


def test_an_egg_has_commit_builder_and_spiders(committed: str, show: Show, tmp_path: Path) -> None:
    about = show()
    assert (about["commit"], about["dirty"]) == (committed, False)
    assert about["builder"] == builder() == f"aioscrapy-scrapyd {__version__}"
    assert about["spiders"] == ["one"]
    assert about["settings"] == "shop.settings"
    assert (about["dependencies"], about["intact"]) == (None, True)
    data = (tmp_path / "it.egg").read_bytes()
    assert (about["sha256"], about["size"]) == (hashlib.sha256(data).hexdigest(), len(data))


def test_a_folder_without_git_gives_no_commit(show: Show) -> None:
    about = show()
    assert (about["commit"], about["dirty"]) == (None, None)


def test_a_machine_without_git_builds_the_same(
    show: Show, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with_git = show()
    monkeypatch.setenv("PATH", str(tmp_path))
    assert show() == with_git


def test_a_repository_without_a_commit_gives_no_commit(show: Show) -> None:
    git("init")
    assert show()["commit"] is None


@pytest.mark.parametrize(
    ("files", "dirty"),
    [
        ({"shop/a.log": "", "shop/local.py": ""}, False),  # Git ignores them
        ({"notes.txt": "", "it.egg": "", "build/lib/a.py": ""}, False),  # they don't travel
        ({"shop/new.py": ""}, True),
        ({"shop/data/new file é.csv": ""}, True),
        ({"shop/settings.py": "SPIDER_MODULES = ['shop.spiders']\nX = 1\n"}, True),
        ({"aioscrapy.cfg": "[settings]\ndefault = shop.settings\n"}, True),
    ],
)
def test_a_tree_is_dirty_by_what_git_would_commit_and_the_egg_holds(
    committed: str, show: Show, write: Write, files: dict[str, str], dirty: bool
) -> None:
    write(files)
    assert show()["dirty"] is dirty


def test_a_deleted_file_is_a_change(committed: str, show: Show, project: Path) -> None:
    (project / "shop" / "__init__.py").unlink()
    assert show()["dirty"] is True


def test_a_change_in_another_folder_of_the_repository_does_not_count(
    show: Show, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(project.parent)
    (project.parent / "README").write_text("old")
    git("init")
    git("add", "README", "shop")
    git("commit", "-m", "one")
    (project.parent / "README").write_text("new")
    monkeypatch.chdir(project)
    assert show()["dirty"] is False
    (project / "shop" / "new.py").touch()
    assert show()["dirty"] is True


def test_a_folder_that_its_repository_ignores_has_no_commit(
    show: Show, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(project.parent)
    (project.parent / ".gitignore").write_text("*\n!.gitignore\n")
    git("init")
    git("add", ".gitignore")
    git("commit", "-m", "one")
    monkeypatch.chdir(project)
    assert show()["commit"] is None


def test_the_repository_is_only_read(committed: str, show: Show, project: Path) -> None:
    index = project / ".git" / "index"
    os.utime(project / "shop" / "settings.py", (1e9, 1e9))  # a bare `git status` writes down the new time
    before = index.read_bytes()
    show()
    assert index.read_bytes() == before


def test_a_person_reads_it_in_lines(committed: str, show: Show, deploy: Run, tmp_path: Path) -> None:
    show()
    done = deploy("--show", str(tmp_path / "it.egg"))
    assert done.status == 0
    rows = dict(line.split(maxsplit=1) for line in done.out.replace("built by", "built_by").splitlines())
    assert rows["commit"] == committed
    assert rows["built_by"] == builder()
    assert rows["spiders"] == "one"
    assert rows["project"] == "shop 1.0"
    assert rows["dependencies"] == "not in it"


def test_an_egg_of_another_builder_shows_what_it_has(deploy: Run, folder: Path) -> None:
    info = {"EGG-INFO/PKG-INFO": b"Name: shop\nVersion: 2\n", "shop.py": b""}
    (folder / "it.egg").write_bytes(egg_bytes(info))
    about = json.loads(deploy("--show", "it.egg", "--json").out)
    assert (about["project"], about["project_version"], about["intact"]) == ("shop", "2", None)
    assert (about["spiders"], about["commit"], about["builder"]) == (None, None, None)
    assert "built by      unknown\n" in deploy("--show", "it.egg").out


def test_a_changed_egg_is_reported(deploy: Run, folder: Path) -> None:
    (folder / "it.egg").write_bytes(egg_bytes({**with_record({"shop.py": b""}, ["one"]), "shop.py": b"#"}))
    done = deploy("--show", "it.egg")
    assert done.status == 1
    assert done.err == "Error: it.egg was changed after it was built: its files have another hash\n"


def test_a_file_that_is_not_an_egg_is_reported(deploy: Run, folder: Path) -> None:
    (folder / "it.egg").write_text("no")
    assert (
        deploy("--show", "it.egg").err == "Error: it.egg is not an egg (a zip file): File is not a zip file\n"
    )
    assert deploy("--show", "none.egg").err == "Error: No such file or directory: none.egg\n"


def test_json_without_show_is_wrong_usage(project: Path, deploy: Run) -> None:
    assert deploy("local", "--json").err == "Error: --json goes with --show\n"


def test_the_size_is_printed_after_packing(project: Path, deploy: Run, tmp_path: Path) -> None:
    done = deploy("--build-egg", str(tmp_path / "it.egg"))
    data = (tmp_path / "it.egg").read_bytes()
    count = len(read_egg(data, "it"))
    digest = hashlib.sha256(data).hexdigest()[:12]
    assert done.packed == f"Packed {count} files, {len(data) / 1000:.1f} KB (sha256 {digest})\n"


@pytest.mark.parametrize("setup", [None, "#!/usr/bin/env python\n"])
def test_nothing_of_this_machine_is_in_an_egg(
    committed: str, show: Show, write: Write, tmp_path: Path, setup: str | None
) -> None:
    if setup:
        write(
            {
                "run.py": f"{setup}print(1)\n",
                "setup.py": "from setuptools import setup\nsetup(name='shop', version='1', packages=['shop', "
                "'shop.spiders'], scripts=['run.py'])\n",
            }
        )
    show()
    with zipfile.ZipFile(io.BytesIO((tmp_path / "it.egg").read_bytes())) as archive:
        text = b"".join(name.encode() + archive.read(name) for name in archive.namelist()).decode()
    for word in (str(tmp_path), str(Path.home()), sys.prefix, sys.executable, socket.gethostname()):
        assert word not in text
    assert getpass.getuser() not in text.split()
    assert "Ann" not in text
