"""The feeds of a crawl by several processes: what they commit to Redis goes to the files once."""

import os
import socket
import uuid
from collections.abc import Callable
from typing import Any

from aioscrapy.crawls.catalog import Crawl, Crawls
from aioscrapy.exceptions import SerializeError
from aioscrapy.log import logger

_OWNER_MS = 15_000  # ms without a sign of life after which another run may write the feed of this crawl


class ItemFeed:
    """Writes the items of a crawl, in the order in which their pages were committed, and takes them away.

    Of two runs on one crawl the first writes; the other goes on where it has ended.

    Args:
        crawls: of the Redis that has the crawl.
        crawl: which.
        write: takes one item, and the response where that is known.
        kept_s: seconds that it is remembered which items were written, where they stay (ITEMS_IN_REDIS); 0
            where each is taken away once it is written.

    Keys:
        <crawl>:feed    string: who writes; expires after 15 seconds
        <crawl>:fed     string: how many items were written of those that stay; expires after `kept_s`
    """

    def __init__(
        self, crawls: Crawls, crawl: Crawl, write: Callable[[Any, Any], None], kept_s: float
    ) -> None:
        self._crawls = crawls
        self._redis = crawls.redis
        self._crawl = crawl
        self._write = write
        self._kept_ms = int(kept_s * 1000)
        self._name = f"{socket.gethostname()}:{os.getpid()}:{uuid.uuid4().hex[:8]}".encode()
        self._told = False

    async def drain(self) -> None:
        """Write what is there. Some round trips for 1000 items."""
        if not await self._mine():
            return
        key, fed = self._crawl.key("items"), self._crawl.key("fed")
        done = int(await self._redis.get(fed) or 0) if self._kept_ms else 0
        while page := await self._redis.lrange(key, done, done + 999):
            for payload in page:
                self._write_one(payload)
            if self._kept_ms:
                done += len(page)
                await self._redis.set(fed, done, px=self._kept_ms)
            else:
                await self._crawls.drop_items(self._crawl, len(page), page[0], page[-1])
            await self._mine()

    async def close(self) -> None:
        """Let another run write."""
        if await self._mine():
            await self._redis.delete(self._crawl.key("feed"))

    def _write_one(self, payload: bytes) -> None:
        try:
            item = self._crawls.loads(payload)
        except SerializeError as exc:
            logger.error("An item in Redis can't be read, it is missing in the feed: %s", exc)
            return
        self._write(item, None)

    async def _mine(self) -> bool:
        """Tell whether this run writes the feed; says so once where another does."""
        key = self._crawl.key("feed")
        if await self._redis.set(key, self._name, nx=True, px=_OWNER_MS):
            return True
        owner = await self._redis.get(key)
        if owner == self._name:
            await self._redis.pexpire(key, _OWNER_MS)
            return True
        if owner and not self._told:
            self._told = True
            logger.warning("The items of crawl %s go to the feed of %s", self._crawl.id, owner.decode())
        return False
