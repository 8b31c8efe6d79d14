"""The records of feeds in Redis, which all workers of a crawl share."""

import hashlib
import time
from collections.abc import Sequence
from typing import Any

from redis.exceptions import RedisError

from aioscrapy.crawls.keys import crawl_key, feed_suffix, spider_key
from aioscrapy.crawls.script import Script, cancellable, lua
from aioscrapy.exceptions import StoreError
from aioscrapy.feeds.store import FeedProgress, FeedState, FeedStore
from aioscrapy.queue.joining import source
from aioscrapy.queue.redis_errors import queue_error

_FORGET = -1


class RedisFeeds(FeedStore):
    """The feeds of one crawl.

    Args:
        redis: of redis-py's asyncio, without `decode_responses`.
        tag: the beginning of the spider's keys.
        crawl_id: of the crawl.
        worker: name of this worker.
        lease_s: seconds after which a silent worker counts as ended.

    Keys:
        <crawl>:feeds         hash: NUMBER.name .options .total .written .length .base .owner of every feed
        <crawl>:NUMBER:items  list: the records that the file of the feed lacks
    """

    shared = True

    def __init__(self, redis: Any, tag: str, crawl_id: str, worker: str, lease_s: float) -> None:
        self.lease_s = lease_s
        self._redis = redis
        self._tag = tag
        self._crawl_id = crawl_id
        self._worker = worker
        self._feeds = self._key("feeds")
        self._save_script = Script(lua("types.lua", "feeds.lua") + source("save_feed.lua"))
        self._read_script = Script(lua("types.lua") + source("read_feed.lua"))

    async def register(self, name: str, options: bytes, saved: FeedState | None = None) -> FeedState | None:
        number = number_of(name)
        arguments: list[Any] = [number, name, options]
        if saved is not None:
            arguments += [saved.written, saved.length or 0, saved.base, saved.total]
        keys = [self._feeds, self.key_of(number), self._key("meta")]
        script = Script(lua("types.lua") + source("register_feed.lua"))
        pairs = await self._reply(script.run(self._redis, keys, arguments))
        fields = dict(zip(pairs[::2], pairs[1::2], strict=True))
        return next((state for state in _states(fields, set()) if state.number == number), None)

    async def states(self) -> list[FeedState]:
        async with self._redis.pipeline(transaction=True) as pipe:
            pipe.hgetall(self._feeds)
            pipe.zrangebyscore(self._key("workers"), time.time() * 1000, "+inf")
            fields, alive = await self._reply(pipe.execute())
        return _states(fields, set(alive))

    async def earlier(self) -> list[tuple[FeedStore, bool]]:
        ids = await self._reply(self._redis.zrange(spider_key(self._tag, "crawls"), 0, -1))
        ids = [id.decode() for id in ids if id.decode() != self._crawl_id]
        async with self._redis.pipeline(transaction=False) as pipe:
            for id in ids:
                pipe.exists(crawl_key(self._tag, id, "feeds"))
                pipe.hget(crawl_key(self._tag, id, "meta"), "state")
            answers = await self._reply(pipe.execute()) if ids else []
        return [
            (RedisFeeds(self._redis, self._tag, id, self._worker, self.lease_s), state in {b"finished", None})
            for id, exists, state in zip(ids, answers[::2], answers[1::2], strict=True)
            if exists
        ]

    async def records(self, number: int, first: int, last: int) -> Sequence[bytes]:
        if first >= last:
            return []
        call = self._read_script.run(self._redis, [self._feeds, self.key_of(number)], [number, first, last])
        records: list[bytes] = await self._reply(call)
        return records

    def key_of(self, number: int) -> str:
        """Return the name of the list of a feed."""
        return self._key(feed_suffix(number))

    async def save(
        self, progress: FeedProgress, base: int | None = None, options: bytes | None = None
    ) -> bool:
        return await self._save(*progress, "" if base is None else base, options or b"")

    async def report_lost(self, count: int) -> None:
        await self._reply(self._redis.hincrby(self._key("meta"), "items_lost", count))

    async def forget(self, number: int) -> None:
        await self._save(number, 0, _FORGET, "")

    async def _save(
        self, number: int, written: int, length: int, base: int | str, options: bytes = b""
    ) -> bool:
        arguments = [number, written, length, self._worker, base, options]
        return bool(
            await self._reply(
                self._save_script.run(self._redis, [self._feeds, self.key_of(number)], arguments)
            )
        )

    async def _reply(self, call: Any) -> Any:
        try:
            return await cancellable(call)
        except (RedisError, OSError, TimeoutError) as exc:
            raise queue_error(exc) from exc

    def _key(self, suffix: str) -> str:
        return crawl_key(self._tag, self._crawl_id, suffix)


def number_of(name: str) -> int:
    """Return the number of a feed: the same in every process, also after Redis has lost it."""
    return int.from_bytes(
        hashlib.sha1(name.encode(), usedforsecurity=False).digest()[:5], "big"
    )  # exact as text in Lua


def _states(fields: dict[bytes, bytes], alive: set[bytes]) -> list[FeedState]:
    """Return the feeds of a hash.

    Raises:
        StoreError: another program has changed it.
    """
    try:
        return _states_of(fields, alive)
    except ValueError as exc:
        raise StoreError(f"Redis: WRONGTYPE a field of the key `feeds` is damaged: {exc}") from exc


def _states_of(fields: dict[bytes, bytes], alive: set[bytes]) -> list[FeedState]:
    feeds: dict[int, dict[str, bytes]] = {}
    for field, value in fields.items():
        number, _, name = field.decode().partition(".")
        feeds.setdefault(int(number), {})[name] = value
    return [
        FeedState(
            feed["name"].decode(),
            number,
            int(feed.get("total", 0)),
            int(feed.get("written", 0)),
            int(feed["length"]) if "length" in feed else None,
            int(feed.get("base", 0)),
            feed.get("options", b"{}"),
            alive=feed.get("owner") in alive,
        )
        for number, feed in feeds.items()
        if "name" in feed
    ]
