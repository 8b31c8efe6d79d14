"""Stop a crawl at a limit of pages, items, errors or time."""

import asyncio
import logging
from typing import Self

from aioscrapy import signals
from aioscrapy.context import CrawlContext
from aioscrapy.exceptions import NotConfigured
from aioscrapy.signals import SignalManager

logger = logging.getLogger(__name__)


class CloseSpider:
    """Stops the crawl at a CLOSESPIDER_… limit; the reason is the name of the setting in lower case."""

    def __init__(self, crawler: CrawlContext) -> None:
        settings = crawler.settings
        self.crawler = crawler
        self._stop = crawler.stop
        self._timeout_s = settings.getfloat("CLOSESPIDER_TIMEOUT")
        self._timeout_no_item_s = settings.getfloat("CLOSESPIDER_TIMEOUT_NO_ITEM")
        self._max_items = settings.getint("CLOSESPIDER_ITEMCOUNT")
        self._max_pages = settings.getint("CLOSESPIDER_PAGECOUNT")
        self._max_pages_no_item = settings.getint("CLOSESPIDER_PAGECOUNT_NO_ITEM")
        self._max_errors = settings.getint("CLOSESPIDER_ERRORCOUNT")
        self._items = 0
        self._pages = 0
        self._errors = 0
        self._pages_since_item = 0
        self._items_at_check = 0
        self._timers: dict[str, asyncio.TimerHandle] = {}
        if not self._listen(crawler.signals):
            raise NotConfigured

    @classmethod
    def from_crawler(cls, crawler: CrawlContext) -> Self:
        """Create the extension; leave it out if no limit is set."""
        return cls(crawler)

    def _listen(self, manager: SignalManager) -> bool:
        """Connect to the signals that the limits need; return False if there is no limit."""
        needed = {
            signals.spider_error: bool(self._max_errors),
            signals.response_received: bool(self._max_pages or self._max_pages_no_item),
            signals.item_scraped: bool(self._max_items or self._max_pages_no_item or self._timeout_no_item_s),
            signals.spider_opened: bool(self._timeout_s or self._timeout_no_item_s),
        }
        if not any(needed.values()):
            return False
        receivers = {
            signals.spider_error: self.spider_error,
            signals.response_received: self.response_received,
            signals.item_scraped: self.item_scraped,
            signals.spider_opened: self.spider_opened,
        }
        for signal, is_needed in needed.items():
            if is_needed:
                manager.connect(receivers[signal], signal)
        manager.connect(self.spider_closed, signals.spider_closed)
        return True

    def spider_error(self) -> None:
        """Count an error in a callback."""
        self._errors += 1
        if self._errors == self._max_errors:
            self._stop("closespider_errorcount")

    def response_received(self) -> None:
        """Count a page."""
        self._pages += 1
        self._pages_since_item += 1
        if self._pages == self._max_pages:
            self._stop("closespider_pagecount")
        elif self._pages_since_item == self._max_pages_no_item:
            self._stop("closespider_pagecount_no_item")

    def item_scraped(self) -> None:
        """Count an item."""
        self._items += 1
        self._pages_since_item = 0
        if self._items == self._max_items:
            self._stop("closespider_itemcount")

    def spider_opened(self) -> None:
        """Start the timers."""
        loop = asyncio.get_running_loop()
        if self._timeout_s:
            self._timers["timeout"] = loop.call_later(self._timeout_s, self._stop, "closespider_timeout")
        if self._timeout_no_item_s:
            self._wait_for_item()

    def spider_closed(self) -> None:
        """Cancel the timers."""
        for timer in self._timers.values():
            timer.cancel()

    def _wait_for_item(self) -> None:
        self._items_at_check = self._items
        loop = asyncio.get_running_loop()
        self._timers["no_item"] = loop.call_later(self._timeout_no_item_s, self._check_items)

    def _check_items(self) -> None:
        if self._items > self._items_at_check:
            self._wait_for_item()
            return
        logger.info(
            "Closing spider since no items were produced in the last %g seconds", self._timeout_no_item_s
        )
        self._stop("closespider_timeout_no_item")
