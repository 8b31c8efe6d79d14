"""The crawl as a component sees it: settings, stats, signals, spider, host limits and `stop`."""

from collections.abc import Awaitable, Callable
from typing import Any, Protocol, Self

from aioscrapy.ends import Reason
from aioscrapy.settings import Settings
from aioscrapy.shared_cookies import SharedCookies
from aioscrapy.signals import SignalManager
from aioscrapy.stats import StatsCollector


class PolitenessLike(Protocol):
    """The limits of every host, as a throttle reads and sets them."""

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

    It has no engine on purpose: a component that needs more uses a signal or a hook.

    Attributes:
        spider: the spider; None only while `Spider.from_crawler` creates it.
        politeness: the limits of every host; set before the first component is built.
        download: sends a Request past all middlewares and returns the Response, or raises DownloadError; set
            before the first downloader middleware is built.
        waiting: returns the number of requests that are known to wait; set before the spider is created.
        cookies: the cookies that the workers of the crawl share; None if each worker keeps its own.
        stop: ends the crawl soon, with a reason; works at any time.
        fail: the same for an error, with its reason (see `aioscrapy.ends`) and its text; it wins over every
            reason of `stop`, also while the crawl closes.
    """

    politeness: PolitenessLike
    download: Callable[[Any], Awaitable[Any]]
    waiting: Callable[[], int]

    def __init__(
        self,
        settings: Settings,
        stats: StatsCollector,
        signals: SignalManager,
        stop: Callable[[str], None],
        fail: Callable[[Reason, str], None],
    ) -> None:
        self.settings = settings
        self.stats = stats
        self.signals = signals
        self.stop = stop
        self.fail = fail
        self.spider: Any = None
        self.cookies: SharedCookies | None = None

    @classmethod
    def without_crawl(cls, settings: Settings, spider: Any = None) -> Self:
        """Return a context for parts that work outside of a crawl: its stats and signals reach nobody."""
        stats, signals = StatsCollector(), SignalManager()
        context = cls(settings, stats, signals, stop=lambda reason: None, fail=lambda reason, error: None)
        context.spider = spider
        return context

    def __repr__(self) -> str:
        return f"<CrawlContext of {self.spider!r}>"
