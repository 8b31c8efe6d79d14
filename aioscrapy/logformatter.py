"""The texts of a crawl's log lines, which a project may replace by LOG_FORMATTER."""

import logging
import os
from collections.abc import Mapping
from typing import Any, NotRequired, Self, TypedDict

# The texts, for the formatters of projects; their arguments are named.
SCRAPEDMSG = f"Scraped from %(src)s{os.linesep}%(item)s"
DROPPEDMSG = f"Dropped: %(exception)s{os.linesep}%(item)s"
CRAWLEDMSG = "Crawled (%(status)s) %(request)s%(request_flags)s (referer: %(referer)s)%(response_flags)s"
ITEMERRORMSG = "Error processing %(item)s"
SPIDERERRORMSG = "Spider error processing %(request)s (referer: %(referer)s)"
DOWNLOADERRORMSG_SHORT = "Error downloading %(request)s"
DOWNLOADERRORMSG_LONG = "Error downloading %(request)s: %(errmsg)s"


class LogFormatterResult(TypedDict):
    """A line as a project writes it."""

    level: int
    msg: str
    args: NotRequired[dict[str, Any] | tuple[Any, ...]]


Line = dict[str, Any] | None
"""`level`, `msg` and `args` of a line; None for no line."""


class LogFormatter:
    """Returns the lines as Scrapy's class does; derive from it to change some."""

    @classmethod
    def from_crawler(cls, crawler: Any) -> Self:
        """Create it."""
        return cls()

    def crawled(self, request: Any, response: Any, spider: Any) -> Line:
        """Return the line about a response."""
        flags = f" {response.flags}" if response.flags else ""
        return _line(
            logging.DEBUG,
            CRAWLEDMSG,
            status=response.status,
            request=request,
            request_flags=f" {request.flags}" if request.flags else "",
            referer=_referer(request),
            response_flags=flags,
            flags=flags,
        )

    def scraped(self, item: Any, response: Any, spider: Any) -> Line:
        """Return the line about an item."""
        return _line(logging.DEBUG, SCRAPEDMSG, src=response, item=item)

    def dropped(self, item: Any, exception: BaseException, response: Any, spider: Any) -> Line:
        """Return the line about an item that a pipeline dropped."""
        level = getattr(exception, "log_level", None) or spider.crawler.settings["DEFAULT_DROPITEM_LOG_LEVEL"]
        level = logging.getLevelNamesMapping()[level.upper()] if isinstance(level, str) else level
        return _line(level, DROPPEDMSG, exception=exception, item=item)

    def item_error(self, item: Any, exception: BaseException, response: Any, spider: Any) -> Line:
        """Return the line about an item at which a pipeline failed."""
        return _line(logging.ERROR, ITEMERRORMSG, item=item)

    def spider_error(self, failure: Any, request: Any, response: Any, spider: Any) -> Line:
        """Return the line about a callback that failed."""
        return _line(logging.ERROR, SPIDERERRORMSG, request=request, referer=_referer(request))

    def download_error(self, failure: Any, request: Any, spider: Any, errmsg: str | None = None) -> Line:
        """Return the line about a request that got no response."""
        text = DOWNLOADERRORMSG_LONG if errmsg else DOWNLOADERRORMSG_SHORT
        return _line(logging.ERROR, text, request=request, errmsg=errmsg)


def write(logger: logging.Logger, line: Line, spider: Any, exc: BaseException | None = None) -> None:
    """Log a line of a LogFormatter, with the traceback of an exception."""
    if not line:
        return
    level = line.get("level", logging.INFO)
    number = logging.getLevelNamesMapping()[level] if isinstance(level, str) else level
    logger.log(number, line.get("msg") or "", *arguments_of(line), exc_info=exc, extra={"spider": spider})


def arguments_of(line: Mapping[str, Any]) -> tuple[Any, ...]:
    """Return the arguments of a line's text: those of `args`, else all other values of the line."""
    arguments = line.get("args")
    if isinstance(arguments, tuple):
        return arguments
    rest = arguments or {key: value for key, value in line.items() if key not in ("level", "msg", "args")}
    return (rest,) if rest else ()


def _line(level: int | str, text: str, **arguments: Any) -> Line:
    return {"level": level, "msg": text, "args": arguments}


def _referer(request: Any) -> str | None:
    referer = request.headers.get("Referer")
    return None if referer is None else referer.decode("latin-1")
