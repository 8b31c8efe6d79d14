"""Duplicate filters in Redis: one set of marks for all workers, tested and set inside the page commit."""

import math
import struct
from importlib.resources import files
from typing import Any, ClassVar

from aioscrapy.context import CrawlContext
from aioscrapy.exceptions import SettingError
from aioscrapy.log import logger

_HEADER_BYTES = 64  # of bloom.lua: 16 numbers of 32 bits


class RedisDupeFilter:
    """A filter that is a piece of Lua inside the store's own script.

    Attributes:
        suffix: the name of its key behind the crawl's; "" where it has none.
        lua: defines `mark(fingerprint)` and `marked()`, over KEYS[FILTER].
    """

    shared: ClassVar[bool] = True
    suffix: ClassVar[str] = "seen"
    source: ClassVar[str]
    queue: ClassVar[str] = "aioscrapy.queue.redis.SpiderPriorityQueue"  # where no queue is chosen

    @classmethod
    def from_crawler(cls, crawler: CrawlContext) -> "RedisDupeFilter":
        """Make a filter from the settings."""
        return cls()

    async def fill(self, redis: Any, key: str) -> dict[str, int | float]:
        """Return stats of what is in the filter's key."""
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

    source = "set.lua"

    async def fill(self, redis: Any, key: str) -> dict[str, int | float]:
        return {"dupefilter/fingerprints": int(await redis.scard(key))}


class BloomDupeFilter(RedisDupeFilter):
    """A Bloom filter that grows with what is in it: 8 KiB at first, each further layer eight times as large.

    It never forgets a request; it may call a new one seen, with a probability below BLOOMFILTER_ERROR_RATE as
    long as it may grow: at 1e-6 a fingerprint takes 37 bits with 12 probes, 75 bits with 6. At
    2**BLOOMFILTER_BIT bits it grows no more and the rate rises.

    Keys:
        <crawl>:bloom   string of bits; expires with the crawl, or is kept for the next one

    Source: Almeida and others, "Scalable Bloom Filters" (2007).
    """

    suffix = "bloom"
    source = "bloom.lua"

    def __init__(self, bits: int, probes: int, error_rate: float) -> None:
        self._bits = bits
        self._probes = probes
        self._asked_rate = error_rate
        layers = 5  # that many full layers hold 32 million fingerprints; their rates add up
        self._bits_per_url = -probes / math.log(1 - (error_rate / layers) ** (1 / probes))

    @classmethod
    def from_crawler(cls, crawler: CrawlContext) -> "BloomDupeFilter":
        """Read BLOOMFILTER_BIT (10 to 32) and BLOOMFILTER_HASH_NUMBER (1 to 32).

        Raises:
            SettingError: one is out of its range.
        """
        settings = crawler.settings
        bits, probes = settings.getint("BLOOMFILTER_BIT"), settings.getint("BLOOMFILTER_HASH_NUMBER")
        if not 10 <= bits <= 32:  # a Redis string has at most 2**32 bits
            raise SettingError("BLOOMFILTER_BIT", f"{bits} is not between 10 and 32")
        if not 1 <= probes <= 32:  # more cost time and gain nothing
            raise SettingError("BLOOMFILTER_HASH_NUMBER", f"{probes} is not between 1 and 32")
        rate = settings.getfloat("BLOOMFILTER_ERROR_RATE")
        if not 0 < rate < 1:
            raise SettingError("BLOOMFILTER_ERROR_RATE", f"{rate} is not between 0 and 1")
        return cls(bits, probes, rate)

    @property
    def lua(self) -> str:
        numbers = f"local BITS, PROBES, PER_URL = {self._bits}, {self._probes}, {self._bits_per_url}\n"
        return numbers + super().lua

    async def fill(self, redis: Any, key: str) -> dict[str, int | float]:
        header = bytes(await redis.getrange(key, 0, _HEADER_BYTES - 1)).ljust(_HEADER_BYTES, b"\0")
        counts = list(struct.unpack(">16I", header))
        rate = self.error_rate(counts)
        if rate > self._asked_rate:
            logger.warning(
                "The Bloom filter is too full: it calls %.2g of the new requests seen (asked: %g); "
                "raise BLOOMFILTER_BIT",
                rate,
                self._asked_rate,
            )
        return {
            "dupefilter/fingerprints": sum(counts),
            "dupefilter/bloom/bytes": int(await redis.strlen(key)),
            "dupefilter/bloom/error_rate": rate,
        }

    def error_rate(self, counts: list[int]) -> float:
        """Return the estimated rate of false positives, from the fingerprints in each layer."""
        log_of_none = 0.0  # of the probability that no layer is wrong
        for layer, count in enumerate(counts):
            bits = min(2 ** (16 + 3 * layer), 2**self._bits)
            wrong = (1 - math.exp(-self._probes * count / bits)) ** self._probes
            log_of_none += math.log1p(-min(wrong, 1 - 1e-16))
        return -math.expm1(log_of_none)


class BaseDupeFilter(RedisDupeFilter):
    """A filter that calls every request new."""

    suffix = ""
    source = "none.lua"


RedisRFPDupeFilter = RFPDupeFilter
RedisBloomDupeFilter = BloomDupeFilter
ExRedisRFPDupeFilter = ExRFPDupeFilter = RFPDupeFilter
ExRedisBloomDupeFilter = ExBloomDupeFilter = BloomDupeFilter
