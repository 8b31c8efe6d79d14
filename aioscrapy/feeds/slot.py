"""A file of a feed as the handlers of `feed_slot_closed` see it."""

from dataclasses import dataclass
from typing import Any, Self

from aioscrapy.feeds.feed import Feed


@dataclass(frozen=True, slots=True)
class FeedSlot:
    """One complete file.

    Attributes:
        uri: where it is.
        uri_template: its URI with the placeholders of a row of files.
        format: of the items.
        itemcount: items in it.
        batch_id: its number in the row.
        store_empty: it is there even without an item.
        feed_options: format, encoding, fields and so on.
    """

    uri: str
    uri_template: str
    format: str
    itemcount: int
    batch_id: int
    store_empty: bool
    feed_options: dict[str, Any]

    @classmethod
    def of(cls, feed: Feed) -> Self:
        """Return the present file of a feed."""
        return cls(
            feed.uri, feed.template, feed.format, feed.count, feed.batch, feed.store_empty, feed.options
        )
