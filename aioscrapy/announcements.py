"""Announce the start and the end of a crawl, in one process or in many: log lines, signals, stats."""

import logging
from collections.abc import Sequence
from typing import Any

from aioscrapy import signals
from aioscrapy.context import CrawlContext
from aioscrapy.ends import End, Ending, Reason, error_text
from aioscrapy.exceptions import CloseSpider
from aioscrapy.settings import PRIORITIES, Settings
from aioscrapy.unread_settings import unread_settings
from aioscrapy.version import __version__, version_of

logger = logging.getLogger("aioscrapy.crawler")


def log_start(settings: Settings, spider_class: Any) -> None:
    """Log the first line of a crawl, in the form that LogParser and ScrapydWeb read; name the settings."""
    logger.info("Scrapy %s started (bot: %s, by aioscrapy)", __version__, settings["BOT_NAME"])
    if (settings.getpriority("CRAWL_PROCESSES") or 0) > max(PRIORITIES.values()):
        return  # a worker process: its parent has named them
    if names := settings.getlist("LOG_VERSIONS"):
        logger.info("Versions: %s", ", ".join(f"{name} {version_of(name)}" for name in names))
    logger.info("Overridden settings: %s", ", ".join(settings.overridden()) or "none")
    if unread := unread_settings(settings, spider_class):
        logger.warning("Nothing reads these settings: %s", unread)


async def announce_opened(context: CrawlContext) -> None:
    """Announce the start of the crawl."""
    logger.info("Spider opened")
    if hasattr(context.stats, "open_spider"):
        context.stats.open_spider(context.spider)
    for result in await context.signals.send(signals.spider_opened, spider=context.spider):
        if isinstance(result, CloseSpider):
            context.stop(result.reason)


async def announce_end(context: CrawlContext, ending: Ending, proven: End | None) -> End:
    """Announce the end: the signal, the stats, and the last line of the log.

    Return it: it is `exited` if a receiver of the signal raised SystemExit, and `output_failed` if one of a
    pipeline raised another exception.
    """

    def note(exc: BaseException) -> None:
        logger.error("The project's code raised %s at the end", type(exc).__name__, exc_info=exc)
        ending.fail_by(exc)

    reason = ending.end(proven).reason
    context.signals.on_exit = note
    await _send_closed(context, ending, reason)
    context.signals.on_exit = None
    end = ending.end(proven)
    if end.reason != reason:
        context.stats.set_value("finish_reason", end.reason)
    _close_stats(context, end)
    if end.error:
        logger.error("The crawl is not complete (%s): %s", end.reason, end.error)
    logger.info("Spider closed (%s)", end.reason)
    return end


async def _send_closed(context: CrawlContext, ending: Ending, reason: str) -> None:
    """Send spider_closed; a pipeline may write its file there, as in `close_spider`."""
    connections: Sequence[Any] = tuple(context.signals.receivers(signals.spider_closed))
    results = await context.signals.send(signals.spider_closed, spider=context.spider, reason=reason)
    pipelines = context.components.get("ITEM_PIPELINES", ())
    for connection, result in zip(connections, results, strict=False):
        owner = getattr(connection[0], "__self__", None)  # of the method that is connected
        if isinstance(result, Exception) and any(owner is pipeline for pipeline in pipelines):
            ending.fail(Reason.OUTPUT_FAILED, f"a pipeline did not close: {error_text(result)}")


def _close_stats(context: CrawlContext, end: End) -> None:
    """Log and store the stats; a collector of the project that fails does not change how the crawl ended."""
    try:
        if hasattr(context.stats, "close_spider"):
            context.stats.close_spider(context.spider, reason=end.reason)
        elif context.settings.getbool("STATS_DUMP"):
            context.stats.dump()
    except (Exception, SystemExit):  # the crawl is over: its end must reach the log
        logger.exception("The stats can't be stored")
