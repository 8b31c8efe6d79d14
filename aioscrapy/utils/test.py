"""A crawler for tests of components."""

import asyncio
import os
from collections.abc import Awaitable, Mapping
from pathlib import Path
from typing import Any

import aioscrapy
from aioscrapy.core.politeness import Politeness
from aioscrapy.crawler import Crawler
from aioscrapy.logformatter import LogFormatter
from aioscrapy.utils.defer import deferred_from_coro
from aioscrapy.utils.misc import build_from_crawler, load_object
from aioscrapy.utils.request import RequestFingerprinter
from aioscrapy.utils.spider import DefaultSpider


class TestCrawler(Crawler):
    """A crawler whose parts are there without a crawl, for tests of components."""

    __test__ = False  # not a class of tests

    def __init__(self, spider_class: Any, settings: Any = None) -> None:
        super().__init__(spider_class, settings)
        self.politeness = Politeness.from_settings(self.settings, spider_class)
        name = "REQUEST_FINGERPRINTER_CLASS"
        fingerprinter = self.settings[name] if self.settings.getpriority(name) else RequestFingerprinter
        self.request_fingerprinter = build_from_crawler(load_object(fingerprinter), self)
        self.logformatter = build_from_crawler(
            load_object(self.settings["LOG_FORMATTER"] or LogFormatter), self
        )

    def _create_spider(self, *args: Any, **kwargs: Any) -> Any:
        return self.spidercls.from_crawler(self, *args, **kwargs)

    def _apply_settings(self) -> None:
        self.settings.freeze()

    def crawl(self, *args: Any, **kwargs: Any) -> Any:
        """Start the crawl; return a Deferred, as in Scrapy."""
        return deferred_from_coro(self.crawl_async(*args, **kwargs))

    async def crawl_async(self, *args: Any, **kwargs: Any) -> None:
        """Crawl to the end."""
        self.logformatter = self.request_fingerprinter = None
        await super().crawl(*args, **kwargs)


def get_crawler(
    spidercls: Any = None, settings_dict: Mapping[str, Any] | None = None, prevent_warnings: bool = True
) -> TestCrawler:
    """Return a crawler of a spider class with these settings, for `from_crawler` of a component."""
    return TestCrawler(spidercls or DefaultSpider, dict(settings_dict or {}))


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
