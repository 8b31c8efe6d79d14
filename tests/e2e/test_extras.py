"""Each extra, by the name that docs and messages give it, with the oldest pip that this Python came with."""

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from support import REPOSITORY
from support.environments import peer_environment

# the pip in ensurepip of the first release of each Python
FIRST_PIPS = {(3, 11): "22.3", (3, 12): "23.2.1", (3, 13): "24.2", (3, 14): "25.2"}
EXTRAS = tomllib.loads((REPOSITORY / "pyproject.toml").read_text("utf-8"))["project"]["optional-dependencies"]
NAMED = re.compile(r"(?:aioscrapy-scrapyd|'\.|\"\.)\[([^\]\n]+)\]")


@pytest.fixture(scope="module")
def old_pip() -> Path:
    """The executables of an environment with that pip, and the backend of our wheel."""
    return peer_environment("old-pip", f"pip=={FIRST_PIPS[sys.version_info[:2]]}", "hatchling>=1.26")


@pytest.fixture(scope="module")
def wheel(old_pip: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command = [str(old_pip / "hatchling"), "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=REPOSITORY, check=True, capture_output=True)
    (built,) = folder.glob("*.whl")
    return built


def normalised(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def test_docs_and_messages_name_extras_as_the_wheel_has_them() -> None:
    files = [*REPOSITORY.glob("*.md"), *(REPOSITORY / "docs").glob("*.md"), *REPOSITORY.glob("scripts/*")]
    for folder in ("aioscrapy", "aioscrapy_scrapyd", "deploy", "benchmarks", "examples"):
        files += [*(REPOSITORY / folder).rglob("*.py"), *(REPOSITORY / folder).rglob("*.md")]
    named = {
        (path.name, extra.strip())
        for path in files
        for names in NAMED.findall(path.read_text("utf-8"))
        for extra in names.split(",")
        if "{" not in extra  # the message of a storage, which is given the name
    }
    assert {extra for _, extra in named} >= {"curl-cffi", "wreq"}
    assert [pair for pair in named if pair[1] not in EXTRAS] == []
    assert [extra for extra in EXTRAS if extra != normalised(extra)] == []


@pytest.mark.timeout(600)
def test_the_oldest_pip_installs_each_extra(old_pip: Path, wheel: Path) -> None:
    extras = [extra for extra in EXTRAS if extra != "dev"]
    command = [str(old_pip / "python"), "-m", "pip", "--disable-pip-version-check", "--quiet", "install"]
    command += ["--dry-run", "--report", "-", f"aioscrapy-scrapyd[{','.join(extras)}] @ {wheel.as_uri()}"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "does not provide the extra" not in done.stderr
    installed = {normalised(entry["metadata"]["name"]) for entry in json.loads(done.stdout)["install"]}
    for extra in extras:
        assert installed >= {normalised(re.split(r"[^\w.-]", text)[0]) for text in EXTRAS[extra]}, extra
