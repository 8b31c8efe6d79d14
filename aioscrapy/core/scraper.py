"""Pass a response through the spider: hooks, callback, hooks; collect its items and requests on a page."""

import asyncio
from collections.abc import Callable
from contextlib import aclosing
from inspect import isasyncgen
from time import monotonic
from typing import Any

from aioscrapy import signals
from aioscrapy.cancellation import ERRORS, raise_if_aborted
from aioscrapy.components import build_all
from aioscrapy.context import CrawlContext
from aioscrapy.contracts import SpiderMiddleware
from aioscrapy.core.announcer import Announcer
from aioscrapy.core.callback_output import (
    line_of,
    page_piece,
    piped,
    refuse_item,
    refuse_local_file,
    start_of,
    stream_of,
)
from aioscrapy.core.log_lines import LogLines
from aioscrapy.core.pipelines import Pipelines
from aioscrapy.core.rescue import Rescue
from aioscrapy.core.scheduler import Frontier
from aioscrapy.ends import error_text, text_of
from aioscrapy.exceptions import AioscrapyError, CloseSpider, DropItem, IgnoreRequest, NotSupported
from aioscrapy.failure import as_failure
from aioscrapy.hooks import element_hooks, hooks, settle
from aioscrapy.http.foreign import own, own_exception
from aioscrapy.http.request import Request
from aioscrapy.http.response import Response
from aioscrapy.log import logger
from aioscrapy.queue.base import Page

# Seconds after which a callback lets other tasks run and, in a memory crawl, commits its output so far.
SLICE_S = 1.0


