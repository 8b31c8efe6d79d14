"""The builder: from settings and a spider class to the parts of a crawl, opened, run, closed in reverse."""

import logging
from collections.abc import Mapping
from contextlib import AsyncExitStack
from importlib import import_module
from typing import Any

from aioscrapy import signals
from aioscrapy.components import build_all, load_object
from aioscrapy.context import CrawlContext
from aioscrapy.core.downloader import Downloader
from aioscrapy.core.engine import Engine
from aioscrapy.core.frontier import build_politeness, build_scheduler, choose_frontier
from aioscrapy.core.scheduler import Scheduler
from aioscrapy.core.scraper import Scraper
from aioscrapy.db import db_manager
from aioscrapy.hooks import settle
from aioscrapy.pipelines.chain import Pipelines
from aioscrapy.queue.base import State
from aioscrapy.settings import Settings
from aioscrapy.signals import SignalManager
from aioscrapy.version import __version__

logger = logging.getLogger(__name__)


class Crawler:
    """One crawl of one spider in this process.

    Attributes:
        settings: the project's settings overlaid by the spider's.
        stats: what was counted; stays after the end.
        spider: the spider, from the moment it is made.
    """

    def __init__(self, spider_class: Any, settings: Settings | Mapping[str, Any] | None = None) -> None:
        own = settings.copy() if isinstance(settings, Settings) else Settings(settings)
        spider_class.update_settings(own)
        own.check()
        self.spidercls = spider_class
        self.settings = own
        self.stats = load_object(own["STATS_CLASS"], "STATS_CLASS")()
        self.signals = SignalManager()
        self.spider: Any = None
        self.reason = ""
        self._context = CrawlContext(own, self.stats, self.signals, self.stop)
        self._engine: Engine | None = None
        self._scheduler: Scheduler | None = None
        self._stop_early = ""

    def stop(self, reason: str = "shutdown") -> None:
        """Begin no new page and end soon; what is in flight may end, or is given back."""
        if self._engine is None:
            self._stop_early = reason
        else:
            self._engine.stop(reason)

    def abort(self) -> None:
        """End now; what is in flight is given back."""
        if self._engine is not None:
            self._engine.abort()

    def waiting(self) -> int:
        """Return the requests that are known to wait."""
        return self._scheduler.waiting() if self._scheduler is not None else 0

    async def crawl(self, *args: Any, **kwargs: Any) -> None:
        """Make the spider with these arguments, crawl to the end, close everything.

        Raises:
            ConfigError: the settings don't make a crawl.
            QueueError: the frontier's store can't be reached.
        """
        settings, context = self.settings, self._context
        settings.freeze()
        logger.info("Scrapy %s started (bot: %s, by aioscrapy)", __version__, settings["BOT_NAME"])
        async with AsyncExitStack() as closing:
            await db_manager.from_settings(settings)
            closing.push_async_callback(db_manager.close)
            made = self.spidercls.from_crawler(context, *args, **kwargs)
            self.spider = context.spider = await settle(made)
            frontier = choose_frontier(settings)
            politeness = build_politeness(settings, self.spider, shared=frontier.shared)
            context.politeness = politeness
            extensions = await build_all("EXTENSIONS", settings.getwithbase("EXTENSIONS"), context)
            logger.debug("Enabled extensions: %s", [type(extension).__name__ for extension in extensions])
            self._scheduler = scheduler = await build_scheduler(context, frontier, politeness)
            downloader = await Downloader.from_crawler(context)
            closing.push_async_callback(downloader.close)
            pipelines = await Pipelines.from_crawler(context)
            scraper = await Scraper.from_crawler(context, pipelines, scheduler)
            engine = Engine(context, scheduler, downloader, scraper)
            self.reason = await self._run(engine, scheduler, pipelines)

    async def _run(self, engine: Engine, scheduler: Scheduler, pipelines: Pipelines) -> str:
        """Open, run, close; returns the reason of the end."""
        state = await scheduler.open()
        await pipelines.open()
        logger.info("Spider opened")
        await self.signals.send(signals.spider_opened, spider=self.spider)
        self._engine = engine
        if self._stop_early:
            engine.stop(self._stop_early)
        try:
            if state is State.OPEN:
                await engine.run()
        finally:
            reason = engine.reason if state is State.OPEN else state.value
            await pipelines.close()
            await self.signals.send(signals.spider_closed, spider=self.spider, reason=reason)
            if self.settings.getbool("STATS_DUMP"):
                self.stats.dump()
            logger.info("Spider closed (%s)", reason)
        return reason


def __getattr__(name: str) -> Any:
    """Return CrawlerProcess, which is imported from here in Scrapy; it is on a floor above."""
    if name == "CrawlerProcess":
        return import_module("aioscrapy.process").CrawlerProcess
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
