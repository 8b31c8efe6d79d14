"""Requests in Redis: all workers of a crawl share them, and every change is one atomic script."""

import asyncio
import os
import secrets
import socket
import struct
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from redis.exceptions import RedisError

from aioscrapy.context import CrawlContext
from aioscrapy.crawls.keys import KEYS, crawl_key, feed_suffix, spider_key
from aioscrapy.crawls.script import Script, cancellable, lua
from aioscrapy.db import db_manager
from aioscrapy.db.server_check import server_problems
from aioscrapy.dupefilters.base import DupeFilter
from aioscrapy.dupefilters.redis import RedisDupeFilter
from aioscrapy.exceptions import ConfigError, QueueError, SerializeError
from aioscrapy.feeds.store import FeedProgress
from aioscrapy.frontier_settings import serializer_of
from aioscrapy.items import as_dict
from aioscrapy.log import logger
from aioscrapy.queue.base import SEED, Entry, HostLimits, Lease, Order, Page, Reply, State, Store
from aioscrapy.queue.exchange_message import (
    ExchangeMessage,
    ExchangeReply,
    LeaseMessage,
    limit_fields,
    page_message,
    unpack_cookies,
    with_fields,
)
from aioscrapy.queue.joining import Joining, source, state_of
from aioscrapy.queue.push import Pusher, context_of
from aioscrapy.queue.redis_errors import check_commands, queue_error, reason_of
from aioscrapy.queue.redis_feeds import RedisFeeds
from aioscrapy.queue.request_codec import RequestCodec
from aioscrapy.serializer import Serializer
from aioscrapy.shared_cookies import Change

_PARTS = (
    "1_repeat.lua",
    "2_hosts.lua",
    "3_workers.lua",
    "4_commit.lua",
    "4_feeds.lua",
    "5_cookies.lua",
    "5_due.lua",
    "6_pushed.lua",
    "7_repair.lua",
    "8_lease.lua",
    "9_finish.lua",
)


