"""The base class of spiders, and how a script starts one."""

import logging
from collections.abc import AsyncIterator, Generator
from typing import Any, Self

from aioscrapy.context import CrawlContext
from aioscrapy.exceptions import AioscrapyError
from aioscrapy.hooks import settle
from aioscrapy.http.request import Request
from aioscrapy.project import settings_here
from aioscrapy.settings import Settings
from aioscrapy.signals import spider_closed
from aioscrapy.stats import StatsCollector


class Spider:
    """Base class of spiders: the first requests, and a callback for each response.

    Attributes:
        name: unique in the project; `aioscrapy crawl NAME` finds it by this.
        start_urls: where the crawl begins, unless `start_requests` says otherwise.
        custom_settings: settings of this spider only; they win over the project's.
        settings, crawler, stats: set by `from_crawler`.

    The hooks `process_request(request)`, `process_response(request, response)`,
    `process_exception(request, exception)` and `process_item(item)` may be defined on the spider itself;
    they run after those of all middlewares and pipelines.
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
        return f"<{type(self).__name__} {self.name!r}>"

    @property
    def logger(self) -> logging.LoggerAdapter[logging.Logger]:
        """A logger named as the spider."""
        return logging.LoggerAdapter(logging.getLogger(self.name), {"spider": self})

    def log(self, message: str, level: int = logging.DEBUG) -> None:
        """Write one log line."""
        self.logger.log(level, "%s", message)

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

    async def _closed(self, reason: str) -> None:
        closed = getattr(self, "closed", None)
        if callable(closed):
            await settle(closed(reason))

    @classmethod
    def update_settings(cls, settings: Settings) -> None:
        """Override the project's settings by the spider's."""
        settings.setdict(cls.custom_settings or {}, "spider")

    async def start_requests(self) -> AsyncIterator[Request]:
        """Yield the first requests; one worker of a shared crawl runs this. It may be a plain generator."""
        if not self.start_urls and hasattr(self, "start_url"):
            raise AttributeError("the spider has start_url: name it start_urls, a list")
        if isinstance(self.start_urls, str | bytes):
            raise TypeError(f"start_urls must be a list of URLs, not the one text {self.start_urls!r}")
        for url in self.start_urls:
            try:
                request = Request(url)
            except (TypeError, ValueError) as exc:  # one bad URL must not end the others
                self.logger.error("A start URL is left out: %r: %s", url, exc)
                if self.stats is not None:
                    self.stats.inc_value("start_urls/invalid_count")
                continue
            yield request

    def parse(self, response: Any) -> Any:
        """Handle a response of a request without a callback: yield items and requests."""
        raise NotImplementedError(f"{type(self).__name__}.parse is not defined")

    @classmethod
    def start(
        cls,
        setting_path: str | None = None,
        use_windows_selector_eventLoop: bool = False,  # noqa: N803 aio-scrapy's name
    ) -> None:
        """Crawl with this spider, from a script; return at the end if the crawl is complete or was stopped.

        Args:
            setting_path: dotted path of a settings module that overrides the project's.
            use_windows_selector_eventLoop: accepted because aio-scrapy has it; without effect.

        Raises:
            SystemExit: the crawl could not begin, or is not complete (see docs/ends.md).
        """
        # not at module level: a listing of spiders must not load the whole crawler
        from aioscrapy.process import CrawlerProcess

        settings = settings_here()
        if setting_path is not None:
            settings.setmodule(setting_path)
        try:
            process = CrawlerProcess(settings)
            crawl = process.crawl(cls)
            process.start()
        except AioscrapyError as exc:
            raise SystemExit(f"{cls.name}: {exc}") from None
        if crawl.end is not None and crawl.end.exit_status:
            raise SystemExit(crawl.end.exit_status)
