"""Environments of their own for peers that must not share ours, made once in `.peers/` of the repository."""

import hashlib
import importlib.metadata
import re
import shutil
import subprocess
import sys
import sysconfig
import tomllib
from collections.abc import Iterator
from pathlib import Path

from support import REPOSITORY

OLDEST = (3, 11)  # of the Pythons that we support


def peer_environment(name: str, *requirements: str, python: str = sys.executable) -> Path:
    """Return the folder of the executables of an environment with these requirements, made if need be.

    Needs pip to reach its index the first time.
    """
    version = subprocess.run([python, "-VV"], check=True, capture_output=True, text=True).stdout
    digest = hashlib.sha256("\n".join((version, *requirements)).encode()).hexdigest()[:12]
    folder = REPOSITORY / ".peers" / f"{name}-{digest}"
    if not (folder / "complete").exists():
        subprocess.run([python, "-m", "venv", "--clear", str(folder)], check=True)
        pip = [str(folder / "bin" / "python"), "-m", "pip", "--disable-pip-version-check", "--quiet"]
        subprocess.run([*pip, "install", *requirements], check=True, timeout=600)
        (folder / "complete").touch()
    return folder / "bin"


def environment_without(distribution: str, folder: Path, *instead: str) -> Path:
    """Make an environment in `folder` with all that is installed here, but for one distribution.

    `instead` are requirements that pip installs there. Returns the folder of its executables.
    """
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    (there,) = (folder / "lib").glob("python3*/site-packages")
    left_out = {file.parts[0] for file in importlib.metadata.files(distribution) or ()}
    for path in Path(sysconfig.get_path("purelib")).iterdir():
        if path.name not in left_out:
            (there / path.name).symlink_to(path)
    if instead:
        pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]
        pip += ["--python", str(folder / "bin" / "python"), "install", "--no-deps"]
        subprocess.run([*pip, *instead], check=True, timeout=300)
    return folder / "bin"


def our_requirements(*others: str) -> list[str]:
    """Return what pyproject.toml says that we need, but for distributions of these names."""
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text("utf-8"))["project"]
    names = {text: re.split(r"[^A-Za-z0-9-]", text)[0] for text in project["dependencies"]}
    return [text for text, name in names.items() if name not in others]


def another_python() -> str:
    """Return a Python that we support, of another version than the running one; else the running one."""
    for candidate in _pythons():
        asked = [candidate, "-c", "import sys, ensurepip; print(*sys.version_info[:2])"]
        done = subprocess.run(asked, capture_output=True, text=True)
        version = tuple(map(int, done.stdout.split())) if done.returncode == 0 else ()
        if version >= OLDEST and version != sys.version_info[:2]:
            return candidate
    return sys.executable


def _pythons() -> Iterator[str]:
    """Yield those on the PATH, then those that are installed beside the running one."""
    for minor in (13, 12, 11):
        if found := shutil.which(f"python3.{minor}"):
            yield found
    yield from map(str, sorted(Path(sys.base_prefix).parent.glob("3.1*/bin/python3"), reverse=True))
