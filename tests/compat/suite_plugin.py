"""A pytest plugin for Scrapy's tests: one line of JSON for each outcome.

A name of Scrapy that does not exist here would lose all tests of a module at its import. So such a name is an
object that fails where it is used, and the other tests run.
"""

import ast
import importlib
import json
import logging
import os
import sys
import warnings
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest


class Absent(type):
    """The class of a name that does not exist here: every use fails."""

    def __call__(cls, *_: object, **__: object) -> object:
        pytest.fail(f"{cls.__name__} does not exist here")

    def __getattr__(cls, name: str) -> object:
        if name.startswith("__"):
            raise AttributeError(name)
        pytest.fail(f"{cls.__name__} does not exist here")


def pytest_configure(config: pytest.Config) -> None:
    if "SUITE_ALIAS" in os.environ:
        for path in (config.rootpath / "tests").rglob("*.py"):
            if (
                "SUITE_TARGET" not in os.environ
                or path.match(os.environ["SUITE_TARGET"])
                or "utils" in path.parts
            ):
                fill(path)
        compare_by_meaning()


def compare_by_meaning() -> None:
    """Accept our words for an error or a warning, and the names of our loggers.

    The type of an error is compared, its text is not. A log record has Scrapy's name of our module. A warning
    that Scrapy will remove a form is optional; all else in such a test counts.
    """
    raises = pytest.raises

    def raises_any_text(*args: object, match: object = None, **kwargs: object) -> object:
        return raises(*args, **kwargs)

    pytest.raises = raises_any_text
    from aioscrapy.exceptions import ScrapyDeprecationWarning

    warns = pytest.warns

    def warns_any_text(*args: object, match: object = None, **kwargs: object) -> object:
        if args[:1] == (ScrapyDeprecationWarning,):
            return warnings.catch_warnings(record=True, action="always")
        return warns(*args, **kwargs)

    pytest.warns = warns_any_text
    from aioscrapy.doors.paths import MODULES

    names = {f"aioscrapy.{ours}": f"scrapy.{path}" for path, ours in MODULES.items() if "libs" not in path}
    create = logging.getLogRecordFactory()

    def record(name: str, *args: object, **kwargs: object) -> logging.LogRecord:
        return create(names.get(name) or name.replace("aioscrapy.", "scrapy.", 1), *args, **kwargs)

    logging.setLogRecordFactory(record)


def cookie_entries(cookies: Any) -> list[Any]:
    """Return Request.cookies as a list of dicts."""
    return [{"name": n, "value": v} for n, v in cookies.items()] if isinstance(cookies, dict) else cookies


# Private functions of Scrapy with which its tests make their input: the Set-Cookie headers of a server.
HELPERS = {"_to_verbose_cookies": cookie_entries}


def fill(path: Path) -> None:
    """Put an Absent in the place of each name of Scrapy that this file imports and that does not exist."""
    for node in ast.walk(ast.parse(path.read_text())):
        if not isinstance(node, ast.ImportFrom) or not (node.module or "").startswith("scrapy"):
            continue
        module = module_of(node.module or "")
        for alias in node.names:
            try:
                getattr(module, alias.name)
            except AttributeError:
                try:
                    importlib.import_module(f"{node.module}.{alias.name}")
                except ImportError:
                    absent = HELPERS.get(alias.name) or Absent(alias.name, (), {})
                    setattr(module, alias.name, absent)


def module_of(name: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except ImportError:
        parent, _, child = name.rpartition(".")
        module = sys.modules[name] = ModuleType(name)
        setattr(module_of(parent), child, module)
        module.__path__ = []
        return module


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if report.when == "call" or report.outcome != "passed":
        error = report.longrepr.reprcrash.message if hasattr(report.longrepr, "reprcrash") else ""
        write(report.nodeid, report.outcome, error.splitlines()[0] if error else "")


def pytest_collectreport(report: pytest.CollectReport) -> None:
    if report.failed:
        lines = [line for line in str(report.longrepr).splitlines() if line.startswith("E ")]
        write(report.nodeid, "failed", lines[-1].removeprefix("E ").strip() if lines else "")


def write(test: str, outcome: str, error: str) -> None:
    with Path(os.environ["SUITE_REPORT"]).open("a") as file:
        file.write(json.dumps([test, outcome, error]) + "\n")
