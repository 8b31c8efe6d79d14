"""Which files of a project's folder travel, and which stay at home."""

import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath

from aioscrapy_deploy.errors import BuildError

_NEVER = {
    ".bzr", ".eggs", ".git", ".hg", ".idea", ".mypy_cache", ".nox", ".pytest_cache", ".ruff_cache", ".svn",
    ".tox", ".vscode", "__pycache__", "node_modules",
}  # fmt: skip
# results of builds, and the folders of a Scrapyd that was started here; a package of that name does travel
_NOT_AT_THE_TOP = {"build", "dbs", "dist", "eggs", "logs"}

# keys and passwords; a line !NAME in IGNORE_FILE lets one travel
_SECRETS = (
    "*.pem", "*.key", "*.p12", "*.pfx", "*.jks", "*.kdbx", "id_rsa*", "id_dsa*", "id_ecdsa*",
    "id_ed25519*", ".netrc", "_netrc", ".pypirc", ".htpasswd",
)  # fmt: skip
IGNORE_FILE = ".eggignore"

Rule = Callable[["os.DirEntry[str]"], bool]


def copy_tree(folder: Path, target: Path) -> tuple[set[str], list[str]]:
    """Copy a project for a builder that may write there.

    Returns the paths of what is copied, and the keys and passwords left at home.
    """
    found = dict(_walk(folder, lambda entry: _stays_at_the_top(entry) or _stays(entry), _stays))
    left = _take_ignored(found, folder)
    for name, source in found.items():
        copy = target / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, copy)
    return set(found), left


def project_files(folder: Path, settings_module: str) -> tuple[dict[str, bytes], list[str]]:
    """Read what a project without setup.py is packed from: its packages, whole, as path -> content.

    The second are the keys and passwords left at home.

    A package is a folder with an `__init__.py`, and the folder or module of the settings whatever it
    has. Data files beside the modules belong to them; hidden files don't.

    Raises:
        BuildError: the settings module is not there.
    """
    top = settings_module.partition(".")[0]
    module = folder / f"{top}.py"
    if not module.is_file() and not (folder / top).is_dir():
        raise BuildError(f"[settings] default = {settings_module}, but there is no {top} in {folder}")

    def no_package(entry: "os.DirEntry[str]") -> bool:
        whole = entry.name == top or (entry.name.isidentifier() and (Path(entry) / "__init__.py").is_file())
        return not whole or not entry.is_dir()

    found = {module.name: module} if module.is_file() else {}
    found |= _walk(folder, no_package, _stays_out_of_an_egg)
    left = _take_ignored(found, folder)
    return {name: source.read_bytes() for name, source in found.items()}, left


def folder_files(folder: Path) -> dict[str, bytes]:
    """Read a whole folder as path -> content."""
    return {name: source.read_bytes() for name, source in _walk(folder, lambda _: False, lambda _: False)}


def _take_ignored(found: dict[str, Path], folder: Path) -> list[str]:
    """Take out what the ignore list and the rules for secrets name; returns the secrets among it."""
    ignore_file = folder / IGNORE_FILE
    lines = ignore_file.read_text("utf-8").splitlines() if ignore_file.is_file() else []
    own = [line.strip() for line in lines if line.strip() and not line.startswith("#")]
    ignored = {name for name in found if _is_ignored(name, (*_SECRETS, *own))}
    for name in ignored:
        del found[name]
    return sorted(name for name in ignored if not _is_ignored(name, own) and _is_ignored(name, _SECRETS))


def _is_ignored(name: str, patterns: Iterable[str]) -> bool:
    """Whether the last pattern that fits a path, a folder above it or the name of either has no !."""
    path = PurePosixPath(name)
    words = {str(part) for part in (path, *path.parents)} | set(path.parts)
    ignored = False
    for pattern in patterns:
        if any(fnmatchcase(word, pattern.removeprefix("!").strip("/")) for word in words):
            ignored = not pattern.startswith("!")
    return ignored


def _stays(entry: "os.DirEntry[str]") -> bool:
    if (
        entry.name in _NEVER
        or entry.name.startswith(".env")
        or entry.name.endswith((".egg", ".egg-info", ".pyc", ".pyo"))
    ):
        return True
    virtual_environment = (Path(entry) / "pyvenv.cfg", Path(entry) / "conda-meta")
    return entry.is_dir() and any(sign.exists() for sign in virtual_environment)


def _stays_at_the_top(entry: "os.DirEntry[str]") -> bool:
    return entry.name in _NOT_AT_THE_TOP and entry.is_dir() and not (Path(entry) / "__init__.py").exists()


def _stays_out_of_an_egg(entry: "os.DirEntry[str]") -> bool:
    return entry.name.startswith(".") or entry.name.endswith("~") or _stays(entry)


def _walk(
    folder: Path, top_rule: Rule, rule: Rule, above: tuple[str, ...] = ()
) -> Iterator[tuple[str, Path]]:
    """Yield (path below `folder` with /, file) for regular files that no rule keeps at home.

    Links are followed, as setuptools does, but not into a folder that we are in already.
    """
    here = (*above, os.path.realpath(folder))
    with os.scandir(folder) as entries:
        chosen = sorted((entry for entry in entries if not top_rule(entry)), key=lambda entry: entry.name)
    for entry in chosen:
        if entry.is_file():
            yield entry.name, Path(entry)
        elif entry.is_dir() and os.path.realpath(entry) not in here:
            for name, file in _walk(Path(entry), rule, rule, here):
                yield f"{entry.name}/{name}", file
