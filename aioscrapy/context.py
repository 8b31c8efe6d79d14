"""The crawl as a component sees it: settings, stats, signals, spider, host limits, engine and `stop`."""

from collections.abc import Awaitable, Callable
from typing import Any, Protocol, Self

from aioscrapy.settings import Settings
from aioscrapy.shared_cookies import SharedCookies
from aioscrapy.signals import SignalManager
from aioscrapy.stats import StatsCollector


class PolitenessLike(Protocol):
    """The limits of every host, as a throttle reads and sets them."""

    waits: bool
    """Whether a host has had a delay or a pause; until then every turn is now."""

    def delay(self, host: str) -> float:
        """Return the seconds between two requests to this host."""

    def set_delay(self, host: str, delay_s: float) -> None:
        """Change the seconds between two requests to this host."""

    def pause(self, host: str, seconds: float) -> None:
        """Send nothing to a host for some time."""

    def turn(self, host: str) -> float:
        """Return 0 if a request to this host may be sent now, else the seconds after which to ask again."""


class CrawlContext:
    """The `crawler` argument of `from_crawler`.

    Attributes:
        spidercls: the class of the spider.
        spider: the spider; None only while `Spider.from_crawler` creates it.
        engine: the running engine: `download`, `crawl`, `close_spider`, `pause` and so on.
        politeness: the limits of every host; set before the first component is built.
        download: sends a Request of a middleware through all downloader middlewares; returns the Response,
            or raises DownloadError; set before the first downloader middleware is built.
        waiting: returns the number of requests that are known to wait; set before the spider is created.
        cookies: the cookies that the workers of the crawl share; None if each worker keeps its own.
        request_fingerprinter: its `fingerprint(request)` returns the bytes that identify a request.
        logformatter: the texts of log lines (LOG_FORMATTER); None: those of aioscrapy.
        components: setting -> the components that were created for it.
        stop: ends the crawl soon, with a reason; works at any time.
        fail: the same for an error, with its reason (see `aioscrapy.ends`) and its text; it wins over every
            reason of `stop`, also while the crawl closes. With `stop=False` the crawl goes on to its end.
    """

    politeness: PolitenessLike
    download: Callable[[Any], Awaitable[Any]]
    waiting: Callable[[], int]
    stats: Any = None
    spidercls: Any = None
    engine: Any = None
    request_fingerprinter: Any = None
    logformatter: Any = None

    def __init__(
        self,
        settings: Settings,
        stats: StatsCollector,
        signals: SignalManager,
        stop: Callable[[str], object],
        fail: Callable[..., None],
    ) -> None:
        self.settings = settings
        self.stats = stats
        self.signals = signals
        self.stop = stop
        self.fail = fail
        self.spider: Any = None
        self.cookies: SharedCookies | None = None
        self.components: dict[str, list[Any]] = {}

    @classmethod
    def without_crawl(cls, settings: Settings, spider: Any = None) -> Self:
        """Return a context for parts that work outside of a crawl: its stats and signals reach nobody."""
        stats, signals = StatsCollector(), SignalManager()
        context = cls(settings, stats, signals, stop=lambda reason: None, fail=lambda *_, **__: None)
        context.spider = spider
        context.spidercls = type(spider)
        return context

    def get_addon(self, cls: type[Any]) -> Any:
        """Return the add-on of this class; None if there is none."""
        return self._component("ADDONS", cls)

    def get_extension(self, cls: type[Any]) -> Any:
        """Return the extension of this class; None if there is none.

        Raises:
            RuntimeError: the extensions are not created yet; so for the other `get_` methods.
        """
        return self._component("EXTENSIONS", cls)

    def get_downloader_middleware(self, cls: type[Any]) -> Any:
        """Return the downloader middleware of this class; None if there is none."""
        return self._component("DOWNLOADER_MIDDLEWARES", cls)

    def get_spider_middleware(self, cls: type[Any]) -> Any:
        """Return the spider middleware of this class; None if there is none."""
        return self._component("SPIDER_MIDDLEWARES", cls)

    def get_item_pipeline(self, cls: type[Any]) -> Any:
        """Return the item pipeline of this class; None if there is none."""
        return self._component("ITEM_PIPELINES", cls)

    def _component(self, setting: str, cls: type[Any]) -> Any:
        components = self.components.get(setting)
        if components is None:
            raise RuntimeError(f"the components of {setting} are not created yet")
        return next((component for component in components if isinstance(component, cls)), None)

    def __repr__(self) -> str:
        return f"<CrawlContext of {self.spider!r}>"
