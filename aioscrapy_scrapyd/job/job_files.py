"""The files of a job that Scrapyd names on the command line, and its log while no crawl writes it."""

import os
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import pairwise
from json import loads
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import unquote

SET = ("-s", "--set")  # options that set a setting
_TAIL = 1 << 18  # bytes of the log's end in which a reason is looked for


class JobFiles(NamedTuple):
    """What the command line says of a job.

    Attributes:
        spider: its name; "" if there is none.
        job: its id; "" if there is none.
        log: path of the log file; "" if the log goes to the daemon.
        feeds: the setting FEEDS, JSON text; "" if there is none.
    """

    spider: str
    job: str
    log: str
    feeds: str

    @classmethod
    def of(cls, argv: Sequence[str]) -> "JobFiles":
        """Read the command line `crawl SPIDER -s NAME=VALUE… -a NAME=VALUE…`; a later value wins."""
        settings = dict(_pairs(argv, *SET))
        spider = argv[1] if len(argv) > 1 and not argv[1].startswith("-") else ""
        job = dict(_pairs(argv, "-a")).get("_job", "")
        return cls(spider, job, settings.get("LOG_FILE", ""), settings.get("FEEDS", ""))


def job_feeds(files: JobFiles, project: str) -> dict[str, Any]:
    """Return the feed that Scrapyd names for its items_dir; {} if the command line has none, or another one.

    It is added to the FEEDS of the project. FEEDS that somebody else sets on the command line replace them.
    """
    try:
        feeds = loads(files.feeds or "{}")
    except ValueError:
        return {}  # the crawl reports it
    name = f"/{project}/{files.spider}/{files.job}.jl"
    is_scrapyds = isinstance(feeds, dict) and len(feeds) == 1 and unquote(next(iter(feeds))).endswith(name)
    return feeds if is_scrapyds else {}


def without_setting(argv: Sequence[str], name: str) -> list[str]:
    """Return a command line without the pairs -s NAME=VALUE of this name."""
    kept = list(argv)
    for at in range(len(argv) - 2, -1, -1):
        if kept[at] in SET and kept[at + 1].startswith(f"{name}="):
            del kept[at : at + 2]
    return kept


def _pairs(argv: Sequence[str], *options: str) -> Iterator[tuple[str, str]]:
    for option, pair in pairwise(argv):
        if option in options:
            name, _, value = pair.partition("=")
            yield name, value


class JobLog:
    """The log file of a job, for lines that no crawl writes."""

    def __init__(self, path: str) -> None:
        self._path = path

    def create(self) -> None:
        """Create the file if it does not exist: Scrapyd links to a log only if there is one.

        Raises:
            OSError: the file can't be opened.
        """
        if self._path:
            os.close(os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666))

    def write(self, level: str, text: str) -> None:
        """Append lines in Scrapy's form; a log that can't be written is left as it is."""
        if self._path:
            line = f"{time.strftime('%Y-%m-%d %H:%M:%S')} [aioscrapy.job] {level}: {text.rstrip()}\n"
            with suppress(OSError), Path(self._path).open("ab", buffering=0) as file:
                file.write(line.encode("utf-8", "backslashreplace"))

    def has(self, text: str) -> bool:
        """Return whether the end of the log has this text."""
        with suppress(OSError), Path(self._path).open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - _TAIL))
            return text.encode("utf-8", "backslashreplace") in file.read()
        return False


def report(text: str) -> None:
    """Write one line to standard error, which reaches the daemon's log."""
    with suppress(OSError, ValueError, AttributeError):  # closed or replaced by the project's code
        sys.stderr.write(f"aioscrapy: {text}\n")
        sys.stderr.flush()
