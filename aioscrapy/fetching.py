"""Download single requests as a crawl would, and run single callbacks, outside of a crawl."""

import asyncio
import threading
from collections.abc import AsyncIterator, Coroutine
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, Self, TypeVar
from urllib.parse import unquote, urlsplit

from aioscrapy.components import build_all
from aioscrapy.context import CrawlContext
from aioscrapy.contracts import SpiderMiddleware
from aioscrapy.core.callback_output import piped, stream_of
from aioscrapy.core.downloader import Downloader
from aioscrapy.core.frontier import build_politeness
from aioscrapy.core.log_lines import LogLines
from aioscrapy.db import db_manager
from aioscrapy.exceptions import ConfigError, DownloadError, IgnoreRequest, NotSupported
from aioscrapy.hooks import settle
from aioscrapy.http.headers import Headers
from aioscrapy.http.request import Request
from aioscrapy.http.response import Response
from aioscrapy.http.responsetypes import response_class
from aioscrapy.settings import Settings
from aioscrapy.spiderloader import SpiderLoader
from aioscrapy.spiders.spider import Spider

T = TypeVar("T")


class PlainSpider(Spider):
    """The spider of a request that belongs to no spider of the project."""

    name = "default"

    def parse(self, response: Any) -> Any:
        return None


class Fetcher:
    """Downloads with the middlewares and handlers of the settings and of one spider."""

    def __init__(self, settings: Settings, spider_class: Any = PlainSpider, **arguments: Any) -> None:
        self.settings = settings.copy()
        spider_class.update_settings(self.settings)
        self.context = CrawlContext.without_crawl(self.settings)
        self._spider_class = spider_class
        self._arguments = arguments
        self._closing = AsyncExitStack()

    @property
    def spider(self) -> Any:
        """The spider."""
        return self.context.spider

    async def __aenter__(self) -> Self:
        context = self.context
        await db_manager.from_settings(self.settings)
        self._closing.push_async_callback(db_manager.close)
        context.waiting = lambda: 0
        spider = self._spider_class.from_crawler(context, **self._arguments)
        context.spider = await settle(spider)
        context.politeness = build_politeness(self.settings, context.spider, shared=False)
        self._downloader = await Downloader.from_crawler(context)
        self._closing.push_async_callback(self._downloader.close)
        self._log_lines = LogLines(context)
        orders = self.settings.getwithbase("SPIDER_MIDDLEWARES")
        middlewares = await build_all("SPIDER_MIDDLEWARES", orders, context)
        self._on_output = piped(reversed(middlewares), SpiderMiddleware.process_spider_output, context.spider)
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._closing.aclose()
        if self.settings.getbool("STATS_DUMP") and self.context.stats.get_stats():
            self.context.stats.dump()

    async def fetch(self, request: Request) -> Response:
        """Return the response; retries and redirects are followed.

        Raises:
            DownloadError: there is no response, or a middleware drops the request.
        """
        if request.url.startswith("file:"):
            return _read(request)
        try:
            result = await self._downloader.fetch(request)
            while isinstance(result, Request):
                result = await self._downloader.fetch(result)
        except (IgnoreRequest, NotSupported, OSError) as exc:
            raise DownloadError(f"{request.url}: {exc or type(exc).__name__}") from exc
        self._log_lines.crawled(result.request or request, result)
        return result

    async def output_of(self, callback: Any, response: Response, **kwargs: Any) -> list[Any]:
        """Return what a callback yields, after the spider middlewares."""
        return [output async for output in self.outputs(callback, response, **kwargs)]

    async def outputs(self, callback: Any, response: Response, **kwargs: Any) -> AsyncIterator[Any]:
        """Yield what a callback yields, after the spider middlewares."""
        stream = stream_of(callback(response, **kwargs))
        for hook in self._on_output:
            stream = stream_of(hook(response, stream))
        async for output in stream:
            if output is not None:
                yield output


class Background:
    """An event loop in a thread, for a prompt in the main thread."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="event-loop", daemon=True)
        self._thread.start()

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Return the result of a coroutine that runs in the thread."""
        future = asyncio.run_coroutine_threadsafe(coroutine, self._loop)
        try:
            return future.result()
        except KeyboardInterrupt:
            future.cancel()
            raise

    def close(self) -> None:
        """End the thread."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


def spider_for(settings: Settings, name: str | None, request: Request | None) -> Any:
    """Return the spider class of this name, else the one that the URL belongs to, else PlainSpider.

    Raises:
        SpiderNotFoundError: no spider has the name.
    """
    if not settings["SPIDER_MODULES"]:
        if name:
            raise ConfigError(f"no project here, so there is no spider {name!r}")
        return PlainSpider
    loader = SpiderLoader(settings)
    if name:
        return loader.load(name)
    classes = [loader.load(spider) for spider in loader.list()]
    own = [cls for cls in classes if request is not None and cls.handles_request(request)]
    return own[0] if len(own) == 1 else PlainSpider


def request_of(text: str) -> Request:
    """Return the request for a URL, or for a file: a path, or a name with a dot that exists.

    Raises:
        ConfigError: the text is not a URL.
    """
    path = Path(text).expanduser()
    if "://" not in text and (text.startswith(("/", "./", "../", "~")) or path.is_file()):
        return Request(path.absolute().as_uri())
    try:
        return Request(text if "://" in text else f"http://{text}")
    except ValueError as exc:
        raise ConfigError(f"{text!r} is not a URL: {exc}") from None


def _read(request: Request) -> Response:
    path = Path(unquote(urlsplit(request.url).path))
    try:
        body = path.read_bytes()
    except OSError as exc:
        raise DownloadError(f"{path}: {exc.strerror}") from None
    kind = response_class(Headers(), request.url, body)
    return kind(request.url, body=body, request=request)
