"""The costs of a filled frontier in the real store: bytes, false positives, time of an exchange."""

import os
import statistics
import struct
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Self

from redis import Redis

from aioscrapy.context import CrawlContext
from aioscrapy.core.frontier import build_fingerprint, build_politeness
from aioscrapy.core.shared_scheduler import SharedScheduler
from aioscrapy.db import db_manager
from aioscrapy.dupefilters.redis import BloomDupeFilter, RFPDupeFilter
from aioscrapy.http import Request
from aioscrapy.queue.base import SEED, Entry, Lease, Page
from aioscrapy.queue.redis import SpiderPriorityQueue
from aioscrapy.settings import Settings
from aioscrapy.spiders import Spider

AT_ONCE = 1000  # requests in one page while the frontier is filled
HOSTS = 1000
PAGES = 16  # pages of a measured exchange: CONCURRENT_REQUESTS
ROUNDS = 300  # measured exchanges


@dataclass(frozen=True)
class Costs:
    """Milliseconds of one exchange: to reserve 16 requests, and to commit 16 pages and reserve 16."""

    reserve_ms: float
    commit_ms: float


class Frontier:
    """A crawl with one worker that fetches nothing."""

    def __init__(self, url: str, filter_class: type[RFPDupeFilter] | type[BloomDupeFilter]) -> None:
        self.redis = Redis.from_url(url)
        self._settings = Settings({"REDIS_ARGS": {"queue": {"url": url}}, "CRAWL_ID": "filled"})
        self._filter_class = filter_class
        self._count = 0
        self.first: list[bytes] = []  # some fingerprints that are in the filter

    async def __aenter__(self) -> Self:
        """Open the crawl in an empty Redis."""
        self.redis.flushall()
        self.empty = self.used()
        await db_manager.from_settings(self._settings)
        context = CrawlContext.without_crawl(self._settings)
        context.spider = Spider.from_crawler(context, "filled")
        self.store = await SpiderPriorityQueue.from_crawler(context)
        self.filter: Any = self._filter_class.from_crawler(context)
        politeness = build_politeness(self._settings, context.spider, shared=True)
        fingerprint = await build_fingerprint(context)
        self._scheduler = SharedScheduler(context, politeness, fingerprint, self.store, self.filter)
        await self._scheduler.open()
        reply = await self.store.exchange([], 1)
        assert [lease.id for lease in reply.leases] == [SEED]
        self._seed = reply.leases[0]
        return self

    async def __aexit__(self, *ignored: object) -> None:
        await self.store.close()
        await db_manager.close()
        self.redis.close()

    async def fill(self, until: int) -> None:
        """Push new requests up to this number."""
        while self._count < until:
            entries = list(self.entries(min(AT_ONCE, until - self._count)))
            await self.store.exchange([Page(self._seed, entries, final=False)], 0)

    def entries(self, count: int) -> Iterator[Entry]:
        """Yield new requests; two in a row have different hosts."""
        for _ in range(count):
            number, self._count = self._count, self._count + 1
            entry = self._scheduler.accept(Request(f"https://www.shop{number % HOSTS}.example/item/{number}"))
            assert entry is not None
            assert entry.fingerprint is not None
            if number < AT_ONCE:
                self.first.append(entry.fingerprint)
            yield entry

    async def exchange_times(self) -> Costs:
        """Return the median times of exchanges; the number of waiting requests stays the same."""
        reserve_ms, commit_ms = [], []
        held: Sequence[Lease] = ()
        for _ in range(ROUNDS):
            pages = [Page(lease, list(self.entries(2))) for lease in held]
            start = time.perf_counter()
            held = (await self.store.exchange(pages, PAGES)).leases
            between = time.perf_counter()
            more = (await self.store.exchange([], PAGES)).leases
            reserve_ms.append((time.perf_counter() - between) * 1000)
            if pages:
                commit_ms.append((between - start) * 1000)
            assert len(held) == len(more) == PAGES
            await self.store.exchange([Page(lease) for lease in more], 0)
        await self.store.exchange([Page(lease) for lease in held], 0)
        return Costs(statistics.median(reserve_ms), statistics.median(commit_ms))

    def bytes_of(self, suffix: str) -> int:
        """Return the bytes of a key of the crawl with all its members."""
        (key,) = self.redis.keys(f"*:filled:{suffix}")
        return int(self.redis.memory_usage(key, samples=0))

    def used(self) -> int:
        """Return the bytes of all data, with the overhead of the allocator."""
        return int(self.redis.info("memory")["used_memory"])


def false_positives(frontier: Frontier, probes: int) -> tuple[int, float]:
    """Look up random fingerprints that are not in the Bloom filter.

    The look-up works in this process, on a copy of the bits and with the probe rule of bloom.lua, because a
    look-up in Redis also adds a mark. A check of known fingerprints proves first that the rule is the same.

    Returns: the number of false positives, and the rate that follows from the set bits of each layer if the
        probes are independent.
    """
    (key,) = frontier.redis.keys("*:filled:bloom")
    text = frontier.redis.get(key)
    bits_of = BloomBits(text, frontier.filter._bits, frontier.filter._probes)
    assert all(bits_of.contains(*struct.unpack(">3I", digest[:12])) for digest in frontier.first)
    wrong = 0
    for start in range(0, probes, 100_000):
        random = os.urandom(12 * min(100_000, probes - start))
        wrong += sum(bits_of.contains(a, b, c) for a, b, c in struct.iter_unpack(">3I", random))
    none = 1.0
    for start, bits in bits_of.layers:
        ones = int.from_bytes(text[start // 8 : (start + bits) // 8]).bit_count()
        none *= 1 - (ones / bits) ** bits_of.probes
    return wrong, 1 - none


class BloomBits:
    """The layers of bloom.lua, read from the string."""

    def __init__(self, text: bytes, bit: int, probes: int) -> None:
        self.probes = probes
        counts = struct.unpack(">16I", text[:64])
        start, self.layers = 512, []
        for layer in range(sum(count > 0 for count in counts)):
            bits = min(2 ** (16 + 3 * layer), 2**bit)
            self.layers.append((start, bits))
            start += bits
        self._text = text.ljust(start // 8, b"\0")  # Redis stores no bytes after the last bit that is set

    def contains(self, a: int, b: int, c: int) -> bool:
        """Return True if a layer has all bits of a fingerprint."""
        text = self._text
        for start, bits in self.layers:
            at, step = a, b
            for _ in range(self.probes):
                bit = start + at % bits
                if not text[bit >> 3] & 128 >> (bit & 7):
                    break
                at, step = at + step, step + c
            else:
                return True
        return False
