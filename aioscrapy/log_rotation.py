"""A log file that begins anew at a size or after a time (LOG_ROTATION)."""

import logging
import re
from logging.handlers import RotatingFileHandler, TimedRotatingFileHandler
from pathlib import Path

from aioscrapy.exceptions import SettingError
from aioscrapy.settings import Settings

_FORM = re.compile(r"(\d+(?:\.\d+)?) ?([a-z]+)", re.IGNORECASE)
_BYTES = {"b": 1, "kb": 10**3, "mb": 10**6, "gb": 10**9, "kib": 2**10, "mib": 2**20, "gib": 2**30}
_SECONDS = {"second": 1, "minute": 60, "hour": 3600, "day": 86400, "week": 604800}


def rotating_handler(path: str, settings: Settings) -> logging.Handler:
    """Create the handler of LOG_FILE for the rule of LOG_ROTATION; it keeps LOG_RETENTION earlier files.

    Raises:
        OSError: the file can't be opened.
        SettingError: the rule is neither a size nor a time.
    """
    rule, kept, encoding = (
        settings["LOG_ROTATION"],
        settings.getint("LOG_RETENTION"),
        settings["LOG_ENCODING"],
    )
    match = _FORM.fullmatch(rule.strip())
    amount, unit = (float(match[1]), match[2].lower()) if match else (0.0, "")
    size = int(amount * _BYTES.get(unit, 0))
    seconds = int(amount * _SECONDS.get(unit.removesuffix("s"), 0))
    if not size and not seconds:
        raise SettingError(
            "LOG_ROTATION", f"{rule!r} is neither a size such as '20 MB' nor a time such as '1 day'"
        )
    if not settings.getbool("LOG_FILE_APPEND"):
        Path(path).write_bytes(b"")  # the handlers append
    errors = "backslashreplace"
    if size:
        return RotatingFileHandler(path, maxBytes=size, backupCount=kept, encoding=encoding, errors=errors)
    return TimedRotatingFileHandler(path, "s", seconds, kept, encoding, errors=errors)
