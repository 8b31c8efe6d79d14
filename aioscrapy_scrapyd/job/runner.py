"""Finds the project of a job or a listing that Scrapyd starts, and hands over to the command line."""

import argparse
import configparser
import importlib.util
import os
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from aioscrapy.exceptions import AioscrapyError
from aioscrapy.project import find_cfg, project_settings
from aioscrapy.spiderloader import SpiderLoader
from aioscrapy_scrapyd.job import stdio
from aioscrapy_scrapyd.job.config import one_line, read_config, setting
from aioscrapy_scrapyd.job.egg import open_egg, settings_module
from aioscrapy_scrapyd.job.eggcache import unpacked
from aioscrapy_scrapyd.job.exceptions import EggError, RunnerError


def main(argv: list[str] | None = None) -> int:
    """Run `list`, `crawl SPIDER` or another command of the project SCRAPY_PROJECT; returns the exit status.

    `argv` has no program name. SCRAPYD_EGG_VERSION names the version of the egg, else it is the latest.
    An error is one line on standard error. Source: Scrapyd's launcher.py, webservice.py and runner.py.
    """
    argv = sys.argv[1:] if argv is None else argv
    try:
        if argv[:1] == ["list"]:
            return _list(argv[1:])
        if argv[:1] == ["crawl"]:
            stdio.leave_pipes()
        with _project():
            from aioscrapy.cmdline import main as run_command

            return run_command(argv)
    except AioscrapyError as exc:
        sys.stderr.write(f"aioscrapy: {one_line(exc)}\n")
        return 1
    except KeyboardInterrupt:
        sys.stderr.write("aioscrapy: interrupted before the crawl began\n")
        return 130


def _list(argv: list[str]) -> int:
    """Print the names of the spiders and nothing else: Scrapyd counts every line, also of user code."""
    parser = argparse.ArgumentParser(prog="list")
    parser.add_argument("-s", action="append", default=[], metavar="NAME=VALUE", dest="settings")
    options = parser.parse_args(argv)
    with stdio.take_stdout() as out, _project():
        settings = project_settings()
        for pair in options.settings:
            name, _, value = pair.partition("=")
            settings.set(name, value, "cmdline")
        spiders = SpiderLoader(settings)
        sys.stderr.writelines(f"aioscrapy: {warning}\n" for warning in spiders.warnings)
        out.writelines(f"{name}\n" for name in spiders.list())
    return 1 if spiders.failures and not spiders.list() else 0


@contextmanager
def _project() -> Iterator[None]:
    """Make the project importable and name its settings module in the environment, while it is used."""
    project = os.environ.get("SCRAPY_PROJECT")
    if not project:
        raise RunnerError("SCRAPY_PROJECT is not set: Scrapyd starts this module, people use `aioscrapy`")
    config = read_config()
    version = os.environ.get("SCRAPYD_EGG_VERSION") or None
    egg = open_egg(config, project, version)
    if egg is None and version:
        raise EggError(f"project {project!r} has no egg of version {version!r}")
    if egg is None:
        _use_project_in_place(config, project)
        yield
        return
    with closing(egg), unpacked(egg) as folder:
        _activate(folder)
        egg.close()  # the daemon may delete the version while the job runs
        yield


def _activate(folder: Path) -> None:
    module = settings_module(folder)
    sys.path.insert(0, str(folder))
    if importlib.util.find_spec(module.partition(".")[0]) is None:
        raise EggError(f"the egg names the settings {module!r}, but does not hold them")
    # Assigned, not setdefault as in Scrapyd's own runner: a variable that the daemon was started with, or a
    # project of the same name in its [settings], must not replace the settings of the egg that was deployed.
    os.environ["AIOSCRAPY_SETTINGS_MODULE"] = module


def _use_project_in_place(config: configparser.ConfigParser, project: str) -> None:
    """Use a project without an egg: one that [settings] names, in Scrapyd's configuration or a cfg file here.

    Else one that the environment names. `default` of a cfg file is not taken: it is another project.
    """
    cfg = find_cfg()
    folders = [str(Path.cwd())] if cfg is None else [str(cfg.parent), str(Path.cwd())]
    sys.path[:0] = dict.fromkeys(folders)
    module = setting(config, "settings", project) or _named_in(cfg, project)
    if module:
        os.environ["AIOSCRAPY_SETTINGS_MODULE"] = module
    elif not (os.environ.get("AIOSCRAPY_SETTINGS_MODULE") or os.environ.get("SCRAPY_SETTINGS_MODULE")):
        raise RunnerError(f"project {project!r} has no egg, and no [settings] name it")


def _named_in(cfg: Path | None, project: str) -> str | None:
    parser = configparser.ConfigParser()
    try:
        parser.read([cfg] if cfg else [], encoding="utf-8")
    except (configparser.Error, UnicodeDecodeError) as exc:
        raise RunnerError(f"{cfg} can't be read: {one_line(exc)}") from exc
    return setting(parser, "settings", project)
