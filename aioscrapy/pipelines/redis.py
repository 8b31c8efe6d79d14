"""Write items to the Redis list or set that they name."""

import json
import logging
from typing import Any

from aioscrapy.db import db_manager
from aioscrapy.exceptions import SerializeError

logger = logging.getLogger(__name__)

_METHODS = ("rpush", "lpush", "sadd")


class RedisPipeline:
    """Writes an item that has `__redis__` to Redis, as JSON; the interface of aio-scrapy.

    `item["__redis__"]` is {"key_name": ..., "insert_method": "rpush" | "lpush" | "sadd", "db_alias": an alias
    of REDIS_ARGS or several, default "default"}; the pipeline removes this field from the item. It takes one
    round trip per item and alias, before the page is committed: a page that is repeated after a crash writes
    its items again (`sadd` keeps one; ITEMS_IN_REDIS writes every item once).

    Keys:
        <key_name>      list or set of JSON texts; deleted by its reader
    """

    async def process_item(self, item: Any) -> Any:
        """Write one item.

        Raises:
            SerializeError: a part of `__redis__` is missing, or JSON can't represent the item.
        """
        target = item.pop("__redis__", None) if isinstance(item, dict) else None
        if target is None:
            logger.warning("Item without __redis__, not stored: %r", item)
            return item
        key, method = target.get("key_name"), target.get("insert_method")
        if not key or method not in _METHODS:
            raise SerializeError(
                f"__redis__ must have key_name and insert_method ({', '.join(_METHODS)}): {target!r}"
            )
        try:
            text = json.dumps(item, ensure_ascii=False)
        except (TypeError, ValueError) as exc:
            raise SerializeError(f"item for the Redis key {key}: {exc}") from None
        aliases = target.get("db_alias", "default")
        for alias in [aliases] if isinstance(aliases, str) else aliases:
            await getattr(db_manager.redis(alias), method)(key, text)
        return item
