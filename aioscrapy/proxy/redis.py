"""A pool of proxies in a Redis sorted set, which another program fills and rates."""

import asyncio
from collections.abc import Callable
from typing import Any

from aioscrapy.context import CrawlContext
from aioscrapy.db import db_manager
from aioscrapy.exceptions import DownloadError, SettingError
from aioscrapy.proxy import AbsProxy
from aioscrapy.settings import Settings

__all__ = ["AbsProxy", "RedisProxy"]

_BEST = 100


class RedisProxy(AbsProxy):
    """Takes up to PROXY_MAX_COUNT random proxies, best ones if there are any, and uses them in turn.

    Keys:
        PROXY_KEY       sorted set of "host:port" or URLs, scored from 0 to 100; only read
    """

    def __init__(self, settings: Settings, redis: Any, key: str, stop: Callable[[str], object]) -> None:
        super().__init__(settings)
        self._redis = redis
        self._key = key
        self._stop = stop
        self._filling = asyncio.Lock()

    @classmethod
    async def from_crawler(cls, crawler: CrawlContext) -> "RedisProxy":
        settings = crawler.settings
        if not settings["PROXY_KEY"]:
            raise SettingError("PROXY_KEY", "is empty: RedisProxy needs the key of its sorted set")
        return cls(
            settings, db_manager.redis(settings["PROXY_QUEUE_ALIAS"]), settings["PROXY_KEY"], crawler.stop
        )

    async def get(self) -> str:
        """Return the next proxy.

        Raises:
            DownloadError: there is no proxy; the crawl stops.
        """
        async with self._filling:
            if len(self.cache) < self.min_count:
                await self._fill()
        if not self.cache:
            self._stop("no proxy")
            raise DownloadError(f"there is no proxy in {self._key} (PROXY_KEY)")
        proxy = self.cache.pop(0)
        self.cache.append(proxy)
        return proxy

    async def _fill(self) -> None:
        """Take proxies that are not in the cache; one or two round trips."""
        members = await self._redis.zrangebyscore(self._key, _BEST, _BEST)
        if not members:
            members = await self._redis.zrangebyscore(self._key, 0, _BEST)
        urls = {_url(member) for member in members} - set(self.cache)
        self.cache.extend(_some(urls, self.max_count - len(self.cache)))


def _url(member: bytes | str) -> str:
    text = member.decode() if isinstance(member, bytes) else member
    return text if "://" in text else f"http://{text}"


def _some(urls: set[str], count: int) -> list[str]:
    import random

    return random.sample(sorted(urls), min(count, len(urls)))
