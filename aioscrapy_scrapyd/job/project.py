"""The project of a job: its egg is unpacked and becomes importable, or the project is used in place."""

import configparser
import importlib.util
import os
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from aioscrapy_deploy import cfg
from aioscrapy_deploy.errors import TargetError
from aioscrapy_scrapyd.job.config import number, setting
from aioscrapy_scrapyd.job.egg import Egg, open_egg, settings_module
from aioscrapy_scrapyd.job.eggcache import unpacked
from aioscrapy_scrapyd.job.exceptions import EggError, RunnerError


def project_name() -> str:
    """Return the project that Scrapyd names in the environment.

    Raises:
        RunnerError: there is none.
    """
    project = os.environ.get("SCRAPY_PROJECT")
    if not project:
        raise RunnerError("SCRAPY_PROJECT is not set: Scrapyd starts this module, people use `aioscrapy`")
    return project


def find_egg(config: configparser.ConfigParser) -> Egg | None:
    """Open the egg that the environment names; None if the project has no egg at all.

    Raises:
        RunnerError: there is no project, no such version, or the egg can't be opened.
    """
    project = project_name()
    version = os.environ.get("SCRAPYD_EGG_VERSION") or None
    egg = open_egg(config, project, version)
    if egg is None and version:
        raise EggError(f"project {project!r} has no egg of version {version!r}")
    return egg


@contextmanager
def importable(config: configparser.ConfigParser, egg: Egg | None) -> Iterator[None]:
    """Make the project importable and name its settings module in the environment, while it is used.

    Raises:
        RunnerError: the egg can't be used, or there is neither an egg nor a project in place.
    """
    if egg is None:
        _use_project_in_place(config, project_name())
        yield
        return
    limit = int(number(config, "unpacked_egg_max_mb") * 2**20)
    with closing(egg.file), unpacked(egg.file, limit) as folder:
        _activate(folder)
        egg.file.close()  # the daemon may delete the version while the job runs
        yield


def _activate(folder: Path) -> None:
    module = settings_module(folder)
    sys.path.insert(0, str(folder))
    if importlib.util.find_spec(module.partition(".")[0]) is None:
        raise EggError(f"the egg names the settings {module!r}, but does not contain them")
    # Assigned, not setdefault as in Scrapyd's own runner: neither a variable of the daemon nor a project of
    # the same name in its [settings] may replace the settings of the egg that was deployed.
    os.environ["AIOSCRAPY_SETTINGS_MODULE"] = module


def _use_project_in_place(config: configparser.ConfigParser, project: str) -> None:
    """Use a project without an egg, which [settings] of Scrapyd's configuration or of a cfg file here names.

    Otherwise the environment must name its settings. `default` of a cfg file is another project.
    """
    here = Path.cwd()
    try:
        place = cfg.find_project(here)
        named_here = place.settings_module(project)
    except TargetError as exc:
        raise RunnerError(str(exc)) from exc
    sys.path[:0] = dict.fromkeys([str(place.folder or here), str(here)])
    module = setting(config, "settings", project) or named_here
    if module:
        os.environ["AIOSCRAPY_SETTINGS_MODULE"] = module
    elif not (os.environ.get("AIOSCRAPY_SETTINGS_MODULE") or os.environ.get("SCRAPY_SETTINGS_MODULE")):
        raise RunnerError(f"project {project!r} has no egg, and no [settings] name it")
