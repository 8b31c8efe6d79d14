"""The egg of a job: which one it is, and which settings module it names."""

import configparser
import os
import re
from pathlib import Path
from typing import IO

from aioscrapy_scrapyd.job.config import STOCK_EGG_STORAGE, one_line, setting
from aioscrapy_scrapyd.job.custom_storage import open_stored
from aioscrapy_scrapyd.job.exceptions import EggError, RunnerError


def open_egg(config: configparser.ConfigParser, project: str, version: str | None) -> IO[bytes] | None:
    """Open the egg of this version, or the latest one if that is None; None where there is no such egg.

    Scrapyd's own storage is read without importing it; any other one is asked for the egg.

    Raises:
        EggError: the egg can't be opened.
        RunnerError: the storage can't be loaded, or it failed.
    """
    storage = setting(config, "scrapyd", "eggstorage") or ""
    if storage != STOCK_EGG_STORAGE:
        return open_stored(storage, project, version)
    eggs = Path(setting(config, "scrapyd", "eggs_dir") or "")
    return _open_in_folder(_project_folder(eggs, project), version)


def latest(versions: list[str]) -> str | None:
    """Return the version that Scrapyd takes for the latest; None of none.

    Source: scrapyd.eggstorage.sorted_versions: by PEP 440 if every version is one, else by characters.
    """
    if len(versions) < 2:  # nothing to compare, nothing to import
        return versions[0] if versions else None
    from packaging.version import InvalidVersion, Version

    try:
        return sorted(versions, key=Version)[-1]  # noqa: FURB192 of equal ones Scrapyd takes the last
    except InvalidVersion:
        return max(versions)


def settings_module(folder: Path) -> str:
    """Return the settings module that an unpacked egg names in its entry points.

    The group `aioscrapy` goes before `scrapy`; the name is `settings` in both.

    Raises:
        EggError: it names none.
    """
    groups = configparser.ConfigParser(delimiters=("=",), interpolation=None, strict=False)
    groups.optionxform = str  # type: ignore[assignment,method-assign]  # names are case-sensitive
    try:
        groups.read(folder / "EGG-INFO" / "entry_points.txt", encoding="utf-8")
    except (configparser.Error, UnicodeDecodeError) as exc:
        raise EggError(f"the egg's entry_points.txt can't be read: {one_line(exc)}") from exc
    for group in ("aioscrapy", "scrapy"):
        value = groups.get(group, "settings", fallback="")
        module = re.split(r"[:\[\s]", value.strip(), maxsplit=1)[0]
        if module:
            return module
    raise EggError(
        "the egg names no settings: its EGG-INFO/entry_points.txt needs [aioscrapy] settings = MODULE"
    )


def _project_folder(eggs: Path, project: str) -> Path:
    if project in {"", ".", ".."} or "/" in project or os.sep in project or "\0" in project:
        raise RunnerError(f"{project!r} can't be the name of a project")
    return eggs / project


def _open_in_folder(folder: Path, version: str | None) -> IO[bytes] | None:
    if version is None:
        name = latest([path.stem for path in folder.glob("*.egg") if path.name[0] != "."])
        if name is None:
            return None
    else:
        name = version
    # the daemon stored it under this name: scrapyd.eggstorage.FilesystemEggStorage
    path = folder / f"{re.sub(r'[^A-Za-z0-9_-]', '_', name)}.egg"
    try:
        return path.open("rb")
    except FileNotFoundError:
        return None
    except OSError as exc:
        raise EggError(f"the egg can't be opened: {exc}") from exc
