"""A crawler for tests of components."""

import asyncio
import os
from collections.abc import Awaitable, Mapping
from pathlib import Path
from typing import Any

import aioscrapy
from aioscrapy.crawler import Crawler
from aioscrapy.logformatter import LogFormatter
from aioscrapy.utils.defer import deferred_from_coro
from aioscrapy.utils.request import RequestFingerprinter
from aioscrapy.utils.spider import DefaultSpider


class TestCrawler(Crawler):
    """A crawler whose parts are there without a crawl, for tests of components."""

    __test__ = False  # not a class of tests

    def _apply_settings(self) -> None:
        if self.settings.frozen:
            return
        if not self.settings.getpriority("REQUEST_FINGERPRINTER_CLASS"):
            self.request_fingerprinter = RequestFingerprinter.from_crawler(self)
        super()._apply_settings()
        self.logformatter = self.logformatter or LogFormatter()

    def crawl(self, *args: Any, **kwargs: Any) -> Any:
        """Start the crawl; return a Deferred, as in Scrapy."""
        return deferred_from_coro(self.crawl_async(*args, **kwargs))


def get_crawler(
    spidercls: Any = None, settings_dict: Mapping[str, Any] | None = None, prevent_warnings: bool = True
) -> TestCrawler:
    """Return a crawler of a spider class with these settings, for `from_crawler` of a component."""
    crawler = TestCrawler(spidercls or DefaultSpider, dict(settings_dict or {}))
    crawler._apply_settings()
    return crawler


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


def get_from_asyncio_queue(value: Any) -> Awaitable[Any]:
    """Return an awaitable of a value that comes from an asyncio.Queue."""
    queue: asyncio.Queue[Any] = asyncio.Queue()
    getter = queue.get()
    queue.put_nowait(value)
    return getter
