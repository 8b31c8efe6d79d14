"""What a component may know of the crawl that it works in."""

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from aioscrapy.settings import Settings
from aioscrapy.signals import SignalManager
from aioscrapy.stats import StatsCollector


class SpiderLike(Protocol):
    """What the engine and its components ask of a spider."""

    name: str
    custom_settings: Mapping[str, Any] | None

    @property
    def parse(self) -> Callable[..., Any]:
        """The callback of requests that name none: plain, generator, coroutine or async generator."""


class PolitenessLike(Protocol):
    """The limits of every host, as a throttle sees and sets them."""

    def delay(self, host: str) -> float:
        """Return the seconds between two requests to this host."""

    def set_delay(self, host: str, delay_s: float) -> None:
        """Change the seconds between two requests to this host."""

    def pause(self, host: str, seconds: float) -> None:
        """Leave a host alone for some time."""

    def concurrency(self, host: str) -> int:
        """Return the requests that this host carries now."""


class CrawlContext:
    """The `crawler` that `from_crawler` gets: settings, stats, signals, spider and `stop`.

    Deliberately not the engine: a component that needs more is told so by a signal or a hook.
    """

    def __init__(self, settings: Settings, stats: StatsCollector, signals: SignalManager) -> None:
        self.settings = settings
        self.stats = stats
        self.signals = signals
        self.spider: Any = None
        self.politeness: PolitenessLike | None = None  # there once the crawl runs
        self.stop: Callable[[str], None] = _not_running

    def __repr__(self) -> str:
        return f"<CrawlContext of {self.spider!r}>"


def _not_running(reason: str) -> None:
    """Stand in for the engine's `stop` until the crawl runs."""
