"""The base class of spiders."""

import logging
from collections.abc import Callable, Generator, Iterator
from typing import Any, Self

from aioscrapy.context import CrawlContext
from aioscrapy.hooks import settle, uses_scrapy
from aioscrapy.http.request import Request
from aioscrapy.log import SpiderLoggerAdapter
from aioscrapy.settings import Settings
from aioscrapy.signals import spider_closed
from aioscrapy.spiders.start import Start, StartRequests
from aioscrapy.stats import StatsCollector


class Spider:
    """Base class of spiders: the first requests, and a callback for each response.

    Attributes:
        name: unique in the project; `aioscrapy crawl NAME` finds it by this.
        start_urls: where the crawl begins, unless `start_requests` says otherwise.
        custom_settings: settings of this spider only; they win over the project's.
        settings, crawler, stats: set by `from_crawler`.

    The hooks `process_request(request)`, `process_response(request, response)`,
    `process_exception(request, exception)` and `process_item(item)` may be defined on the spider itself,
    with these names of arguments; they run after those of all middlewares and pipelines.
    """

    name: str = ""
    custom_settings: dict[str, Any] | None = None
    start_urls: list[str]
    crawler: CrawlContext
    settings: Settings
    stats: StatsCollector = None  # type: ignore[assignment]  # set by from_crawler

    def __init__(self, name: str | None = None, **kwargs: Any) -> None:
        if name is not None:
            self.name = name
        elif not self.name:
            raise ValueError(f"{type(self).__name__} must have a name")
        self.__dict__.update(kwargs)
        if not hasattr(self, "start_urls"):
            self.start_urls = []

    def __await__(self) -> Generator[Any, Any, Self]:
        """Allow `await super().from_crawler(…)` (aio-scrapy) as well as without await (Scrapy)."""
        return self
        yield

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name!r} at 0x{id(self):0x}>"

    @property
    def logger(self) -> logging.LoggerAdapter[logging.Logger]:
        """A logger named as the spider."""
        return SpiderLoggerAdapter(logging.getLogger(self.name), {"spider": self})

    def log(self, message: Any, level: int = logging.DEBUG, **kwargs: Any) -> None:
        """Write one log line; other arguments are those of `logging.Logger.log`."""
        self.logger.log(level, message, **kwargs)

    @classmethod
    def from_crawler(cls, crawler: CrawlContext, *args: Any, **kwargs: Any) -> Self:
        """Create the spider with its arguments and connect it with its crawl."""
        spider = cls(*args, **kwargs)
        spider._set_crawler(crawler)
        return spider

    def _set_crawler(self, crawler: CrawlContext) -> None:
        self.crawler = crawler
        self.settings = crawler.settings
        self.stats = crawler.stats
        crawler.signals.connect(self._closed, spider_closed)

    def _closed(self, reason: str) -> Any:
        result = self.close(self, reason)
        return None if result is None else settle(result)

    @staticmethod
    def close(spider: Any, reason: str) -> Any:
        """Call the spider's `closed(reason)`, if it has that method."""
        closed = getattr(spider, "closed", None)
        return closed(reason) if callable(closed) else None

    @classmethod
    def handles_request(cls, request: Request) -> bool:
        """Return True if the URL is of the spider's `allowed_domains`, or of a domain that is its name."""
        from aioscrapy.linkextractors.url_filters import url_is_from_spider

        return url_is_from_spider(request.url, cls)

    @classmethod
    def update_settings(cls, settings: Settings) -> None:
        """Override the project's settings by the spider's."""
        settings.setdict(cls.custom_settings or {}, "spider")

    start = Start()

    def start_requests(self) -> Any:
        """Return the first requests; one worker of a shared crawl runs this.

        It may be a plain or an async generator; the one of this class can be iterated in both ways.
        """
        if not self.start_urls and hasattr(self, "start_url"):
            raise AttributeError("the spider has start_url: name it start_urls, a list")
        if isinstance(self.start_urls, (str, bytes)):
            raise TypeError(f"start_urls must be a list of URLs, not the one text {self.start_urls!r}")
        return StartRequests(self._requests_of_start_urls())

    def _requests_of_start_urls(self) -> Iterator[Request]:
        unfiltered = not self._filters_start_urls()
        for url in self.start_urls:
            try:
                request = Request(url, dont_filter=unfiltered)
            except (TypeError, ValueError) as exc:  # one bad URL must not end the others
                self.logger.error("A start URL is left out: %r: %s", url, exc)
                if self.stats is not None:
                    self.stats.inc_value("start_urls/invalid_count")
                continue
            yield request

    def _filters_start_urls(self) -> bool:
        """Return False if a start URL is fetched again where a page links to it, as in Scrapy.

        That is so for a spider written for Scrapy, in a crawl of one process that is not kept.
        """
        settings = getattr(self, "settings", None)
        if settings is None:
            return True
        if settings.getpriority("FILTER_START_URLS"):
            return bool(settings.getbool("FILTER_START_URLS"))
        from aioscrapy.core.frontier import load_frontier

        return not uses_scrapy(self) or load_frontier(settings).stored

    @property
    def _parse(self) -> Callable[..., Any]:
        """The callback of a request without one; a base class of spiders has a method in its place."""
        return self.parse

    def parse(self, response: Any) -> Any:
        """Handle a response of a request without a callback: yield items and requests."""
        raise NotImplementedError(f"{type(self).__name__}.parse is not defined")
