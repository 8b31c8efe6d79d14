"""The parent of the worker processes of one crawl: starts, stops and reports on them as on one crawl."""

import asyncio
import contextlib
import gc
import logging
import multiprocessing
import pickle
from collections.abc import Iterable, Mapping
from contextlib import AsyncExitStack, ExitStack
from typing import Any, cast

from aioscrapy import event_loop, signals
from aioscrapy.announcements import announce_end, announce_opened, log_start
from aioscrapy.components import build, build_all
from aioscrapy.context import CrawlContext
from aioscrapy.core.frontier import choose_frontier
from aioscrapy.core.proof import end_of_state
from aioscrapy.db import db_manager
from aioscrapy.dupefilters.redis import BaseDupeFilter
from aioscrapy.ends import End, Ending, Reason
from aioscrapy.exceptions import AioscrapyError, ConfigError, QueueError
from aioscrapy.extensions.corestats import CoreStats
from aioscrapy.extensions.feedexport import FeedExporter, feeds_in, with_feeds
from aioscrapy.extensions.logcount import LogCount
from aioscrapy.extensions.logstats import LogStats
from aioscrapy.feeds.feeds import PoolFeeds
from aioscrapy.hooks import settle
from aioscrapy.log import TerminalFormatter, configure_logging, remove_handler
from aioscrapy.queue.base import State
from aioscrapy.settings import Settings
from aioscrapy.signals import SignalManager
from aioscrapy.workers import process_count
from aioscrapy.workers.child import WorkerProcess, fork_workers
from aioscrapy.workers.pipe import MessageType
from aioscrapy.workers.pool_settings import (
    move_to_redis,
    needs_redis,
    preload,
    use_private_redis,
    worker_settings,
)
from aioscrapy.workers.pool_stats import PoolStats
from aioscrapy.workers.private_redis import PrivateRedis
from aioscrapy.workers.worker import REPORT_S

# the parent logs what the crawler of one process would log
logger = logging.getLogger("aioscrapy.crawler")

# extensions that run in the parent only
_IN_PARENT = (CoreStats, FeedExporter, LogCount, LogStats)
# reasons of a worker that don't end the others
_NORMAL = {"finished", "late", "shutdown"}
# reasons of a worker after which no process of the crawl commits anything any more
_COMPLETE = {"finished", "late", "start_failed", "all_failed", "pages_lost"}
_LIMITS = {
    "CLOSESPIDER_ITEMCOUNT": "item_scraped_count",
    "CLOSESPIDER_PAGECOUNT": "response_received_count",
    "CLOSESPIDER_ERRORCOUNT": "spider_exceptions/count",
}


