"""Serve `import scrapy` from our modules, in a process of our engine."""

import importlib
import logging
import os
import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Any

from aioscrapy.doors.finder import ROOT, AbsentError, alias_spec
from aioscrapy.exceptions import ConfigError
from aioscrapy.setting_types import FALSE
from aioscrapy.twisted_reactor import MODULE, put_reactor, reactor_spec, take_idle_reactor
from aioscrapy_deploy import cfg
from aioscrapy_deploy.errors import TargetError

# The version of Scrapy whose interface we have.
VERSION = "2.19.0"
VARIABLE = "AIOSCRAPY_SCRAPY_ALIAS"

_real: dict[str, Any] = {}


class ScrapyFinder:
    """The finder of `sys.meta_path` for `scrapy`, everything below it, and the reactor of the crawl."""

    @classmethod
    def find_spec(
        cls, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return the spec of our module for one of Scrapy's; None for every other module."""
        if name.partition(".")[0] == "scrapy_redis":
            return alias_spec(name, f"{ROOT}.{name}")
        if name == "scrapy":
            return ModuleSpec(name, _Top(), is_package=True)  # type: ignore[arg-type]  # a loader by its methods
        if name == MODULE:
            return reactor_spec()
        if not name.startswith("scrapy."):
            return None
        ours = f"{ROOT}.{name.removeprefix('scrapy.')}"
        try:
            module = importlib.import_module(ours)
        except AbsentError:
            raise
        except ModuleNotFoundError as exc:
            if exc.name and f"{ours}.".startswith(f"{exc.name}."):
                return None
            raise
        return alias_spec(name, ours, is_package=hasattr(module, "__path__"))  # for `python -m`


class _Top:
    """Loads `scrapy` itself: the names of `aioscrapy`, and the version of the interface."""

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return None

    def exec_module(self, module: ModuleType) -> None:
        ours = importlib.import_module(ROOT)
        module.__path__ = list(ours.__path__)  # projects look for the templates there
        module.__dict__["__version__"] = VERSION
        module.__dict__["version_info"] = tuple(int(part) for part in VERSION.split("."))

        def load(name: str) -> Any:
            """Return a name of Scrapy's top level."""
            return getattr(ours, name)

        module.__dict__["__getattr__"] = load
        _name_loggers()


def _name_loggers() -> None:
    """Give our loggers Scrapy's names too: projects set their levels, some before they import Scrapy."""
    from aioscrapy.doors.paths import LOGGERS, MODULES

    loggers = logging.root.manager.loggerDict
    for path, ours in {**MODULES, **LOGGERS}.items():
        logger, before = logging.getLogger(f"{ROOT}.{ours}"), loggers.get(f"scrapy.{path}")
        if isinstance(before, logging.Logger) and before is not logger:
            logger.setLevel(before.level or logger.level)
            logger.filters += before.filters
            logger.handlers += before.handlers
            logger.propagate = logger.propagate and before.propagate
        loggers[f"scrapy.{path}"] = logger


def wanted() -> bool:
    """Return False if the environment or the cfg file (`[aioscrapy] scrapy_alias = off`) forbids it.

    Raises:
        ConfigError: a cfg file can't be read.
    """
    value = os.environ.get(VARIABLE)
    if value is None:
        try:
            value = cfg.read_option(cfg.find_project(Path.cwd()).cfg, ROOT, "scrapy_alias")
        except TargetError as exc:
            raise ConfigError(str(exc)) from None
    return value is None or value.strip().lower() not in FALSE


def serve_scrapy() -> None:
    """Serve `import scrapy` from our modules from now on, unless that is switched off.

    Modules of the real Scrapy that are loaded already leave `sys.modules`: who holds them keeps them.
    """
    if ScrapyFinder in sys.meta_path or not wanted():
        return
    _real.update(_take_modules())
    if (idle := take_idle_reactor()) is not None:
        _real[MODULE] = idle
    sys.meta_path.insert(0, ScrapyFinder)
    # projects set the level of the logger "scrapy": it is ours
    logging.root.manager.loggerDict["scrapy"] = logging.getLogger(ROOT)


def stop_serving() -> None:
    """Undo `serve_scrapy`: `import scrapy` is the real Scrapy again, where it is installed."""
    if ScrapyFinder in sys.meta_path:
        sys.meta_path.remove(ScrapyFinder)
        loggers = logging.root.manager.loggerDict
        for name in [name for name in loggers if name.partition(".")[0] == "scrapy"]:
            del loggers[name]
        _take_modules()
        if (reactor := _real.pop(MODULE, None)) is not None:
            put_reactor(reactor)
        sys.modules.update(_real)
        _real.clear()


def _take_modules() -> dict[str, ModuleType]:
    """Remove all modules of Scrapy from `sys.modules`, and return them."""
    names = [name for name in sys.modules if name.partition(".")[0] in ("scrapy", "scrapy_redis")]
    return {name: sys.modules.pop(name) for name in names}