class Scraper:
    """Spider middlewares around the callbacks, and the pipelines behind them."""

    def __init__(
        self, crawler: CrawlContext, middlewares: list[Any], pipelines: Pipelines, scheduler: Frontier
    ) -> None:
        self._spider = spider = crawler.spider
        self._default_callback = getattr(spider, "_parse", None) or spider.parse
        self._stats = crawler.stats
        self._signals = crawler.signals
        self._stop = crawler.stop
        self._log = LogLines(crawler)
        self._announcer = Announcer(crawler)
        self._pipelines = pipelines
        self._scheduler = scheduler
        self._commit_size = crawler.settings.getint("SCHEDULER_COMMIT_SIZE")
        up = list(reversed(middlewares))
        self._on_input = hooks(middlewares, SpiderMiddleware.process_spider_input, spider)
        self._on_request = element_hooks(up, SpiderMiddleware.get_processed_request, spider)
        self._drop_early = not any(map(_changes_requests, middlewares))
        self._on_item = element_hooks(up, SpiderMiddleware.get_processed_item, spider)
        self._on_output = piped(up, SpiderMiddleware.process_spider_output, spider)
        self._rescue = Rescue(up, spider)
        self._on_start = piped(up, SpiderMiddleware.process_start, spider)
        self._on_start += piped(up, SpiderMiddleware.process_start_requests, spider)

    @classmethod
    async def from_crawler(
        cls, crawler: CrawlContext, pipelines: Pipelines, scheduler: Frontier
    ) -> "Scraper":
        """Create the spider middlewares of the settings.

        Raises:
            SettingError: a middleware can't be loaded or created; names the setting.
        """
        orders = crawler.settings.getwithbase("SPIDER_MIDDLEWARES")
        return cls(crawler, await build_all("SPIDER_MIDDLEWARES", orders, crawler), pipelines, scheduler)

    async def seed(self, page: Page) -> bool:
        """Run the start requests, and commit each as it comes; return False if a stop cut them short."""
        try:
            stream = source = stream_of(start_of(self._spider))
            for hook in self._on_start:
                stream = stream_of(hook(stream))
            async with aclosing(stream):
                async for output in stream:
                    await self._take(output, None, page, source)
                    if page.entries or page.items:
                        await self.commit(page_piece(page))
                    if self._scheduler.stopping:
                        return False
        except ERRORS as exc:
            if not self._closes(exc):
                raise
        page.fruitless = page.fruitless or bool(self._stats.get_value("start_urls/invalid_count"))
        return True

    async def scrape(self, request: Request, response: Response, page: Page) -> None:
        """Put all that the callback of a response yields onto its page; report an error of the callback."""
        try:
            for hook in self._on_input:
                if (waiting := hook(response)) is not None:
                    await settle(waiting)
        except ERRORS as exc:  # the errback handles a refused response, without one the hooks for exceptions
            raise_if_aborted(exc)
            await self._refused(request, response, exc, page)
            return
        callback = request.callback or self._default_callback
        await self._run(callback, response, request, page, request._cb_kwargs or {})

    async def _refused(self, request: Request, response: Response, exc: BaseException, page: Page) -> None:
        """Handle a response that a hook refused."""
        try:
            if request.errback is None and await self._rescued(exc, response, page):
                return
        except ERRORS as another:  # its error takes the place of the first
            raise_if_aborted(another)
            exc = another
        await self.fail(request, exc, page)

    def _closes(self, exc: BaseException) -> bool:
        """End the crawl for CloseSpider, whoever raised it; return False for another exception."""
        if closes := isinstance(close := own_exception(exc), CloseSpider):
            self._stop(close.reason)
        return closes

    async def fail(self, request: Request, exc: BaseException, page: Page) -> None:
        """Call the errback of a failed request; without one, log the failure and keep it with the page."""
        self._closes(exc)
        if request.errback is None:
            self._log_failure(request, exc, page)
            return
        await self._run(request.errback, as_failure(exc, request), request, page, {})

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
            if isinstance(argument, BaseException) and (result := await settle(result)) is argument:
                self._log_failure(request, argument, page)  # the errback leaves it to us, as in Scrapy
                return
            stream = source = result if isasyncgen(result) else stream_of(result)
            for hook in self._on_output:
                stream = stream_of(hook(response, stream))
            await self._consume(stream, response, page, source)
        except ERRORS as exc:  # one bad page must not end the crawl
            raise_if_aborted(exc)
            if self._closes(exc):
                return
            if response is None:  # an errback
                self._log_failure(request, argument, page)
            await self._callback_failed(exc, request, response, page)

    async def _consume(self, stream: Any, response: Response | None, page: Page, source: Any) -> None:
        """Put all that a callback yields onto its page; commit a long output in pieces as it comes."""
        scheduler, filtered = self._scheduler, 0
        watched = scheduler.logs_filtered or scheduler.on_dropped or scheduler.on_scheduled
        known = scheduler.known if self._drop_early and not watched else _unknown
        since_s = monotonic()
        try:
            async for output in stream:
                if isinstance(output, Request) and known(output):
                    filtered += 1  # dozens on a page: every further step costs
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
        """Let other tasks run during a long callback; commit its output, unless its page may be repeated."""
        if not self._scheduler.resumable and (page.items or page.entries):
            await self._commit_piece(page)
        await asyncio.sleep(0)

    async def _commit_piece(self, page: Page) -> None:
        page.handled = True
        await self.commit(page_piece(page))
        await asyncio.sleep(0)

    async def _take(self, output: Any, response: Response | None, page: Page, source: Any) -> None:
        """Put one output of a callback onto the page; report one that can't be used."""
        try:
            if not isinstance(output, (Request, dict)):
                output = own(output)
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
        refuse_local_file(request, page)
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
        if not isinstance(item, dict):
            refuse_item(item, response)
        try:
            if not self._pipelines.empty:
                item = await self._pipelines.process(item)
            if item is not None:
                self._scheduler.keep_item(page, item, response)
                page.items.append((item, response if self._announcer.reads_responses() else None))
        except DropItem as exc:
            await self._dropped(item, exc, response)
        except CloseSpider:
            raise
        except ERRORS as exc:  # one bad item must not end the crawl
            raise_if_aborted(exc)
            if isinstance(dropped := own_exception(exc), DropItem):
                await self._dropped(item, dropped, response)
                return
            self._log.item_error(item, exc, response)
            self._stats.inc_value("item_error_count")
            send, failure = self._signals.send, as_failure(exc)
            await send(signals.item_error, item=item, response=response, spider=self._spider, failure=failure)

    async def _dropped(self, item: Any, exc: DropItem, response: Response | None) -> None:
        self._log.dropped(item, exc, response)
        await self._signals.send(
            signals.item_dropped, item=item, response=response, exception=exc, spider=self._spider
        )

    async def commit(self, page: Page) -> None:
        """Give a page or a piece of one to the scheduler; announce it if it is visible at once."""
        if await self._scheduler.commit(page):
            await self._announcer.announce(page)

    async def _callback_failed(
        self, exc: BaseException, request: Request, response: Response | None, page: Page
    ) -> None:
        try:
            if await self._rescued(exc, response, page):
                return
        except ERRORS as another:  # its error takes the place of the first
            raise_if_aborted(another)
            if self._closes(another):
                return
            exc = another
        self._log.spider_error(exc, request, response)
        await self._report(exc, response, page)
        if not (page.entries or page.items or page.handled):
            page.fruitless = True

    async def _output_failed(
        self, exc: BaseException, output: Any, response: Response | None, page: Page, source: Any
    ) -> None:
        """Report an output that can't be used, with the line that yielded it."""
        trace = None if isinstance(exc, (AioscrapyError, NotSupported, TypeError)) else exc
        text, problem = text_of(output, repr), text_of(exc)
        logger.error("Left out %s of %s%s: %s", text, response, line_of(source), problem, exc_info=trace)
        await self._report(exc, response, page)

    async def _report(self, exc: BaseException, response: Response | None, page: Page) -> None:
        """Count an error of the spider, announce it, and keep it with its page."""
        self._stats.inc_value(f"spider_exceptions/{type(exc).__name__}")
        self._stats.inc_value("spider_exceptions/count")
        send, failure = self._signals.send, as_failure(exc)
        await send(signals.spider_error, failure=failure, response=response, spider=self._spider)
        if page.lease is not None and page.lease.request is not None:
            page.failure = page.failure or error_text(exc)
        else:  # of the start
            page.fruitless = True

    async def _rescued(self, exc: BaseException, response: Response | None, page: Page) -> bool:
        """Call the hooks for exceptions; return True if one of them returned an output instead."""
        stream = await self._rescue.output(exc, response)
        if stream is None:
            return False
        await self._consume(stream, response, page, stream)
        return True

    def _log_failure(self, request: Request, exc: BaseException, page: Page) -> None:
        if isinstance(exc, IgnoreRequest):
            if (text := text_of(exc)) and not exc.quiet:
                logger.info("%s", text)
            page.fruitless = exc.fruitless
            return
        self._log.download_error(request, exc)
        page.failure, page.fruitless = error_text(exc), True


def _changes_requests(middleware: object) -> bool:
    """Return True if a middleware may change what the duplicate filter looks at."""
    has_hook = bool(hooks([middleware], SpiderMiddleware.get_processed_request, None))
    return has_hook and bool(getattr(middleware, "changes_requests", True))


def _unknown(request: Request) -> bool:
    """Return False: the hooks must see every request."""
    return False
