"""The EGG-INFO of an egg, in the same form for every builder."""

import re
from collections.abc import Iterable
from email.parser import Parser
from importlib.metadata import Distribution, PackageNotFoundError
from typing import Any

from aioscrapy_deploy.eggs.format import Files
from aioscrapy_deploy.errors import BuildError

_HEADERS = ("Name", "Version", "Summary", "Author", "Author-email", "Requires-Python")
# written by us; setuptools guesses zip-safe from the bytecode
_REPLACED = ("requires.txt", "zip-safe", "not-zip-safe", "SOURCES.txt", "dependency_links.txt")
# the first line of a script is a path of the building machine, and Scrapyd runs no script
_DROPPED = re.compile(r"EGG-INFO/(scripts|licenses)/")


def project_metadata(files: Files, settings_module: str, project: dict[str, Any]) -> dict[str, bytes]:
    """Return the EGG-INFO of a project that is packed directly.

    `project` is the [project] of its pyproject.toml, {} if there is none.
    """
    headers = {
        "Name": project.get("name") or settings_module.partition(".")[0],
        "Version": project.get("version") or "1.0",
        "Summary": project.get("description"),
        "Requires-Python": project.get("requires-python"),
    }
    lines = [f"{name}: {' '.join(str(value).split())}" for name, value in headers.items() if value]
    lines += [f"Requires-Dist: {_requirement(text)}" for text in project.get("dependencies", [])]
    return stable_metadata({"EGG-INFO/PKG-INFO": "\n".join(lines).encode(), **files})


def stable_metadata(files: Files) -> dict[str, bytes]:
    """Rewrite the files that every version of setuptools writes differently."""
    metadata = Parser().parsestr(
        files.get("EGG-INFO/PKG-INFO", b"").decode(errors="replace"), headersonly=True
    )
    lines = ["Metadata-Version: 2.1"]
    for name in _HEADERS:
        lines += [f"{name}: {' '.join(str(value).split())}" for value in metadata.get_all(name, [])]
    lines += [f"Requires-Dist: {text}" for text in requirements(files, extras=True)]
    lines += sorted(f"Provides-Extra: {name}" for name in set(metadata.get_all("Provides-Extra", [])))
    replaced = {f"EGG-INFO/{name}" for name in _REPLACED}
    others = {
        name: content for name, content in files.items() if name not in replaced and not _DROPPED.match(name)
    }
    modules = sorted(name for name in others if not name.startswith("EGG-INFO/"))
    tops = sorted({name.partition("/")[0].removesuffix(".py") for name in modules})
    return {
        "EGG-INFO/top_level.txt": _lines(tops),
        **others,
        "EGG-INFO/PKG-INFO": _lines(lines),
        "EGG-INFO/SOURCES.txt": _lines(modules),
        "EGG-INFO/dependency_links.txt": b"\n",
        "EGG-INFO/not-zip-safe": b"\n",
    }


def requirements(files: Files, *, extras: bool = False) -> list[str]:
    """Return the dependencies, in the form of PEP 508, sorted; with `extras` also those of extras."""
    from packaging.requirements import InvalidRequirement, Requirement

    names = set()
    for text in _Info(files).requires or ():
        try:
            names.add(str(Requirement(text)))
        except InvalidRequirement:
            names.add(text)
    return sorted(text for text in names if extras or not re.search(r";.*\bextra\b", text))


def name_and_version(files: Files) -> tuple[str | None, str | None]:
    """Return the name and the version of the project; None if they are missing."""
    headers = Parser().parsestr(_Info(files).read_text("PKG-INFO") or "", headersonly=True)
    return headers["Name"], headers["Version"]


class _Info(Distribution):
    """The EGG-INFO of an egg in memory."""

    def __init__(self, files: Files) -> None:
        self._files = files

    def read_text(self, filename: str) -> str | None:
        content = self._files.get(f"EGG-INFO/{filename}", b"")
        return content.decode(errors="replace") or (None if filename else "")  # importlib reads "" last

    def locate_file(self, path: Any) -> Any:
        raise PackageNotFoundError(str(path))


def _requirement(text: str) -> str:
    from packaging.requirements import InvalidRequirement, Requirement

    try:
        return str(Requirement(text))
    except InvalidRequirement as exc:
        reason = str(exc).splitlines()[0]
        raise BuildError(f"pyproject.toml can't be read: dependency {text!r}: {reason}") from exc


def _lines(lines: Iterable[str]) -> bytes:
    return "".join(f"{line}\n" for line in lines).encode()
