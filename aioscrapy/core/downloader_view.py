"""`crawler.engine.downloader`: what plugins ask of Scrapy's downloader."""

from typing import Any

from aioscrapy.context import CrawlContext, PolitenessLike
from aioscrapy.http.hosts import slot_of
from aioscrapy.http.request import Request


class SlotView:
    """The limits of one slot."""

    def __init__(self, politeness: PolitenessLike, key: str) -> None:
        self._politeness = politeness
        self._key = key

    @property
    def delay(self) -> float:
        """The seconds between two requests; they can be set."""
        return self._politeness.delay(self._key)

    @delay.setter
    def delay(self, delay_s: float) -> None:
        self._politeness.set_delay(self._key, delay_s)


class SlotViews:
    """The slots by their keys."""

    def __init__(self, crawler: CrawlContext) -> None:
        self._crawler = crawler

    def __getitem__(self, key: str) -> SlotView:
        return SlotView(self._crawler.politeness, key)

    def get(self, key: str, default: Any = None) -> SlotView:
        """Return the slot of this key."""
        return self[key]


class MiddlewareViews:
    """The downloader middlewares of a crawl."""

    def __init__(self, crawler: CrawlContext) -> None:
        self._components = crawler.components

    @property
    def middlewares(self) -> tuple[Any, ...]:
        """The middlewares in their order."""
        return tuple(self._components.get("DOWNLOADER_MIDDLEWARES", ()))


class DownloaderView:
    """The downloader as plugins see it.

    Attributes:
        middleware: its `middlewares` are the downloader middlewares in their order.
        slots: key of a slot -> the slot, whose `delay` can be set.
    """

    def __init__(self, crawler: CrawlContext) -> None:
        self.middleware = MiddlewareViews(crawler)
        self.slots = SlotViews(crawler)

    def get_slot_key(self, request: Request, spider: Any = None) -> str:
        """Return the key of a request's slot: meta["download_slot"], or the host."""
        return slot_of(request)

    _get_slot_key = get_slot_key  # scrapy-splash calls it by this name

    def _get_slot(self, request: Request, spider: Any = None) -> tuple[str, SlotView]:
        """Return the key and the slot of a request; scrapy-zyte-api calls it."""
        key = slot_of(request)
        return key, self.slots[key]

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(
            f"crawler.engine.downloader.{name} does not exist here: it has get_slot_key, middleware and "
            "slots (DOWNLOAD_SLOTS and meta['download_slot'] choose the limits of requests)"
        )
