"""Logging: one handler on the root logger, in the line form that LogParser and ScrapydWeb read."""

import contextlib
import logging
import sys
from collections.abc import MutableMapping
from types import TracebackType
from typing import Any

from aioscrapy.ends import without_passwords
from aioscrapy.exceptions import SettingError
from aioscrapy.settings import PRIORITIES, Settings

logger = logging.getLogger("aioscrapy")

_QUIET = ("asyncio", "aiohttp", "redis", "charset_normalizer")
# The handler of a script that logs before and after its crawls.
_script_handlers: list[logging.Handler] = []
# handler -> logger -> its level before `configure_logging`
_levels_before: dict[logging.Handler, dict[str | None, int]] = {}


def configure_logging(settings: Settings, handler: logging.Handler | None = None) -> logging.Handler:
    """Add one handler to the root logger: this one, else LOG_FILE, else standard error, else nothing.

    Returns:
        The handler, for `remove_handler`.

    Raises:
        SettingError: LOG_LEVEL is not a level, or LOG_FILE can't be opened.
    """
    if handler is None and not settings.getbool("LOG_INSTALL_ROOT_HANDLER"):
        return logging.NullHandler()  # the project has configured logging itself
    handler = handler or _handler(settings)
    formatter = TerminalFormatter if _on_terminal(handler) else LineFormatter
    handler.setFormatter(formatter(settings["LOG_FORMAT"], settings["LOG_DATEFORMAT"]))
    level = _level(settings)
    handler.setLevel(level)
    root = logging.getLogger()
    root.addHandler(handler)
    _levels_before[handler] = {name: logging.getLogger(name).level for name in (None, *_QUIET)}
    root.setLevel(level)
    logging.captureWarnings(True)
    for name in _QUIET:
        logging.getLogger(name).setLevel(max(level, logging.WARNING))
    if settings.getbool("LOG_STDOUT"):
        sys.stdout = StdoutToLog()
    return handler


def remove_handler(handler: logging.Handler) -> None:
    """Remove the handler, close its file, and restore the levels of the loggers."""
    logging.getLogger().removeHandler(handler)
    handler.close()
    logging.captureWarnings(False)
    for name, level in _levels_before.pop(handler, {}).items():
        logging.getLogger(name).setLevel(level)
    if isinstance(sys.stdout, StdoutToLog):
        sys.stdout = sys.__stdout__


def install_root_handler(settings: Settings) -> None:
    """Put the handler of these settings on the root logger, in the place of an earlier one; for scripts."""
    uninstall_root_handler()
    _script_handlers.append(configure_logging(settings))


def uninstall_root_handler() -> None:
    """Remove the handler of a script."""
    while _script_handlers:
        remove_handler(_script_handlers.pop())


def root_handler() -> logging.Handler | None:
    """Return the handler that a script has installed; None if there is none."""
    return _script_handlers[0] if _script_handlers else None


def follow_spider(settings: Settings) -> None:
    """Replace the handler of a script if the spider has settings of the log of its own."""
    own = PRIORITIES["spider"]
    if _script_handlers and any(
        name.startswith("LOG_") and (settings.getpriority(name) or 0) >= own for name in settings
    ):
        install_root_handler(settings)


def _level(settings: Settings) -> int:
    value = settings["LOG_LEVEL"]
    level = value if isinstance(value, int) else logging.getLevelNamesMapping().get(str(value).upper())
    if level is None:
        raise SettingError("LOG_LEVEL", f"{value!r} is not one of DEBUG, INFO, WARNING, ERROR, CRITICAL")
    return level


def _handler(settings: Settings) -> logging.Handler:
    if not settings.getbool("LOG_ENABLED"):
        return logging.NullHandler()
    path = settings["LOG_FILE"]
    if not path:
        return logging.StreamHandler()
    mode = "a" if settings.getbool("LOG_FILE_APPEND") else "w"
    try:
        if settings["LOG_ROTATION"]:
            from aioscrapy.log_rotation import rotating_handler

            return rotating_handler(path, settings)
        return LogFile(path, mode, encoding=settings["LOG_ENCODING"], errors="backslashreplace")
    except OSError as exc:
        raise SettingError("LOG_FILE", f"can't be opened: {exc}") from None


class LineFormatter(logging.Formatter):
    """Makes the lines of a record, without the passwords of URLs (of sites, proxies, servers)."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the lines of a record."""
        return without_passwords(super().format(record))


class TerminalFormatter(LineFormatter):
    """Writes control characters as escapes: a terminal would obey those in the text of a site."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the lines of a record."""
        return self.escape(super().format(record))

    @staticmethod
    def escape(text: str) -> str:
        """Return text without control characters."""
        from aioscrapy_deploy.terminal.text import printable  # only a terminal needs it

        return printable(text)


def _on_terminal(handler: logging.Handler) -> bool:
    stream = getattr(handler, "stream", None)
    return stream is not None and hasattr(stream, "isatty") and stream.isatty()


class LogFile(logging.FileHandler):
    """A file of log lines. If it can't be written (a full disk), standard error says so once."""

    _is_reported = False

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 logging's name
        """Report an error of the disk once; other errors as logging does."""
        exc = sys.exc_info()[1]
        if isinstance(exc, OSError):
            self._report(exc)
        else:
            super().handleError(record)

    def close(self) -> None:
        """Close the file; the crawl has ended, and a line that can't be written changes nothing."""
        try:
            super().close()
        except OSError as exc:
            self._report(exc)

    def _report(self, exc: OSError) -> None:
        if not self._is_reported and sys.stderr is not None:
            self._is_reported = True
            with contextlib.suppress(OSError):
                sys.stderr.write(f"aioscrapy: LOG_FILE can't be written, lines are missing: {exc}\n")


class SpiderLoggerAdapter(logging.LoggerAdapter[logging.Logger]):
    """Adds the spider to the `extra` of a call, instead of replacing that."""

    def process(self, msg: Any, kwargs: MutableMapping[str, Any]) -> tuple[Any, MutableMapping[str, Any]]:
        """Return the message and the arguments of the log call."""
        kwargs["extra"] = {**(kwargs.get("extra") or {}), **(self.extra or {})}
        return msg, kwargs


class StdoutToLog:
    """A standard output whose lines become log lines of a logger, `stdout` by default."""

    def __init__(self, logger: logging.Logger | None = None, log_level: int = logging.INFO) -> None:
        self.logger = logger or logging.getLogger("stdout")
        self.log_level = log_level
        self._rest = ""

    def write(self, text: str) -> int:
        """Log every complete line."""
        *lines, self._rest = (self._rest + text).split("\n")
        for line in lines:
            self.logger.log(self.log_level, "%s", line)
        return len(text)

    def flush(self) -> None:
        """Flush the handlers of the logger; a line is logged when it is complete."""
        for handler in self.logger.handlers:
            handler.flush()

    def isatty(self) -> bool:
        """Return False."""
        return False

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        """Do nothing: a stream is a context manager too."""
