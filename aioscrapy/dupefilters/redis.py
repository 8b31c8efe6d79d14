"""Duplicate filters in Redis: one set of marks for all workers, tested and set inside the page commit."""

import math
from importlib.resources import files
from typing import Any, ClassVar, Self

from aioscrapy.context import CrawlContext
from aioscrapy.crawls.bloom import bloom_layers
from aioscrapy.dupefilters.base import DupeFilter
from aioscrapy.exceptions import SettingError
from aioscrapy.log import logger


class RedisDupeFilter(DupeFilter):
    """A filter that is a piece of Lua inside the store's script.

    Attributes:
        suffix: the suffix of its key; "" if it has no key.
        kind: the type of its key; "" if that is not checked.
        source: the file of its Lua.
        lua: defines `mark(fingerprint)` and `marked()`, over KEYS[FILTER].
    """

    shared: ClassVar[bool] = True
    suffix: ClassVar[str] = "seen"
    kind: ClassVar[str] = ""
    source: ClassVar[str]
    queue: ClassVar[str] = "aioscrapy.queue.redis.SpiderPriorityQueue"

    async def usage(self, redis: Any, key: str) -> dict[str, int | float]:
        """Return stats of the filter's key: name -> value."""
        return {}

    @property
    def lua(self) -> str:
        """The script's source."""
        return (files("aioscrapy.dupefilters") / self.source).read_text("utf-8")


class RFPDupeFilter(RedisDupeFilter):
    """The exact filter: a Redis set of 16-byte fingerprints.

    Keys:
        <crawl>:seen    set of fingerprints; expires with the crawl, or is kept for the next one
    """

    kind = "set"
    source = "set.lua"

    async def usage(self, redis: Any, key: str) -> dict[str, int | float]:
        return {"dupefilter/fingerprints": int(await redis.scard(key))}


class BloomDupeFilter(RedisDupeFilter):
    """A Bloom filter that grows: 8 KiB at first, each further layer eight times as large.

    It never forgets a request. It may drop a new one, with a probability below BLOOMFILTER_ERROR_RATE while
    it may grow: at 1e-6 a fingerprint takes 37 bits with 12 probes, 75 bits with 6. At
    2**BLOOMFILTER_BIT bits it stops growing and the rate rises.

    Keys:
        <crawl>:bloom   string of bits; expires with the crawl, or is kept for the next one

    Source: Almeida and others, "Scalable Bloom Filters" (2007).
    """

    suffix = "bloom"
    kind = "string"
    source = "bloom.lua"

    def __init__(self, bits: int, probes: int, error_rate: float) -> None:
        self._bits = bits
        self._probes = probes
        self._error_rate = error_rate
        layers = 5  # full layers that hold 32 million fingerprints; their rates add up
        self._bits_per_url = -probes / math.log(1 - (error_rate / layers) ** (1 / probes))

    @classmethod
    def from_crawler(cls, crawler: CrawlContext) -> Self:
        """Read BLOOMFILTER_BIT (10 to 32) and BLOOMFILTER_HASH_NUMBER (1 to 32).

        Raises:
            SettingError: one is out of its range.
        """
        settings = crawler.settings
        bits, probes = settings.getint("BLOOMFILTER_BIT"), settings.getint("BLOOMFILTER_HASH_NUMBER")
        if not 10 <= bits <= 32:  # a Redis string has at most 2**32 bits
            raise SettingError("BLOOMFILTER_BIT", f"{bits} is not between 10 and 32")
        if not 1 <= probes <= 32:  # more take time and gain nothing
            raise SettingError("BLOOMFILTER_HASH_NUMBER", f"{probes} is not between 1 and 32")
        rate = settings.getfloat("BLOOMFILTER_ERROR_RATE")
        if not 0 < rate < 1:
            raise SettingError("BLOOMFILTER_ERROR_RATE", f"{rate} is not between 0 and 1")
        return cls(bits, probes, rate)

    @property
    def lua(self) -> str:
        numbers = f"local BITS, PROBES, PER_URL = {self._bits}, {self._probes}, {self._bits_per_url}\n"
        return numbers + super().lua

    async def usage(self, redis: Any, key: str) -> dict[str, int | float]:
        counts = await bloom_layers(redis, key)
        rate = self.error_rate(counts)
        if rate > self._error_rate:
            logger.warning(
                "The Bloom filter is too full: it drops a share of %.2g of the new requests (limit: %g); "
                "raise BLOOMFILTER_BIT",
                rate,
                self._error_rate,
            )
        return {
            "dupefilter/fingerprints": sum(counts),
            "dupefilter/bloom/bytes": int(await redis.strlen(key)),
            "dupefilter/bloom/error_rate": rate,
        }

    def error_rate(self, counts: list[int]) -> float:
        """Return the estimated rate of false positives, from the fingerprints in each layer."""
        log_of_none = 0.0  # logarithm of the probability that no layer is wrong
        for layer, count in enumerate(counts):
            bits = min(2 ** (16 + 3 * layer), 2**self._bits)
            wrong = (1 - math.exp(-self._probes * count / bits)) ** self._probes
            log_of_none += math.log1p(-min(wrong, 1 - 1e-16))
        return -math.expm1(log_of_none)


class BaseDupeFilter(RedisDupeFilter):
    """A filter that lets every request pass."""

    remembers = False
    suffix = ""
    source = "none.lua"


RedisRFPDupeFilter = RFPDupeFilter
RedisBloomDupeFilter = BloomDupeFilter
ExRedisRFPDupeFilter = ExRFPDupeFilter = RFPDupeFilter
ExRedisBloomDupeFilter = ExBloomDupeFilter = BloomDupeFilter
