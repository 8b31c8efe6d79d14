"""The crawls in a Redis, seen and changed from outside: for the commands crawls, items, failed, push."""

import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import msgpack
from redis.exceptions import RedisError

from aioscrapy.components import load_object
from aioscrapy.db import RedisClients
from aioscrapy.exceptions import ConfigError, QueueError, SerializeError, SettingError
from aioscrapy.queue.keys import OWN, PREFIX, plain, tag_of
from aioscrapy.queue.script import Script, lua
from aioscrapy.serializer import JsonSerializer
from aioscrapy.settings import Settings

PAGE = 1000  # items, dead letters or pushed requests in one round trip


@dataclass(frozen=True, slots=True)
class Crawl:
    """Which crawl: the project's BOT_NAME, the spider's name, the id."""

    bot: str
    spider: str
    id: str
    created: int = field(default=0, compare=False)  # ms since 1970
    current: bool = field(default=False, compare=False)  # a worker that names no crawl joins this one

    @property
    def tag(self) -> str:
        """What all keys of the spider begin with."""
        return tag_of(self.bot, self.spider)

    def key(self, suffix: str) -> str:
        """Return the name of one of its own keys."""
        return f"{self.tag}:{self.id}:{suffix}"

    def own_keys(self) -> list[str]:
        """Return the names of all keys that it may have of its own."""
        return [self.key(suffix) for suffix in OWN]


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A request that failed for good."""

    id: int
    url: str  # the beginning of what it is, where that is no request
    reason: str


class Crawls:
    """The crawls of one project, or of all, in one Redis.

    Args:
        redis: of redis-py's asyncio, without `decode_responses`.
        bot: BOT_NAME; "" for all projects.
        serializer: that of the spiders, by which items and requests are read.
    """

    def __init__(self, redis: Any, bot: str = "", serializer: Any = JsonSerializer) -> None:
        self.redis = redis
        self._bot = plain(bot)
        self._serializer = serializer

    async def all(self) -> list[Crawl]:
        """Return every crawl that was ever begun and not deleted, the newest first."""
        found = []
        for bot, spider in await self._spiders():
            tag = tag_of(bot, spider)
            current = await self.redis.get(f"{tag}:current")
            for id, created in await self.redis.zrange(f"{tag}:crawls", 0, -1, withscores=True):
                found.append(Crawl(bot, spider, id.decode(), int(created), id == current))
        return sorted(found, key=lambda crawl: crawl.created, reverse=True)

    async def find(self, name: str) -> Crawl:
        """Return the crawl of this id, or the current crawl of this spider.

        Args:
            name: ID or SPIDER; SPIDER/ID, PROJECT/SPIDER or PROJECT/SPIDER/ID where that is ambiguous.

        Raises:
            ConfigError: there is none, or there are several.
        """
        found = {}
        for bot, spider in await self._spiders():
            tag = tag_of(bot, spider)
            current = (await self.redis.get(f"{tag}:current") or b"").decode()
            befores = ("", f"{spider}/", f"{bot}/{spider}/")
            ids = {name.removeprefix(before) for before in befores if name.startswith(before)}
            if name in {spider, f"{bot}/{spider}"}:
                ids.add(current)
            for id in ids:
                created = await self.redis.zscore(f"{tag}:crawls", id)
                if created is not None:
                    found[f"{bot}/{spider}/{id}"] = Crawl(bot, spider, id, int(created), id == current)
        if len(found) == 1:
            return found.popitem()[1]
        if found:
            raise ConfigError(f"{name!r} is the name of several crawls: say {' or '.join(sorted(found))}")
        raise ConfigError(f"no crawl, and no spider with a current crawl, is named {name!r} in this Redis")

    async def stop(self, crawl: Crawl) -> bool:
        """Let all workers end, the idle ones at once; False where it was stopped already.

        Raises:
            ConfigError: it has finished.
        """
        return await self._set_stopped(crawl, 1)

    async def resume(self, crawl: Crawl) -> bool:
        """Let workers join again; False where it was not stopped.

        Raises:
            ConfigError: it has finished.
        """
        return await self._set_stopped(crawl, 0)

    async def delete(self, crawl: Crawl, *, force: bool = False) -> int:
        """Delete every key of the crawl, and its names; returns how many keys there were.

        Where it had not ended, a mark stays for a day, by which its workers know that they shall end.

        Raises:
            ConfigError: it has live workers, and `force` is not said.
        """
        own = (crawl.key("workers"), crawl.key("deleted"), *crawl.own_keys())
        keys = [f"{crawl.tag}:current", f"{crawl.tag}:crawls", *own]
        alive, deleted = await Script(lua("delete.lua")).run(self.redis, keys, [crawl.id, int(force)])
        if deleted < 0:
            raise ConfigError(
                f"crawl {crawl.id} has {alive} live workers: stop it first "
                f"(aioscrapy crawls stop {crawl.id}), or say --force"
            )
        return int(deleted)

    async def items(self, crawl: Crawl) -> AsyncIterator[list[bytes]]:
        """Yield the items that are there now, oldest first, in pages; as they are stored.

        Raises:
            QueueError: somebody takes items away meanwhile.
        """
        key = crawl.key("items")
        total = await self.redis.llen(key)
        for start in range(0, total, PAGE):
            end = min(start + PAGE, total)
            page = await self.redis.lrange(key, start, end - 1)
            if len(page) < end - start:
                raise QueueError(f"somebody takes items out of crawl {crawl.id} meanwhile: export them again")
            yield page

    async def drop_items(self, crawl: Crawl, count: int, first: bytes, last: bytes) -> None:
        """Take away the oldest `count` items, which begin and end with these.

        Raises:
            QueueError: somebody else has taken some away; nothing is changed.
        """
        arguments = [count, first, last]
        if not await Script(lua("trim.lua")).run(self.redis, [crawl.key("items")], arguments):
            raise QueueError(
                f"somebody else has taken items out of crawl {crawl.id}: none is deleted, export them again"
            )

    async def failed(self, crawl: Crawl) -> AsyncIterator[DeadLetter]:
        """Yield the dead letters, in no order."""
        told: set[int] = set()  # HSCAN may give one twice
        async for id, letter in self.redis.hscan_iter(crawl.key("failed"), count=PAGE):
            if int(id) not in told:
                told.add(int(id))
                reason, member = msgpack.unpackb(letter, raw=True)
                payload = member.partition(b"\n")[2][14:]
                yield DeadLetter(int(id), self._url(payload), reason.decode(errors="replace"))

    async def retry(self, crawl: Crawl) -> tuple[int, bool]:
        """Put the dead letters back: (how many, whether the crawl had finished and is open again)."""
        named = ("meta", "failed", "ready", "hosts", "resting", "wake")
        keys = [*map(crawl.key, named), *crawl.own_keys()]
        script, cursor, count, opened = Script(lua("retry.lua")), 0, 0, False
        while True:
            answer = await script.run(self.redis, keys, [cursor, PAGE])
            cursor, count, opened = int(answer[0]), count + answer[1], opened or answer[2] == 1
            if not cursor:
                return count, opened

    async def push(self, spider: str, entries: Sequence[dict[str, bytes]]) -> int:
        """Append requests to what the workers of a spider take in; returns how many wait there.

        Args:
            spider: its name; `bot` must be given.
            entries: {"request": JSON} and, where the filter shall be asked, "fingerprint": its 16 bytes.

        Raises:
            QueueError: Redis did not take all; the text says how many.
        """
        key = f"{tag_of(self._bot, spider)}:push"
        for start in range(0, len(entries), PAGE):
            async with self.redis.pipeline(transaction=True) as pipe:
                for fields in entries[start : start + PAGE]:
                    pipe.xadd(key, fields)
                try:
                    await pipe.execute()
                except RedisError as exc:
                    raise QueueError(f"{start} of {len(entries)} requests were pushed, then: {exc}") from exc
        return int(await self.redis.xlen(key))

    def loads(self, payload: bytes) -> Any:
        """Return the object in the bytes of an item or a request.

        Raises:
            SerializeError: the serializer can't read it.
        """
        # What other programs push is JSON; neither MessagePack nor pickle begins a dict with a brace.
        return (JsonSerializer if payload[:1] == b"{" else self._serializer).loads(payload)

    async def _spiders(self) -> list[tuple[str, str]]:
        """Return (BOT_NAME, name) of each spider that ever had a crawl; walks through the database's keys."""
        end = "}:crawls"
        pattern = f"{PREFIX}{_as_pattern(self._bot) or '*'}/*{end}"
        found = set()
        async for key in self.redis.scan_iter(pattern, count=PAGE):
            name = key.decode().removeprefix(PREFIX).removesuffix(end)
            bot, _, spider = name.partition("/")
            if self._bot:
                bot, spider = self._bot, name.removeprefix(f"{self._bot}/")
            found.add((bot, spider))
        return sorted(found)

    async def _set_stopped(self, crawl: Crawl, stopped: int) -> bool:
        script = Script(lua("stop.lua"))
        answer = (await script.run(self.redis, [crawl.key("meta"), crawl.key("wake")], [stopped])).decode()
        if answer in {"finished", "gone"}:
            has = "has finished" if answer == "finished" else "has expired"
            raise ConfigError(f"crawl {crawl.id} of {crawl.spider!r} {has}")
        return bool(answer != "as it was")

    def _url(self, payload: bytes) -> str:
        try:
            return str(self.loads(payload)["url"])
        except (SerializeError, KeyError, TypeError):
            return payload[:200].decode(errors="backslashreplace")


