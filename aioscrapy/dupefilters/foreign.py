"""Duplicate filters of Scrapy's interface, for a crawl in the memory of one process."""

import inspect
import logging
from pathlib import Path
from typing import Any, Self

from aioscrapy import signals
from aioscrapy.context import CrawlContext
from aioscrapy.dupefilters.base import LocalDupeFilter
from aioscrapy.exceptions import SettingError
from aioscrapy.http.request import Request

logger = logging.getLogger("aioscrapy.dupefilters")

_FIRST = (
    "Filtered duplicate request: %s - no more duplicates will be shown (see DUPEFILTER_DEBUG to show all "
    "duplicates)"
)


class BaseDupeFilter:
    """Scrapy's base class: lets every request pass."""

    @classmethod
    def from_crawler(cls, crawler: Any) -> Self:
        """Create it."""
        return cls()

    def request_seen(self, request: Request) -> bool:
        """Return True if the request is a duplicate."""
        return False

    def open(self) -> Any:
        """Do nothing; for subclasses."""

    def close(self, reason: str) -> Any:
        """Do nothing; for subclasses."""

    def log(self, request: Request, spider: Any) -> None:
        """Do nothing: the frontier logs the first duplicate (DUPEFILTER_DEBUG: all)."""


class RFPDupeFilter(BaseDupeFilter):
    """Scrapy's default filter, to derive from: remembers the fingerprints in a set.

    With a folder `path` they are also in its file requests.seen, one in a line.
    """

    counts = True
    """Whether `log` counts and logs a duplicate; in a crawl with our scheduler that does it."""

    def __init__(
        self, path: str | None = None, debug: bool = False, *, fingerprinter: Any = None, **kwargs: Any
    ) -> None:
        self.fingerprinter = fingerprinter
        self.fingerprints: set[Any] = set()
        self.debug = debug
        self.logdupes = True
        self.file: Any = None
        if path is not None:
            self._read(Path(path, "requests.seen"))

    def _read(self, path: Path) -> None:
        """Read the file; a last line without its end was not written completely, and is removed."""
        self.file = path.open("a+b")
        self.file.seek(0)
        data = self.file.read()
        complete = data[: data.rfind(b"\n") + 1]
        self.file.truncate(len(complete))
        self.fingerprints.update(complete.decode().split())

    @classmethod
    def from_crawler(cls, crawler: Any) -> Self:
        """Create it with the fingerprinter of the crawl and the folder of JOBDIR."""
        debug = crawler.settings.getbool("DUPEFILTER_DEBUG")
        folder = crawler.settings["JOBDIR"] or None
        return cls(folder, debug, fingerprinter=crawler.request_fingerprinter)

    def request_fingerprint(self, request: Request) -> Any:
        """Return what identifies the request."""
        return self.fingerprinter.fingerprint(request).hex()

    def request_seen(self, request: Request) -> bool:
        """Return True if the request is a duplicate, else remember it."""
        fingerprint = self.request_fingerprint(request)
        if fingerprint in self.fingerprints:
            return True
        self.fingerprints.add(fingerprint)
        if self.file is not None:
            self.file.write(f"{fingerprint}\n".encode())
        return False

    def close(self, reason: str) -> Any:
        """Close the file."""
        if self.file is not None:
            self.file.close()

    def log(self, request: Request, spider: Any) -> None:
        """Count a duplicate, and log it: all with `debug`, else the first."""
        if not self.counts:
            return
        if self.debug:
            referer = (request.headers.get("Referer") or b"None").decode("utf-8", "replace")
            logger.debug(
                "Filtered duplicate request: %s (referer: %s)", request, referer, extra={"spider": spider}
            )
        elif self.logdupes:
            self.logdupes = False
            logger.debug(_FIRST, request, extra={"spider": spider})
        spider.crawler.stats.inc_value("dupefilter/filtered")


class ForeignDupeFilter(LocalDupeFilter):
    """A filter of Scrapy's interface in ours: it sees the requests themselves, not their fingerprints."""

    def __init__(self, dupefilter: Any, crawler: CrawlContext) -> None:
        self._filter = dupefilter
        self._crawler = crawler

    def add(self, fingerprint: Any) -> bool:
        """Return True if the filter has not seen this request."""
        seen = bool(self._filter.request_seen(fingerprint))
        if seen and hasattr(self._filter, "log"):
            self._filter.log(fingerprint, self._crawler.spider)
        return not seen

    def __contains__(self, fingerprint: object) -> bool:
        return False  # only `add` asks the filter, which remembers what it is asked

    def __len__(self) -> int:
        return 0

    def clear(self) -> None:
        """Do nothing."""


def is_foreign(filter_class: Any) -> bool:
    """Return True for a class of Scrapy's interface."""
    return not hasattr(filter_class, "shared") and hasattr(filter_class, "request_seen")


def itself(request: Request) -> Any:
    """Return the request, in the place of its fingerprint."""
    return request


def opened(dupefilter: Any, crawler: CrawlContext) -> Any:
    """Open a filter of Scrapy's interface, and close it with the crawl; return it in ours.

    Raises:
        SettingError: its `request_seen` is a coroutine function, as in aio-scrapy.
    """
    if inspect.iscoroutinefunction(dupefilter.request_seen):
        name = type(dupefilter).__qualname__
        raise SettingError(
            "DUPEFILTER_CLASS", f"{name}.request_seen is a coroutine function: make it a function"
        )
    dupefilter.counts = False
    if hasattr(dupefilter, "open"):
        dupefilter.open()
    if hasattr(dupefilter, "close"):
        crawler.signals.connect(dupefilter.close, signals.spider_closed)
    logger.debug("Duplicate filter of the project: %r", dupefilter)
    return ForeignDupeFilter(dupefilter, crawler)
