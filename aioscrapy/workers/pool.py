"""The parent of several workers on one crawl: starts them, orders them about, and tells of them as of one."""

import asyncio
import contextlib
import gc
import logging
import multiprocessing
import pickle
from collections.abc import Mapping
from contextlib import AsyncExitStack, ExitStack
from types import SimpleNamespace
from typing import Any

from redis.exceptions import RedisError

from aioscrapy import loop, signals
from aioscrapy.components import build, build_all, load_object
from aioscrapy.context import CrawlContext
from aioscrapy.db import db_manager
from aioscrapy.exceptions import AioscrapyError, ConfigError, QueueError
from aioscrapy.extensions.corestats import CoreStats
from aioscrapy.extensions.feedexport import FeedExporter
from aioscrapy.extensions.logcount import LogCount
from aioscrapy.extensions.logstats import LogStats
from aioscrapy.hooks import settle
from aioscrapy.log import configure_logging, remove_handler
from aioscrapy.queue.base import State
from aioscrapy.queue.crawls import Crawl, Crawls
from aioscrapy.settings import Settings
from aioscrapy.signals import SignalManager
from aioscrapy.version import __version__
from aioscrapy.workers import processes
from aioscrapy.workers.feed import ItemFeed
from aioscrapy.workers.frames import Kind
from aioscrapy.workers.hands import Hand, fork
from aioscrapy.workers.plan import needs_redis, of_workers, share, use_private, warm
from aioscrapy.workers.server import PrivateRedis
from aioscrapy.workers.totals import Totals
from aioscrapy.workers.worker import TELL_S

logger = logging.getLogger("aioscrapy.crawler")  # the parent tells what the crawler of one process would tell

_ONCE = (CoreStats, FeedExporter, LogCount, LogStats)  # extensions that the whole crawl has once
_NORMAL = {"finished", "late", "shutdown"}  # ends of a worker that don't end the others
_LIMITS = {
    "CLOSESPIDER_ITEMCOUNT": "item_scraped_count",
    "CLOSESPIDER_PAGECOUNT": "response_received_count",
    "CLOSESPIDER_ERRORCOUNT": "spider_exceptions/count",
}


