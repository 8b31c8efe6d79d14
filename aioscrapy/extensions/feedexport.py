"""Writes the items of a crawl to files: the setting FEEDS."""

from aioscrapy.context import CrawlContext
from aioscrapy.exceptions import NotConfigured
from aioscrapy.feeds.feeds import Feeds, PoolFeeds
from aioscrapy.feeds.filters import ItemFilter
from aioscrapy.feeds.options import feeds_of, refuse_twins
from aioscrapy.feeds.slot import FeedSlot
from aioscrapy.feeds.storages import (
    BlockingFeedStorage,
    FeedStorageProtocol,
    FileFeedStorage,
    FTPFeedStorage,
    GCSFeedStorage,
    S3FeedStorage,
    StdoutFeedStorage,
)

__all__ = [
    "BlockingFeedStorage",
    "FTPFeedStorage",
    "FeedExporter",
    "FeedSlot",
    "FeedStorageProtocol",
    "FileFeedStorage",
    "GCSFeedStorage",
    "ItemFilter",
    "PoolFeedExporter",
    "S3FeedStorage",
    "StdoutFeedStorage",
]


class FeedExporter:
    """The feeds of the settings; the crawl commits, writes and closes them.

    Attributes:
        feeds: of this crawl.
    """

    feeds_class: type[Feeds] = Feeds

    @classmethod
    def from_crawler(cls, crawler: CrawlContext) -> "FeedExporter":
        """Create the files of FEEDS: one that can't be written must be known before the first page.

        Raises:
            NotConfigured: there are no feeds.
            FeedError: a feed's place, format or option can't be used.
        """
        feeds = feeds_of(crawler.settings, crawler)
        if not feeds:
            raise NotConfigured
        for feed in feeds:
            feed.prepare(crawler.spider)
        refuse_twins(feeds)
        return cls(cls.feeds_class(feeds, crawler))

    def __init__(self, feeds: Feeds) -> None:
        self.feeds = feeds


class PoolFeedExporter(FeedExporter):
    """The feeds of a crawl by worker processes, in the parent."""

    feeds_class = PoolFeeds
    feeds: PoolFeeds
