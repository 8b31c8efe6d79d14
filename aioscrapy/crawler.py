"""Build a crawl from settings and a spider class: create its parts, open them, run, close them in reverse."""

import asyncio
import inspect
import logging
import sys
from collections.abc import Coroutine, Mapping
from contextlib import AsyncExitStack
from importlib import import_module
from typing import Any

from aioscrapy import event_loop
from aioscrapy.addons import AddonManager, load_addons
from aioscrapy.announcements import announce_end, announce_opened, log_start
from aioscrapy.cancellation import raise_if_aborted
from aioscrapy.components import Components, build_all, build_one, load_object
from aioscrapy.context import CrawlContext
from aioscrapy.core.control import Done, EngineControl
from aioscrapy.core.downloader import Downloader
from aioscrapy.core.engine import Engine
from aioscrapy.core.frontier import (
    FrontierChoice,
    build_cookies,
    build_fingerprint,
    build_politeness,
    build_scheduler,
    choose_frontier,
)
from aioscrapy.core.pipelines import Pipelines
from aioscrapy.core.politeness import Politeness
from aioscrapy.core.scheduler import Frontier
from aioscrapy.core.scraper import Scraper
from aioscrapy.db import db_manager
from aioscrapy.deferreds import deferred_of
from aioscrapy.ends import End, Ending, Reason, end_for, error_text
from aioscrapy.exceptions import AioscrapyError, CloseSpider, ConfigError, CrawlError, SettingError
from aioscrapy.extensions.feedexport import feeds_in
from aioscrapy.followups import Followups
from aioscrapy.hooks import completed, is_of_scrapy, settle
from aioscrapy.http.foreign import refuse_spider
from aioscrapy.log import follow_spider
from aioscrapy.queue.base import State
from aioscrapy.scrapy_redis_settings import understand_scrapy_redis
from aioscrapy.settings import Settings, check_attributes, set_attributes
from aioscrapy.signals import SignalManager, engine_stopped

logger = logging.getLogger(__name__)


