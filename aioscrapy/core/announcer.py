"""Tell the project which items are visible."""

from aioscrapy import signals
from aioscrapy.context import CrawlContext
from aioscrapy.core.log_lines import LogLines
from aioscrapy.queue.base import Page


class Announcer:
    """Logs the items of visible pages and sends `item_scraped`."""

    def __init__(self, crawler: CrawlContext) -> None:
        self._log = LogLines(crawler)
        self._signals = crawler.signals
        self._spider = crawler.spider

    def reads_responses(self) -> bool:
        """Return False if nobody reads the response of an item: then a parsed page is freed at once."""
        return self._log.pages or self._signals.reads(signals.item_scraped, "response")

    async def announce(self, page: Page) -> None:
        """Announce the items of a page."""
        for item, response in page.items:
            if self._log.pages:
                self._log.scraped(item, response)
            await self._signals.send(signals.item_scraped, item=item, response=response, spider=self._spider)
