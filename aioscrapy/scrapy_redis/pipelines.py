"""RedisPipeline: writes every item to a list in Redis, for other programs."""

import json
from collections.abc import Callable
from typing import Any, Self

from aioscrapy.components import load_object
from aioscrapy.context import CrawlContext
from aioscrapy.db import db_manager
from aioscrapy.exceptions import SerializeError
from aioscrapy.items import as_dict


def default_serialize(item: Any) -> str:
    """Return an item as JSON; a value that JSON does not know becomes its text."""
    return json.dumps(as_dict(item), ensure_ascii=False, default=str)


class RedisPipeline:
    """Appends every item to the list REDIS_ITEMS_KEY, as REDIS_ITEMS_SERIALIZER writes it.

    One round trip per item, before its page is committed: a page that is crawled again after a crash writes
    its items again. ITEMS_IN_REDIS and feeds have every item once.

    Keys:
        <REDIS_ITEMS_KEY>   list; its reader deletes the elements
    """

    def __init__(self, alias: str, key: str, serialize: Callable[[Any], Any], spider: Any) -> None:
        self._alias = alias
        self.key = key
        self.serialize = serialize
        self._spider = spider

    @classmethod
    def from_crawler(cls, crawler: CrawlContext) -> Self:
        """Create the pipeline.

        Raises:
            SettingError: the serializer can't be loaded.
        """
        settings, setting = crawler.settings, "REDIS_ITEMS_SERIALIZER"
        path = settings[setting]
        serialize = load_object(path, setting) if path else default_serialize
        alias = str(settings["SCHEDULER_QUEUE_ALIAS"])
        return cls(alias, str(settings["REDIS_ITEMS_KEY"]), serialize, crawler.spider)

    async def process_item(self, item: Any, spider: Any = None) -> Any:
        """Append one item.

        Raises:
            SerializeError: the serializer fails.
        """
        try:
            data = self.serialize(item)
        except (TypeError, ValueError) as exc:
            raise SerializeError(
                f"item for the Redis key {self.item_key(item, self._spider)}: {exc}"
            ) from None
        redis, key = db_manager.redis(self._alias), self.item_key(item, self._spider)
        await redis.rpush(key, data)
        return item

    def item_key(self, item: Any, spider: Any) -> str:
        """Return the key of an item; a subclass may choose another."""
        return self.key % {"spider": spider.name}