class Crawler(CrawlContext, Followups):
    """One crawl of one spider in this process.

    Attributes:
        settings: the settings of the project, overridden by those of the spider.
        stats: the collector, also after the end.
        spider: the spider, from its creation on.
        end: how the crawl ended; None until then.
    """

    def __init__(
        self,
        spidercls: Any,
        settings: Settings | Mapping[str, Any] | None = None,
        init_reactor: bool = False,
    ) -> None:
        if not isinstance(spidercls, type):
            raise ValueError(f"{spidercls!r} is an object: Crawler needs the class of a spider")
        own = settings.copy() if isinstance(settings, Settings) else Settings(settings)
        self.spidercls = spidercls
        refuse_spider(spidercls)
        self.settings = own
        _update_settings(own, spidercls)
        self.components = {"ADDONS": load_addons(own, self)}
        self._known_addons = frozenset(own.getdict("ADDONS"))
        self.spider: Any = None
        self.cookies = None
        self.signals = SignalManager(self)
        self.signals.on_close = self.stop
        self.stats = _build_stats(own, self)
        self.engine = EngineControl(self)
        self.end: End | None = None
        self.crawling = False
        self._is_used = False
        self._ending = Ending()
        self._engine: Engine | None = None
        self._parts: tuple[FrontierChoice, Politeness] | None = None
        self._scheduler: Frontier | None = None

    @property
    def reason(self) -> str:
        """The reason of the end; "" until then."""
        return self.end.reason if self.end is not None else ""

    def stop(self, reason: str = "shutdown") -> Done:
        """Begin no new page and end soon; pages in flight may end, or are given back."""
        self._ending.stop(reason)
        if self._engine is not None:
            self._engine.stop(reason)
        return Done()

    def fail(self, reason: Reason, error: str, status: int = 1, *, stop: bool = True) -> None:
        """Note an error that keeps the crawl from being complete, and end soon unless `stop` is False."""
        self._ending.fail(reason, error, status)
        if stop:
            self.stop(reason)

    def abort(self) -> None:
        """End now; pages in flight are given back."""
        if self._engine is not None:
            self._engine.abort()

    def waiting(self) -> int:
        """Return the number of requests that are known to wait."""
        return self._scheduler.waiting() if self._scheduler is not None else 0

    def add_settings(self, settings: Settings) -> None:
        """Set what another layer of `settings` sets, where this crawl has nothing from as high a layer."""
        if not self.settings.frozen:
            for name in settings:
                layer = settings.getpriority(name) or 0
                if layer > (self.settings.getpriority(name) or 0):
                    self.settings.set(name, settings[name], layer)

    @property
    def addons(self) -> AddonManager:
        """The add-ons: its `addons` are a list."""
        return AddonManager(self, self.components["ADDONS"])

    @property
    def extensions(self) -> Components:
        """The extensions; none until they are created."""
        return Components(self.components.get("EXTENSIONS", ()))

    async def crawl_async(self, *args: Any, **kwargs: Any) -> None:
        """Do the same as `crawl`, as Scrapy does: an unexpected exception is raised as it is."""
        try:
            await self._crawl_once(*args, **kwargs)
        except CrawlError as exc:
            raise exc.__cause__ or exc from None

    async def stop_async(self) -> None:
        """Begin no new page and end soon."""
        self.stop()

    def crawl(self, *args: Any, **kwargs: Any) -> Coroutine[Any, Any, None]:
        """Create the spider with these arguments, crawl to the end, close everything.

        Returns:
            A coroutine; a Deferred, as in Scrapy, if the spider is one of Scrapy and Twisted is loaded.

        Raises:
            ConfigError: a setting can't be used.
            QueueError: the store of the frontier can't be reached.
            CrawlError: an unexpected exception ended the crawl; the log has its traceback.
            RuntimeError: this crawler has crawled before.
        """
        crawl = self._crawl_once(*args, **kwargs)
        if "twisted.internet.defer" not in sys.modules or not is_of_scrapy(self.spidercls):
            return crawl
        deferred: Any = deferred_of(asyncio.ensure_future(crawl))
        return deferred  # type: ignore[no-any-return]  # it can be awaited

    async def _crawl_once(self, *args: Any, **kwargs: Any) -> None:
        if self._is_used:
            state = "crawls already" if self.crawling else "has crawled before"
            raise RuntimeError(f"this Crawler {state}: create a new one for each crawl")
        self._is_used = self.crawling = True
        try:
            await self._crawl(*args, **kwargs)
        except AioscrapyError as exc:
            self.end = self.end or end_for(Reason.NOT_STARTED, str(exc))
            raise
        except BaseException as exc:
            raise_if_aborted(exc)
            error = error_text(exc)
            self.end = self.end or end_for(Reason.NOT_STARTED, error)
            logger.exception("The crawl failed")
            raise CrawlError(error) from exc
        finally:
            self.crawling = False

    async def _crawl(self, *args: Any, **kwargs: Any) -> None:
        settings = self.settings
        settings.check()
        log_start(settings, self.spidercls)
        event_loop.begin(settings)
        async with AsyncExitStack() as closing:
            await db_manager.from_settings(settings)
            closing.push_async_callback(db_manager.close)
            self.spider = await settle(self._create_spider(*args, **kwargs))
            check_attributes(self.spider)
            choice, politeness = self._parts or await self._build_parts()
            feeds = feeds_in(self.extensions, self.spider)
            if feeds is None and settings.getdict("FEEDS"):
                logger.warning("No item is written to FEEDS: the FeedExporter extension is not enabled")
            self._scheduler = scheduler = await build_scheduler(self, choice, politeness, feeds)
            downloader = await Downloader.from_crawler(self)
            closing.push_async_callback(downloader.close)
            pipelines = await Pipelines.from_crawler(self)
            scraper = await Scraper.from_crawler(self, pipelines, scheduler)
            engine = Engine(self, self._ending, scheduler, downloader, scraper, self.engine)
            state = await self._open(scheduler, pipelines)
            self._engine = engine
            if self._ending.stop_reason:
                engine.stop(self._ending.stop_reason)
            try:
                if state is State.OPEN:
                    event_loop.end_building()
                    await engine.run()
            except BaseException as exc:
                self._ending.fail_by(exc, in_own_loop=event_loop.is_own())
                raise
            finally:
                await self._close(scheduler, pipelines)
                if state is State.OPEN:
                    await self.signals.send(engine_stopped)

    def _create_spider(self, *args: Any, **kwargs: Any) -> Any:
        """Return a new spider with these arguments; Scrapy's name, which programs call."""
        spider = self.spidercls.from_crawler(self, *args, **kwargs)
        if spider is None:
            raise TypeError(f"{self.spidercls.__qualname__}.from_crawler returned None: is `return` missing?")
        return spider

    def _apply_settings(self) -> None:
        """Build what components need outside of a crawl; Scrapy's name, which tests of components call."""
        if self._parts is None:
            completed(self._build_parts())

    async def _build_parts(self) -> tuple[FrontierChoice, Politeness]:
        """Build what does not need the spider, and freeze the settings."""
        settings = self.settings
        self.components["ADDONS"] += load_addons(settings, self, self._known_addons)
        await build_fingerprint(self)
        if settings["LOG_FORMATTER"] is not None:
            self.logformatter = await build_one(settings["LOG_FORMATTER"], "LOG_FORMATTER", self)
        choice = choose_frontier(settings)
        spider = self.spidercls if self.spider is None else self.spider
        set_attributes(settings, spider)
        follow_spider(settings)
        self.politeness = politeness = build_politeness(settings, spider, shared=choice.shared)
        self.cookies = build_cookies(settings, stored=choice.stored)
        extensions = await build_all("EXTENSIONS", settings.getwithbase("EXTENSIONS"), self)
        logger.debug("Enabled extensions: %s", [type(extension).__name__ for extension in extensions])
        settings.freeze()
        self._parts = parts = choice, politeness
        return parts

    async def _open(self, scheduler: Frontier, pipelines: Pipelines) -> State:
        """Join the crawl and open its outputs; leave it again if that fails."""
        state = await scheduler.open()
        try:
            try:
                await pipelines.open()
            except CloseSpider as close:  # the crawl opens and ends, as in Scrapy
                self.stop(close.reason)
            await announce_opened(self)
        except BaseException:
            await pipelines.close()
            await scheduler.close()
            raise
        return state

    async def _close(self, scheduler: Frontier, pipelines: Pipelines) -> None:
        """Close the pipelines; then the end is certain, and is announced."""
        if not self._ending.stop_reason:  # a stop has logged it
            logger.info("Closing spider (%s)", self._ending.end(scheduler.end).reason)
        for error in await pipelines.close():
            self._ending.fail(Reason.OUTPUT_FAILED, error)
        self.end = self._ending.end(scheduler.end)
        self.end = await announce_end(self, self._ending, scheduler.end)


