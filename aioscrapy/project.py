"""Where the project is: its cfg file and its settings module."""

import importlib
import importlib.util
import os
import sys
from configparser import ConfigParser
from configparser import Error as CfgError
from pathlib import Path

from aioscrapy.exceptions import AioscrapyError, ProjectError
from aioscrapy.settings import Settings

CFG_NAMES = ("aioscrapy.cfg", "scrapy.cfg")
_MODULE_VARIABLES = ("AIOSCRAPY_SETTINGS_MODULE", "SCRAPY_SETTINGS_MODULE")
_PROJECT_VARIABLES = ("AIOSCRAPY_PROJECT", "SCRAPY_PROJECT")


def find_cfg(start: str | Path = ".") -> Path | None:
    """Return the cfg file of the closest folder upwards that has one, aioscrapy.cfg before scrapy.cfg."""
    folder = Path(start).absolute()
    for candidate in (folder, *folder.parents):
        for name in CFG_NAMES:
            if (candidate / name).is_file():
                return candidate / name
    return None


def settings_module() -> str | None:
    """Return the dotted name of the project's settings module; None where there is no project.

    The environment (AIOSCRAPY_SETTINGS_MODULE, then SCRAPY_SETTINGS_MODULE) goes before the cfg file. The
    folder of the cfg file becomes the first of `sys.path`; where the environment names the module, only if
    the module is not found otherwise: a job's egg must not be mixed with what lies in the daemon's folder.

    Raises:
        ProjectError: there is a cfg file that names no settings module or can't be read.
    """
    named = next((os.environ[name] for name in _MODULE_VARIABLES if os.environ.get(name)), None)
    cfg = find_cfg()
    if named is None and cfg is None:
        return None
    module = named or _named_in(cfg)
    if cfg is not None and not (named and _is_importable(module.partition(".")[0])):
        _put_first(str(cfg.parent))
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
    except Exception as exc:
        text = f"settings module {module!r} can't be imported: {type(exc).__name__}: {exc}"
        raise ProjectError(text) from exc
    return settings


def settings_here() -> Settings:
    """Return the project's settings, or the defaults where there is no project.

    Raises:
        ProjectError: there is one, but its settings module can't be imported.
    """
    return Settings() if settings_module() is None else project_settings()


def _named_in(cfg: Path | None) -> str:
    """Return what [settings] says for the project that the environment names, else for `default`."""
    parser = ConfigParser(interpolation=None)
    try:
        parser.read_string(cfg.read_text("utf-8") if cfg else "", str(cfg))
    except (CfgError, OSError, ValueError) as exc:
        raise ProjectError(f"{cfg} can't be read: {' '.join(str(exc).split())}") from None
    keys = [os.environ[name] for name in _PROJECT_VARIABLES if os.environ.get(name)]
    for key in (*keys, "default"):
        module = parser.get("settings", key, fallback="").strip()
        if module:
            return module
    raise ProjectError(f"{cfg}: no `default = PACKAGE.settings` in a section [settings]")


def _is_importable(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except (ImportError, ValueError):
        return False


def _put_first(folder: str) -> None:
    if folder in sys.path:
        sys.path.remove(folder)
    sys.path.insert(0, folder)