class Pool:
    """One crawl of one spider by CRAWL_PROCESSES workers, with the interface of a crawler.

    Attributes:
        stats: those of all workers.
        end: how the crawl ended; None until then.
    """

    def __init__(self, spider_class: Any, settings: Settings, arguments: Mapping[str, Any]) -> None:
        self.spidercls = spider_class
        self.settings = settings
        self.stats = PoolStats(self)
        self.signals = SignalManager()
        self.end: End | None = None
        self._ending = Ending()
        self._arguments = arguments
        self._context = CrawlContext(settings, self.stats, self.signals, self.stop, self.fail)
        self._processes: list[WorkerProcess] = []
        self._started = False
        self._server: PrivateRedis | None = None
        self._log: logging.Handler = logging.NullHandler()
        self._limits = {name: settings.getint(name) for name in _LIMITS if settings.getint(name)}

    def start(self) -> None:
        """Crawl; returns at the end.

        Raises:
            AioscrapyError: the first error of a worker, or the error that prevented the start.
        """
        self._log = configure_logging(self.settings)
        try:
            with ExitStack() as closing:
                self._prepare(closing)
                event_loop.run(self._run, self)
        except AioscrapyError as exc:
            logger.error("%s", exc)
            raise
        finally:
            remove_handler(self._log)

    @property
    def reason(self) -> str:
        """The reason of the end; "" until then."""
        return self.end.reason if self.end is not None else ""

    def stop(self, reason: str = "shutdown") -> None:
        """End soon; the workers start no new page."""
        self._ending.stop(reason)
        self._send_all(MessageType.STOP, reason)

    def fail(self, reason: Reason, error: str, status: int = 1) -> None:
        """Note an error that keeps the crawl from being complete, and end soon."""
        self._ending.fail(reason, error, status)
        self.stop(reason)

    def abort(self) -> None:
        """End now."""
        self._send_all(MessageType.ABORT)

    def waiting(self) -> int:
        """Return the requests that are known to wait."""
        return self.stats.waiting()

    def _prepare(self, closing: ExitStack) -> None:
        """Fork the workers, before an event loop or a thread exists; they wait for the message BEGIN."""
        settings = self.settings
        log_start(settings, self.spidercls)
        move_to_redis(settings, self.spidercls)
        try:
            forking = multiprocessing.get_context("fork")
        except ValueError:
            raise ConfigError("CRAWL_PROCESSES needs an operating system with fork") from None
        if needs_redis(settings):
            self._server = closing.enter_context(PrivateRedis(forking))
        preload(settings)
        if self._server is not None:
            use_private_redis(settings, self._server.url())
        gc.freeze()  # a collection in a worker must not copy what it shares with the others
        task = (self.spidercls, worker_settings(settings), self._arguments)
        pipes = self._server.pipes if self._server is not None else []
        self._processes = fork_workers(forking, process_count(settings), task, pipes)
        closing.callback(self._close_workers)
        gc.unfreeze()
        where = "an embedded Redis" if self._server is not None else "the Redis of REDIS_ARGS"
        pids = ", ".join(f"#{worker.number} {worker.process.pid}" for worker in self._processes)
        logger.info("%d worker processes on %s: %s", len(self._processes), where, pids)

    async def _run(self) -> None:
        settings, context = self.settings, self._context
        async with AsyncExitStack() as closing:
            await db_manager.from_settings(settings)
            closing.push_async_callback(db_manager.close)
            # its signals are not sent: the spider's handlers run in the workers
            detached = CrawlContext.without_crawl(settings)
            context.spider = detached.spider = await settle(
                self.spidercls.from_crawler(detached, **self._arguments)
            )
            extensions = await build_all("EXTENSIONS", _extensions(settings), context)
            feeds = cast("PoolFeeds | None", feeds_in(extensions, context.spider))
            store = await build(choose_frontier(settings).queue_class, context)
            state = await store.open(BaseDupeFilter())
            await announce_opened(context)
            event_loop.end_building()
            try:
                if state is State.OPEN:
                    await self._work(store, feeds)
                elif feeds is not None and state is not State.STOPPED:
                    await feeds.open(store.feeds, over=True)
            except BaseException as exc:
                self._ending.fail_by(exc)
                raise
            finally:
                proven = self._end_of_workers() or end_of_state(state)
                self.end = self._ending.end(proven)
                self.end = await announce_end(context, self._ending, proven)
                await self.signals.send(signals.engine_stopped)

    async def _work(self, store: Any, feeds: PoolFeeds | None) -> None:
        """Let the workers crawl until all have ended, and write their items."""
        loop, over = asyncio.get_running_loop(), asyncio.Event()
        names: list[str] = []
        if feeds is not None:
            await feeds.open(store.feeds)
            names = feeds.names()
        for worker in self._processes:
            loop.add_reader(worker.reader.pipe, self._receive, worker, over)
            worker.send(MessageType.BEGIN, pickle.dumps(({"CRAWL_ID": store.crawl_id}, names)))
        if self._server is not None:
            loop.add_reader(self._server.reports, self._lose_server, self._server)
        self._started = True
        if self._ending.stop_reason:
            self._send_all(MessageType.STOP, self._ending.stop_reason)
        while not over.is_set():
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(REPORT_S):
                    await over.wait()
            if feeds is not None:
                await _drain(feeds)
        if self._server is not None:
            loop.remove_reader(self._server.reports)
        if feeds is not None:
            end = self._end_of_workers()
            await feeds.close(finished=end is not None and end.reason in _COMPLETE)

    def _end_of_workers(self) -> End | None:
        return first_end(worker.end for worker in self._processes if worker.end is not None)

    def _receive(self, worker: WorkerProcess, over: asyncio.Event) -> None:
        """Take the messages of a worker; its log lines are written unchanged."""
        messages = worker.read_messages()
        if messages is None:
            asyncio.get_running_loop().remove_reader(worker.reader.pipe)
            self._lose(worker)
            if all(other.ended for other in self._processes):
                over.set()
            return
        lines, stats = messages
        if lines:
            self._write_log(lines)
        if stats is not None:
            self.stats.update(worker.number, stats)
            self._check_limits()

    def _lose(self, worker: WorkerProcess) -> None:
        """React to the end of a worker."""
        worker.process.join()
        if worker.end is None:
            self._report_killed(worker)
        elif worker.end.exit_status:
            self._send_all(MessageType.STOP, worker.end.reason)
        elif worker.end.reason not in _NORMAL:
            self.stop(worker.end.reason)

    def _report_killed(self, worker: WorkerProcess) -> None:
        others = sum(not other.ended for other in self._processes)
        lease_s = self.settings.getfloat("SCHEDULER_LEASE")
        process = worker.process
        how = f"Worker #{worker.number} (process {process.pid}) ended with status {process.exitcode}"
        if others:
            logger.error("%s: the others take over its pages within %g s", how, lease_s)
            return
        logger.error("%s", how)
        if not any(other.end for other in self._processes):
            self.fail(Reason.KILLED, "all workers were killed")

    def _lose_server(self, server: PrivateRedis) -> None:
        asyncio.get_running_loop().remove_reader(server.reports)
        self.fail(Reason.REDIS_LOST, "the embedded Redis has ended: the crawl is lost")
        self.abort()

    def _check_limits(self) -> None:
        for name, most in self._limits.items():
            if self.stats.get_value(_LIMITS[name], 0) >= most:
                self.stop(name.lower())

    def _write_log(self, lines: bytes) -> None:
        handler = self._log
        if isinstance(handler, logging.StreamHandler):
            text = lines.decode("utf-8", "replace")
            if isinstance(handler.formatter, TerminalFormatter):
                text = handler.formatter.escape(text)
            with contextlib.suppress(OSError), handler.lock or contextlib.nullcontext():
                handler.stream.write(text)
                handler.flush()

    def _send_all(self, kind: MessageType, text: str = "") -> None:
        if self._started:
            for worker in self._processes:
                worker.send(kind, text.encode())

    def _close_workers(self) -> None:
        """End all workers: without a parent they end, or are killed."""
        for worker in self._processes:
            worker.close()


def first_end(ends: Iterable[End]) -> End | None:
    """Return the end of a crawl as its workers know it: a failure of one of them, else that of the crawl.

    If one worker raised SystemExit(7), the others may see a crawl all of whose requests failed.
    """
    return min(
        ends,
        key=lambda end: (
            *(end.exit_status == 0, end.reason in _COMPLETE, end.reason != Reason.FINISHED),
            not end.error,
        ),
        default=None,
    )


async def _drain(feeds: PoolFeeds) -> None:
    try:
        await feeds.drain()
    except QueueError as exc:
        logger.warning("The feeds wait for Redis: %s", exc)


def _extensions(settings: Settings) -> dict[Any, Any]:
    """Return class -> order of the extensions that run in the parent only."""
    loaded = with_feeds(settings.getwithbase("EXTENSIONS"), PoolFeeds)
    return {
        cls: order for cls, order in loaded.items() if isinstance(cls, type) and issubclass(cls, _IN_PARENT)
    }