@asynccontextmanager
async def open_crawls(settings: Settings, url: str | None, *, bot: str) -> AsyncIterator[Crawls]:
    """Connect, and close the connection at the end.

    Args:
        settings: name the Redis, by REDIS_ARGS and SCHEDULER_QUEUE_ALIAS, and the serializer.
        url: of another Redis.
        bot: BOT_NAME; "" for all projects.

    Raises:
        ConfigError: no Redis is named, or it can't be used.
        QueueError: it does not answer, or answers with an error.
    """
    alias = str(settings["SCHEDULER_QUEUE_ALIAS"])
    named = {alias: {"url": url}} if url else settings.getdict("REDIS_ARGS")
    if alias not in named:
        raise ConfigError(
            f"no Redis is named: set REDIS_ARGS = {{{alias!r}: {{'url': 'redis://…'}}}}, or say --redis URL"
        )
    serializer = load_object(settings["SCHEDULER_SERIALIZER"], "SCHEDULER_SERIALIZER")
    clients = RedisClients()  # of our own: a crawl of this process keeps its connections
    try:
        clients.configure(named)
        yield Crawls(clients(alias), bot, serializer)
    except SettingError as exc:
        if not url:
            raise
        raise ConfigError(f"--redis can't be used: {str(exc).rpartition(': ')[2]}") from None
    except (RedisError, TimeoutError) as exc:
        raise QueueError(f"Redis: {exc or type(exc).__name__}") from exc
    finally:
        await clients.close()


def _as_pattern(text: str) -> str:
    """Quote what SCAN would take for a wildcard."""
    return re.sub(r"([*?\[\]^\\])", r"\\\1", text)
