"""Find the project: its cfg file and its settings module."""

import importlib
import importlib.util
import os
import sys
from pathlib import Path

from aioscrapy.exceptions import AioscrapyError, ProjectError
from aioscrapy.settings import Settings
from aioscrapy_deploy import cfg
from aioscrapy_deploy.errors import TargetError

CFG_NAMES = tuple(reversed(cfg.CFG_NAMES))  # the first wins
_MODULE_VARIABLES = ("AIOSCRAPY_SETTINGS_MODULE", "SCRAPY_SETTINGS_MODULE")


def find_cfg(start: str | Path = ".") -> Path | None:
    """Return the cfg file of the closest folder upwards that has one, aioscrapy.cfg before scrapy.cfg."""
    folder = Path(start).absolute()
    for candidate in (folder, *folder.parents):
        for name in CFG_NAMES:
            if os.path.isfile(candidate / name):  # noqa: PTH113 a folder above may be closed to us
                return candidate / name
    return None


def settings_module() -> str | None:
    """Return the dotted name of the project's settings module; None if there is no project.

    The environment (AIOSCRAPY_SETTINGS_MODULE, then SCRAPY_SETTINGS_MODULE) wins over the cfg file. The
    folder of the cfg file comes first in `sys.path`. If the environment names the module, this happens only
    if the module is not found otherwise: a job's egg must not be mixed with files in the daemon's folder.

    Raises:
        ProjectError: there is a cfg file that names no settings module or can't be read.
    """
    named = next((os.environ[name] for name in _MODULE_VARIABLES if os.environ.get(name)), None)
    path = find_cfg()
    if path is None:
        return named
    module = named or _named_in(path)
    if not (named and _is_importable(module.partition(".")[0])):
        _put_first(str(path.parent))
    return module


def project_settings() -> Settings:
    """Return the defaults overlaid by the project's settings module.

    Raises:
        ProjectError: there is no project here, or its settings module can't be imported.
    """
    module = settings_module()
    if module is None:
        raise ProjectError(
            f"no project here: neither {' nor '.join(CFG_NAMES)} in {Path.cwd()} or above it "
            "(make one with: aioscrapy startproject NAME)"
        )
    settings = Settings()
    try:
        settings.setmodule(importlib.import_module(module), "project")
    except AioscrapyError:
        raise
    except (Exception, SystemExit) as exc:
        text = f"settings module {module!r} can't be imported: {type(exc).__name__}: {exc}"
        raise ProjectError(text) from exc
    return settings


def settings_here() -> Settings:
    """Return the project's settings, or the defaults if there is no project.

    Raises:
        ProjectError: there is one, but its settings module can't be imported.
    """
    return Settings() if settings_module() is None else project_settings()


def _named_in(path: Path) -> str:
    """Return the module in [settings] of the project that the environment names, else of `default`."""
    try:
        module = cfg.find_project(path.parent).settings_module(*cfg.named_projects(), "default")
    except TargetError as exc:
        raise ProjectError(str(exc)) from None
    if module is None:
        raise ProjectError(f"{path}: no `default = PACKAGE.settings` in a section [settings]")
    return module


def _is_importable(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except (ImportError, ValueError):
        return False


def _put_first(folder: str) -> None:
    if folder in sys.path:
        sys.path.remove(folder)
    sys.path.insert(0, folder)
