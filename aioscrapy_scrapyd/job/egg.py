"""The egg of a job: which file it is, and which settings module it names."""

import configparser
import os
from pathlib import Path
from typing import IO, NamedTuple

from aioscrapy_deploy.eggs import entry_points
from aioscrapy_deploy.eggs.versions import latest, stored_name
from aioscrapy_deploy.errors import BuildError
from aioscrapy_scrapyd.job.config import STOCK_EGG_STORAGE, setting
from aioscrapy_scrapyd.job.custom_storage import open_stored
from aioscrapy_scrapyd.job.exceptions import EggError, RunnerError

_TEXT_LIMIT = 1 << 20  # bytes of an entry_points.txt


class Egg(NamedTuple):
    """An open egg.

    Attributes:
        file: its bytes.
        version: the name under which Scrapyd stores it; None if a custom storage does not say it.
    """

    file: IO[bytes]
    version: str | None


def open_egg(config: configparser.ConfigParser, project: str, version: str | None) -> Egg | None:
    """Open the egg of this version, or the latest if that is None; None if there is no such egg.

    Scrapyd's own storage is read without importing it; a custom storage class is asked for the egg.

    Raises:
        EggError: the egg can't be opened.
        RunnerError: the storage can't be loaded, or it failed.
    """
    storage = setting(config, "scrapyd", "eggstorage") or ""
    if storage != STOCK_EGG_STORAGE:
        egg = open_stored(storage, project, version)
        return egg and Egg(*egg)
    eggs = Path(setting(config, "scrapyd", "eggs_dir") or "")
    return _open_in_folder(_project_folder(eggs, project), version)


def settings_module(folder: Path) -> str:
    """Return the settings module that an unpacked egg names in its entry points.

    Raises:
        EggError: it names none.
    """
    path = folder / entry_points.ENTRY_POINTS
    try:
        with path.open("rb") as file:
            text = file.read(_TEXT_LIMIT)
    except FileNotFoundError:
        text = b""
    except OSError as exc:
        raise EggError(f"the egg's entry_points.txt can't be read: {exc}") from exc
    try:
        module = entry_points.settings_module(text)
    except BuildError as exc:
        raise EggError(str(exc)) from exc
    if module is None:
        raise EggError(
            "the egg names no settings: its EGG-INFO/entry_points.txt needs [aioscrapy] settings = MODULE"
        )
    return module


def _project_folder(eggs: Path, project: str) -> Path:
    if project in {"", ".", ".."} or "/" in project or os.sep in project or "\0" in project:
        raise RunnerError(f"{project!r} can't be the name of a project")
    return eggs / project


def _open_in_folder(folder: Path, version: str | None) -> Egg | None:
    name = version
    if name is None:
        name = latest(path.stem for path in folder.glob("*.egg") if path.name[0] != ".")
    if name is None:
        return None
    path = folder / f"{stored_name(name)}.egg"
    try:
        return Egg(path.open("rb"), path.stem)
    except FileNotFoundError:
        return None
    except OSError as exc:
        raise EggError(f"the egg can't be opened: {exc}") from exc
