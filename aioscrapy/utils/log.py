"""Logging: the handler on the root logger, and lines of a crawl."""

import logging
import sys
from collections.abc import Mapping
from types import TracebackType
from typing import Any

from aioscrapy.log import SpiderLoggerAdapter, logger
from aioscrapy.log import StdoutToLog as StreamLogger
from aioscrapy.log import install_root_handler as install_scrapy_root_handler
from aioscrapy.log import root_handler as get_scrapy_root_handler
from aioscrapy.log import uninstall_root_handler as _uninstall_scrapy_root_handler
from aioscrapy.logformatter import arguments_of
from aioscrapy.settings import Settings
from aioscrapy.version import __version__

__all__ = [
    "LogCounterHandler",
    "SpiderLoggerAdapter",
    "StreamLogger",
    "TopLevelFormatter",
    "_uninstall_scrapy_root_handler",
    "configure_logging",
    "failure_to_exc_info",
    "get_scrapy_root_handler",
    "install_scrapy_root_handler",
    "log_reactor_info",
    "log_scrapy_info",
    "logformatter_adapter",
    "logger",
]


def configure_logging(
    settings: Settings | Mapping[str, Any] | None = None, install_root_handler: bool = True
) -> None:
    """Log as a crawl with these settings does; for scripts."""
    own = settings if isinstance(settings, Settings) else Settings(settings)
    if not sys.warnoptions:
        logging.captureWarnings(True)
    if install_root_handler and own.getbool("LOG_INSTALL_ROOT_HANDLER", True):
        install_scrapy_root_handler(own)
    elif own.getbool("LOG_STDOUT"):
        sys.stdout = StreamLogger()


def log_scrapy_info(settings: Settings) -> None:
    """Log the version and the project."""
    logger.info("Scrapy %s started (bot: %s, by aioscrapy)", __version__, settings["BOT_NAME"])


def log_reactor_info() -> None:
    """Do nothing: there is no reactor."""


def failure_to_exc_info(
    failure: Any,
) -> tuple[type[BaseException], BaseException, TracebackType | None] | None:
    """Return (class, exception, traceback) of a failure, for `exc_info`; None for another value."""
    value = getattr(failure, "value", failure)
    if isinstance(value, BaseException):
        trace = (
            failure.getTracebackObject() if hasattr(failure, "getTracebackObject") else value.__traceback__
        )
        return type(value), value, trace
    return None


class TopLevelFormatter(logging.Filter):
    """Shortens the names of loggers below some names to the first part."""

    def __init__(self, loggers: list[str] | None = None) -> None:
        super().__init__()
        self.loggers = loggers or []

    def filter(self, record: logging.LogRecord) -> bool:
        """Shorten the name of the record's logger; keep every record."""
        if any(record.name.startswith(f"{name}.") for name in self.loggers):
            record.name = record.name.partition(".")[0]
        return True


class LogCounterHandler(logging.Handler):
    """Counts log lines by level in the stats."""

    def __init__(self, crawler: Any, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.crawler = crawler

    def emit(self, record: logging.LogRecord) -> None:
        """Count a line."""
        self.crawler.stats.inc_value(f"log_count/{record.levelname}")


def logformatter_adapter(logkws: Mapping[str, Any]) -> tuple[Any, ...]:
    """Return the positional arguments of `logger.log` for a LogFormatter's dict."""
    level, message = logkws.get("level", logging.INFO), logkws.get("msg") or ""
    return level, message, *arguments_of(logkws)
