"""The feeds in a worker process: items are packed here, and written by the parent."""

from typing import ClassVar

from aioscrapy.context import CrawlContext
from aioscrapy.exceptions import NotConfigured
from aioscrapy.extensions.feedexport import FeedExporter
from aioscrapy.feeds.feeds import WorkerFeeds
from aioscrapy.feeds.options import feeds_of


class WorkerFeedExporter(FeedExporter):
    """Replaces the FeedExporter in a worker.

    Attributes:
        names: of the parent's feeds, in the order of FEEDS.
    """

    names: ClassVar[list[str]] = []

    @classmethod
    def from_crawler(cls, crawler: CrawlContext) -> "WorkerFeedExporter":
        """Return the feeds of the parent.

        Raises:
            NotConfigured: the parent has none.
        """
        if not cls.names:
            raise NotConfigured
        return cls(WorkerFeeds(feeds_of(crawler.settings, crawler), cls.names, crawler))