class RedisQueue(Store):
    """The shared frontier. Its keys begin with `aioscrapy:{BOT_NAME/spider}`, see docs/redis.md.

    Connects with the alias SCHEDULER_QUEUE_ALIAS of REDIS_ARGS.
    """

    dupefilter: ClassVar[str] = "aioscrapy.dupefilters.redis.RFPDupeFilter"

    def __init__(self, crawler: CrawlContext) -> None:
        settings = crawler.settings
        self._stats = crawler.stats
        self._joining = Joining(crawler)
        self._dupefilter: RedisDupeFilter | None = None
        self._check = str(settings["REDIS_CHECK"])
        self._items = settings.getbool("ITEMS_IN_REDIS")
        self._serializer: Serializer = serializer_of(settings)
        self._codec = RequestCodec(self._serializer, crawler.spider)
        self._alias = str(settings["SCHEDULER_QUEUE_ALIAS"])
        self._redis: Any = None
        self._keys: list[str] = []
        self._script = Script("")
        self._serial = 0
        self._called = False
        self.worker = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"
        self.crawl_id = ""
        lease_ms, keep_ms = (
            int(settings.getfloat(name) * 1000) for name in ("SCHEDULER_LEASE", "CRAWL_KEEP")
        )
        self._message = ExchangeMessage(self.worker, lease_ms, keep_ms, self.order.value)

    @classmethod
    async def from_crawler(cls, crawler: CrawlContext) -> "RedisQueue":
        alias = crawler.settings["SCHEDULER_QUEUE_ALIAS"]
        if alias not in crawler.settings.getdict("REDIS_ARGS"):
            raise ConfigError(
                f"{cls.__module__}.{cls.__name__} needs REDIS_ARGS = {{{alias!r}: {{'url': 'redis://…'}}}}"
            )
        return cls(crawler)

    @classmethod
    def from_dict(cls, arguments: Mapping[str, str]) -> Pusher:
        """Make a pusher from spider_name and, optionally, alias, serializer and bot_name."""
        return Pusher(cls(context_of(arguments)))

    async def open(self, dupefilter: DupeFilter) -> State:
        if not isinstance(dupefilter, RedisDupeFilter):
            raise ConfigError(f"{type(dupefilter).__name__} is not a filter for {type(self).__name__}")
        self._dupefilter = dupefilter
        self._redis = db_manager.redis(self._alias)
        try:
            await check_commands(self._redis, spider_key(self._joining.tag, "probe"))
            if self._check != "off":
                await self._check_server()
            joined = await self._joining.join(self._redis)
            if joined.result == "finished":
                self.proof = await self._read_proof(joined.crawl_id)
        except (RedisError, OSError, TimeoutError) as exc:
            raise QueueError(
                f"can't open the crawl in Redis (REDIS_ARGS[{self._alias!r}]): {reason_of(exc)}"
            ) from exc
        self.crawl_id = joined.crawl_id
        self._stats.set_value("frontier/crawl", joined.crawl_id)
        self._keys = self._joining.keys(joined.crawl_id, dupefilter.suffix)
        self._script = Script(exchange_source(dupefilter.lua, dupefilter.kind))
        return state_of(joined, self.worker)

    async def _read_proof(self, crawl_id: str) -> Reply:
        """Return how a crawl has ended that has finished."""
        names = (
            *("handled", "fruitless", "seq", "missing", "filter_lost", "items_lost", "damaged"),
            "seed_failure",
        )
        meta = crawl_key(self._joining.tag, crawl_id, "meta")
        *counts, seed_failure = await self._redis.hmget(meta, names)
        try:
            handled, fruitless, arrived, missing, filter_lost, items_lost, damaged = map(_count, counts)
        except ValueError as exc:
            raise QueueError(f"Redis: a field of the key {meta} is damaged: {exc}") from exc
        reply = ExchangeReply((), (), b"finished", handled=handled, fruitless=fruitless, arrived=arrived)
        reply = reply._replace(missing=missing, filter_lost=filter_lost, items_lost=items_lost)
        reply = reply._replace(seed_failure=seed_failure or b"", damaged=-damaged)
        return Reply((), (), **reply.proof())

    async def _check_server(self) -> None:
        problems = await server_problems(self._redis)
        if problems and self._check == "refuse":
            raise ConfigError(f"{'; '.join(map(str, problems))} (REDIS_CHECK)")
        for problem in problems:
            logger.warning("%s", problem)

    async def recreate(self) -> bool:
        try:
            return await self._joining.recreate(self._redis, self.crawl_id)
        except (RedisError, OSError, TimeoutError) as exc:
            raise queue_error(exc) from exc

    def pack(self, entry: Entry) -> None:
        self._codec.pack(entry)

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
        limits: HostLimits | None = None,
        feeds: Sequence[FeedProgress] = (),
        cookies: Sequence[Change] = (),
    ) -> Reply:
        message = self._message._replace(
            want=want,
            cap=cap,
            may_finish=int(may_finish),
            busy=list(busy),
            pages=[page_message(page, self.order, len(feeds)) for page in pages],
            feeds=list(feeds),
            cookies=list(cookies),
            **limit_fields(limits or HostLimits()),
        )
        reply = await self._call(message, pages)
        good, broken = [], []
        for fields in reply.leases:
            lease, problem = self._lease(LeaseMessage(*fields))
            if problem:
                broken.append((lease, problem))
            else:
                good.append(lease)
        return Reply(
            accepted=[bool(taken) for taken in reply.accepted]
            or [False] * len(pages),  # none: the crawl is gone
            leases=good,
            broken=broken,
            lost=bool(reply.lost),
            fell_back=reply.lost == 2,
            waiting=reply.waiting,
            filtered=reply.filtered,
            next_due_s=None if reply.due_ms < 0 else reply.due_ms / 1000,
            cursor=reply.cursor,
            feeds=reply.feeds,
            cookies_version=reply.cookies_version,
            **reply.proof(),
        )

    async def read_cookies(self, jars: Sequence[str]) -> dict[str, dict[str, bytes]]:
        key = self._keys[KEYS.index("cookies")]
        try:
            packed = await cancellable(self._redis.hmget(key, list(jars)))
        except (RedisError, OSError, TimeoutError) as exc:
            raise queue_error(exc) from exc
        return {jar: unpack_cookies(data) for jar, data in zip(jars, packed, strict=True)}

    async def wait(self, cursor: int, timeout_s: float) -> None:
        wake, push = (self._keys[KEYS.index(suffix)] for suffix in ("wake", "push"))
        silence_s = db_manager.redis.silence_s(self._alias) or timeout_s
        block_ms = max(1, int(min(timeout_s, silence_s * 0.8) * 1000))  # a reply before the client gives up
        try:
            await cancellable(self._redis.xread({wake: f"{cursor}-1", push: "0-0"}, block=block_ms))
        except (RedisError, OSError, TimeoutError) as exc:
            raise queue_error(exc) from exc

    @property
    def feeds(self) -> RedisFeeds:
        return RedisFeeds(
            self._redis, self._joining.tag, self.crawl_id, self.worker, self._message.lease_ms / 1000
        )

    async def close(self) -> None:
        if self._called:
            await self._count_filter()
            self._serial += 2  # not the number of a call whose reply was lost: this is no repetition of it
            await self._call_once(self._message._replace(leave=1))

    async def _count_filter(self) -> None:
        """Put the size of the filter into the stats."""
        if self._dupefilter is not None and self._dupefilter.suffix:
            try:
                figures = await cancellable(self._dupefilter.usage(self._redis, self._keys[-1]))
            except (RedisError, OSError, TimeoutError) as exc:
                raise queue_error(exc) from exc
            for name, value in figures.items():
                self._stats.set_value(name, value)

    def _feed_key(self, number: int) -> str:
        return crawl_key(self._joining.tag, self.crawl_id, feed_suffix(number))

    async def _call(self, message: ExchangeMessage, pages: Sequence[Page]) -> ExchangeReply:
        """Call the script under a new number; a call that failed is repeated under its old one."""
        self._serial += 1
        try:
            return await self._call_once(message, pages)
        except (QueueError, asyncio.CancelledError):
            self._serial -= 1
            raise

    async def _call_once(self, message: ExchangeMessage, pages: Sequence[Page] = ()) -> ExchangeReply:
        self._called = True
        feeds = message.feeds
        items = [item for page in pages for item in page.packed_items]
        records = [record for page in pages for at, record in page.records if at < len(feeds)]
        arguments = [message._replace(serial=self._serial).pack(), *items, *records]
        try:
            keys = [*self._keys, *(self._feed_key(feed.number) for feed in feeds)]
            return ExchangeReply.unpack(await cancellable(self._script.run(self._redis, keys, arguments)))
        except (RedisError, OSError, TimeoutError, struct.error) as exc:
            raise queue_error(exc) from exc

    def _lease(self, message: LeaseMessage) -> tuple[Lease, str]:
        """Make the lease of a message; return it with what is wrong with its request, or ""."""
        host, start_s = message.host.decode("utf-8", "surrogateescape"), message.start_ms / 1000
        lease = Lease(None, message.id, message.token, host, message.key, start_s)
        if message.id != SEED:
            try:
                lease.request = self._codec.loads(message.payload)
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


def exchange_source(filter_lua: str, filter_type: str = "") -> str:
    """Return the source of the exchange script with this filter, whose key has this type ("": any)."""
    parts = "".join(source(f"exchange/{name}") for name in _PARTS)
    head = f"local FILTER_TYPE = {repr(filter_type) if filter_type else 'nil'}\n"
    return with_fields(head + filter_lua + lua("types.lua", "member.lua", "news.lua", "feeds.lua") + parts)


def _count(text: bytes | None) -> int:
    return int(text or 0)
