"""One Redis as the page asks it: every question ends within a second, with an answer or a sentence."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import AuthenticationError, NoPermissionError, RedisError, ResponseError

from aioscrapy.crawls.catalog import Crawls
from aioscrapy.db.redis_client import make_client
from aioscrapy.serializer import MsgpackSerializer, reader_of
from aioscrapy_scrapyd.crawls.servers import Server

T = TypeVar("T")

# Seconds until a question is given up, and seconds without a question to a server that did not answer.
PATIENCE_S = 0.9
PAUSE_S = 2.0


class AwayError(Exception):
    """A Redis does not answer, or does not let the node in: a sentence with {names}, and their values."""

    def __init__(self, text: str, values: dict[str, str]) -> None:
        super().__init__(text.format_map(values))
        self.text = text
        self.values = values


class CrawlClient:
    """Asks one server; all calls are in the loop of the room's thread.

    Attributes:
        up: whether it answered last; None before the first question.
    """

    def __init__(self, server: Server) -> None:
        self.server = server
        self.up: bool | None = None
        self._redis: Any = None
        self._away: AwayError | None = None
        self._away_until = 0.0

    async def ask(self, question: Callable[[Crawls], Awaitable[T]], patience_s: float = PATIENCE_S) -> T:
        """Return the answer to a question.

        Raises:
            AwayError: there is none.
        """
        if self._away is not None and time.monotonic() < self._away_until:
            raise self._away
        try:
            async with asyncio.timeout(patience_s):
                result = await question(self._crawls())
        except (RedisError, OSError, TimeoutError, ValueError) as exc:
            problem = self._sentence(exc)
            if not _is_answer(exc):
                await self.close()
                self._away, self._away_until = problem, time.monotonic() + PAUSE_S
                self.up = False
            raise problem from exc
        self._away, self.up = None, True
        return result

    async def close(self) -> None:
        """Drop the connections: one that a question was given up on is not used again."""
        redis, self._redis = self._redis, None
        if redis is not None:
            try:
                async with asyncio.timeout(0.1):
                    await redis.aclose()
            except (RedisError, OSError, TimeoutError):
                return

    def _crawls(self) -> Crawls:
        if self._redis is None:
            self._redis = make_client(
                {
                    "url": self.server.url,
                    "socket_timeout": PATIENCE_S,
                    "socket_connect_timeout": PATIENCE_S,
                    "max_connections": 4,
                    "retry": Retry(NoBackoff(), 0),
                }
            )
        # never pickle: a program that writes to the Redis could run code here
        return Crawls(self._redis, "", reader_of(MsgpackSerializer()))

    def _sentence(self, exc: BaseException) -> AwayError:
        values = {"redis": self.server.address}
        if _asks_for_login(exc):
            text = "{redis} wants a password: put its URL with the password into redis_urls of scrapyd.conf"
        elif isinstance(exc, TimeoutError):
            text = "{redis} did not answer within a second"
        else:
            verb = "answers with an error" if _is_answer(exc) else "does not answer"
            text = f"{{redis}} {verb}: {{reason}}"
            values["reason"] = " ".join(str(exc).split())[:200] or type(exc).__name__
        return AwayError(text, values)


def _is_answer(exc: BaseException) -> bool:
    """Return True if the server has answered: a script failed, or a value is not what a crawl has there."""
    return isinstance(exc, (ResponseError, ValueError)) and not _asks_for_login(exc)


def _asks_for_login(exc: BaseException) -> bool:
    names = ("NOAUTH", "WRONGPASS", "NOPERM")
    is_refusal = isinstance(exc, ResponseError) and str(exc).startswith(names)
    return is_refusal or isinstance(exc, (AuthenticationError, NoPermissionError))
