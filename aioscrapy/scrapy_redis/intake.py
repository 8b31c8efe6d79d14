"""Turns start data in Redis into requests of the frontier, while a crawl runs."""

import asyncio
from collections.abc import Callable, Iterable
from typing import Any

from redis.exceptions import RedisError

from aioscrapy.crawls.start_data import StartData
from aioscrapy.exceptions import AioscrapyError, SerializeError
from aioscrapy.http.request import Request
from aioscrapy.http.stored_request import stored_form
from aioscrapy.serializer import JsonSerializer

# Seconds between two looks at an empty key, and before another look after an error of Redis.
POLL_S = 0.5


class Intake:
    """Moves the start data of a spider into its frontier, as long as few requests wait there.

    Args:
        spider: `make_request_from_data(bytes)` returns a request, several or None.
        data: where the start data are.
        fingerprint: of a request.
        waiting: returns the number of requests that wait in the crawl.
        batch: data that are read at once; also the number of waiting requests that is enough.
    """

    def __init__(
        self,
        spider: Any,
        data: StartData,
        fingerprint: Callable[[Request], bytes],
        waiting: Callable[[], int],
        batch: int,
    ) -> None:
        self._spider = spider
        self._data = data
        self._fingerprint = fingerprint
        self._waiting = waiting
        self._batch = batch

    async def run(self) -> None:
        """Move data until the task is cancelled."""
        while True:
            try:
                moved = await self.move_batch() if self._waiting() < self._batch else 0
            except (RedisError, OSError, TimeoutError, AioscrapyError) as exc:
                self._spider.logger.error("Start data can't be read from Redis: %s", exc)
                moved = 0
            if not moved:
                await asyncio.sleep(POLL_S)

    async def move_batch(self) -> int:
        """Move up to one batch; return the number of data that this worker has moved."""
        key, data = await self._data.peek(self._batch)
        moved = 0
        for datum in data:
            requests = self._requests(datum)
            if await self._data.move(key, datum, requests):
                moved += 1
                if not requests:
                    self._spider.logger.warning("No request is made of the start datum %r", datum[:200])
        if moved:
            self._spider.stats.inc_value("scrapy_redis/start_data", moved)
        return moved

    def _requests(self, datum: bytes) -> list[tuple[bytes, bytes]]:
        """Return the requests of a datum in their stored form.

        One that fails becomes a dead letter (`aioscrapy failed`): its text is not JSON, so the frontier
        refuses it.
        """
        try:
            made = self._spider.make_request_from_data(datum)
            several = made if isinstance(made, Iterable) else [made]
            return [self._stored(request) for request in several if request is not None]
        except Exception as exc:  # one bad datum must not end the intake
            trace = None if isinstance(exc, AioscrapyError | ValueError) else exc
            self._spider.logger.error("The start datum %r fails: %s", datum[:200], exc, exc_info=trace)
            self._spider.stats.inc_value("scrapy_redis/start_data_failed")
            return [(b"start datum: " + datum, b"")]

    def _stored(self, request: Any) -> tuple[bytes, bytes]:
        if not isinstance(request, Request):
            raise SerializeError(f"make_request_from_data returned {type(request).__name__}, not a Request")
        fingerprint = b"" if request.dont_filter else self._fingerprint(request)
        return JsonSerializer.dumps(stored_form(request, self._spider)), fingerprint
