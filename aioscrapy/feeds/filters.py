"""Which items a feed takes."""

from collections.abc import Mapping
from typing import Any

from aioscrapy.components import load_object


class ItemFilter:
    """Accepts the items of the feed's item_classes, or all; a base for filters of projects.

    Args:
        feed_options: of the feed.
    """

    def __init__(self, feed_options: Mapping[str, Any] | None) -> None:
        self.feed_options = feed_options
        paths = (feed_options or {}).get("item_classes") or ()
        self.item_classes = tuple(load_object(path, "FEEDS") for path in paths)

    def accepts(self, item: Any) -> bool:
        """Return True if the feed takes this item."""
        return not self.item_classes or isinstance(item, self.item_classes)
