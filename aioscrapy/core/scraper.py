"""The way of a response through the spider: hooks, callback, hooks, items and requests onto its page."""

import asyncio
import logging
from collections.abc import Callable
from inspect import getattr_static, isasyncgen
from time import monotonic
from typing import Any

from aioscrapy import signals
from aioscrapy.cancellation import ERRORS, raise_if_aborted
from aioscrapy.components import build_all
from aioscrapy.context import CrawlContext
from aioscrapy.contracts import SpiderMiddleware
from aioscrapy.core.callback_output import line_of, piped, stream_of
from aioscrapy.core.pipelines import Pipelines
from aioscrapy.core.scheduler import Scheduler
from aioscrapy.ends import error_text
from aioscrapy.exceptions import AioscrapyError, CloseSpider, DropItem, IgnoreRequest, NotSupported
from aioscrapy.hooks import hooks, settle
from aioscrapy.http.request import Request
from aioscrapy.http.response import Response
from aioscrapy.log import logger
from aioscrapy.queue.base import Page

SLICE_S = 1.0  # seconds that a callback may run before others run and, in a memory crawl, its items are shown


class Scraper:
    """Spider middlewares around the callbacks, and the pipelines behind them."""

    def __init__(
        self, crawler: CrawlContext, middlewares: list[Any], pipelines: Pipelines, scheduler: Scheduler
    ) -> None:
        self._spider = spider = crawler.spider
        self._stats = crawler.stats
        self._signals = crawler.signals
        self._stop = crawler.stop
        self._pipelines = pipelines
        self._scheduler = scheduler
        self._commit_size = crawler.settings.getint("SCHEDULER_COMMIT_SIZE")
        self._verbose = logging.getLogger().isEnabledFor(logging.DEBUG) and logger.isEnabledFor(logging.DEBUG)
        up = list(reversed(middlewares))
        self._on_input = hooks(middlewares, SpiderMiddleware.process_spider_input, spider)
        self._on_request = hooks(up, SpiderMiddleware.get_processed_request, spider)
        self._drop_early = not any(map(_changes_requests, middlewares))
        self._on_item = hooks(up, SpiderMiddleware.get_processed_item, spider)
        self._on_output = piped(up, SpiderMiddleware.process_spider_output, spider)
        self._on_exception = hooks(up, SpiderMiddleware.process_spider_exception, spider)
        self._on_start = piped(up, SpiderMiddleware.process_start, spider)
        self._on_start += piped(up, SpiderMiddleware.process_start_requests, spider)

    @classmethod
    async def from_crawler(
        cls, crawler: CrawlContext, pipelines: Pipelines, scheduler: Scheduler
    ) -> "Scraper":
        """Make the spider middlewares of the settings.

        Raises:
            SettingError: one of them can't be loaded; names the setting.
        """
        orders = crawler.settings.getwithbase("SPIDER_MIDDLEWARES")
        return cls(crawler, await build_all("SPIDER_MIDDLEWARES", orders, crawler), pipelines, scheduler)

    async def seed(self, page: Page) -> None:
        """Run the spider's start requests; each is committed as it comes, so the crawl begins at once."""
        stream: Any = None
        try:
            stream = started = stream_of(_start(self._spider))
            for hook in self._on_start:
                stream = stream_of(hook(stream))
            async for output in stream:
                await self._take(output, None, page, started)
                if page.entries or page.items:
                    await self.commit(page_piece(page))
        except CloseSpider as exc:
            self._stop(exc.reason)
        page.fruitless = bool(self._stats.get_value("start_urls/invalid_count"))

    async def scrape(self, request: Request, response: Response, page: Page) -> None:
        """Put everything that the callback of this response yields onto its page; never raises for it."""
        try:
            for hook in self._on_input:
                if (waiting := hook(response)) is not None:
                    await settle(waiting)
        except ERRORS as exc:  # a refused response is the errback's matter
            raise_if_aborted(exc)
            await self.fail(request, exc, page)
            return
        kwargs = request.cb_kwargs if request._cb_kwargs else {}
        await self._run(request.callback or self._spider.parse, response, request, page, kwargs)

    async def fail(self, request: Request, exc: BaseException, page: Page) -> None:
        """Give a failure to the request's errback; without one, log it and mark the page as failed."""
        if request.errback is None:
            self._log_failure(request, exc, page)
            return
        exc.request = request  # type: ignore[attr-defined]  # an errback knows it as failure.request
        exc.value = exc  # type: ignore[attr-defined]  # Scrapy's errbacks read failure.value
        # Scrapy's errbacks call failure.check(…).
        exc.check = lambda *kinds: next((k for k in kinds if isinstance(exc, k)), None)  # type: ignore[attr-defined]
        await self._run(request.errback, exc, request, page, {})

    async def _run(
        self,
        callback: Callable[..., Any] | str,
        argument: Any,
        request: Request,
        page: Page,
        kwargs: dict[str, Any],
    ) -> None:
        response = argument if isinstance(argument, Response) else None
        try:
            call = getattr(self._spider, callback) if isinstance(callback, str) else callback
            result = call(argument, **kwargs)
            stream = source = result if isasyncgen(result) else stream_of(result)
            for hook in self._on_output:
                stream = stream_of(hook(response, stream))
            await self._consume(stream, response, page, source)
        except CloseSpider as exc:
            self._stop(exc.reason)
        except ERRORS as exc:  # one bad page must not end the crawl
            raise_if_aborted(exc)
            await self._callback_failed(exc, request, response, page)

    async def _consume(self, stream: Any, response: Response | None, page: Page, source: Any) -> None:
        """Put all that a callback yields onto its page; a long output is committed in pieces as it comes."""
        scheduler, filtered = self._scheduler, 0
        known = scheduler.known if self._drop_early and not scheduler.logs_filtered else _unknown
        since_s = monotonic()
        try:
            async for output in stream:
                if isinstance(output, Request) and known(output):
                    filtered += 1  # dozens on a page: each step more costs
                    continue
                await self._take(output, response, page, source)
                if len(page.entries) + len(page.items) >= self._commit_size:
                    await self._commit_piece(page)
                elif monotonic() - since_s > SLICE_S:
                    since_s = monotonic()
                    await self._breathe(page)
        finally:
            if filtered:
                scheduler.count_filtered(filtered)
            if response is not None and response.invalid_links:
                self._stats.inc_value("links/invalid_count", response.invalid_links)
                response.invalid_links = 0
        page.handled = True

    async def _breathe(self, page: Page) -> None:
        """Let others run beside a long callback; show its items, unless its page may be crawled again."""
        if not self._scheduler.resumable and page.items:
            await self._commit_piece(page)
        await asyncio.sleep(0)

    async def _commit_piece(self, page: Page) -> None:
        page.handled = True
        await self.commit(page_piece(page))
        await asyncio.sleep(0)

    async def _take(self, output: Any, response: Response | None, page: Page, source: Any) -> None:
        """Put one output of a callback onto the page; report one that can't be used."""
        try:
            if isinstance(output, Request):
                self._request(output, response, page)
            elif output is not None:
                await self._item(output, response, page)
        except CloseSpider:
            raise
        except ERRORS as exc:  # one bad output must not end its callback
            raise_if_aborted(exc)
            await self._output_failed(exc, output, response, page, source)

    def _request(self, request: Request, response: Response | None, page: Page) -> None:
        """Put a request onto the page, unless a hook drops it or it is known."""
        for hook in self._on_request:
            request = hook(request, response)
            if request is None:
                return
        entry = self._scheduler.accept(request)
        if entry is not None:
            page.entries.append(entry)

    async def _item(self, item: Any, response: Response | None, page: Page) -> None:
        for hook in self._on_item:
            item = hook(item, response)
            if item is None:
                return
        if isinstance(item, (str, bytes, int, float)):
            raise TypeError(f"Spider must yield requests or items, got {type(item).__name__} in {response}")
        try:
            if not self._pipelines.empty:
                item = await self._pipelines.process(item)
            if item is not None:
                self._scheduler.add_item(page, item, response)
        except DropItem as exc:
            logger.warning("Dropped: %s\n%r", exc, item)
            await self._signals.send(
                signals.item_dropped, item=item, response=response, exception=exc, spider=self._spider
            )
        except CloseSpider:
            raise
        except ERRORS as exc:  # one bad item must not end the crawl
            raise_if_aborted(exc)
            trace = None if isinstance(exc, AioscrapyError) else exc
            logger.error("Error processing %r of %s: %s", item, response, exc, exc_info=trace)
            self._stats.inc_value("item_error_count")
            await self._signals.send(
                signals.item_error, item=item, response=response, spider=self._spider, failure=exc
            )

    async def commit(self, page: Page) -> None:
        """Hand a page, or a piece of one, to the scheduler; announce it if it is visible at once."""
        if await self._scheduler.commit(page):
            await self.announce(page)

    async def announce(self, page: Page) -> None:
        """Announce the items of a page that is now visible."""
        send, spider = self._signals.send, self._spider
        for item, response in page.items:
            if self._verbose:
                logger.debug("Scraped from %s\n%s", response, item)
            await send(signals.item_scraped, item=item, response=response, spider=spider)

    async def _callback_failed(
        self, exc: BaseException, request: Request, response: Response | None, page: Page
    ) -> None:
        try:
            if await self._rescued(exc, response, page):
                return
        except CloseSpider as close:
            self._stop(close.reason)
            return
        except ERRORS as another:  # its error takes the place of the first
            raise_if_aborted(another)
            exc = another
        referer = request.headers.get("Referer")
        logger.error("Spider error processing %s (referer: %s)", request, referer, exc_info=exc)
        await self._report(exc, response, page)
        if not (page.entries or page.items or page.handled):
            page.fruitless = True

    async def _output_failed(
        self, exc: BaseException, output: Any, response: Response | None, page: Page, source: Any
    ) -> None:
        """Report an output that can't be used, with the line that yielded it."""
        trace = None if isinstance(exc, (AioscrapyError, TypeError)) else exc
        logger.error("Left out %r of %s%s: %s", output, response, line_of(source), exc, exc_info=trace)
        await self._report(exc, response, page)

    async def _report(self, exc: BaseException, response: Response | None, page: Page) -> None:
        """Count an error of the spider, announce it, and keep it with its page."""
        self._stats.inc_value(f"spider_exceptions/{type(exc).__name__}")
        self._stats.inc_value("spider_exceptions/count")
        await self._signals.send(signals.spider_error, failure=exc, response=response, spider=self._spider)
        if page.lease is not None and page.lease.request is not None:
            page.failure = page.failure or error_text(exc)

    async def _rescued(self, exc: BaseException, response: Response | None, page: Page) -> bool:
        """Ask the hooks for exceptions; tells whether one gave an output instead."""
        for hook in self._on_exception:
            answer = await settle(hook(response, exc))
            if answer is not None:
                stream = stream_of(answer)
                await self._consume(stream, response, page, stream)
                return True
        return False

    def _log_failure(self, request: Request, exc: BaseException, page: Page) -> None:
        if isinstance(exc, IgnoreRequest):
            if str(exc) and not exc.quiet:
                logger.info("%s", exc)
            page.fruitless = exc.fruitless
            return
        known = isinstance(exc, (AioscrapyError, NotSupported, OSError))  # their text says it all
        logger.error("Error downloading %s: %s", request, exc, exc_info=None if known else exc)
        page.failure, page.fruitless = error_text(exc), True


def _changes_requests(middleware: object) -> bool:
    """Return True if a middleware may change what the duplicate filter looks at."""
    has_hook = bool(hooks([middleware], SpiderMiddleware.get_processed_request, None))
    return has_hook and bool(getattr(middleware, "changes_requests", True))


def _unknown(request: Request) -> bool:
    """Say of every request that the hooks must see it."""
    return False


def page_piece(page: Page) -> Page:
    """Cut off what the page holds so far, as a piece that is committed before the page is done."""
    piece = Page(page.lease, page.entries, page.items, page.packed_items, page.records, final=False)
    page.entries, page.items, page.packed_items, page.records = [], [], [], []
    return piece


def _start(spider: Any) -> Any:
    """Return the start requests: of the spider's own `start` (Scrapy 2.13), else of `start_requests`."""
    own = getattr_static(type(spider), "start", None)
    if own is not None and not isinstance(own, classmethod):
        return spider.start()
    return spider.start_requests()
