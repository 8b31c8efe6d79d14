"""The log lines of pages and items: those of aioscrapy, or of the project's LOG_FORMATTER."""

import logging
from typing import Any

from aioscrapy.context import CrawlContext
from aioscrapy.exceptions import DropItem
from aioscrapy.failure import as_failure
from aioscrapy.http.request import Request
from aioscrapy.http.response import Response
from aioscrapy.log import logger
from aioscrapy.logformatter import write

Traced = BaseException | None
"""An exception whose traceback is logged; None: only its text."""


class LogLines:
    """Writes one line for each event."""

    def __init__(self, crawler: CrawlContext) -> None:
        self._formatter = crawler.logformatter
        self._spider = crawler.spider
        self._drop_level = crawler.settings["DEFAULT_DROPITEM_LOG_LEVEL"]
        everywhere = logging.getLogger().isEnabledFor(logging.DEBUG)
        self._verbose = everywhere and logger.isEnabledFor(logging.DEBUG)
        self.pages = self._formatter is not None or self._verbose
        """Whether `crawled` and `scraped` write anything; ask before, they are called often."""

    def crawled(self, request: Request, response: Any) -> None:
        """Log a response."""
        if self._formatter is not None:
            write(logger, self._formatter.crawled(request, response, self._spider), self._spider)
            return
        referer = request.headers.get("Referer")
        logger.debug(
            "Crawled (%s) %s (referer: %s)%s",
            response.status,
            request,
            referer.decode("latin-1") if referer else None,
            f" {response.flags}" if response.flags else "",
        )

    def scraped(self, item: Any, response: Response | None) -> None:
        """Log an item."""
        if self._formatter is not None:
            write(logger, self._formatter.scraped(item, response, self._spider), self._spider)
        else:
            logger.debug("Scraped from %s\n%s", response, item)

    def dropped(self, item: Any, exc: DropItem, response: Response | None) -> None:
        """Log an item that a pipeline dropped."""
        if self._formatter is not None:
            write(logger, self._formatter.dropped(item, exc, response, self._spider), self._spider)
            return
        level = exc.log_level if exc.log_level is not None else self._drop_level
        number = logging.getLevelNamesMapping()[level.upper()] if isinstance(level, str) else level
        logger.log(number, "Dropped: %s\n%r", exc, item)

    def item_error(self, item: Any, exc: BaseException, response: Response | None, trace: Traced) -> None:
        """Log an item at which a pipeline failed."""
        if self._formatter is not None:
            line = self._formatter.item_error(item, exc, response, self._spider)
            write(logger, line, self._spider, trace)
        else:
            logger.error("Error processing %r of %s: %s", item, response, exc, exc_info=trace)

    def spider_error(self, exc: BaseException, request: Request, response: Response | None) -> None:
        """Log a callback that failed."""
        if self._formatter is not None:
            line = self._formatter.spider_error(as_failure(exc, request), request, response, self._spider)
            write(logger, line, self._spider, exc)
        else:
            referer = request.headers.get("Referer")
            logger.error("Spider error processing %s (referer: %s)", request, referer, exc_info=exc)

    def download_error(self, request: Request, exc: BaseException, trace: Traced) -> None:
        """Log a request that got no response."""
        if self._formatter is not None:
            line = self._formatter.download_error(as_failure(exc, request), request, self._spider, str(exc))
            write(logger, line, self._spider, trace)
        else:
            logger.error("Error downloading %s: %s", request, exc, exc_info=trace)
