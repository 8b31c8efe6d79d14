"""Fetch a page, and print the items and requests that a callback of a spider makes of it."""

import argparse
import asyncio
import json
import logging
from collections.abc import Callable
from pprint import pformat
from typing import Any

from aioscrapy.commands.crawl import add_feeds, add_output_options
from aioscrapy.commands.shell import with_quiet_log
from aioscrapy.core.pipelines import Pipelines
from aioscrapy.exceptions import AioscrapyError, ConfigError, DropItem
from aioscrapy.feeds.feeds import Feeds
from aioscrapy.feeds.options import feeds_of
from aioscrapy.fetching import Fetcher, request_of, spider_for
from aioscrapy.http.request import Request
from aioscrapy.http.response import Response
from aioscrapy.items import as_dict
from aioscrapy_deploy.terminal.option_types import add_spider_arguments

PROJECT = True
logger = logging.getLogger(__name__)

_FAILED = "parse/failed_callbacks"


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("url", metavar="URL", help="page to fetch")
    parser.add_argument(
        "--spider", metavar="SPIDER", help="spider (default: the one that the URL belongs to)"
    )
    add_spider_arguments(parser)
    parser.add_argument("-c", "--callback", metavar="METHOD", help="callback (default: parse)")
    parser.add_argument(
        "-r", "--rules", action="store_true", help="find the callback by a CrawlSpider's rules"
    )
    for names, help_text in (
        (("-m", "--meta"), "meta of the request"),
        (("--cbkwargs",), "arguments of the callback"),
    ):
        kind = _object_of("/".join(names))
        parser.add_argument(*names, metavar="JSON", type=kind, default={}, help=help_text)
    parser.add_argument(
        "-d", "--depth", type=int, default=1, help="levels of requests to follow (default: 1)"
    )
    parser.add_argument("--pipelines", action="store_true", help="pass the items through the pipelines")
    parser.add_argument("--noitems", action="store_true", help="don't print items")
    parser.add_argument("--nolinks", action="store_true", help="don't print requests")
    parser.add_argument("--nocolour", action="store_true", help="without effect: the output has no colours")
    parser.add_argument("-v", "--verbose", action="store_true", help="print every level")
    add_output_options(parser)


def run(options: argparse.Namespace) -> int:
    """Print the items of all levels and the requests of the last one; 1 if a callback failed.

    Raises:
        ConfigError: the spider has no such callback.
    """
    with_quiet_log(options.settings)
    add_feeds(options.settings, options)
    request = request_of(options.url)
    request.meta.update(options.meta)
    request.cb_kwargs.update(options.cbkwargs)
    return asyncio.run(_run(request, options))


async def _run(request: Request, options: argparse.Namespace) -> int:
    spider_class = spider_for(options.settings, options.spider, request)
    async with Fetcher(options.settings, spider_class, **dict(options.arguments)) as fetcher:
        pipelines = await Pipelines.from_crawler(fetcher.context) if options.pipelines else None
        if pipelines is not None:
            await pipelines.open()
        try:
            items = await _levels(fetcher, pipelines, request, options)
        finally:
            if pipelines is not None:
                await pipelines.close()
        await _store(items, fetcher)
        return 1 if fetcher.context.stats.get_value(_FAILED) else 0


async def _store(items: list[Any], fetcher: Fetcher) -> None:
    """Write the items to the files of -o and -O."""
    feeds = feeds_of(fetcher.settings)
    for feed in feeds:
        feed.prepare(fetcher.spider)
    writer = Feeds(feeds, fetcher.context)
    await writer.open(None)
    for item in items:
        writer.write(writer.pack(item, None))
    await writer.close(finished=True)


async def _levels(
    fetcher: Fetcher, pipelines: Pipelines | None, request: Request, options: argparse.Namespace
) -> list[Any]:
    """Print the levels; return the items of all.

    Raises:
        ConfigError: the spider has no callback for the page.
    """
    items: list[Any] = []
    requests = [request]
    for level in range(1, options.depth + 1):
        outputs: list[Any] = []
        try:
            if level == 1:
                request.callback = _callback(fetcher.spider, options)
            for one in requests:
                await _collect(fetcher, one, outputs)
        except ConfigError:
            _print(level, [], [], options)
            raise
        requests = [output for output in outputs if isinstance(output, Request)]
        new = [output for output in outputs if not isinstance(output, Request)]
        if pipelines is not None:
            new = await _through(pipelines, new)
        items += new
        if options.verbose:
            _print(level, new, requests, options)
    if not options.verbose:
        _print(options.depth, items, requests, options)
    return items


async def _collect(fetcher: Fetcher, request: Request, outputs: list[Any]) -> None:
    """Add what the callback of a request yields; an error in it is logged, what came before it counts."""
    response = await fetcher.fetch(request)
    callback = request.callback
    if isinstance(callback, str):
        callback = getattr(fetcher.spider, callback)
    try:
        async for output in fetcher.outputs(callback or fetcher.spider._parse, response, **request.cb_kwargs):
            outputs.append(output)  # noqa: PERF401 what came before an error counts
    except AioscrapyError:
        raise
    except Exception:
        fetcher.context.stats.inc_value(_FAILED)
        logger.exception("Error in the callback for %s", request)


def _callback(spider: Any, options: argparse.Namespace) -> Any:
    """Return the callback of the first page."""
    if options.callback or not options.rules:
        return _method(spider, options.callback or "_parse")

    def by_rule(response: Response, **kwargs: Any) -> Any:
        rules = getattr(spider, "rules", ())
        if not rules:
            raise ConfigError(f"No CrawlSpider rules found in spider {spider.name!r}: name a callback (-c)")
        matching = (rule for rule in rules if rule.link_extractor.matches(response.url))
        rule = next(matching, None)
        if rule is None:
            raise ConfigError(f"Cannot find a rule that matches {response.url} in spider {spider.name!r}")
        return _method(spider, rule.callback or "parse")(response, **kwargs)

    return by_rule


def _method(spider: Any, name: Any) -> Any:
    callback = getattr(spider, name, None) if isinstance(name, str) else name
    if not callable(callback):
        raise ConfigError(f"Cannot find callback {name!r} in spider {spider.name!r}")
    return callback


async def _through(pipelines: Pipelines, items: list[Any]) -> list[Any]:
    passed = []
    for item in items:
        try:
            passed.append(await pipelines.process(item))
        except DropItem as exc:
            print(f"Dropped: {exc}")
    return passed


def _print(level: int, items: list[Any], requests: list[Request], options: argparse.Namespace) -> None:
    print(f"\n>>> STATUS DEPTH LEVEL {level} <<<")
    if not options.noitems:
        print("# Scraped Items ", "-" * 60)
        print(pformat([as_dict(item) for item in items]))
    if not options.nolinks:
        print("# Requests ", "-" * 65)
        print(pformat(requests))


def _object_of(option: str) -> Callable[[str], dict[str, Any]]:
    """Return a type of argparse: a JSON object."""

    def read(text: str) -> dict[str, Any]:
        try:
            value = json.loads(text)
        except ValueError as exc:
            raise argparse.ArgumentTypeError(f"Invalid {option} value: this is not JSON: {exc}") from None
        if not isinstance(value, dict):
            raise argparse.ArgumentTypeError(f"Invalid {option} value: {text} is not a JSON object")
        return value

    return read
