"""Duplicate filters of Scrapy's interface, for a crawl in the memory of one process."""

from typing import Any, Self

from aioscrapy import signals
from aioscrapy.context import CrawlContext
from aioscrapy.dupefilters.base import LocalDupeFilter
from aioscrapy.http.request import Request
from aioscrapy.log import logger


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
    """Scrapy's default filter, to derive from: remembers the fingerprints in a set."""

    def __init__(
        self, path: str | None = None, debug: bool = False, *, fingerprinter: Any = None, **kwargs: Any
    ) -> None:
        self.fingerprinter = fingerprinter
        self.fingerprints: set[Any] = set()
        self.debug = debug
        self.logdupes = True

    @classmethod
    def from_crawler(cls, crawler: Any) -> Self:
        """Create it with the fingerprinter of the crawl."""
        debug = crawler.settings.getbool("DUPEFILTER_DEBUG")
        return cls(None, debug, fingerprinter=crawler.request_fingerprinter)

    def request_fingerprint(self, request: Request) -> Any:
        """Return what identifies the request."""
        return self.fingerprinter.fingerprint(request).hex()

    def request_seen(self, request: Request) -> bool:
        """Return True if the request is a duplicate, else remember it."""
        fingerprint = self.request_fingerprint(request)
        if fingerprint in self.fingerprints:
            return True
        self.fingerprints.add(fingerprint)
        return False


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
    """Open a filter of Scrapy's interface, and close it with the crawl; return it in ours."""
    if hasattr(dupefilter, "open"):
        dupefilter.open()
    if hasattr(dupefilter, "close"):
        crawler.signals.connect(dupefilter.close, signals.spider_closed)
    logger.debug("Duplicate filter of the project: %r", dupefilter)
    return ForeignDupeFilter(dupefilter, crawler)
