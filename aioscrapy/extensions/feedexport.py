"""Writes the items of a crawl to files: the setting FEEDS."""

import inspect
import logging
from collections.abc import Iterable, Mapping
from importlib import import_module
from typing import Any, ClassVar, Self

from aioscrapy import signals
from aioscrapy.components import load_object
from aioscrapy.context import CrawlContext
from aioscrapy.exceptions import ConfigError, NotConfigured
from aioscrapy.feeds.feeds import Feeds, Record
from aioscrapy.feeds.filters import ItemFilter
from aioscrapy.feeds.options import feeds_of, refuse_twins
from aioscrapy.feeds.slot import FeedSlot
from aioscrapy.feeds.storages import (
    BlockingFeedStorage,
    FeedStorageProtocol,
    FileFeedStorage,
    StdoutFeedStorage,
)
from aioscrapy.feeds.uri import FeedError

__all__ = [
    "BlockingFeedStorage",
    "FeedExporter",
    "FeedSlot",
    "FeedStorageProtocol",
    "FileFeedStorage",
    "ItemFilter",
    "StdoutFeedStorage",
    "feeds_in",
    "with_feeds",
]

logger = logging.getLogger(__name__)
# Storages that are imported where they are used.
_REMOTE = ("FTPFeedStorage", "GCSFeedStorage", "S3FeedStorage")


def __getattr__(name: str) -> Any:
    """Return a storage for a server, which Scrapy has here."""
    if name in _REMOTE:
        return getattr(import_module("aioscrapy.feeds.remote_storages"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


class FeedExporter:
    """The feeds of the settings; the crawl commits, writes and closes them.

    The crawl calls the methods of a subclass as Scrapy does: `open_spider` and `close_spider` at the start
    and the end, and `item_scraped` for each item: the feeds take the items that it passes on to this class.
    Without a crawl these methods write the files, in this order.

    Attributes:
        crawler: of these feeds.
        settings: of the crawl.
        feeds: URI of FEEDS -> its options, with the defaults.
    """

    feeds_class: ClassVar[type[Feeds]] = Feeds

    @classmethod
    def from_crawler(cls, crawler: CrawlContext) -> Self:
        """Read FEEDS.

        Raises:
            NotConfigured: there are no feeds.
            FeedError: the format or an option of a feed can't be used.
        """
        return cls(crawler)

    def __init__(self, crawler: CrawlContext) -> None:
        self.crawler = crawler
        self.settings = crawler.settings
        self._all = feeds_of(crawler.settings, crawler)
        if not self._all:
            raise NotConfigured
        self.feeds = {feed.template: dict(feed.form.options) for feed in self._all}
        self._output = self.feeds_class(self._all, crawler)
        self._records: list[Record] | None = None  # of the item that the crawl packs
        self._in_crawl = False

    @property
    def slots(self) -> list[FeedSlot]:
        """The present files."""
        return [FeedSlot.of(feed) for feed in self._all]

    def begin(self, spider: Any) -> Feeds:
        """Create the files, and return the feeds, which the crawl opens, writes and closes.

        Raises:
            FeedError: a file can't be written.
            ConfigError: a method of a subclass can't be called.
        """
        if self._output.is_writer:
            self._prepare(spider)
        self._in_crawl = True
        own = type(self)
        if own.item_scraped is not FeedExporter.item_scraped:
            if inspect.iscoroutinefunction(own.item_scraped):
                raise ConfigError(
                    f"{own.__qualname__}.item_scraped is a coroutine function: make it a function"
                )
            self._output.pack = self._pack
        if own.open_spider is not FeedExporter.open_spider:
            self.crawler.signals.connect(self.open_spider, signals.spider_opened)
        if own.close_spider is not FeedExporter.close_spider:
            self.crawler.signals.connect(self.close_spider, signals.spider_closed)
        return self._output

    def open_spider(self, spider: Any) -> None:
        """Create the files, if no crawl does.

        Raises:
            FeedError: a file can't be written.
        """
        if not self._in_crawl:
            self._prepare(spider)
            self._output.begin()

    def item_scraped(self, item: Any, spider: Any) -> None:
        """Put an item into the feeds that accept it."""
        records = self._output.pack_item(item, None)
        if self._records is not None:
            self._records += records
        elif not self._in_crawl:
            self._output.write(records)

    async def close_spider(self, spider: Any) -> None:
        """Complete the files, if no crawl does."""
        if not self._in_crawl:
            await self._output.close(finished=True)

    def _prepare(self, spider: Any) -> None:
        for feed in self._all:
            try:
                feed.prepare(spider)
            except FeedError:
                raise
            except (TypeError, ValueError) as exc:  # %(pages)d for an argument, which is a text
                raise FeedError(feed.template, f"{type(exc).__name__}: {exc}") from exc
        refuse_twins(self._all)

    def _pack(self, item: Any, response: Any) -> list[Record]:
        """Return the records of the items that `item_scraped` of a subclass passes on for this item."""
        records: list[Record] = []
        self._records = records
        try:
            self.item_scraped(item=item, spider=self.crawler.spider)
        except Exception:  # a handler of a signal that fails does not end a crawl in Scrapy
            self.crawler.stats.inc_value("feedexport/item_error_count")
            logger.exception("%s.item_scraped failed for an item from %s", type(self).__qualname__, response)
        finally:
            self._records = None
        return records


def feeds_in(extensions: Iterable[Any], spider: Any) -> Feeds | None:
    """Begin the feeds of the FeedExporter among these extensions; None if there is none.

    Raises:
        FeedError: a file can't be written.
        ConfigError: there are two FeedExporters, which would write the same files.
    """
    exporters = [part for part in extensions if isinstance(part, FeedExporter)]
    if len(exporters) > 1:
        names = " and ".join(type(exporter).__qualname__ for exporter in exporters)
        raise ConfigError(
            f"EXTENSIONS: {names} write the same files: set FeedExporter's path to None, or remove the other"
        )
    return exporters[0].begin(spider) if exporters else None


def with_feeds(extensions: Mapping[Any, Any], feeds_class: type[Feeds] | None) -> dict[Any, Any]:
    """Return EXTENSIONS as class -> order; the FeedExporter has other feeds, or is absent.

    Args:
        extensions: class or path -> order.
        feeds_class: for a process of a pool; None if the FeedExporter is left out.

    Raises:
        SettingError: a class can't be loaded.
    """
    orders: dict[Any, Any] = {}
    for path, order in extensions.items():
        cls = load_object(path, "EXTENSIONS")
        if not (isinstance(cls, type) and issubclass(cls, FeedExporter)):
            orders[cls] = order
        elif feeds_class is not None:
            orders[type(cls.__name__, (cls,), {"feeds_class": feeds_class})] = order
    return orders
