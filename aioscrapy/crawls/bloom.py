"""The header of the Bloom filter in Redis."""

import struct
from typing import Any

_HEADER_BYTES = 64  # 16 numbers of 32 bits


async def bloom_layers(redis: Any, key: str) -> list[int]:
    """Return the fingerprints in each of the 16 layers: the header that bloom.lua writes."""
    header = bytes(await redis.getrange(key, 0, _HEADER_BYTES - 1))
    return list(struct.unpack(">16I", header.ljust(_HEADER_BYTES, b"\0")))
