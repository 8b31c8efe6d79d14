"""The version: as written, from a repository, or the time."""

import os
import re
import subprocess
import time
from pathlib import Path

import pytest

from aioscrapy_deploy.build.version import resolve_version
from aioscrapy_deploy.errors import VersionError
from support.deploying import Run

pytestmark = pytest.mark.server


def git(folder: Path, *words: str) -> None:
    identity = ["-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "init.defaultBranch=main"]
    subprocess.run(["git", *identity, *words], cwd=folder, check=True, capture_output=True)


@pytest.fixture
def repository(folder: Path) -> Path:
    git(folder, "init")
    for subject in ("one", "two"):
        git(folder, "commit", "--allow-empty", "-m", subject)
    return folder


def test_a_version_as_written_is_not_changed(folder: Path) -> None:
    assert resolve_version("1.10.0", folder) == "1.10.0"


@pytest.mark.parametrize("wanted", [None, ""])
def test_the_version_without_a_text_is_the_time_in_seconds(folder: Path, wanted: str | None) -> None:
    before = int(time.time())
    assert before <= int(resolve_version(wanted, folder)) <= time.time()


def test_git_without_a_tag_counts_commits(repository: Path) -> None:
    assert resolve_version("GIT", repository) == "r2-main"


def test_git_with_a_tag_describes(repository: Path) -> None:
    git(repository, "tag", "-a", "v1", "-m", "v1")
    assert resolve_version("GIT", repository) == "v1-main"


def test_git_outside_of_a_repository_says_so(folder: Path) -> None:
    with pytest.raises(VersionError, match=r"^version GIT: fatal: not a git repository"):
        resolve_version("GIT", folder)


def test_git_without_a_commit_says_so(folder: Path) -> None:
    git(folder, "init")
    with pytest.raises(VersionError, match=r"^version GIT: fatal: "):
        resolve_version("GIT", folder)


def test_hg_asks_mercurial(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "bin" / "hg"
    program.parent.mkdir()
    program.write_text(
        '#!/bin/sh\n[ "$*" = "tip --template {rev}" ] && printf 41 && exit\n'
        '[ "$*" = branch ] && echo stable\n'
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:/usr/bin:/bin")
    assert resolve_version("HG", folder) == "r41-stable"


def test_a_missing_program_is_named(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(VersionError, match=r"^version HG: hg is not installed here$"):
        resolve_version("HG", folder)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_the_repository_of_another_user_brings_git_s_own_advice(
    project: Path, deploy: Run, tmp_path: Path
) -> None:
    git(project, "init")
    git(project, "add", ".")
    git(project, "commit", "-m", "1")
    for path in (project, *project.rglob("*")):
        os.chown(path, 1234, 1234)
    done = deploy("local", "-v", "GIT")
    assert done.status == 1
    assert re.match(
        r"Error: version GIT: fatal: detected dubious ownership in repository at '.*'; to allow it: "
        r"git config --global --add safe\.directory ",
        done.err,
    )
    done = deploy("--build-egg", str(tmp_path / "it.egg"))
    assert done.status == 0
    assert "Note: the egg does not name its commit: fatal: detected dubious ownership" in done.err
