"""Check the contracts in the docstrings of callbacks (@url, @returns, @scrapes …) against the site."""

import argparse
import asyncio
import os
import sys
import time
from typing import Any
from unittest import TextTestResult, TextTestRunner

from aioscrapy.callback_contracts import ContractsManager
from aioscrapy.commands.shell import with_quiet_log
from aioscrapy.components import load_object
from aioscrapy.exceptions import DownloadError
from aioscrapy.fetching import Fetcher
from aioscrapy.settings import Settings
from aioscrapy.spiderloader import SpiderLoader
from aioscrapy_deploy.terminal.option_types import add_spider_arguments

PROJECT = True


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("spiders", metavar="SPIDER", nargs="*", help="names of spiders (default: all)")
    add_spider_arguments(parser)
    parser.add_argument("-l", "--list", action="store_true", help="list the callbacks that have contracts")
    parser.add_argument("-v", "--verbose", action="store_true", help="print every check")


def run(options: argparse.Namespace) -> int:
    """Return 0 if all contracts hold, else 1."""
    settings: Settings = options.settings
    with_quiet_log(settings)
    orders = settings.getwithbase("SPIDER_CONTRACTS")
    paths = sorted((path for path, order in orders.items() if order is not None), key=orders.__getitem__)
    manager = ContractsManager(load_object(path, "SPIDER_CONTRACTS") for path in paths)
    loader = SpiderLoader(settings)
    classes = [loader.load(name) for name in options.spiders or loader.list()]
    if options.list:
        _list(classes, manager)
        return 0
    runner = TextTestRunner(verbosity=2 if options.verbose else 1)
    results = TextTestResult(runner.stream, runner.descriptions, runner.verbosity)
    os.environ["SCRAPY_CHECK"] = "true"  # Scrapy's sign for spiders
    start_s = time.monotonic()
    asyncio.run(_check_all(classes, manager, settings, results, dict(options.arguments)))
    results.printErrors()
    seconds = time.monotonic() - start_s
    failed = len(results.failures) + len(results.errors)
    end = "OK" if not failed else f"{failed} failed"
    print(f"{results.testsRun} contracts in {seconds:.3f} s: {end}", file=sys.stderr)
    return 1 if failed else 0


def _list(classes: list[Any], manager: ContractsManager) -> None:
    for spider_class in classes:
        if methods := manager.tested_methods_from_spidercls(spider_class):
            print(spider_class.name)
            for method in methods:
                print(f"  * {method}")


async def _check_all(
    classes: list[Any],
    manager: ContractsManager,
    settings: Settings,
    results: TextTestResult,
    arguments: dict[str, str],
) -> None:
    for spider_class in classes:
        if not manager.tested_methods_from_spidercls(spider_class):
            continue
        async with Fetcher(settings, spider_class, **arguments) as fetcher:
            for request in manager.from_spider(fetcher.spider, results):
                if request is not None:
                    await _check(request, fetcher)


async def _check(request: Any, fetcher: Fetcher) -> None:
    try:
        response = await fetcher.fetch(request)
    except DownloadError as exc:
        request.errback(exc)
        return
    await fetcher.output_of(request.callback, response, **request.cb_kwargs)
