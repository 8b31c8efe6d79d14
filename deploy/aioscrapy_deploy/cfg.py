"""The reader of cfg files: it finds the project and parses its cfg files.

`aioscrapy` (settings), the deploy tool (targets, settings) and the runner (projects without an egg) use it.
"""

import codecs
import os
from collections.abc import Iterable, Iterator
from configparser import (
    BasicInterpolation,
    ConfigParser,
    DuplicateOptionError,
    DuplicateSectionError,
    Error,
    InterpolationError,
    MissingSectionHeaderError,
    ParsingError,
)
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aioscrapy_deploy.errors import TargetError

# in one folder the later wins
CFG_NAMES = ("scrapy.cfg", "aioscrapy.cfg")
PROJECT_VARIABLES = ("AIOSCRAPY_PROJECT", "SCRAPY_PROJECT")


@dataclass(frozen=True)
class Project:
    """A folder with a cfg file (None outside of a project) and the combined contents of all cfg files."""

    folder: Path | None
    cfg_names: tuple[str, ...]
    cfg: ConfigParser

    @property
    def differences(self) -> list[str]:
        """`[section] option` of every difference between the folder's two cfg files, without the values."""
        if self.folder is None or len(self.cfg_names) < 2:
            return []
        first, second = (_read([self.folder / name]) for name in self.cfg_names)
        return [
            f"[{section}] {option}"
            for section in first.sections()
            for option in first[section]
            if second.has_option(section, option)
            and first.get(section, option, raw=True) != second.get(section, option, raw=True)
        ]

    def settings_module(self, *names: str) -> str | None:
        """Return the settings module of the first of these names that [settings] has; None if it has none.

        A name is the name of a project, or `default`.

        Raises:
            TargetError: the value can't be interpolated.
        """
        for name in names:
            module = read_option(self.cfg, "settings", name)
            if module and module.strip():
                return module.strip()
        return None


class EnvInterpolation(BasicInterpolation):
    """`%(name)s` as in ConfigParser, then `$NAME` and `${NAME}`; an unknown variable is not replaced."""

    def before_get(self, parser: Any, section: str, option: str, value: str, defaults: Any) -> str:
        return os.path.expandvars(super().before_get(parser, section, option, value, defaults))


def find_project(start: Path) -> Project:
    """Read the cfg files of the closest folder upwards that has one; they win over those of home and system.

    A `scrapy.cfg` of home or system applies to a project with a `scrapy.cfg`, an `aioscrapy.cfg` to a project
    with an `aioscrapy.cfg`; outside of a project both apply.

    Raises:
        TargetError: a file can't be read.
    """
    for folder in (start, *start.parents):
        names = tuple(name for name in CFG_NAMES if os.path.isfile(folder / name))  # noqa: PTH113 a folder above may be closed to us
        if names:
            files = [folder / name for name in names]
            return Project(folder, names, _read(files, _shared_files(names)))
    return Project(None, (), _read([], _shared_files(CFG_NAMES)))


def named_projects() -> list[str]:
    """Return the project names of the environment, for a [settings] with several projects."""
    return [os.environ[name] for name in PROJECT_VARIABLES if os.environ.get(name)]


def read_option(cfg: ConfigParser, section: str, option: str) -> str | None:
    """Return one value, interpolated; None if it is not set.

    Raises:
        TargetError: the value can't be interpolated.
    """
    try:
        return cfg.get(section, option, fallback=None)
    except InterpolationError as exc:
        # the error's own text repeats a part of the value, which may be a password
        raise TargetError(
            f"[{exc.section}] {exc.option} can't be read: a literal % is written %%, "
            "and %(name)s needs an option of that name"
        ) from None


def _shared_files(names: tuple[str, ...]) -> Iterator[Path]:
    config_home = os.environ.get("XDG_CONFIG_HOME") or os.path.expanduser("~/.config")  # noqa: PTH111 Path.home() raises where there is none
    # expanduser leaves ~ where there is no home.
    for pattern in ("/etc/{}", "c:\\{stem}\\{}", f"{config_home}/{{}}", os.path.expanduser("~/.{}")):  # noqa: PTH111
        for name in names:
            yield Path(pattern.format(name, stem=name.removesuffix(".cfg")))


def _read(files: list[Path], shared: Iterable[Path] = ()) -> ConfigParser:
    """Read the shared files, which are optional, then the project's own."""
    cfg = ConfigParser(interpolation=EnvInterpolation())
    for path in shared:
        if os.access(path, os.R_OK) and path.is_file():
            _add(cfg, path)
    for path in files:
        _add(cfg, path)
    return cfg


def _add(cfg: ConfigParser, path: Path) -> None:
    try:
        cfg.read_string(_text(path.read_bytes()), str(path))
    except OSError as exc:
        raise TargetError(f"{path} can't be read: {exc.strerror}") from exc
    except (Error, UnicodeDecodeError) as exc:
        raise TargetError(f"{path}{_problem(exc)}") from exc


def _text(content: bytes) -> str:
    """Decode UTF-8 with or without a byte order mark, and UTF-16, which `>` of PowerShell writes."""
    utf_16 = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    return content.decode("utf-16" if utf_16 else "utf-8-sig")


def _problem(exc: Exception) -> str:
    """Return the problem of a file and its line number, without the line, which may have a password."""
    if isinstance(exc, MissingSectionHeaderError):
        return f", line {exc.lineno}: a [section] is missing before this line"
    if isinstance(exc, ParsingError):
        return f", line {exc.errors[0][0]}: neither a [section] nor a 'name = value'"
    if isinstance(exc, DuplicateSectionError):
        return f", line {exc.lineno}: [{exc.section}] appears twice"
    if isinstance(exc, DuplicateOptionError):
        return f", line {exc.lineno}: {exc.option!r} appears twice in [{exc.section}]"
    return ": it is not UTF-8 text" if isinstance(exc, UnicodeDecodeError) else f": {type(exc).__name__}"
