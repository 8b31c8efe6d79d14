"""Run one crawl in a child process and report log, stats and exit reason to the parent."""

import asyncio
import contextlib
import copy
import logging
import os
import pickle
import signal
import threading
from collections.abc import Callable, Mapping
from typing import Any

from aioscrapy import event_loop
from aioscrapy.components import load_object
from aioscrapy.crawler import Crawler
from aioscrapy.ends import End, Reason, end_for, error_text, text_of
from aioscrapy.exceptions import AioscrapyError
from aioscrapy.extensions.feedexport import with_feeds
from aioscrapy.feeds.feeds import WorkerFeeds
from aioscrapy.log import configure_logging, logger
from aioscrapy.os_signals import STOP_SIGNALS
from aioscrapy.settings import Settings
from aioscrapy.workers.pipe import MessageReader, MessageType, MessageWriter
from aioscrapy.workers.pool_settings import POOL_PRIORITY
from aioscrapy.workers.pool_stats import MergeableStats, WorkerStats

REPORT_S = 0.5  # seconds between two reports to the parent
# seconds after an abort at which the worker ends, whatever hangs; sooner than its parent
_FORCED_EXIT_S = 0.5
ORPHAN_EXIT_S = 3.0  # seconds that an orphan has to give its pages back


def run_worker(
    number: int, spider_class: Any, settings: Settings, arguments: Mapping[str, Any], pipes: tuple[int, int]
) -> None:
    """Crawl in this process, which was forked for it. `pipes` are those from and to the parent."""
    for stop_signal in STOP_SIGNALS:
        # the terminal sends it to the whole group: only the parent decides what it means
        signal.signal(stop_signal, signal.SIG_IGN)
    reader, writer = MessageReader(pipes[0]), MessageWriter(pipes[1])
    _log_to(writer, number, settings)
    try:
        messages = reader.read()
        while messages == []:
            messages = reader.read()
        if messages is None:
            return  # the parent could not begin
        own_settings, feeds = pickle.loads(messages[0][1])  # noqa: S301 our parent wrote it
        settings.setdict(own_settings, POOL_PRIORITY)
        feeds_class = type("PoolMemberFeeds", (WorkerFeeds,), {"names": feeds}) if feeds else None
        extensions = with_feeds(settings.getwithbase("EXTENSIONS"), feeds_class)
        settings.set("EXTENSIONS_BASE", {}, POOL_PRIORITY)
        settings.set("EXTENSIONS", extensions, POOL_PRIORITY)
        stats_class = load_object(settings["STATS_CLASS"], "STATS_CLASS")
        settings.set("STATS_CLASS", type("PoolMember", (MergeableStats, stats_class), {}), POOL_PRIORITY)
        worker = _Worker(Crawler(spider_class, settings), reader, writer, messages[1:])
        end = worker.run(arguments)
        writer.send(MessageType.END, pickle.dumps(end))
    except BrokenPipeError:
        os._exit(1)  # the parent has ended


class _Worker:
    """Connects a crawl with the parent."""

    def __init__(
        self,
        crawler: Crawler,
        reader: MessageReader,
        writer: MessageWriter,
        messages: list[tuple[MessageType, bytes]],
    ) -> None:
        self._crawler = crawler
        self._reader = reader
        self._writer = writer
        self._messages = messages
        self._reported = b""

    def run(self, arguments: Mapping[str, Any]) -> End:
        """Crawl to the end and report the final stats."""
        error = ""
        try:
            loop_class = event_loop.loop_class(self._crawler.settings)
            event_loop.run(lambda: self._crawl(arguments), self._crawler, (), loop_class)
        except AioscrapyError as exc:
            error = str(exc)
        except BaseException as exc:  # noqa: BLE001 the parent reports it
            logger.exception("The crawl failed")
            error = error_text(exc)
        with contextlib.suppress(BrokenPipeError):
            self._report()
        return self._crawler.end or end_for(Reason.CRASHED, error)

    async def _crawl(self, arguments: Mapping[str, Any]) -> None:
        loop = asyncio.get_running_loop()
        threading.Thread(target=self._obey, args=(loop,), name="parent", daemon=True).start()
        reports = asyncio.create_task(self._keep_reporting(), name="reports")
        try:
            await self._crawler.crawl(**arguments)
        finally:
            reports.cancel()

    async def _keep_reporting(self) -> None:
        while True:
            await asyncio.sleep(REPORT_S)
            self._report()

    def _report(self) -> None:
        stats: Any = self._crawler.stats
        snapshot = stats.snapshot(self._crawler.waiting())
        try:
            data = pickle.dumps(snapshot)
        except Exception:  # noqa: BLE001 a value of the user's that can't be pickled
            values = {
                text_of(key): value if _can_pickle(value) else text_of(value, repr)
                for key, value in snapshot.stats.items()
            }
            data = pickle.dumps(WorkerStats(values, snapshot.rules, snapshot.waiting))
        if data != self._reported:
            self._reported = data
            self._writer.send(MessageType.STATS, data)

    def _obey(self, loop: asyncio.AbstractEventLoop) -> None:
        """Follow the parent's messages, in a thread: a callback that blocks the loop must not delay them."""
        messages: list[tuple[MessageType, bytes]] | None = self._messages
        while messages is not None:
            for kind, payload in messages:
                if kind is MessageType.STOP:
                    _call_in(loop, self._crawler.stop, payload.decode())
                elif kind is MessageType.ABORT:
                    event_loop.exit_after(_FORCED_EXIT_S)
                    _call_in(loop, self._crawler.abort)
            messages = self._reader.read()
        event_loop.exit_after(ORPHAN_EXIT_S)  # the parent has ended
        _call_in(loop, self._crawler.stop, "shutdown")
        _call_in(loop, self._crawler.abort)


def _call_in(loop: asyncio.AbstractEventLoop, function: Callable[..., Any], *arguments: Any) -> None:
    """Call a function in the loop, unless the crawl has ended and the loop is closed."""
    with contextlib.suppress(RuntimeError):
        loop.call_soon_threadsafe(function, *arguments)


def _can_pickle(value: Any) -> bool:
    try:
        pickle.dumps(value)
    except Exception:  # noqa: BLE001 pickle raises anything
        return False
    return True


def _log_to(writer: MessageWriter, number: int, settings: Settings) -> None:
    """Send every log line to the parent."""
    for handler in logging.getLogger().handlers[:]:
        logging.getLogger().removeHandler(handler)  # the parent's: only the parent writes to its file
    configure_logging(settings, _ParentHandler(writer, number) if settings.getbool("LOG_ENABLED") else None)


class _ParentHandler(logging.Handler):
    """Formats a record here and lets the parent write it; the logger's name gets the worker's number."""

    def __init__(self, writer: MessageWriter, number: int) -> None:
        super().__init__()
        self._writer = writer
        self._number = number

    def emit(self, record: logging.LogRecord) -> None:
        if record.name == "aioscrapy.crawler" and record.levelno == logging.INFO:
            return  # begin and end of the crawl, which the parent logs
        record = copy.copy(record)
        record.name = f"{record.name}#{self._number}"
        record.processName = f"worker-{self._number}"
        try:
            line = self.format(record).encode("utf-8", "backslashreplace") + b"\n"
            self._writer.send(MessageType.LOG, line)
        except BrokenPipeError:
            pass  # the parent has ended: the thread that reads its messages ends the worker
        except Exception:  # noqa: BLE001 as every handler of the standard library
            self.handleError(record)
