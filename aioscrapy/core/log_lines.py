"""The log lines of pages and items: those of aioscrapy, or of the project's LOG_FORMATTER."""

import logging
from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, ParamSpec

from aioscrapy.context import CrawlContext
from aioscrapy.ends import error_text, text_of
from aioscrapy.exceptions import AioscrapyError, DropItem, NotSupported
from aioscrapy.failure import as_failure
from aioscrapy.http.request import Request
from aioscrapy.http.response import Response
from aioscrapy.log import logger
from aioscrapy.logformatter import write

P = ParamSpec("P")


def _guarded(
    method: Callable[Concatenate["LogLines", P], None],
) -> Callable[Concatenate["LogLines", P], None]:
    """Return a method that logs its own failure: no log line may end a crawl or lose an item."""

    @wraps(method)
    def write_line(lines: "LogLines", /, *args: P.args, **kwargs: P.kwargs) -> None:
        try:
            method(lines, *args, **kwargs)
        except Exception:  # noqa: BLE001 logged; a LOG_FORMATTER may raise anything
            logger.exception("A log line of %s can't be written", method.__name__)

    return write_line


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

    @_guarded
    def crawled(self, request: Request, response: Any) -> None:
        """Log a response."""
        if self._formatter is not None:
            write(logger, self._formatter.crawled(request, response, self._spider), self._spider)
            return
        logger.debug(
            "Crawled (%s) %s (referer: %s)%s",
            response.status,
            request,
            _referer(request),
            f" {response.flags}" if response.flags else "",
        )

    @_guarded
    def scraped(self, item: Any, response: Response | None) -> None:
        """Log an item."""
        if self._formatter is not None:
            write(logger, self._formatter.scraped(item, response, self._spider), self._spider)
        else:
            logger.debug("Scraped from %s\n%s", response, text_of(item))

    @_guarded
    def dropped(self, item: Any, exc: DropItem, response: Response | None) -> None:
        """Log an item that a pipeline dropped."""
        if self._formatter is not None:
            write(logger, self._formatter.dropped(item, exc, response, self._spider), self._spider)
            return
        level = exc.log_level if exc.log_level is not None else self._drop_level
        number = logging.getLevelNamesMapping()[level.upper()] if isinstance(level, str) else level
        logger.log(number, "Dropped: %s\n%s", text_of(exc), text_of(item, repr))

    @_guarded
    def item_error(self, item: Any, exc: BaseException, response: Response | None) -> None:
        """Log an item at which a pipeline failed."""
        if self._formatter is not None:
            line = self._formatter.item_error(item, exc, response, self._spider)
            write(logger, line, self._spider, exc)
        else:
            trace = None if isinstance(exc, AioscrapyError) else exc
            text, problem = text_of(item, repr), text_of(exc)
            logger.error("Error processing %s of %s: %s", text, response, problem, exc_info=trace)

    @_guarded
    def spider_error(self, exc: BaseException, request: Request, response: Response | None) -> None:
        """Log a callback that failed."""
        if self._formatter is not None:
            line = self._formatter.spider_error(as_failure(exc, request), request, response, self._spider)
            write(logger, line, self._spider, exc)
        else:
            logger.error("Spider error processing %s (referer: %s)", request, _referer(request), exc_info=exc)

    @_guarded
    def download_error(self, request: Request, exc: BaseException) -> None:
        """Log a request that got no response; an error that explains itself without its traceback."""
        trace = None if isinstance(exc, (AioscrapyError, NotSupported, OSError)) else exc
        if self._formatter is not None:
            failure, problem = as_failure(exc, request), _problem(exc)
            line = self._formatter.download_error(failure, request, self._spider, problem)
            write(logger, line, self._spider, trace)
        else:
            logger.error("Error downloading %s: %s", request, _problem(exc), exc_info=trace)


def _problem(exc: BaseException) -> str:
    """Return what an exception says; one that is not of a download with its class."""
    return text_of(exc) if isinstance(exc, AioscrapyError) else error_text(exc)


def _referer(request: Request) -> str | None:
    referer = request.headers.get("Referer")
    return referer.decode("latin-1") if referer else None
