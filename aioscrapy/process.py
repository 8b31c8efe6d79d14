"""Many crawls from one script: at the same time in one process, or in a process each."""

import contextlib
import multiprocessing
import signal
import threading
from multiprocessing.process import BaseProcess

from aioscrapy.crawler import Crawler, CrawlerProcess
from aioscrapy.exceptions import AioscrapyError
from aioscrapy.project import settings_here
from aioscrapy.settings import Settings

Task = tuple[type, str | Settings | None]
"""A spider class and its settings: a dotted path, settings, or None for those of the project."""


def single_process_run(*tasks: Task) -> None:
    """Run all spiders at the same time in this process; returns when all have ended.

    Raises:
        AioscrapyError: the first error with which a crawl ended.
    """
    crawls = CrawlerProcess()
    for spider_class, settings in tasks:
        crawls.crawl(Crawler(spider_class, _settings(settings)))
    crawls.start()


def multi_process_run(*tasks: Task | list[Task]) -> None:
    """Run each spider in a process of its own, those of a list in one; returns when all have ended.

    The processes are new ones (spawn): the spiders must stand in modules that can be imported.

    Raises:
        SystemExit: one of them failed.
    """
    context = multiprocessing.get_context("spawn")
    shares = [task if isinstance(task, list) else [task] for task in tasks]
    processes: list[BaseProcess] = [context.Process(target=_child, args=(share,)) for share in shares]
    for process in processes:
        process.start()
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, lambda *_: _terminate(processes))
    for process in processes:
        while process.is_alive():
            with contextlib.suppress(KeyboardInterrupt):  # the terminal told the children, too: they end
                process.join()
    if any(process.exitcode for process in processes):
        raise SystemExit(1)  # each has said why


def _terminate(processes: list[BaseProcess]) -> None:
    for process in processes:
        process.terminate()


def _child(tasks: list[Task]) -> None:
    try:
        single_process_run(*tasks)
    except AioscrapyError as exc:
        raise SystemExit(f"{', '.join(spider_class.__name__ for spider_class, _ in tasks)}: {exc}") from None


def _settings(given: str | Settings | None) -> Settings:
    if isinstance(given, Settings):
        return given
    settings = settings_here()
    if given is not None:
        settings.setmodule(given)
    return settings
