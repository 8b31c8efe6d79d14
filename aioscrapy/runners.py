"""Crawls in an event loop that runs already, with Scrapy's names: CrawlerRunner and its relatives."""

import asyncio
import sys
from collections.abc import Coroutine, Mapping
from functools import cached_property
from typing import Any

from aioscrapy.addons import update_pre_crawler
from aioscrapy.core.control import Pending
from aioscrapy.crawler import Crawler
from aioscrapy.deferreds import deferred_of
from aioscrapy.exceptions import ConfigError
from aioscrapy.process import CrawlerProcess
from aioscrapy.settings import Settings
from aioscrapy.spiderloader import get_spider_loader, load_spider
from aioscrapy.standard_files import open_standard_files

_ASYNCIO_REACTOR = "twisted.internet.asyncioreactor"


class _Runner:
    """The crawls of one event loop.

    Attributes:
        settings: of all crawls.
        crawlers: the crawls that run.
        bootstrap_failed: a crawl could not begin.
    """

    def __init__(self, settings: Settings | Mapping[str, Any] | None = None) -> None:
        open_standard_files()
        self.settings = settings.copy() if isinstance(settings, Settings) else Settings(settings)
        update_pre_crawler(self.settings)
        self.crawlers: set[Crawler] = set()
        self.bootstrap_failed = False
        self._active: set[asyncio.Future[Any]] = set()

    @cached_property
    def spider_loader(self) -> Any:
        """The spiders of the project, by name."""
        return get_spider_loader(self.settings)

    def create_crawler(self, crawler_or_spidercls: Any) -> Crawler:
        """Return a crawler of a spider class or of a spider's name; a crawler is returned itself.

        Raises:
            SpiderNotFoundError: no spider has the name.
            ConfigError: the settings can't be used.
        """
        if isinstance(crawler_or_spidercls, Crawler):
            crawler_or_spidercls.add_settings(self.settings)
            return crawler_or_spidercls
        return Crawler(load_spider(crawler_or_spidercls, self.settings), self.settings)

    def stop(self) -> Any:
        """End all crawls soon; return an awaitable of their end."""
        for crawler in tuple(self.crawlers):
            crawler.stop("shutdown")
        return self.join()

    async def join(self) -> None:
        """Return when all crawls have ended."""
        while self._active:
            await asyncio.wait(set(self._active))

    def _start(self, crawler_or_spidercls: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        crawler = self.create_crawler(crawler_or_spidercls)
        task = _loop().create_task(self._run(crawler, crawler.crawl_async(*args, **kwargs)))
        self._active.add(task)
        task.add_done_callback(self._active.discard)
        return task

    async def _run(self, crawler: Crawler, crawl: Coroutine[Any, Any, None]) -> None:
        self.crawlers.add(crawler)
        try:
            await crawl
        finally:
            self.crawlers.discard(crawler)
            self.bootstrap_failed |= crawler.spider is None


class AsyncCrawlerRunner(_Runner):
    """Crawls as tasks of asyncio."""

    def crawl(self, crawler_or_spidercls: Any, *args: Any, **kwargs: Any) -> "asyncio.Task[None]":
        """Start a crawl; return its task.

        Raises:
            ConfigError: no event loop runs, or the settings can't be used.
        """
        task: asyncio.Task[None] = self._start(crawler_or_spidercls, args, kwargs)
        return task


class CrawlerRunner(_Runner):
    """Crawls as Deferreds, where the program has installed Twisted's reactor of asyncio."""

    def crawl(self, crawler_or_spidercls: Any, *args: Any, **kwargs: Any) -> Any:
        """Start a crawl; return an awaitable with `addCallback` and its relatives.

        Raises:
            ConfigError: no event loop runs, or the settings can't be used.
        """
        task = self._start(crawler_or_spidercls, args, kwargs)
        if "twisted.internet.reactor" not in sys.modules:
            return Pending(task)
        return deferred_of(task)


class AsyncCrawlerProcess(CrawlerProcess):
    """CrawlerProcess under Scrapy's second name."""


def _loop() -> asyncio.AbstractEventLoop:
    """Return the loop that runs, or that Twisted's reactor of asyncio will run.

    Raises:
        ConfigError: there is none.
    """
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        reactor: Any = sys.modules.get("twisted.internet.reactor")
        if type(reactor).__module__ == _ASYNCIO_REACTOR:
            loop: asyncio.AbstractEventLoop = reactor._asyncioEventloop
            return loop
    raise ConfigError(
        "CrawlerRunner.crawl needs an event loop of asyncio that runs: use CrawlerProcess, call it inside of "
        "asyncio.run(…), or install Twisted's reactor of asyncio first"
    )
