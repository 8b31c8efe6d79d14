"""The dependencies of a project: the file that names them, and the files that pip installs."""

import codecs
import csv
import re
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, distributions
from importlib.metadata import requires as requires_of_installed
from pathlib import Path

from aioscrapy_deploy.build.pyproject import read_pyproject
from aioscrapy_deploy.build.tree import folder_files
from aioscrapy_deploy.eggs.format import Files, without_bytecode
from aioscrapy_deploy.eggs.metadata import requirements

FILE = "requirements.txt"
_OURS = "aioscrapy-scrapyd"
_INSTALLERS_NOTES = re.compile(
    r"(bin|Scripts)/|[^/]+\.dist-info/(RECORD|INSTALLER|REQUESTED|direct_url\.json)$"
)
_MAX_NAMES = 6  # in a note


@dataclass(frozen=True)
class Included:
    """The distributions that pip installed for an egg.

    Attributes:
        files: path in the egg -> content.
        pins: `name==version` of each distribution, sorted.
        foreign: paths of the files of distributions that are compiled for another platform or Python.
    """

    files: dict[str, bytes]
    pins: list[str]
    foreign: set[str] = field(default_factory=set)


def source(folder: Path) -> str:
    """Return the name of the file that names the dependencies; requirements.txt if there is none."""
    present = [name for name in (FILE, "setup.py", "pyproject.toml") if (folder / name).is_file()]
    return present[0] if present else FILE


def needed(folder: Path, files: Files) -> list[str] | None:
    """Return the dependencies as lines of a requirements.txt; None if the project does not name any.

    They come from requirements.txt, else from the metadata in `files` of the egg. The crawler itself is left
    out, because the server has its own.
    """
    if (folder / FILE).is_file():
        lines = re.sub(r"\\\r?\n", " ", _text((folder / FILE).read_bytes())).splitlines()
    else:
        lines = requirements(files)
        if not lines and "dependencies" not in read_pyproject(folder).get("project", {}):
            return None
    return [line for line in lines if not _is_ours(line)]


def required_names(lines: Iterable[str]) -> set[str]:
    """Return the normalised names of the distributions in lines of a requirements.txt."""
    return {_name(line.strip()) for line in lines if line.strip() and not line.strip().startswith(("-", "#"))}


def missing_note(folder: Path, lines: Iterable[str], *, scrapy: bool) -> str | None:
    """Return a line about the distributions that an egg without dependencies needs on the server, if any.

    `lines` are those of `needed`. The server has the dependencies of the crawler, because it runs jobs.
    """
    on_server = {_OURS, *(("scrapy", "scrapyd") if scrapy else ())}
    with suppress(PackageNotFoundError):
        on_server |= {_name(text) for text in requires_of_installed(_OURS) or () if "extra ==" not in text}
    names = [line.partition("#")[0].partition(" --")[0].strip() for line in lines]
    missing = [line for line in names if line and not line.startswith("-") and _name(line) not in on_server]
    if not missing:
        return None
    more = f" and {len(missing) - _MAX_NAMES} more" if len(missing) > _MAX_NAMES else ""
    return (
        f"Note: the server must have {', '.join(missing[:_MAX_NAMES])}{more} "
        f"({source(folder)}; --include-dependencies puts it into the egg)"
    )


def read_installed(folder: Path) -> Included:
    """Read the distributions that `pip install --target` installed into a folder."""
    from packaging.tags import sys_tags

    if not folder.is_dir():
        return Included({}, [])
    here = {str(tag) for tag in sys_tags()}
    pins: set[str] = set()
    foreign: set[str] = set()
    for distribution in distributions(path=[str(folder)]):
        pins.add(f"{_name(distribution.metadata['Name'])}=={distribution.version}")
        tags = re.findall(r"^Tag:\s*(\S+)", distribution.read_text("WHEEL") or "", re.MULTILINE)
        if tags and not here.intersection(tags):
            rows = csv.reader((distribution.read_text("RECORD") or "").splitlines())
            foreign |= {row[0] for row in rows if row and ".dist-info/" not in row[0]}
    files = without_bytecode(folder_files(folder))
    files = {name: content for name, content in files.items() if not _INSTALLERS_NOTES.match(name)}
    return Included(files, sorted(pins), foreign & files.keys())


def as_requirements(lines: Iterable[str]) -> str:
    """Return the text of a requirements.txt."""
    return "".join(f"{line}\n" for line in lines)


def _text(content: bytes) -> str:
    """Decode a requirements.txt as pip does, also the UTF-16 of PowerShell."""
    utf_16 = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    return content.decode("utf-16" if utf_16 else "utf-8-sig", errors="replace")


def _is_ours(line: str) -> bool:
    """Return True if a line requires the crawler, by its name or as a wheel."""
    word = (line.split() or [""])[0].rpartition("/")[2]
    return re.match(r"aioscrapy[-_.]+scrapyd(?![A-Za-z0-9]|[-_.][A-Za-z])", word, re.IGNORECASE) is not None


def _name(requirement: str) -> str:
    name = re.match(r"[A-Za-z0-9][A-Za-z0-9._-]*", requirement)
    return re.sub(r"[-_.]+", "-", name[0]).lower() if name else requirement
