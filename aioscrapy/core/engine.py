"""The life of a request, and the tasks that carry requests."""

import asyncio
from contextlib import aclosing

from aioscrapy import signals
from aioscrapy.cancellation import ERRORS, keep_running, raise_if_aborted
from aioscrapy.context import CrawlContext
from aioscrapy.core.announcer import Announcer
from aioscrapy.core.control import EngineControl
from aioscrapy.core.downloader import Downloader
from aioscrapy.core.log_lines import LogLines
from aioscrapy.core.scheduler import Frontier
from aioscrapy.core.scraper import Scraper
from aioscrapy.ends import End, Ending, Reason, error_text
from aioscrapy.http.request import Request
from aioscrapy.log import logger
from aioscrapy.queue.base import Lease, Page

# Seconds in which an aborted crawl gives its leases back.
FAREWELL_S = 1.0


class Engine:
    """CONCURRENT_REQUESTS long-lived tasks that reserve, fetch, scrape and commit."""

    def __init__(
        self,
        crawler: CrawlContext,
        ending: Ending,
        scheduler: Frontier,
        downloader: Downloader,
        scraper: Scraper,
        control: EngineControl,
    ) -> None:
        self._control = control
        self._log = LogLines(crawler)
        self._announcer = Announcer(crawler)
        settings = crawler.settings
        self._ending = ending
        self._signals = crawler.signals
        self._scheduler = scheduler
        self._downloader = downloader
        self._scraper = scraper
        self._workers = max(1, settings.getint("CONCURRENT_REQUESTS"))
        self._shutdown_timeout_s = settings.getfloat("SHUTDOWN_TIMEOUT")
        self._tasks: list[asyncio.Task[None]] = []
        self._background: asyncio.Task[None] | None = None
        self._deadline: asyncio.TimerHandle | None = None
        self._aborted = False

    async def run(self) -> End | None:
        """Carry requests until the crawl ends; return the end that the frontier proves."""
        self._control.open(self._scheduler, self._downloader)
        self._signals.on_exit = self._exit
        await self._signals.send(signals.engine_started)
        self._background = background = asyncio.create_task(self._announce(), name="frontier")
        self._tasks = [asyncio.create_task(self._work(), name=f"worker-{n}") for n in range(self._workers)]
        try:
            done, _ = await asyncio.wait([background, *self._tasks], return_when=asyncio.FIRST_EXCEPTION)
            for task in done:
                if not task.cancelled() and (failure := task.exception()):
                    raise failure
        finally:
            if self._deadline is not None:
                self._deadline.cancel()
            self._aborted = True
            for task in (background, *self._tasks):
                task.cancel()
            await asyncio.gather(background, *self._tasks, return_exceptions=True)
            pages = await self._scheduler.close()
            self._control.close()
            for page in pages:
                await self._announcer.announce(page)
            self._signals.on_exit = None
        return self._scheduler.end

    def stop(self, reason: str) -> None:
        """Begin no new page; give back pages in flight that do not end in SHUTDOWN_TIMEOUT seconds."""
        if self._deadline is not None:
            return
        logger.info("Closing spider (%s)", reason)
        self._scheduler.stop()
        self._deadline = asyncio.get_running_loop().call_later(self._shutdown_timeout_s, self.abort)

    def abort(self) -> None:
        """Give back all pages in flight at once."""
        self._aborted = True
        for task in self._tasks:
            task.cancel()
        if self._background is not None:
            asyncio.get_running_loop().call_later(FAREWELL_S, self._background.cancel)

    async def _announce(self) -> None:
        """Announce the pages that the store makes visible, as they come."""
        async with aclosing(self._scheduler.run()) as pages:
            async for page in pages:
                try:
                    await self._announcer.announce(page)
                except BaseException as exc:  # noqa: BLE001 a signal handler's SystemExit is not for the loop
                    self._exit(exc)

    async def _work(self) -> None:
        while (lease := await self._scheduler.reserve()) is not None:
            try:
                if self._control.paused:
                    await self._control.wait()
                    if self._scheduler.stopping:
                        await self._scraper.commit(Page(lease, give_back=True))
                        continue
                await self._carry(lease)
            except BaseException as exc:  # noqa: BLE001 SystemExit of the project's code is not the event loop's
                self._exit(exc)

    def _exit(self, exc: BaseException) -> None:
        """End the crawl if the project's code raised what is not an Exception, such as SystemExit.

        Raises:
            CancelledError, Exception: `exc` is one of these.
        """
        if isinstance(exc, ERRORS):
            raise exc
        logger.error("The crawl ends: the project's code raised %s", type(exc).__name__, exc_info=exc)
        self._ending.fail_by(exc)
        self.stop(Reason.EXITED)

    async def _carry(self, lease: Lease) -> None:
        """Carry one request through its whole life, from its lease to the commit of its page."""
        page = Page(lease)
        try:
            if lease.request is None:
                await self._seed(page)
            else:
                await self._visit(lease.request, page)
        except BaseException as exc:  # one bad request must not end the crawl
            if self._aborted and isinstance(exc, asyncio.CancelledError):
                await self._leave(page)
                raise
            keep_running()
            if isinstance(exc, ERRORS):
                logger.error("Error while handling %s", lease.request, exc_info=exc)
            else:
                self._exit(exc)
            page.failure, page.fruitless = error_text(exc), True
        await self._scraper.commit(page)

    async def _leave(self, page: Page) -> None:
        """Give back a page that was cut short; if nobody can crawl it again, commit its output so far."""
        if self._scheduler.resumable:
            page = Page(page.lease, give_back=True)
        await self._scraper.commit(page)

    async def _visit(self, request: Request, page: Page) -> None:
        """Fetch a request and scrape its response."""
        try:
            result = await self._downloader.fetch(request, page.lease.host if page.lease else "")
            if isinstance(result, Request):  # a retry or a redirect: the page of this request is that request
                self._pass_on(request, result, page)
                return
        except ERRORS as exc:  # one failed request must not end the crawl
            raise_if_aborted(exc)
            await self._scraper.fail(request, exc, page)
            return
        if self._log.pages:
            self._log.crawled(request, result)
        await self._scraper.scrape(request, result, page)

    def _pass_on(self, request: Request, successor: Request, page: Page) -> None:
        """Put the request that replaces this one onto its page."""
        if successor is request:  # a hook returned it to send it again: the filter must not drop it
            successor = request.replace(dont_filter=True)
        entry = self._scheduler.accept(successor)
        if entry is not None:
            page.entries.append(entry)

    async def _seed(self, page: Page) -> None:
        """Run the start requests; those before an error are crawled, but the crawl is not complete."""
        try:
            page.give_back = not await self._scraper.seed(page)
        except BaseException as exc:  # noqa: BLE001 the crawl goes on, or _exit ends it
            raise_if_aborted(exc)
            self._fail_start(exc, page)

    def _fail_start(self, exc: BaseException, page: Page) -> None:
        page.failure = error_text(exc)
        if isinstance(exc, ERRORS):
            logger.error("Error while obtaining start requests", exc_info=exc)
            self._ending.fail(Reason.START_FAILED, page.failure)
        else:
            self._exit(exc)
