"""Push requests to the workers of a spider: URLs, or JSON objects from standard input."""

import argparse
import json
import sys
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

from aioscrapy.commands.crawls import add_redis_option, run_to_end
from aioscrapy.context import CrawlContext
from aioscrapy.core.frontier import build_fingerprint
from aioscrapy.exceptions import ConfigError, SerializeError
from aioscrapy.frontier_settings import open_crawls
from aioscrapy.http.request import Request, request_from_dict
from aioscrapy.serializer import JsonSerializer
from aioscrapy.settings import Settings
from aioscrapy.spiderloader import SpiderLoader


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("spider", metavar="SPIDER", help="name of the spider")
    parser.add_argument(
        "requests",
        metavar="URL",
        nargs="+",
        help='what to fetch; - reads lines: a URL or a JSON object each, as {"url": …, "priority": 5}',
    )
    parser.add_argument("--priority", type=int, help="of all that name none: the higher, the sooner")
    parser.add_argument("--new", action="store_true", help="only those that the crawl has not seen yet")
    add_redis_option(parser)


def run(options: argparse.Namespace) -> int:
    """Push all, or nothing where one can't be used."""
    return run_to_end(_run(options))


async def _run(options: argparse.Namespace) -> int:
    settings, spider = _spider(options.settings, options.spider)
    requests = list(_requests(options.requests, options.priority, spider))
    fields = [{"request": payload} for _, payload in requests]
    if options.new:
        fingerprint = await _fingerprinter(settings, spider)
        for (request, _), each in zip(requests, fields, strict=True):
            if not request.dont_filter:
                each["fingerprint"] = fingerprint(request)
    async with open_crawls(settings, options.redis, bot=str(settings["BOT_NAME"])) as crawls:
        waiting = await crawls.push(options.spider, fields)
    print(f"Pushed {len(fields)} requests to spider {options.spider}; {waiting} wait for its workers")
    return 0


def _spider(settings: Settings, name: str) -> tuple[Settings, Any]:
    """Return the spider's class, and the settings with its own; outside of a project None."""
    if not settings["SPIDER_MODULES"]:
        return settings, None
    spider = SpiderLoader(settings).load(name)
    own = settings.copy()
    spider.update_settings(own)
    return own, spider


async def _fingerprinter(settings: Settings, spider: Any) -> Callable[[Request], bytes]:
    return await build_fingerprint(CrawlContext.without_crawl(settings, spider))


def _requests(words: list[str], priority: int | None, spider: Any) -> Iterator[tuple[Request, bytes]]:
    """Read the command line, and standard input where it says so; each request with its JSON.

    Raises:
        ConfigError: one can't be used; says which.
    """
    for word in words:
        for number, text in enumerate(sys.stdin, 1) if word == "-" else [(0, word)]:
            if not text.strip():
                continue
            try:
                yield _request(text.strip(), priority, spider)
            except (ValueError, SerializeError, RecursionError) as exc:
                place = f"line {number} of standard input" if number else repr(word)
                raise ConfigError(f"{place}: {exc}; nothing was pushed") from None


def _request(text: str, priority: int | None, spider: Any) -> tuple[Request, bytes]:
    """Return the request, and its JSON as docs/redis.md has it.

    Raises:
        ValueError: it can't be used.
    """
    given = _given(text)
    if priority is not None:
        given.setdefault("priority", priority)
    names = {part: given.pop(part) for part in ("callback", "errback") if given.get(part) is not None}
    for part, name in names.items():
        if not isinstance(name, str) or (spider and not callable(getattr(spider, name, None))):
            raise ValueError(f"{part}: the spider has no method {name!r}")
    try:
        request = request_from_dict(given, spider)
    except SerializeError as exc:
        raise ValueError(str(exc.__cause__ or exc)) from None
    if "://" not in request.url or not urlsplit(request.url).hostname:
        raise ValueError(f"the URL {request.url!r} names no host")
    return request, JsonSerializer.dumps({**request.to_dict(spider), **names})


def _given(text: str) -> dict[str, Any]:
    """Return the dict that a line means; a header may have one value instead of a list."""
    if not text.startswith("{"):
        return {"url": text}
    try:
        given: dict[str, Any] = json.loads(text)
    except ValueError as exc:
        raise ValueError(f"this is not JSON: {exc}") from None
    if not isinstance(given.get("url"), str):
        raise ValueError("a request needs a 'url'")
    headers = given.get("headers")
    if isinstance(headers, dict):
        given["headers"] = {name: [each] if isinstance(each, str) else each for name, each in headers.items()}
    return given
