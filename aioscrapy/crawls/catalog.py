"""The crawls in a Redis, read and changed from outside: for the commands crawls, items, failed and push."""

import re
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgpack
from redis.exceptions import RedisError, ResponseError

from aioscrapy.crawls.feeds import feed_keys
from aioscrapy.crawls.keys import OWN, PREFIX, crawl_key, plain, spider_key, tag_of
from aioscrapy.crawls.member import Member
from aioscrapy.crawls.script import Script, lua
from aioscrapy.exceptions import ConfigError, QueueError, SerializeError

BATCH = 1000  # items, dead letters or pushed requests in one round trip


@dataclass(frozen=True, slots=True)
class Crawl:
    """The name of a crawl: the project's BOT_NAME, the spider's name, the id."""

    bot: str
    spider: str
    id: str
    created: int = field(default=0, compare=False)  # ms since 1970
    current: bool = field(default=False, compare=False)  # a worker that names no crawl joins this one

    @property
    def tag(self) -> str:
        """The beginning of all keys of the spider."""
        return tag_of(self.bot, self.spider)

    def key(self, suffix: str) -> str:
        """Return the name of one of its own keys."""
        return crawl_key(self.tag, self.id, suffix)

    def own_keys(self) -> list[str]:
        """Return the names of all keys that belong to this crawl only."""
        return [self.key(suffix) for suffix in OWN]


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A request that failed permanently."""

    id: int
    url: str  # the beginning of the data if it is not a request
    reason: str


class Crawls:
    """The crawls of one project, or of all projects, in one Redis.

    Args:
        redis: of redis-py's asyncio, without `decode_responses`.
        bot: BOT_NAME; "" for all projects.
        loads: reads the bytes of an item or of a request; raises SerializeError.
    """

    def __init__(self, redis: Any, bot: str, loads: Callable[[bytes], Any]) -> None:
        self.redis = redis
        self.loads = loads
        self._bot = plain(bot)

    async def all(self) -> list[Crawl]:
        """Return every crawl that was not deleted, the newest first."""
        crawls = []
        for bot, spider in await self.spiders():
            crawls += await self.of_spider(bot, spider)
        return sorted(crawls, key=lambda crawl: crawl.created, reverse=True)

    async def of_spider(self, bot: str, spider: str, count: int = 0) -> list[Crawl]:
        """Return the newest `count` crawls of a spider, the newest first; 0 for all. Two round trips."""
        tag = tag_of(bot, spider)
        current = await self._current(tag)
        rows = await self.redis.zrange(
            spider_key(tag, "crawls"), 0, count - 1 if count else -1, desc=True, withscores=True
        )
        names = [(_name(id), created) for id, created in rows]
        return [
            Crawl(bot, spider, id, _time(created), id == current) for id, created in names if id is not None
        ]

    async def named(self, bot: str, spider: str, id: str) -> Crawl | None:
        """Return the crawl of this full name; None if there is none. Two round trips."""
        tag = tag_of(bot, spider)
        created = await self.redis.zscore(spider_key(tag, "crawls"), id)
        if created is None:
            return None
        return Crawl(bot, spider, id, _time(created), id == await self._current(tag))

    async def find(self, name: str) -> Crawl:
        """Return the crawl of this id, or the current crawl of this spider.

        Args:
            name: ID or SPIDER; SPIDER/ID, PROJECT/SPIDER or PROJECT/SPIDER/ID if that is ambiguous.

        Raises:
            ConfigError: no crawl has the name, or several have it.
        """
        matches = {}
        for bot, spider in await self.spiders():
            tag = tag_of(bot, spider)
            current = await self._current(tag)
            prefixes = ("", f"{spider}/", f"{bot}/{spider}/")
            ids = {name.removeprefix(prefix) for prefix in prefixes if name.startswith(prefix)}
            if name in {spider, f"{bot}/{spider}"}:
                ids.add(current)
            for id in ids:
                created = await self.redis.zscore(spider_key(tag, "crawls"), id)
                if created is not None:
                    matches[f"{bot}/{spider}/{id}"] = Crawl(bot, spider, id, _time(created), id == current)
        if len(matches) == 1:
            return matches.popitem()[1]
        if matches:
            raise ConfigError(f"several crawls are named {name!r}: use {' or '.join(sorted(matches))}")
        raise ConfigError(f"this Redis has no crawl {name!r}, and no spider {name!r} with a current crawl")

    async def stop(self, crawl: Crawl) -> bool:
        """End all workers, the idle ones at once; return False if the crawl was stopped before.

        Raises:
            ConfigError: the crawl has finished.
        """
        return await self._set_stopped(crawl, 1)

    async def resume(self, crawl: Crawl) -> bool:
        """Let workers join again; return False if the crawl was not stopped.

        Raises:
            ConfigError: the crawl has finished.
        """
        return await self._set_stopped(crawl, 0)

    async def delete(self, crawl: Crawl, *, force: bool = False) -> int:
        """Delete every key of the crawl, and its names; return the number of keys.

        If it had not ended, a mark stays for a day: its workers read it and end.

        Raises:
            ConfigError: workers are alive, and `force` is not set.
        """
        keys = [spider_key(crawl.tag, "current"), spider_key(crawl.tag, "crawls")]
        keys += [crawl.key("workers"), crawl.key("deleted"), *crawl.own_keys()]
        keys += await feed_keys(self.redis, crawl.tag, crawl.id)
        alive, deleted = await Script(lua("delete.lua")).run(self.redis, keys, [crawl.id, int(force)])
        if deleted < 0:
            raise ConfigError(
                f"crawl {crawl.id} has {alive} live workers: stop it first "
                f"(aioscrapy crawls stop {crawl.id}), or use --force"
            )
        return int(deleted)

    async def items(self, crawl: Crawl) -> AsyncIterator[list[bytes]]:
        """Yield the stored items, the oldest first, in batches.

        Raises:
            QueueError: another program removes items at the same time.
        """
        key = crawl.key("items")
        total = await self.redis.llen(key)
        for start in range(0, total, BATCH):
            end = min(start + BATCH, total)
            batch = await self.redis.lrange(key, start, end - 1)
            if len(batch) < end - start:
                raise QueueError(f"another program removes items of crawl {crawl.id}: export them again")
            yield batch

    async def drop_items(self, crawl: Crawl, count: int, first: bytes, last: bytes) -> None:
        """Remove the oldest `count` items, of which these are the first and the last.

        Raises:
            QueueError: another program has removed some; nothing is changed.
        """
        arguments = [count, first, last]
        if not await Script(lua("types.lua", "trim.lua")).run(self.redis, [crawl.key("items")], arguments):
            raise QueueError(
                f"another program has removed items of crawl {crawl.id}: none is deleted, export them again"
            )

    async def failed(self, crawl: Crawl) -> AsyncIterator[DeadLetter]:
        """Yield the dead letters, in no order."""
        ids: set[int] = set()  # HSCAN may return one twice
        async for id, letter in self.redis.hscan_iter(crawl.key("failed"), count=BATCH):
            number = _number(id)
            if number not in ids:
                ids.add(number)
                yield self._letter(number, letter)

    async def retry(self, crawl: Crawl) -> tuple[int, bool]:
        """Put the dead letters back: (how many, whether the crawl had finished and is open again)."""
        named = ("meta", "failed", "ready", "hosts", "resting", "wake")
        keys = [*map(crawl.key, named), *crawl.own_keys()]
        script = Script(lua("types.lua", "member.lua", "news.lua", "retry.lua"))
        cursor, count, reopened = 0, 0, False
        while True:
            answer = await script.run(self.redis, keys, [cursor, BATCH])
            cursor, count, reopened = int(answer[0]), count + answer[1], reopened or answer[2] == 1
            if not cursor:
                return count, reopened

    async def push(self, spider: str, entries: Sequence[dict[str, bytes]]) -> int:
        """Append requests for the workers of a spider; return how many wait there.

        Args:
            spider: its name; `bot` must be set.
            entries: {"request": JSON} and, to ask the filter, "fingerprint": its 16 bytes.

        Raises:
            QueueError: Redis did not take all; the text says how many.
        """
        key = spider_key(tag_of(self._bot, spider), "push")
        for start in range(0, len(entries), BATCH):
            async with self.redis.pipeline(transaction=True) as pipe:
                for fields in entries[start : start + BATCH]:
                    pipe.xadd(key, fields)
                try:
                    await pipe.execute()
                except RedisError as exc:
                    raise QueueError(f"{start} of {len(entries)} requests were pushed, then: {exc}") from exc
        return int(await self.redis.xlen(key))

    async def spiders(self) -> list[tuple[str, str]]:
        """Return (BOT_NAME, name) of each spider that ever had a crawl; scans the database's keys."""
        end = "}:crawls"
        pattern = f"{PREFIX}{_as_pattern(self._bot) or '*'}/*{end}"
        spiders = set()
        async for key in self.redis.scan_iter(pattern, count=BATCH, _type="ZSET"):
            if (name := _name(key)) is None:
                continue
            name = name.removeprefix(PREFIX).removesuffix(end)
            bot, _, spider = name.partition("/")
            if self._bot:
                bot, spider = self._bot, name.removeprefix(f"{self._bot}/")
            spiders.add((bot, spider))
        return sorted(spiders)

    async def _set_stopped(self, crawl: Crawl, stopped: int) -> bool:
        script = Script(lua("types.lua", "news.lua", "stop.lua"))
        answer = (await script.run(self.redis, [crawl.key("meta"), crawl.key("wake")], [stopped])).decode()
        if answer in {"finished", "gone"}:
            end = "has finished" if answer == "finished" else "has expired"
            raise ConfigError(f"crawl {crawl.id} of {crawl.spider!r} {end}")
        return bool(answer != "unchanged")

    async def _current(self, tag: str) -> str:
        """Return the id of the spider's current crawl; "" if there is none."""
        try:
            id = await self.redis.get(spider_key(tag, "current"))
        except ResponseError as exc:
            if "WRONGTYPE" not in str(exc):
                raise
            return ""
        return _name(id or b"") or ""

    def _letter(self, number: int, letter: bytes) -> DeadLetter:
        try:
            reason, member = msgpack.unpackb(letter, raw=True)
            return DeadLetter(
                number, self._url(Member.parse(member).payload), reason.decode(errors="replace")
            )
        except (ValueError, TypeError, AttributeError, msgpack.UnpackException):
            text = letter[:200].decode(errors="backslashreplace")
            return DeadLetter(number, text, "the dead letter itself is damaged in Redis")

    def _url(self, payload: bytes) -> str:
        try:
            return str(self.loads(payload)["url"])
        except (SerializeError, KeyError, TypeError):
            return payload[:200].decode(errors="backslashreplace")


def _name(data: bytes) -> str | None:
    """Return the id of a crawl; None for bytes that no worker has written."""
    try:
        return data.decode()
    except UnicodeDecodeError:
        return None


def _time(score: float) -> int:
    """Return the time of creation in ms; 0 for a score that is not a time."""
    return int(score) if 0 <= score < 2**53 else 0


def _number(id: bytes) -> int:
    """Return the number of a dead letter; 0 if the key is not a number."""
    try:
        return int(id)
    except ValueError:
        return 0


def _as_pattern(text: str) -> str:
    """Quote the wildcards of SCAN."""
    return re.sub(r"([*?\[\]^\\])", r"\\\1", text)