class Pool:
    """One crawl of one spider by CRAWL_PROCESSES workers; seen from outside, a crawler.

    Attributes:
        stats: those of all workers.
        reason: of the end.
    """

    def __init__(self, spider_class: Any, settings: Settings, arguments: Mapping[str, Any]) -> None:
        self.spidercls = spider_class
        self.settings = settings
        self.stats = Totals()
        self.signals = SignalManager()
        self.reason = ""
        self._arguments = arguments
        self._context = CrawlContext(settings, self.stats, self.signals, self.stop)
        self._hands: list[Hand] = []
        self._errors: list[str] = []
        self._begun = False
        self._server: PrivateRedis | None = None
        self._log: logging.Handler = logging.NullHandler()
        self._limits = {name: settings.getint(name) for name in _LIMITS if settings.getint(name)}

    def start(self) -> None:
        """Crawl, and return at the end.

        Raises:
            AioscrapyError: the first error with which a worker ended, or what kept the crawl from beginning.
        """
        self._log = configure_logging(self.settings)
        try:
            with ExitStack() as closing:
                self._prepare(closing)
                loop.run(self._run, self)
        except AioscrapyError as exc:
            logger.error("%s", exc)
            raise
        finally:
            remove_handler(self._log)

    def stop(self, reason: str = "shutdown") -> None:
        """Let all workers begin no new page and end soon."""
        if self.reason:
            return
        self.reason = reason
        self._order(Kind.STOP, reason)

    def abort(self) -> None:
        """Let all workers end now."""
        self._order(Kind.ABORT)

    def waiting(self) -> int:
        """Return the requests that are known to wait."""
        return self.stats.waiting()

    def _prepare(self, closing: ExitStack) -> None:
        """Make the workers, before there is an event loop or a thread; they wait for the word to begin."""
        settings = self.settings
        logger.info("Scrapy %s started (bot: %s, by aioscrapy)", __version__, settings["BOT_NAME"])
        share(settings, self.spidercls)
        try:
            forking = multiprocessing.get_context("fork")
        except ValueError:
            raise ConfigError("CRAWL_PROCESSES needs a system whose processes can fork") from None
        if needs_redis(settings):
            self._server = closing.enter_context(PrivateRedis(forking))
        warm(settings)
        if self._server is not None:
            use_private(settings, self._server.url())
        gc.freeze()  # a collection in a worker must not copy what it shares with the others
        task = (self.spidercls, of_workers(settings), self._arguments)
        others = self._server.pipes if self._server is not None else []
        self._hands = fork(forking, processes(settings), task, others)
        closing.callback(self._end_all)
        gc.unfreeze()
        where = "an embedded Redis" if self._server is not None else "the Redis of REDIS_ARGS"
        pids = ", ".join(f"#{hand.number} {hand.process.pid}" for hand in self._hands)
        logger.info("%d worker processes on %s: %s", len(self._hands), where, pids)

    async def _run(self) -> None:
        settings, context = self.settings, self._context
        async with AsyncExitStack() as closing:
            await db_manager.from_settings(settings)
            closing.push_async_callback(db_manager.close)
            # Its signals lead nowhere: what the spider does at the begin and the end it does in the workers.
            apart = CrawlContext.without_crawl(settings)
            context.spider = apart.spider = await settle(
                self.spidercls.from_crawler(apart, **self._arguments)
            )
            extensions = await build_all("EXTENSIONS", _extensions(settings), context)
            store = await build(
                load_object(settings["SCHEDULER_QUEUE_CLASS"], "SCHEDULER_QUEUE_CLASS"), context
            )
            state = await store.open(SimpleNamespace(suffix="", lua=""))
            logger.info("Spider opened")
            await self.signals.send(signals.spider_opened, spider=context.spider)
            writers = [each for each in extensions if isinstance(each, FeedExporter)]
            try:
                if state is State.OPEN:
                    await self._work(store.crawl_id, self._feed(store.crawl_id, writers))
                else:
                    self.reason = state.value
            finally:
                await self._close()
        if self._errors:
            raise AioscrapyError(self._errors[0])

    def _feed(self, crawl_id: str, writers: list[FeedExporter]) -> ItemFeed | None:
        if not writers:
            return None
        settings = self.settings
        serializer = load_object(settings["SCHEDULER_SERIALIZER"], "SCHEDULER_SERIALIZER")
        crawls = Crawls(db_manager.redis(settings["SCHEDULER_QUEUE_ALIAS"]), settings["BOT_NAME"], serializer)
        crawl = Crawl(settings["BOT_NAME"], self._context.spider.name, crawl_id)
        kept_s = settings.getfloat("CRAWL_KEEP") if settings.getbool("ITEMS_IN_REDIS") else 0.0
        return ItemFeed(crawls, crawl, writers[0].item_scraped, kept_s)

    async def _work(self, crawl_id: str, feed: ItemFeed | None) -> None:
        """Let the workers crawl until all have ended, and write what they find."""
        running, over = asyncio.get_running_loop(), asyncio.Event()
        for hand in self._hands:
            running.add_reader(hand.inlet.pipe, self._hear, hand, over)
            hand.send(Kind.BEGIN, pickle.dumps({"CRAWL_ID": crawl_id}))
        if self._server is not None:
            running.add_reader(self._server.news, self._lose_server, self._server)
        self._begun = True
        if self.reason:
            self._order(Kind.STOP, self.reason)
        while not over.is_set():
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(TELL_S):
                    await over.wait()
            await self._write(feed)
        if self._server is not None:
            running.remove_reader(self._server.news)
        if feed is not None and not await self._write(feed):
            self._errors.append("Redis does not answer: the last items are missing in the feed")
        if feed is not None:
            with contextlib.suppress(RedisError, OSError, TimeoutError):
                await feed.close()

    async def _write(self, feed: ItemFeed | None) -> bool:
        """Write the items that are there; False where Redis does not answer."""
        if feed is None:
            return True
        try:
            await feed.drain()
        except (RedisError, OSError, TimeoutError, QueueError) as exc:
            logger.warning("The feed waits for Redis: %s", exc)
            return False
        return True

    async def _close(self) -> None:
        """Tell the end, once for all."""
        self.reason = self.reason or self._reason_of_workers()
        await self.signals.send(signals.engine_stopped)
        await self.signals.send(signals.spider_closed, spider=self._context.spider, reason=self.reason)
        if self.settings.getbool("STATS_DUMP"):
            self.stats.dump()
        logger.info("Spider closed (%s)", self.reason)

    def _reason_of_workers(self) -> str:
        reasons = [hand.end.reason for hand in self._hands if hand.end is not None]
        if not reasons:
            return "killed"
        return next((reason for reason in reasons if reason == "finished"), reasons[0])

    def _hear(self, hand: Hand, over: asyncio.Event) -> None:
        """Take what a worker says: its log lines go on as they are."""
        heard = hand.hear()
        if heard is None:
            asyncio.get_running_loop().remove_reader(hand.inlet.pipe)
            self._lose(hand)
            if all(each.gone for each in self._hands):
                over.set()
            return
        lines, figures = heard
        if lines:
            self._write_log(lines)
        if figures is not None:
            self.stats.take(hand.number, figures)
            self._check_limits()

    def _lose(self, hand: Hand) -> None:
        """Take note that a worker has ended."""
        hand.process.join()
        if hand.end is None:
            self._tell_killed(hand)
        elif hand.end.error:
            self._errors.append(hand.end.error)
            self.stop("shutdown")
        elif hand.end.reason not in _NORMAL:
            self.stop(hand.end.reason)

    def _tell_killed(self, hand: Hand) -> None:
        others = sum(not each.gone for each in self._hands)
        lease_s = self.settings.getfloat("SCHEDULER_LEASE")
        how = f"Worker #{hand.number} (process {hand.process.pid}) ended with status {hand.process.exitcode}"
        if others:
            logger.error("%s: the others get its pages within %g s", how, lease_s)
            return
        logger.error("%s", how)
        if not any(each.end for each in self._hands) and not self._errors:
            self._errors.append("all workers were killed")

    def _lose_server(self, server: PrivateRedis) -> None:
        asyncio.get_running_loop().remove_reader(server.news)
        self._errors.append("the embedded Redis has ended: the crawl is lost")
        logger.error("%s", self._errors[-1])
        self.reason = self.reason or "redis_lost"
        self.abort()

    def _check_limits(self) -> None:
        for name, most in self._limits.items():
            if self.stats.get_value(_LIMITS[name], 0) >= most:
                self.stop(name.lower())

    def _write_log(self, lines: bytes) -> None:
        handler = self._log
        if isinstance(handler, logging.StreamHandler):
            with contextlib.suppress(OSError), handler.lock or contextlib.nullcontext():
                handler.stream.write(lines.decode("utf-8", "replace"))
                handler.flush()

    def _order(self, kind: Kind, text: str = "") -> None:
        if self._begun:
            for hand in self._hands:
                hand.send(kind, text.encode())

    def _end_all(self) -> None:
        """Leave no worker behind: without a parent they end, or are ended."""
        for hand in self._hands:
            hand.close()


def _extensions(settings: Settings) -> dict[Any, Any]:
    """Return class -> order of those that the whole crawl has once."""
    loaded = {
        load_object(path, "EXTENSIONS"): order for path, order in settings.getwithbase("EXTENSIONS").items()
    }
    return {cls: order for cls, order in loaded.items() if isinstance(cls, type) and issubclass(cls, _ONCE)}