def __getattr__(name: str) -> Any:
    """Return CrawlerProcess and its relatives, which Scrapy has here; they are on floors above."""
    if name in ("CrawlerProcess", "CrawlerProcessBase"):
        return import_module("aioscrapy.process").CrawlerProcess
    if name in ("CrawlerRunner", "AsyncCrawlerRunner", "AsyncCrawlerProcess"):
        return getattr(import_module("aioscrapy.runners"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def _update_settings(settings: Settings, spider_class: Any) -> None:
    """Override the project's settings by the spider's, and check all of them.

    Raises:
        ConfigError: a value can't be used, or the spider's `update_settings` fails.
    """
    try:
        spider_class.update_settings(settings)
    except AioscrapyError:
        raise
    except (Exception, SystemExit) as exc:
        text = f"{spider_class.__name__}.update_settings: {type(exc).__name__}: {exc}"
        raise ConfigError(text) from exc
    understand_scrapy_redis(settings)
    settings.check()


def _takes_argument(cls: Any) -> bool:
    """Return True if a class can be called with one argument."""
    try:
        inspect.signature(cls).bind(None)
    except (TypeError, ValueError):
        return False
    return True


def _build_stats(settings: Settings, crawler: CrawlContext) -> Any:
    """Create the stats collector, with the crawler if it takes an argument.

    Raises:
        SettingError: it can't be loaded or created.
    """
    path = settings["STATS_CLASS"]
    stats_class = load_object(path, "STATS_CLASS")
    try:
        return stats_class(crawler) if _takes_argument(stats_class) else stats_class()
    except Exception as exc:
        text = f"{path} can't be built: {type(exc).__name__}: {exc}"
        raise SettingError("STATS_CLASS", text) from exc
