"""Fetch a page, and print the items and requests that a callback of a spider makes of it."""

import argparse
import asyncio
import json
from pprint import pformat
from typing import Any

from aioscrapy.commands.shell import with_quiet_log
from aioscrapy.core.pipelines import Pipelines
from aioscrapy.exceptions import ConfigError, DropItem
from aioscrapy.fetching import Fetcher, request_of, spider_for
from aioscrapy.http.request import Request
from aioscrapy.http.response import Response
from aioscrapy.items import as_dict
from aioscrapy_deploy.terminal.option_types import add_spider_arguments

PROJECT = True


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
    parser.add_argument("-m", "--meta", metavar="JSON", default="{}", help="meta of the request")
    parser.add_argument("--cbkwargs", metavar="JSON", default="{}", help="arguments of the callback")
    parser.add_argument(
        "-d", "--depth", type=int, default=1, help="levels of requests to follow (default: 1)"
    )
    parser.add_argument("--pipelines", action="store_true", help="pass the items through the pipelines")
    parser.add_argument("--noitems", action="store_true", help="don't print items")
    parser.add_argument("--nolinks", action="store_true", help="don't print requests")
    parser.add_argument("--nocolour", action="store_true", help="without effect: the output has no colours")
    parser.add_argument("-v", "--verbose", action="store_true", help="print every level")


def run(options: argparse.Namespace) -> int:
    """Print the items of all levels and the requests of the last one.

    Raises:
        ConfigError: the spider has no such callback, or an option is not JSON.
    """
    with_quiet_log(options.settings)
    request = request_of(options.url)
    request.meta.update(_object("--meta", options.meta))
    request.cb_kwargs.update(_object("--cbkwargs", options.cbkwargs))
    asyncio.run(_run(request, options))
    return 0


async def _run(request: Request, options: argparse.Namespace) -> None:
    spider_class = spider_for(options.settings, options.spider, request)
    async with Fetcher(options.settings, spider_class, **dict(options.arguments)) as fetcher:
        pipelines = await Pipelines.from_crawler(fetcher.context) if options.pipelines else None
        if pipelines is not None:
            await pipelines.open()
        try:
            await _levels(fetcher, pipelines, request, options)
        finally:
            if pipelines is not None:
                await pipelines.close()


async def _levels(
    fetcher: Fetcher, pipelines: Pipelines | None, request: Request, options: argparse.Namespace
) -> None:
    items: list[Any] = []
    requests = [request]
    for level in range(1, options.depth + 1):
        outputs = [output for one in requests for output in await _outputs(fetcher, one, level, options)]
        requests = [output for output in outputs if isinstance(output, Request)]
        new = [output for output in outputs if not isinstance(output, Request)]
        if pipelines is not None:
            new = await _through(pipelines, new)
        items += new
        if options.verbose:
            _print(level, new, requests, options)
    if not options.verbose:
        _print(options.depth, items, requests, options)


async def _outputs(fetcher: Fetcher, request: Request, level: int, options: argparse.Namespace) -> list[Any]:
    response = await fetcher.fetch(request)
    callback = request.callback
    if level == 1:
        callback = _callback(fetcher.spider, response, options)
    elif isinstance(callback, str):
        callback = getattr(fetcher.spider, callback)
    return await fetcher.output_of(callback or fetcher.spider._parse, response, **request.cb_kwargs)


def _callback(spider: Any, response: Response, options: argparse.Namespace) -> Any:
    name = options.callback
    if options.rules and not name:
        rules = getattr(spider, "rules", ())
        matching = (rule for rule in rules if rule.link_extractor.matches(response.url))
        rule = next(matching, None)
        if rule is None:
            raise ConfigError(f"no rule of spider {spider.name!r} matches {response.url}")
        name = rule.callback or "_parse"
    name = name or "_parse"
    callback = getattr(spider, name, None) if isinstance(name, str) else name
    if not callable(callback):
        raise ConfigError(f"spider {spider.name!r} has no callback {name!r}")
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


def _object(option: str, text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except ValueError as exc:
        raise ConfigError(f"{option}: this is not JSON: {exc}") from None
    if not isinstance(value, dict):
        raise ConfigError(f"{option} must be a JSON object, not {text}")
    return value
