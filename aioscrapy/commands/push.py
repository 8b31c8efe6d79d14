"""Push requests to the workers of a spider: URLs, or JSON objects from standard input."""

import argparse
import json
import sys
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

from aioscrapy.commands.crawls import add_redis_option, run_to_end, say
from aioscrapy.context import CrawlContext
from aioscrapy.core.frontier import build_fingerprint
from aioscrapy.exceptions import ConfigError, SerializeError
from aioscrapy.http.request import Request, request_from_dict
from aioscrapy.http.stored_request import stored_form
from aioscrapy.open_crawls import open_crawls
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
        help="URL to fetch; - reads standard input: one URL or JSON object per line, "
        'such as {"url": …, "priority": 5}',
    )
    parser.add_argument(
        "--priority", type=int, help="priority of requests that have none; higher is fetched first"
    )
    parser.add_argument("--new", action="store_true", help="skip requests that the crawl has seen")
    add_redis_option(parser)


def run(options: argparse.Namespace) -> int:
    """Push all requests, or none if one can't be used."""
    return run_to_end(_run(options))


async def _run(options: argparse.Namespace) -> int:
    settings, spider = _spider(options.settings, options.spider)
    requests = list(_requests(options.requests, options.priority, spider))
    fields = [{"request": payload} for _, payload in requests]
    if options.new:
        fingerprint = await _fingerprinter(settings, spider)
        for (request, _), entry in zip(requests, fields, strict=True):
            if not request.dont_filter:
                entry["fingerprint"] = fingerprint(request)
    async with open_crawls(settings, options.redis, bot=str(settings["BOT_NAME"])) as crawls:
        waiting = await crawls.push(options.spider, fields)
    count = f"{len(fields)} request{'' if len(fields) == 1 else 's'}"
    wait = f"{waiting} wait{'s' if waiting == 1 else ''} for its workers"
    say(f"Pushed {count} to spider {options.spider!r}; {wait}")
    return 0


def _spider(settings: Settings, name: str) -> tuple[Settings, Any]:
    """Return the settings with those of the spider, and its class; None outside of a project."""
    if not settings["SPIDER_MODULES"]:
        return settings, None
    spider = SpiderLoader(settings).load(name)
    own = settings.copy()
    spider.update_settings(own)
    return own, spider


async def _fingerprinter(settings: Settings, spider: Any) -> Callable[[Request], bytes]:
    return await build_fingerprint(CrawlContext.without_crawl(settings, spider))


def _requests(words: list[str], priority: int | None, spider: Any) -> Iterator[tuple[Request, bytes]]:
    """Read the command line, and standard input for "-"; yield every request with its JSON.

    Raises:
        ConfigError: a request can't be used; the text names it.
    """
    for word in words:
        for number, text in enumerate(sys.stdin, 1) if word == "-" else [(0, word)]:
            if not text.strip():
                continue
            try:
                yield _request(text.strip(), priority, spider)
            except (ValueError, SerializeError, RecursionError) as exc:
                where = f"line {number} of standard input" if number else repr(word)
                raise ConfigError(f"{where}: {exc}; nothing was pushed") from None


def _request(text: str, priority: int | None, spider: Any) -> tuple[Request, bytes]:
    """Return the request, and its JSON as in docs/redis.md.

    Raises:
        ValueError: the text is not a request that the spider can use.
    """
    values = _values(text)
    if priority is not None:
        values.setdefault("priority", priority)
    names = {part: values.pop(part) for part in ("callback", "errback") if values.get(part) is not None}
    for part, name in names.items():
        if not isinstance(name, str) or (spider and not callable(getattr(spider, name, None))):
            raise ValueError(f"{part}: the spider has no method {name!r}")
    try:
        request = request_from_dict(values, spider)
    except SerializeError as exc:
        raise ValueError(str(exc.__cause__ or exc)) from None
    if "://" not in request.url or not urlsplit(request.url).hostname:
        raise ValueError(f"the URL {request.url!r} names no host")
    return request, JsonSerializer.dumps({**stored_form(request, spider), **names})


def _values(text: str) -> dict[str, Any]:
    """Return the dict of a line; a header may have one value instead of a list."""
    if not text.startswith("{"):
        return {"url": text}
    try:
        values: dict[str, Any] = json.loads(text)
    except ValueError as exc:
        raise ValueError(f"this is not JSON: {exc}") from None
    if not isinstance(values.get("url"), str):
        raise ValueError("a request needs a 'url'")
    headers = values.get("headers")
    if isinstance(headers, dict):
        values["headers"] = {
            name: [value] if isinstance(value, str) else value for name, value in headers.items()
        }
    return values
