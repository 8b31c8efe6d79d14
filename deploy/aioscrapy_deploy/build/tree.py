"""Choose the files of a project's folder that are packed into an egg."""

import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath

from aioscrapy_deploy.errors import BuildError

_NEVER = {
    ".bzr", ".eggs", ".git", ".hg", ".idea", ".mypy_cache", ".nox", ".pytest_cache", ".ruff_cache", ".svn",
    ".tox", ".vscode", "__pycache__", "node_modules",
}  # fmt: skip
# results of builds, and the folders of a Scrapyd that was started here; a package of this name is packed
_NOT_AT_THE_TOP = {"build", "dbs", "dist", "eggs", "logs"}

# keys and passwords; a line !NAME in IGNORE_FILE packs one
_SECRETS = (
    "*.pem", "*.key", "*.p12", "*.pfx", "*.jks", "*.kdbx", "id_rsa*", "id_dsa*", "id_ecdsa*",
    "id_ed25519*", ".netrc", "_netrc", ".pypirc", ".htpasswd",
)  # fmt: skip
IGNORE_FILE = ".eggignore"

Rule = Callable[["os.DirEntry[str]"], bool]


@dataclass(frozen=True)
class LeftOut:
    """Files that are not packed although a person may expect them in the egg.

    Attributes:
        secrets: paths of keys and passwords.
        links: paths of links that lead out of the project, or to files that are never packed.
    """

    secrets: list[str]
    links: list[str]

    def warnings(self) -> list[str]:
        """Return a line for each path."""
        lets = f"(a line !{{0}} in {IGNORE_FILE} packs it)"
        secret = f"Warning: {{0}} looks like a secret and is not packed {lets}"
        link = f"Warning: {{0}} is a link that leads out of the project and is not packed {lets}"
        return [secret.format(path) for path in self.secrets] + [link.format(path) for path in self.links]


def copy_tree(folder: Path, target: Path) -> tuple[set[str], LeftOut]:
    """Copy a project for a builder that may write there; returns the paths of the copied files."""
    walk = _Walk(folder)
    files = dict(walk.files(lambda entry: _stays_at_the_top(entry) or _stays(entry), _stays))
    secrets = walk.drop_ignored(files)
    for name, source in files.items():
        copy = target / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, copy)
    return set(files), LeftOut(secrets, walk.links)


def project_files(folder: Path, settings_module: str) -> tuple[dict[str, bytes], LeftOut]:
    """Read the packages of a project without setup.py, whole, as path -> content.

    A package is a folder with an `__init__.py`, and in any case the folder or module of the settings. Data
    files beside the modules belong to them; hidden files don't.

    Raises:
        BuildError: the settings module is not there.
    """
    top = settings_module.partition(".")[0]
    module = folder / f"{top}.py"
    if not module.is_file() and not (folder / top).is_dir():
        raise BuildError(f"[settings] default = {settings_module}, but there is no {top} in {folder}")

    def no_package(entry: "os.DirEntry[str]") -> bool:
        if entry.name == module.name and entry.is_file():
            return False
        whole = entry.name == top or (entry.name.isidentifier() and (Path(entry) / "__init__.py").is_file())
        return not whole or not entry.is_dir()

    walk = _Walk(folder)
    files = dict(walk.files(no_package, _stays_out_of_an_egg))
    secrets = walk.drop_ignored(files)
    if {top, module.name} & set(walk.links):
        raise BuildError(
            f"{top} in {folder} is a link that leads out of the project and is not packed "
            f"(a line !{top} in {IGNORE_FILE} packs it)"
        )
    return {name: source.read_bytes() for name, source in files.items()}, LeftOut(secrets, walk.links)


def folder_files(folder: Path) -> dict[str, bytes]:
    """Read a whole folder as path -> content."""
    files = _Walk(folder).files(lambda _: False, lambda _: False)
    return {name: source.read_bytes() for name, source in files}


class _Walk:
    """One way through a project's folder.

    Attributes:
        links: paths of the links that were not followed.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._root = os.path.realpath(folder)
        ignore_file = folder / IGNORE_FILE
        lines = ignore_file.read_text("utf-8-sig").splitlines() if ignore_file.is_file() else []
        self._own = [line.strip() for line in lines if line.strip() and not line.startswith("#")]
        self.links: list[str] = []

    def files(self, top_rule: Rule, rule: Rule) -> Iterator[tuple[str, Path]]:
        """Yield (path below the folder with /, file) for regular files that no rule leaves out.

        `top_rule` is for the entries of the folder itself. Links that stay in the project are followed, as
        setuptools does.
        """
        yield from self._below(self._folder, "", top_rule, rule, ())

    def _below(
        self, folder: Path, prefix: str, rule: Rule, inner_rule: Rule, above: tuple[str, ...]
    ) -> Iterator[tuple[str, Path]]:
        here = (*above, os.path.realpath(folder))
        with os.scandir(folder) as entries:
            chosen = sorted((entry for entry in entries if not rule(entry)), key=lambda entry: entry.name)
        for entry in chosen:
            name = f"{prefix}{entry.name}"
            if entry.is_symlink() and self._leads_out(entry, name):
                self.links.append(name)
            elif entry.is_file():
                yield name, Path(entry)
            elif entry.is_dir() and os.path.realpath(entry) not in here:  # else in circles
                yield from self._below(Path(entry), f"{name}/", inner_rule, inner_rule, here)

    def drop_ignored(self, files: dict[str, Path]) -> list[str]:
        """Take out what the ignore list and the rules for secrets name; returns the secrets among it.

        Raises:
            BuildError: the name of another file is not UTF-8, as a zip file needs it.
        """
        ignored = {name for name in files if _is_ignored(name, (*_SECRETS, *self._own))}
        for name in ignored:
            del files[name]
        if unnamed := next(
            (name for name in files if not name.isprintable() and not _is_unicode(name)), None
        ):
            raise BuildError(
                f"{unnamed!a}: the name of the file is not UTF-8: rename it, or leave it out by a line "
                f"in {IGNORE_FILE}, with ? for the odd characters"
            )
        self.links = [name for name in self.links if not _is_ignored(name, self._own)]
        return sorted(name for name in ignored if not _is_ignored(name, self._own))

    def _leads_out(self, entry: "os.DirEntry[str]", name: str) -> bool:
        """Return whether a link leads out of the project, or to a file that never travels."""
        if not Path(entry).exists() or _is_let_in(name, self._own):
            return False
        target = os.path.relpath(os.path.realpath(entry), self._root)
        parts = Path(target).parts
        if ".." in parts or os.path.isabs(target):  # noqa: PTH117 another drive of Windows
            return True
        never = any(part in _NEVER or part.startswith(".env") for part in parts)
        return never or _is_ignored("/".join(parts), _SECRETS)


def _is_unicode(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _is_let_in(name: str, patterns: Iterable[str]) -> bool:
    """Return whether the ignore list has a line !NAME for a path: the last pattern that fits has a !."""
    return _fits(name, patterns) is False


def _is_ignored(name: str, patterns: Iterable[str]) -> bool:
    """Return whether the last pattern that fits a path, a folder above it or the name of either has no !."""
    return _fits(name, patterns) is True


def _fits(name: str, patterns: Iterable[str]) -> bool | None:
    """Return whether the last pattern that fits ignores a path; None if no pattern fits."""
    path = PurePosixPath(name)
    words = {str(part) for part in (path, *path.parents)} | set(path.parts)
    ignored = None
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
