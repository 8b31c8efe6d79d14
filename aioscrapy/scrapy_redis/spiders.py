"""RedisSpider and RedisCrawlSpider: their first requests come from keys in Redis."""

import asyncio
import json
import time
from contextlib import suppress
from functools import cached_property
from typing import Any, Self

from redis.exceptions import RedisError

from aioscrapy import signals
from aioscrapy.context import CrawlContext
from aioscrapy.core.frontier import build_fingerprint
from aioscrapy.crawls.start_data import StartData
from aioscrapy.db import db_manager
from aioscrapy.ends import Reason
from aioscrapy.exceptions import ConfigError, DontCloseSpider
from aioscrapy.http.form import FormRequest
from aioscrapy.http.request import Request
from aioscrapy.scrapy_redis.connection import get_redis_from_settings
from aioscrapy.scrapy_redis.intake import Intake
from aioscrapy.scrapy_redis_settings import use_shared_frontier
from aioscrapy.settings import Settings
from aioscrapy.spiders.crawl import CrawlSpider
from aioscrapy.spiders.spider import Spider

_NOT_CALLED = (
    "next_requests",
    "schedule_next_requests",
    "fetch_data",
    "pop_list_queue",
    "pop_priority_queue",
)


class RedisMixin(Spider):
    """Reads start URLs from a list, a set or a sorted set, and waits for more when all are crawled.

    A datum is a URL or a JSON object with `url`, and optionally `method`, `meta` and the fields of a form. It
    leaves its key in the step in which its requests enter the shared frontier.

    Attributes:
        redis_key: name of the key, or several of which the first that has data is read; `%(name)s` stands for
            the spider's name. None: REDIS_START_URLS_KEY.
        redis_batch_size: data that are read at once. None: REDIS_START_URLS_BATCH_SIZE.
        redis_encoding: of the data. None: REDIS_ENCODING.
        max_idle_time: seconds without work after which the crawl ends; 0: never. None:
            MAX_IDLE_TIME_BEFORE_CLOSE.
    """

    redis_key: str | list[str] | None = None
    redis_batch_size: int | None = None
    redis_encoding: str | None = None
    max_idle_time: float | None = None
    spider_idle_start_time = 0.0
    _intake: asyncio.Task[None] | None = None

    @classmethod
    def update_settings(cls, settings: Settings) -> None:
        super().update_settings(settings)
        use_shared_frontier(settings)

    @classmethod
    def from_crawler(cls, crawler: CrawlContext, *args: Any, **kwargs: Any) -> Self:
        spider = super().from_crawler(crawler, *args, **kwargs)
        spider.setup_redis(crawler)
        return spider

    @cached_property
    def server(self) -> Any:
        """A blocking client of redis-py, for methods of the spider that use it."""
        return get_redis_from_settings(self.settings)

    def start_requests(self) -> Any:
        """Return no requests; a subclass may have some."""
        return ()

    def setup_redis(self, crawler: CrawlContext | None = None) -> None:
        """Read the settings, and begin to read the keys when the crawl is open."""
        settings = self.settings
        for name in _NOT_CALLED:
            if hasattr(type(self), name):
                raise ConfigError(
                    f"{type(self).__name__}.{name} is not called here: override make_request_from_data "
                    "(docs/from-scrapy-redis.md)"
                )
        key = self.redis_key if self.redis_key is not None else str(settings["REDIS_START_URLS_KEY"])
        keys = [key] if isinstance(key, str) else list(key)
        self._redis_keys = [name % {"name": self.name} for name in keys]
        if not all(name.strip() for name in self._redis_keys) or not keys:
            raise ConfigError(f"{type(self).__name__}.redis_key is empty")
        self.redis_key = self._redis_keys[0]
        if self.redis_batch_size is None:
            self.redis_batch_size = int(
                settings["REDIS_START_URLS_BATCH_SIZE"] or settings["CONCURRENT_REQUESTS"]
            )
        self.redis_encoding = self.redis_encoding or str(settings["REDIS_ENCODING"])
        if self.max_idle_time is None:
            self.max_idle_time = settings.getfloat("MAX_IDLE_TIME_BEFORE_CLOSE")
        self.crawler.signals.connect(self._begin_intake, signals.spider_opened)
        self.crawler.signals.connect(self._end_intake, signals.spider_closed)
        self.crawler.signals.connect(self.spider_idle, signals.spider_idle)

    def make_request_from_data(self, data: bytes) -> Any:
        """Return the request of a datum, several, or None to leave it out; a subclass may override this.

        Raises:
            ValueError: it is neither a URL nor a JSON object with a `url`.
        """
        text = data.decode(self.redis_encoding or "utf-8").strip()
        if not text.startswith("{"):
            return Request(text, dont_filter=True)
        fields: dict[str, Any] = json.loads(text)
        url = fields.pop("url", None)
        if not url:
            raise ValueError("a JSON object of start data needs a 'url'")
        method = str(fields.pop("method", "GET")).upper()
        meta = fields.pop("meta", None) or {}
        return FormRequest(url, dont_filter=True, method=method, formdata=fields or None, meta=meta)

    async def spider_idle(self) -> None:
        """Keep the crawl open while it waits for start data; end it if their key is of another type.

        Raises:
            DontCloseSpider: MAX_IDLE_TIME_BEFORE_CLOSE has not passed, or Redis does not answer.
        """
        try:
            _, data = await self._start_data().peek(1)
        except ConfigError as exc:
            self.crawler.fail(Reason.START_FAILED, str(exc))
            return
        except (RedisError, OSError, TimeoutError) as exc:
            raise DontCloseSpider from exc
        now = time.monotonic()
        if data or not self.spider_idle_start_time:
            self.spider_idle_start_time = now
        idle_s = now - self.spider_idle_start_time
        if not self.max_idle_time or idle_s < self.max_idle_time:
            raise DontCloseSpider

    def _start_data(self) -> StartData:
        redis = db_manager.redis(str(self.settings["SCHEDULER_QUEUE_ALIAS"]))
        return StartData(redis, self._redis_keys, str(self.settings["BOT_NAME"]), self.name)

    async def _begin_intake(self) -> None:
        fingerprint = await build_fingerprint(self.crawler)
        batch = self.redis_batch_size or 1
        self.logger.info("Reading start URLs from redis key %s", ", ".join(map(repr, self._redis_keys)))
        intake = Intake(self, self._start_data(), fingerprint, self._waiting_requests, batch)
        self._intake = asyncio.create_task(intake.run(), name="start-data")

    def _waiting_requests(self) -> int:
        waiting = self.crawler.waiting()
        if waiting:
            self.spider_idle_start_time = 0.0
        return waiting

    async def _end_intake(self) -> None:
        if self._intake is not None:
            self._intake.cancel()
            with suppress(asyncio.CancelledError):
                await self._intake


class RedisSpider(RedisMixin):
    """A spider whose first requests come from Redis."""


class RedisCrawlSpider(RedisMixin, CrawlSpider):
    """A spider whose first requests come from Redis, and that follows links by its rules."""
