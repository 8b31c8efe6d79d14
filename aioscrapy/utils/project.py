"""The project of this folder: its settings, its data folder."""

import os
import warnings
from collections.abc import Iterable, Iterator
from importlib import import_module
from pathlib import Path

from aioscrapy.exceptions import NotConfigured
from aioscrapy.project import CFG_NAMES, find_cfg, settings_here
from aioscrapy.settings import Settings
from aioscrapy.utils.conf import get_config

ENVVAR = "SCRAPY_SETTINGS_MODULE"
DATADIR_CFG_SECTION = "datadir"
# Environment variables SCRAPY_… that are settings.
_VARIABLES = ("CHECK", "PROJECT", "PYTHON_SHELL", "SETTINGS_MODULE")


def get_project_settings() -> Settings:
    """Return the settings of the project; the defaults if there is no project.

    Raises:
        ProjectError: the settings module can't be imported.
    """
    settings = settings_here()
    settings.setdict(
        {name: os.environ[f"SCRAPY_{name}"] for name in _VARIABLES if f"SCRAPY_{name}" in os.environ}
    )
    return settings


def inside_project() -> bool:
    """Return True if the environment names a settings module, or there is a cfg file here or above."""
    module = os.environ.get(ENVVAR)
    if module:
        try:
            import_module(module)
        except ImportError as exc:
            warnings.warn(f"Cannot import scrapy settings module {module}: {exc}", stacklevel=2)
        else:
            return True
    return find_cfg() is not None


def find_projects(
    path: str | os.PathLike[str] = ".", *, max_depth: int | None = None, ignored_dirs: Iterable[str] = ()
) -> Iterator[Path]:
    """Yield the folders of projects at `path` and below it; not in one another, and not in a venv."""
    root, ignored = Path(path), frozenset(ignored_dirs)
    for name, folders, files in os.walk(root):
        folder = Path(name)
        if not {*CFG_NAMES}.isdisjoint(files):
            yield folder
        elif "pyvenv.cfg" not in files and (
            max_depth is None or len(folder.relative_to(root).parts) < max_depth
        ):
            folders[:] = sorted(
                folder_name for folder_name in folders if folder_name[0] != "." and folder_name not in ignored
            )
            continue
        folders.clear()


def project_data_dir(project: str = "default") -> str:
    """Return the data folder of the project, created if need be.

    Raises:
        NotConfigured: there is no project.
    """
    if not inside_project():
        raise NotConfigured("Not inside a project")
    named = get_config().get(DATADIR_CFG_SECTION, project, fallback=None)
    path = find_cfg()
    if named:
        folder = Path(named)
    elif path is not None:
        folder = (path.parent / ".scrapy").resolve()
    else:
        raise NotConfigured("there is no cfg file whose folder could hold the data of the project")
    folder.mkdir(parents=True, exist_ok=True)
    return str(folder)


def data_path(path: str | os.PathLike[str], createdir: bool = False) -> str:
    """Return a path in the data folder of the project; an absolute path is returned itself."""
    target = Path(path)
    if not target.is_absolute():
        target = Path(project_data_dir() if inside_project() else ".scrapy") / target
    if createdir:
        target.mkdir(parents=True, exist_ok=True)
    return str(target)
