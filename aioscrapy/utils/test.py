"""A crawler for tests of components."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import aioscrapy
from aioscrapy.crawler import Crawler
from aioscrapy.utils.spider import DefaultSpider


def get_crawler(
    spidercls: Any = None, settings_dict: Mapping[str, Any] | None = None, prevent_warnings: bool = True
) -> Crawler:
    """Return a crawler of a spider class with these settings, for `from_crawler` of a component."""
    return Crawler(spidercls or DefaultSpider, dict(settings_dict or {}))


def get_reactor_settings() -> dict[str, Any]:
    """Return no settings: no reactor runs."""
    return {}


def get_pythonpath() -> str:
    """Return a PYTHONPATH with which a child process finds this package."""
    return str(Path(aioscrapy.__path__[0]).parent) + os.pathsep + os.environ.get("PYTHONPATH", "")


def get_testenv() -> dict[str, str]:
    """Return an environment with which a child process finds this package."""
    return {**os.environ, "PYTHONPATH": get_pythonpath()}


def assert_samelines(testcase: Any, text1: str, text2: str, msg: str | None = None) -> None:
    """Check that two texts are equal but for their line ends."""
    testcase.assertEqual(text1.splitlines(), text2.splitlines(), msg)  # noqa: PT009 the test case is unittest's
