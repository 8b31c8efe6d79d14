"""`Spider.start`: the first requests of a spider, and a whole crawl if a script calls it on a class."""

import inspect
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable, Iterator
from functools import partial
from typing import Any

from aioscrapy.exceptions import AioscrapyError
from aioscrapy.project import settings_here


class StartRequests:
    """Requests for `for` and for `async for`: a subclass may call super() in a generator of either kind."""

    def __init__(self, requests: Iterable[Any]) -> None:
        self._requests = requests

    @property
    def gi_frame(self) -> Any:
        """The frame of the generator, which names the line of a bad request."""
        return getattr(self._requests, "gi_frame", None)

    def __iter__(self) -> Iterator[Any]:
        return iter(self._requests)

    async def __aiter__(self) -> AsyncIterator[Any]:
        for request in self._requests:
            yield request


class Start:
    """The attribute `start` of spiders.

    Of an object it is Scrapy's method: `async for request in spider.start()`. Of a class it is aio-scrapy's:
    `MySpider.start()` crawls with this spider.
    """

    def __get__(self, spider: Any, spider_class: Any) -> Callable[..., Any]:
        if spider is None:
            return partial(_crawl, spider_class)
        return partial(_first_requests, spider)


def _first_requests(spider: Any) -> AsyncIterable[Any]:
    """Return the requests of the spider's `start_requests`, whatever kind of function that is."""
    requests = spider.start_requests()
    if isinstance(requests, AsyncIterable):
        return requests
    if inspect.isawaitable(requests):
        return _awaited(requests)
    return StartRequests(_required(requests))


async def _awaited(requests: Any) -> AsyncIterator[Any]:
    for request in _required(await requests):
        yield request


def _required(requests: Any) -> Any:
    """Return the requests.

    Raises:
        TypeError: there is nothing.
    """
    if requests is None:
        raise TypeError("start_requests returned None: is `yield` or `return` missing?")
    return requests


def _crawl(
    spider_class: Any,
    setting_path: str | None = None,
    use_windows_selector_eventLoop: bool = False,  # noqa: N803 aio-scrapy's name
) -> None:
    """Crawl with a spider, from a script; return at the end if the crawl is complete or was stopped.

    Args:
        spider_class: the spider.
        setting_path: dotted path of a settings module that overrides the project's.
        use_windows_selector_eventLoop: accepted because aio-scrapy has it; without effect.

    Raises:
        SystemExit: the crawl could not begin, or is not complete (see docs/ends.md).
    """
    # not at module level: a listing of spiders must not load the whole crawler
    from aioscrapy.process import CrawlerProcess

    settings = settings_here()
    if setting_path is not None:
        settings.setmodule(setting_path)
    try:
        process = CrawlerProcess(settings)
        crawl = process.plan(spider_class)
        process.start()
    except AioscrapyError as exc:
        raise SystemExit(f"{spider_class.name}: {exc}") from None
    if crawl.end is not None and crawl.end.exit_status:
        raise SystemExit(crawl.end.exit_status)
