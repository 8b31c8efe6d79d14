"""One worker: a crawl as in a process by itself, of which it tells its parent all that is to be known."""

import asyncio
import contextlib
import copy
import gc
import logging
import os
import pickle
import signal
import threading
from collections.abc import Mapping
from typing import Any, NamedTuple, NoReturn

from aioscrapy import loop
from aioscrapy.components import load_object
from aioscrapy.crawler import Crawler
from aioscrapy.exceptions import AioscrapyError
from aioscrapy.log import configure_logging, logger
from aioscrapy.settings import Settings
from aioscrapy.workers.frames import Inlet, Kind, Outlet
from aioscrapy.workers.plan import OURS
from aioscrapy.workers.totals import Figures, Remembered

TELL_S = 0.5  # seconds between two reports to the parent
_FORCED_EXIT_S = (
    0.5  # seconds after an abort at which the worker ends, whatever hangs; sooner than its parent
)
ORPHAN_EXIT_S = 3.0  # seconds that an orphan has to give its pages back


class End(NamedTuple):
    """How a worker ended: the reason, or the error that ended it."""

    reason: str
    error: str


def work(
    number: int, spider_class: Any, settings: Settings, arguments: Mapping[str, Any], pipes: tuple[int, int]
) -> None:
    """Crawl in this process, which was made for it. `pipes` are those from and to the parent."""
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, signal.SIG_IGN)  # the whole group may get it: only the parent says what it means
    gc.unfreeze()
    inlet, outlet = Inlet(pipes[0]), Outlet(pipes[1])
    _log_to(outlet, number, settings)
    try:
        orders = inlet.read()
        while orders == []:
            orders = inlet.read()
        if orders is None:
            return  # the parent could not begin
        settings.setdict(pickle.loads(orders[0][1]), OURS)  # noqa: S301 our parent wrote it
        stats_class = load_object(settings["STATS_CLASS"], "STATS_CLASS")
        settings.set("STATS_CLASS", type("Remembered", (Remembered, stats_class), {}), OURS)
        worker = _Worker(Crawler(spider_class, settings), inlet, outlet, orders[1:])
        end = worker.run(arguments)
        outlet.send(Kind.END, pickle.dumps(end))
    except BrokenPipeError:
        os._exit(1)  # the parent is gone


class _Worker:
    """Between a crawl and the parent."""

    def __init__(
        self, crawler: Crawler, inlet: Inlet, outlet: Outlet, orders: list[tuple[Kind, bytes]]
    ) -> None:
        self._crawler = crawler
        self._inlet = inlet
        self._outlet = outlet
        self._orders = orders
        self._told = b""

    def run(self, arguments: Mapping[str, Any]) -> End:
        """Crawl to the end, and tell all that was counted."""
        error = ""
        try:
            loop.run(lambda: self._crawl(arguments), self._crawler, numbers=())
        except AioscrapyError as exc:
            error = str(exc)
        except BaseException as exc:  # noqa: BLE001 the parent tells it
            logger.exception("The crawl failed")
            error = f"{type(exc).__name__}: {exc}"
        with contextlib.suppress(BrokenPipeError):
            self._tell()
        return End(self._crawler.reason, error)

    async def _crawl(self, arguments: Mapping[str, Any]) -> None:
        running = asyncio.get_running_loop()
        threading.Thread(target=self._obey, args=(running,), name="orders", daemon=True).start()
        telling = asyncio.create_task(self._keep_telling(), name="figures")
        try:
            await self._crawler.crawl(**arguments)
        finally:
            telling.cancel()

    async def _keep_telling(self) -> None:
        while True:
            await asyncio.sleep(TELL_S)
            self._tell()

    def _tell(self) -> None:
        stats: Any = self._crawler.stats
        try:
            data = pickle.dumps(stats.figures(self._crawler.waiting()))
        except Exception:  # noqa: BLE001 a figure of the user's that can't travel
            figures = stats.figures(self._crawler.waiting())
            plain = {key: value if _travels(value) else repr(value) for key, value in figures.stats.items()}
            data = pickle.dumps(Figures(plain, figures.rules, figures.waiting))
        if data != self._told:
            self._told = data
            self._outlet.send(Kind.FIGURES, data)

    def _obey(self, running: asyncio.AbstractEventLoop) -> None:
        """Do what the parent says, in a thread: a callback that blocks the loop must not hold it up."""
        orders: list[tuple[Kind, bytes]] | None = self._orders
        while orders is not None:
            for kind, payload in orders:
                if kind is Kind.STOP:
                    running.call_soon_threadsafe(self._crawler.stop, payload.decode())
                elif kind is Kind.ABORT:
                    _exit_in(_FORCED_EXIT_S)
                    running.call_soon_threadsafe(self._crawler.abort)
            orders = self._inlet.read()
        _exit_in(ORPHAN_EXIT_S)  # the parent is gone
        with contextlib.suppress(RuntimeError):  # the loop is closed: the crawl has ended anyway
            running.call_soon_threadsafe(self._crawler.stop, "shutdown")
            running.call_soon_threadsafe(self._crawler.abort)


def _exit_in(seconds: float) -> None:
    watch = threading.Timer(seconds, _exit)
    watch.daemon = True
    watch.start()


def _exit() -> NoReturn:
    os._exit(1)


def _travels(value: Any) -> bool:
    try:
        pickle.dumps(value)
    except Exception:  # noqa: BLE001 pickle raises anything
        return False
    return True


def _log_to(outlet: Outlet, number: int, settings: Settings) -> None:
    """Send every log line to the parent."""
    for handler in logging.getLogger().handlers[:]:
        logging.getLogger().removeHandler(handler)  # the parent's: its file is the parent's to write
    configure_logging(settings, _ToParent(outlet, number) if settings.getbool("LOG_ENABLED") else None)


class _ToParent(logging.Handler):
    """Formats a record here and lets the parent write it; the name of the logger gets the worker's number."""

    def __init__(self, outlet: Outlet, number: int) -> None:
        super().__init__()
        self._outlet = outlet
        self._number = number

    def emit(self, record: logging.LogRecord) -> None:
        if record.name == "aioscrapy.crawler" and record.levelno == logging.INFO:
            return  # begin and end of the crawl, which the parent tells
        record = copy.copy(record)
        record.name = f"{record.name}#{self._number}"
        record.processName = f"worker-{self._number}"
        try:
            self._outlet.send(Kind.LOG, self.format(record).encode("utf-8", "backslashreplace") + b"\n")
        except BrokenPipeError:
            pass  # the parent is gone: who listens for orders ends the worker
        except Exception:  # noqa: BLE001 as every handler of the standard library
            self.handleError(record)
