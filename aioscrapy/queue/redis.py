"""Requests in Redis: all workers of a crawl share them, and every change is one atomic script."""

import asyncio
import os
import secrets
import socket
import struct
import time
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import msgpack
from redis.exceptions import RedisError

from aioscrapy.components import load_object
from aioscrapy.context import CrawlContext
from aioscrapy.db import db_manager
from aioscrapy.exceptions import ConfigError, QueueError, SerializeError
from aioscrapy.http.request import request_from_dict
from aioscrapy.items import as_dict
from aioscrapy.log import logger
from aioscrapy.queue import wire
from aioscrapy.queue.base import Entry, Lease, Manners, Order, Page, Reply, State, Store
from aioscrapy.queue.keys import KEYS, OWN, tag_of
from aioscrapy.queue.push import Pusher, context_of
from aioscrapy.queue.script import Script, heard, lua
from aioscrapy.serializer import JsonSerializer, Serializer


class RedisQueue(Store):
    """The shared frontier. Its keys begin with `aioscrapy:{BOT_NAME/spider}`: see docs/redis.md.

    Connects with the alias SCHEDULER_QUEUE_ALIAS of REDIS_ARGS.
    """

    dupefilter: ClassVar[str] = "aioscrapy.dupefilters.redis.RFPDupeFilter"

    def __init__(self, crawler: CrawlContext) -> None:
        settings = crawler.settings
        self._spider = crawler.spider
        self._stats = crawler.stats
        self._dupefilter: Any = None
        self._tag = tag_of(settings["BOT_NAME"], crawler.spider.name)
        self._named = str(getattr(crawler.spider, "crawl", None) or settings["CRAWL_ID"] or "")
        self._fresh = settings.getbool("CRAWL_FRESH")
        self._flush = settings.getbool("SCHEDULER_FLUSH_ON_START")
        self._keep_filter = settings.getbool("KEEP_DUPEFILTER_DATA_ON_CLOSE")
        self._window_ms = int(settings.getfloat("CRAWL_JOIN_WINDOW") * 1000)
        self._keep_ms = int(settings.getfloat("CRAWL_KEEP") * 1000)
        self._lease_ms = int(settings.getfloat("SCHEDULER_LEASE") * 1000)
        self._items = settings.getbool("ITEMS_IN_REDIS")
        self._serializer: Serializer = load_object(settings["SCHEDULER_SERIALIZER"], "SCHEDULER_SERIALIZER")
        self._alias = str(settings["SCHEDULER_QUEUE_ALIAS"])
        self._redis: Any = None
        self._keys: list[str] = []
        self._script = Script("")
        self._serial = 0
        self._called = False
        self.worker = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"
        self.crawl_id = ""

    @classmethod
    async def from_crawler(cls, crawler: CrawlContext) -> "RedisQueue":
        alias = crawler.settings["SCHEDULER_QUEUE_ALIAS"]
        if alias not in crawler.settings.getdict("REDIS_ARGS"):
            raise ConfigError(
                f"{cls.__module__}.{cls.__name__} needs REDIS_ARGS = {{{alias!r}: {{'url': 'redis://…'}}}}"
            )
        return cls(crawler)

    @classmethod
    def from_dict(cls, given: Mapping[str, str]) -> Pusher:
        """Make a pusher of spider_name and, where need be, alias, serializer and bot_name."""
        return Pusher(cls(context_of(given)))

    async def open(self, dupefilter: Any) -> State:
        self._dupefilter = dupefilter
        self._redis = db_manager.redis(self._alias)
        try:
            answer, crawl_id, ago_ms = await self._find_or_make()
        except (RedisError, OSError, TimeoutError) as exc:
            raise QueueError(
                f"can't open the crawl in Redis (REDIS_ARGS[{self._alias!r}]): {_reason(exc)}"
            ) from exc
        self.crawl_id = crawl_id
        if answer == "late":
            logger.info(
                "Crawl %s finished %.1f s ago: this worker came late and ends (CRAWL_JOIN_WINDOW); "
                "start a new crawl with --fresh or CRAWL_FRESH",
                crawl_id,
                ago_ms / 1000,
            )
            return State.LATE
        if answer == "finished":
            logger.info("Crawl %s has finished already: nothing is left to do", crawl_id)
            return State.FINISHED
        logger.info(
            "%s crawl %s as worker %s", "Began" if answer == "made" else "Joined", crawl_id, self.worker
        )
        prefix = f"{self._tag}:{crawl_id}"
        self._keys = [f"{self._tag if suffix == 'push' else prefix}:{suffix}" for suffix in KEYS]
        if dupefilter.suffix:
            self._keys.append(f"{self._tag if self._keep_filter else prefix}:{dupefilter.suffix}")
        head = f"local FILTER = {len(KEYS) + 1}\n"
        self._script = Script(head + dupefilter.lua + lua("exchange.lua"))
        return State.OPEN

    async def begin_again(self) -> bool:
        prefix = f"{self._tag}:{self.crawl_id}"
        keys = [f"{self._tag}:current", f"{self._tag}:crawls", f"{prefix}:meta", f"{prefix}:deleted"]
        arguments = [self.crawl_id, int(bool(self._named)), int(self._keep_filter)]
        try:
            return bool(await heard(Script(lua("again.lua")).run(self._redis, keys, arguments)))
        except (RedisError, OSError, TimeoutError) as exc:
            raise QueueError(f"Redis: {_reason(exc)}") from exc

    def pack(self, entry: Entry) -> None:
        entry.payload = self._serializer.dumps(entry.request.to_dict(self._spider))

    def pack_item(self, item: Any) -> bytes | None:
        return self._serializer.dumps(as_dict(item)) if self._items else None

    async def exchange(
        self,
        pages: Sequence[Page],
        want: int,
        *,
        busy: Sequence[str] = (),
        cap: int = 0,
        may_finish: bool = True,
        manners: Manners | None = None,
    ) -> Reply:
        answer = await self._call(pages, want, busy, cap, may_finish, manners or Manners())
        accepted, leases, state, waiting, filtered, due_ms, cursor, lost = answer
        good, broken = [], []
        for lease in leases:
            held, problem = self._lease(*lease)
            if problem:
                broken.append((held, problem))
            else:
                good.append(held)
        return Reply(
            accepted=[bool(taken) for taken in accepted] or [False] * len(pages),  # none: the crawl is gone
            leases=good,
            broken=broken,
            state=_STATES.get(state, State.OPEN),
            lost=bool(lost),
            fell_back=lost == 2,
            waiting=waiting,
            filtered=filtered,
            next_due_s=None if due_ms < 0 else due_ms / 1000,
            cursor=cursor,
        )

    async def wait(self, cursor: int, timeout_s: float) -> None:
        wake, push = (self._keys[KEYS.index(suffix)] for suffix in ("wake", "push"))
        silence_s = db_manager.redis.silence_s(self._alias) or timeout_s
        block_ms = max(1, int(min(timeout_s, silence_s * 0.8) * 1000))  # an answer before the client hangs up
        try:
            await heard(self._redis.xread({wake: f"{cursor}-1", push: "0-0"}, block=block_ms))
        except (RedisError, OSError, TimeoutError) as exc:
            raise QueueError(_reason(exc)) from exc

    async def close(self) -> None:
        if self._called:
            await self._count_filter()
            self._serial += 2  # not the number of a call whose answer was lost: this is no repetition of it
            await self._call_once([], 0, (), 0, False, Manners(), leave=True)

    async def _count_filter(self) -> None:
        """Put the fill of the filter into the stats."""
        if len(self._keys) > len(KEYS):
            try:
                fill = await heard(self._dupefilter.fill(self._redis, self._keys[-1]))
            except (RedisError, OSError, TimeoutError) as exc:
                raise QueueError(_reason(exc)) from exc
            for name, value in fill.items():
                self._stats.set_value(name, value)

    async def _find_or_make(self) -> tuple[str, str, int]:
        """Run open.lua until no other worker is quicker: (answer, crawl id, ms since its end)."""
        script = Script(lua("open.lua"))
        while True:
            found = self._named or await self._redis.get(f"{self._tag}:current") or b""
            found = found.decode() if isinstance(found, bytes) else found
            made = self._named or time.strftime("%Y%m%dT%H%M%S-", time.gmtime()) + secrets.token_hex(3)
            if self._named and self._fresh:
                await self._delete(self._named)
            crawl = f"{self._tag}:{found or made}"
            keys = [
                f"{self._tag}:current",
                f"{self._tag}:crawls",
                f"{crawl}:meta",
                f"{self._tag}:{made}:meta",
                f"{crawl}:workers",
                f"{self._tag}:{made}:deleted",
            ]
            flags = [int(flag) for flag in (bool(self._named), self._fresh, self._flush)]
            arguments = [found, made, *flags, self._window_ms, int(self._keep_filter)]
            answer, *rest = await script.run(self._redis, keys, arguments)
            if answer != b"again":
                return answer.decode(), rest[0].decode(), rest[1] if len(rest) > 1 else 0

    async def _delete(self, crawl_id: str) -> None:
        await self._redis.delete(*(f"{self._tag}:{crawl_id}:{suffix}" for suffix in OWN))

    async def _call(
        self,
        pages: Sequence[Page],
        want: int,
        busy: Sequence[str],
        cap: int,
        may_finish: bool,
        manners: Manners,
    ) -> list[Any]:
        """Call the script under a new number; a call that failed is repeated under its old one."""
        self._serial += 1
        try:
            return await self._call_once(pages, want, busy, cap, may_finish, manners)
        except (QueueError, asyncio.CancelledError):
            self._serial -= 1
            raise

    async def _call_once(
        self,
        pages: Sequence[Page],
        want: int,
        busy: Sequence[str],
        cap: int,
        may_finish: bool,
        manners: Manners,
        *,
        leave: bool = False,
    ) -> list[Any]:
        self._called = True
        message = [
            self.worker,
            self._serial,
            self._lease_ms,
            want,
            cap,
            int(may_finish),
            self.order.value,
            list(busy),
            [wire.page(page, self.order) for page in pages],
            self._keep_ms,
            int(leave),
            *wire.manners(manners, self._serial),
        ]
        items = [item for page in pages for item in page.packed_items]
        arguments = [msgpack.packb(message, use_bin_type=False), *items]
        try:
            answer = await heard(self._script.run(self._redis, self._keys, arguments))
        except (RedisError, OSError, TimeoutError, struct.error) as exc:
            raise QueueError(f"Redis: {_reason(exc)}") from exc
        return msgpack.unpackb(answer, raw=True)  # type: ignore[no-any-return]  # msgpack has no types

    def _lease(
        self, id: int, token: int, host: bytes, key: int, payload: bytes, start_ms: int
    ) -> tuple[Lease, str]:
        """Make a lease of what the script gave, and say what is wrong with it."""
        lease = Lease(None, id, token, host.decode(), key, start_ms / 1000)
        if payload:
            # What other programs push is JSON; neither MessagePack nor pickle begins a dict with a brace.
            serializer = JsonSerializer if payload[:1] == b"{" else self._serializer
            try:
                lease.request = request_from_dict(serializer.loads(payload), self._spider)
            except SerializeError as exc:
                return lease, str(exc)
        return lease, ""


class SpiderPriorityQueue(RedisQueue):
    """Higher priority first; the oldest first among equals."""


class SpiderQueue(RedisQueue):
    """First in, first out; priorities don't count."""

    order = Order.FIFO


class SpiderStack(RedisQueue):
    """Last in, first out: the crawl goes deep first; priorities don't count."""

    order = Order.LIFO


RedisPriorityQueue = SpiderPriorityQueue
RedisFifoQueue = SpiderQueue
RedisLifoQueue = SpiderStack

_STATES = {b"idle": State.IDLE, b"finished": State.FINISHED, b"gone": State.GONE, b"stopped": State.STOPPED}


def _reason(exc: BaseException) -> str:
    return str(exc) or type(exc).__name__
