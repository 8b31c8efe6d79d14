"""Crawls from a script or a command: one, several at the same time, or one process each."""

import asyncio
import logging
import signal
import sys
from collections.abc import Mapping
from functools import cached_property
from typing import Any, Protocol

from aioscrapy import event_loop
from aioscrapy.addons import update_pre_crawler
from aioscrapy.crawler import Crawler
from aioscrapy.deferreds import deferred_end
from aioscrapy.ends import End, Reason
from aioscrapy.exceptions import AioscrapyError, ConfigError
from aioscrapy.hooks import is_of_scrapy
from aioscrapy.log import configure_logging, remove_handler
from aioscrapy.os_signals import STOP_SIGNALS, policy
from aioscrapy.project import settings_here
from aioscrapy.settings import Settings
from aioscrapy.signals import SignalManager
from aioscrapy.spiderloader import get_spider_loader, load_spider
from aioscrapy.standard_files import open_standard_files
from aioscrapy.workers import process_count

logger = logging.getLogger(__name__)

Task = tuple[type, str | Settings | None]
"""A spider class and its settings: a dotted path, settings, or None for those of the project."""


class Crawl(Protocol):
    """A crawl by this process (Crawler) or by worker processes (Pool).

    Attributes:
        settings: the project's settings overlaid by the spider's.
        stats: what was counted.
        signals: of the crawl.
        end: how it ended; None until then.
    """

    settings: Settings
    stats: Any
    signals: SignalManager
    end: End | None

    @property
    def reason(self) -> str:
        """The reason of the end; "" until then."""

    def stop(self, reason: str = "shutdown") -> None:
        """End soon."""

    def abort(self) -> None:
        """End now."""

    def waiting(self) -> int:
        """Return the requests that are known to wait."""


class CrawlerProcess:
    """Crawls in this process, from a script: `process.crawl(MySpider)` for each, then `process.start()`.

    With CRAWL_PROCESSES above 1 the one crawl of the process is done by worker processes.

    Args:
        settings: of all crawls.
        install_root_handler: False: the same as LOG_INSTALL_ROOT_HANDLER = False.
    """

    def __init__(
        self, settings: Settings | Mapping[str, Any] | None = None, install_root_handler: bool = True
    ) -> None:
        open_standard_files()
        self.settings = settings.copy() if isinstance(settings, Settings) else Settings(settings)
        if not install_root_handler:
            self.settings.set("LOG_INSTALL_ROOT_HANDLER", False, "cmdline")
        update_pre_crawler(self.settings)
        self._crawls: list[tuple[Any, tuple[Any, ...], dict[str, Any]]] = []
        self._stays = False  # `start` goes on without a crawl
        self._news = asyncio.Event()  # another crawl is planned, or `stop` was called

    @cached_property
    def spider_loader(self) -> Any:
        """The spiders of the project, by name."""
        return get_spider_loader(self.settings)

    @property
    def crawlers(self) -> list[Any]:
        """The planned crawls, in their order."""
        return [crawler for crawler, _, _ in self._crawls]

    @property
    def bootstrap_failed(self) -> bool:
        """Whether a crawl has ended before its spider was created."""
        return any(crawler.end and getattr(crawler, "spider", self) is None for crawler in self.crawlers)

    def crawl(self, crawler_or_spidercls: Any, /, *args: Any, **kwargs: Any) -> Any:
        """Plan a crawl with these spider arguments; `start` runs it.

        Returns:
            The same as `plan`; a Deferred if the spider is one of Scrapy and Twisted is loaded.

        Raises:
            ConfigError: CRAWL_PROCESSES is above 1, and the crawl can't be done by worker processes.
        """
        crawler = self.plan(crawler_or_spidercls, *args, **kwargs)
        is_twisted = "twisted.internet.defer" in sys.modules and isinstance(crawler, Crawler)
        return deferred_end(crawler) if is_twisted and is_of_scrapy(crawler.spidercls) else crawler

    def plan(self, crawler_or_spidercls: Any, /, *args: Any, **kwargs: Any) -> Any:
        """Plan a crawl with these spider arguments; `start` runs it.

        Returns:
            A Crawler, which takes callbacks as a Deferred does, or a Pool of worker processes, which has the
            same settings, stats, signals and reason.

        Raises:
            ConfigError: CRAWL_PROCESSES is above 1, and the crawl can't be done by worker processes.
        """
        spider_class = crawler_or_spidercls
        if isinstance(spider_class, str):
            spider_class = load_spider(spider_class, self.settings)
        crawler: Any = self.create_crawler(spider_class)
        if process_count(crawler.settings) > 1:
            if crawler is spider_class or args:
                raise ConfigError(
                    "CRAWL_PROCESSES is above 1: give crawl() the spider class and named arguments only"
                )
            crawler = _pool(spider_class, crawler.settings, kwargs)
        self._crawls.append((crawler, args, kwargs))
        self._news.set()
        return crawler

    def create_crawler(self, crawler_or_spidercls: Any) -> Crawler:
        """Return a crawler of a spider class or of a spider's name; a crawler is returned itself.

        Raises:
            ConfigError: no spider has the name, or the settings can't be used.
        """
        if isinstance(crawler_or_spidercls, Crawler):
            crawler_or_spidercls.add_settings(self.settings)
            return crawler_or_spidercls
        return Crawler(load_spider(crawler_or_spidercls, self.settings), self.settings)

    def start(
        self,
        stop_after_crawl: bool = True,
        install_signal_handlers: bool = True,
        use_windows_selector_eventLoop: bool = False,  # noqa: N803 aio-scrapy's name
    ) -> None:
        """Run all planned crawls at the same time, and return when all have ended.

        A crawl that is planned meanwhile begins at once.

        Args:
            stop_after_crawl: False: wait for further crawls until `stop` or a signal.
            install_signal_handlers: without effect; SIGINT and SIGTERM end the crawls.
            use_windows_selector_eventLoop: without effect.

        Raises:
            AioscrapyError: the first error with which a crawl ended.
        """
        pools = [crawler for crawler in self.crawlers if not isinstance(crawler, Crawler)]
        if not pools:
            self._stays = not stop_after_crawl
            self._start_here()
        elif not stop_after_crawl:
            raise ConfigError("start(stop_after_crawl=False) is for crawls with CRAWL_PROCESSES = 1")
        elif len(self._crawls) == 1:
            pools[0].start()
        else:
            raise ConfigError(
                "CRAWL_PROCESSES is above 1, which is for one crawl alone, and several are planned: "
                "set it to 1, or run the crawls in separate scripts"
            )

    def stop(self, reason: str = "shutdown") -> None:
        """End all crawls soon, and `start`."""
        self._stays = False
        self._news.set()
        for crawler in self.crawlers:
            crawler.stop(reason)

    def fail(self, reason: Reason, error: str, status: int = 1) -> None:
        """Note an error that keeps all crawls from being complete, and end soon."""
        for crawler in self.crawlers:
            crawler.fail(reason, error, status)
        self.stop(reason)

    def abort(self) -> None:
        """End all crawls now."""
        for crawler in self.crawlers:
            crawler.abort()

    def _start_here(self) -> None:
        first = self._crawls[0][0].settings if self._crawls else self.settings
        handler = configure_logging(first)
        try:
            event_loop.run(self._run, self, loop_class=event_loop.loop_class(first))
        except AioscrapyError as exc:
            logger.error("%s", exc)
            raise
        finally:
            remove_handler(handler)

    async def _run(self) -> None:
        """Run each crawl from the moment it is planned; raise the first error when all have ended."""
        begun, error = 0, None
        running: set[asyncio.Task[Exception | None]] = set()
        while self._stays or running or begun < len(self._crawls):
            if error is not None and not running:
                break
            if error is None:
                running |= {asyncio.create_task(_ended(*plan)) for plan in self._crawls[begun:]}
            begun = len(self._crawls)
            news = asyncio.create_task(self._news.wait())
            await asyncio.wait([news, *running], return_when=asyncio.FIRST_COMPLETED)
            self._news.clear()
            news.cancel()
            for task in [task for task in running if task.done()]:
                running.discard(task)
                error = error or task.result()
        if error is not None:
            raise error


