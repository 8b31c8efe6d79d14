"""Start data that other programs write for a spider, in the kinds of keys that scrapy-redis reads."""

from collections.abc import Sequence
from typing import Any

from aioscrapy.crawls.keys import spider_key, tag_of
from aioscrapy.crawls.script import Script, cancellable, lua
from aioscrapy.exceptions import ConfigError


class StartData:
    """The start data of one spider in some keys; those of the first key leave first.

    A datum leaves its key in the same atomic step in which its requests enter the frontier: whatever process
    is killed, it is either still there or already a request.

    Keys:
        <key>       list (its first element leaves first), set, or sorted set (the highest score first);
                    another program writes it
    """

    def __init__(self, redis: Any, keys: Sequence[str], bot: str, spider: str) -> None:
        self._redis = redis
        self._keys = keys
        self._push = spider_key(tag_of(bot, spider), "push")
        self._script = Script(lua("types.lua", "start_data.lua"))

    async def peek(self, count: int) -> tuple[str, list[bytes]]:
        """Return the first key that has data, and up to this many of them; they stay there.

        Two round trips for each key.

        Raises:
            ConfigError: the key is of another type.
            RedisError: Redis does not answer.
        """
        for key in self._keys:
            data = await self._peek(key, count)
            if data:
                return key, data
        return self._keys[0], []

    async def _peek(self, key: str, count: int) -> list[bytes]:
        kind = await cancellable(self._redis.type(key))
        match kind.decode():
            case "none":
                return []
            case "list":
                data = await cancellable(self._redis.lrange(key, 0, count - 1))
            case "set":
                data = await cancellable(self._redis.srandmember(key, count))
            case "zset":
                data = await cancellable(self._redis.zrevrange(key, 0, count - 1))
            case other:
                raise ConfigError(f"the Redis key {key!r} is a {other}, not a list, set or sorted set")
        return [bytes(datum) for datum in data]

    async def move(self, key: str, datum: bytes, requests: Sequence[tuple[bytes, bytes]]) -> bool:
        """Replace a datum by its requests; return False if another worker has done so. One round trip.

        Args:
            key: that has the datum.
            datum: as `peek` returned it.
            requests: JSON and fingerprint of each; a fingerprint b"" does not ask the filter.
        """
        arguments = [datum, *(part for request in requests for part in request)]
        return bool(await cancellable(self._script.run(self._redis, [key, self._push], arguments)))
