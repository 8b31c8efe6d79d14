"""`crawler.engine`: what spiders and components ask of the running engine, with Scrapy's names."""

import asyncio
from collections.abc import Callable, Generator
from typing import Any

from aioscrapy.context import CrawlContext
from aioscrapy.core.downloader import Downloader
from aioscrapy.core.downloader_view import DownloaderView
from aioscrapy.core.scheduler import Frontier
from aioscrapy.exceptions import CrawlError
from aioscrapy.failure import as_failure
from aioscrapy.http.hosts import slot_of
from aioscrapy.http.request import Request
from aioscrapy.http.response import Response

_SINCE = "the crawl has not begun: use the signal engine_started or spider_opened, or a callback"
_OVER = "the crawl has ended: use the signal spider_idle, or a callback"


class EngineControl:
    """The engine as components see it.

    Attributes:
        spider: the spider of the crawl.
        downloader: the slots of requests, and the middlewares.
        running: between the first and the last request.
        paused: no new request begins.
    """

    def __init__(self, crawler: CrawlContext) -> None:
        self._crawler = crawler
        self._early: list[Request] = []
        self._scheduler: Frontier | None = None
        self._downloader: Downloader | None = None
        self._resumed = asyncio.Event()
        self._resumed.set()
        self.downloader = DownloaderView(crawler)
        self.running = False
        self.paused = False

    @property
    def spider(self) -> Any:
        """The spider of the crawl."""
        return self._crawler.spider

    def open(self, scheduler: Frontier, downloader: Downloader) -> None:
        """Work from now on with these parts."""
        self._scheduler, self._downloader = scheduler, downloader
        self.running = True
        early, self._early = self._early, []
        for request in early:
            scheduler.push(request)

    def close(self) -> None:
        """Note that the crawl is over."""
        self.running = False
        self.unpause()

    def download(self, request: Request, spider: Any = None) -> "Pending":
        """Fetch a request through the downloader middlewares; await the result for its response.

        Retries and redirects are followed. The delay and the pauses of the host hold; the pages that are in
        progress don't count. Neither the duplicate filter nor the spider's middlewares see the request.

        Raises:
            DownloadError: there is no response.
            CrawlError: the crawl has not begun.
        """
        return Pending(asyncio.ensure_future(self.download_async(request)))

    async def download_async(self, request: Request) -> Response:
        """Do the same as a coroutine."""
        scheduler, downloader = self._scheduler, self._downloader
        if scheduler is None or downloader is None:
            raise CrawlError(f"engine.download({request}): {_SINCE}")
        result: Request | Response = request
        while isinstance(result, Request):
            politeness, host = scheduler.politeness, slot_of(result)
            await politeness.take_extra(host)
            try:
                result = await downloader.fetch(result)
            finally:
                politeness.end_extra(host)
        return result

    def crawl(self, request: Request, spider: Any = None) -> None:
        """Put a request into the frontier; the duplicate filter sees it, the spider's middlewares don't.

        Raises:
            SerializeError: the frontier can't store the request.
            CrawlError: the crawl has ended.
        """
        if self._scheduler is None:
            self._early.append(request)
        elif not self.running:
            raise CrawlError(f"engine.crawl({request}): {_OVER}")
        else:
            self._scheduler.push(request)

    def close_spider(self, spider: Any = None, reason: str = "cancelled") -> "Done":
        """End the crawl soon, with this reason."""
        self._crawler.stop(reason)
        self.unpause()
        return Done()

    async def close_spider_async(self, *, reason: str = "cancelled") -> None:
        """Do the same as a coroutine."""
        self.close_spider(reason=reason)

    def stop(self) -> "Done":
        """End the crawl soon."""
        return self.close_spider(reason="shutdown")

    async def stop_async(self) -> None:
        """Do the same as a coroutine."""
        self.stop()

    def pause(self) -> None:
        """Begin no new request until `unpause`."""
        self.paused = True
        self._resumed.clear()

    def unpause(self) -> None:
        """Begin requests again."""
        self.paused = False
        self._resumed.set()

    async def wait(self) -> None:
        """Return when the engine is not paused."""
        await self._resumed.wait()

    def spider_is_idle(self, spider: Any = None) -> bool:
        """Return True if no page is in progress and no request waits, as far as this process knows."""
        return self._scheduler is None or self._scheduler.idle()

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(
            f"crawler.engine.{name} does not exist here: the engine has download, crawl, close_spider, "
            "pause, unpause, spider_is_idle, stop, spider, downloader, running and paused"
        )


class Done:
    """The result of a call that is complete: it may be awaited."""

    def __await__(self) -> Generator[Any, Any, None]:
        return
        yield


class Pending:
    """A result to come: await it, or add callbacks as to a Deferred."""

    def __init__(self, task: asyncio.Future[Any]) -> None:
        self._task = task

    def __await__(self) -> Generator[Any, Any, Any]:
        return self._task.__await__()

    def asFuture(self, loop: asyncio.AbstractEventLoop) -> asyncio.Future[Any]:  # noqa: N802 Deferred's name
        """Return the future of the result."""
        return self._task

    def addCallbacks(  # noqa: N802 Deferred's name
        self, callback: Callable[..., Any], errback: Callable[..., Any] | None = None
    ) -> "Pending":
        """Pass the result on to `callback`, an exception to `errback`."""
        self._task = asyncio.ensure_future(_chain(self._task, callback, errback))
        return self

    def addCallback(self, callback: Callable[..., Any], *args: Any, **kwargs: Any) -> "Pending":  # noqa: N802 Deferred's
        """Pass the result on to `callback`."""
        return self.addCallbacks(lambda result: callback(result, *args, **kwargs))

    def addErrback(self, errback: Callable[..., Any], *args: Any, **kwargs: Any) -> "Pending":  # noqa: N802 Deferred's
        """Pass an exception on to `errback`."""
        return self.addCallbacks(lambda result: result, lambda failure: errback(failure, *args, **kwargs))

    def addBoth(self, callback: Callable[..., Any], *args: Any, **kwargs: Any) -> "Pending":  # noqa: N802 Deferred's
        """Pass the result or the exception on to `callback`."""
        return self.addCallbacks(
            lambda result: callback(result, *args, **kwargs),
            lambda failure: callback(failure, *args, **kwargs),
        )


async def _chain(
    before: asyncio.Future[Any], callback: Callable[..., Any], errback: Callable[..., Any] | None
) -> Any:
    from aioscrapy.hooks import settle

    try:
        result = await before
    except Exception as exc:
        if errback is None:
            raise
        return await settle(errback(as_failure(exc)))
    return await settle(callback(result))