async def _ended(crawler: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Exception | None:
    """Run a crawl to its end, and the callbacks of its end; return its error."""
    error = None
    try:
        await crawler.crawl(*args, **kwargs)
    except Exception as exc:  # noqa: BLE001 the other crawls go on
        error = exc
    another = await crawler.follow_up(error)
    return error or another


def single_process_run(*tasks: Task) -> list[Crawl]:
    """Run all spiders at the same time in this process; returns the crawls when all have ended.

    One spider alone is run by worker processes if its CRAWL_PROCESSES is above 1.

    Raises:
        AioscrapyError: the first error with which a crawl ended.
    """
    process = CrawlerProcess()
    for spider_class, settings in tasks:
        process.settings = _settings_of(settings)
        process.plan(spider_class)
    process.start()
    return process.crawlers


def multi_process_run(*tasks: Task | list[Task]) -> None:
    """Run every spider in a separate process, the spiders of a list in one; return when all have ended.

    The processes are new ones (spawn): the spiders must be in modules that can be imported.

    Raises:
        SystemExit: a process failed, or a crawl is not complete.
    """
    import multiprocessing  # most programs don't need it

    context = multiprocessing.get_context("spawn")
    groups = [task if isinstance(task, list) else [task] for task in tasks]
    processes = [context.Process(target=_run_group, args=(group,)) for group in groups]

    def forward(number: signal.Signals) -> None:
        if number == signal.SIGTERM:  # a terminal sends SIGINT to the children as well
            for process in processes:
                process.terminate()

    with policy(forward, forward, STOP_SIGNALS):
        for process in processes:
            process.start()
        for process in processes:
            process.join()
    if any(process.exitcode for process in processes):
        raise SystemExit(1)  # each child has reported its error


def _pool(spider_class: Any, settings: Settings, arguments: Mapping[str, Any]) -> Any:
    from aioscrapy.workers.pool import Pool  # multiprocessing and redis-py: only if they are needed

    return Pool(spider_class, settings, arguments)


def _run_group(tasks: list[Task]) -> None:
    try:
        crawls = single_process_run(*tasks)
    except AioscrapyError as exc:
        raise SystemExit(f"{', '.join(spider_class.__name__ for spider_class, _ in tasks)}: {exc}") from None
    raise SystemExit(max((crawl.end.exit_status for crawl in crawls if crawl.end), default=0))


def _settings_of(settings: str | Settings | None) -> Settings:
    if isinstance(settings, Settings):
        return settings
    project = settings_here()
    if settings is not None:
        project.setmodule(settings)
    return project
