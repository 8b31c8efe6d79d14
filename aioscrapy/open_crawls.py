"""The crawls in the Redis that the settings name, for commands; a crawl itself does not load it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from redis.exceptions import RedisError

from aioscrapy.crawls.catalog import Crawls
from aioscrapy.db import RedisClients
from aioscrapy.exceptions import ConfigError, QueueError, SettingError
from aioscrapy.frontier_settings import serializer_of
from aioscrapy.queue.redis_errors import reason_of
from aioscrapy.serializer import reader_of
from aioscrapy.settings import Settings


@asynccontextmanager
async def open_crawls(settings: Settings, url: str | None, *, bot: str) -> AsyncIterator[Crawls]:
    """Connect to the Redis of the crawls, and close the connection at the end.

    Args:
        settings: name the Redis, by REDIS_ARGS and SCHEDULER_QUEUE_ALIAS, and the serializer.
        url: of another Redis.
        bot: BOT_NAME; "" for all projects.

    Raises:
        ConfigError: no Redis is named, or its address can't be used.
        QueueError: Redis does not answer, or answers with an error.
    """
    alias = str(settings["SCHEDULER_QUEUE_ALIAS"])
    arguments = {alias: {"url": url}} if url else settings.getdict("REDIS_ARGS")
    if alias not in arguments:
        raise ConfigError(
            f"no Redis is named: set REDIS_ARGS = {{{alias!r}: {{'url': 'redis://…'}}}}, or use --redis URL"
        )
    loads = reader_of(serializer_of(settings))
    clients = RedisClients()  # not db_manager's: a crawl in this process keeps its connections
    try:
        clients.configure(arguments)
        yield Crawls(clients(alias), bot, loads)
    except SettingError as exc:
        if not url:
            raise
        raise ConfigError(f"--redis can't be used: {str(exc).rpartition(': ')[2]}") from None
    except (RedisError, TimeoutError) as exc:
        raise QueueError(f"Redis: {reason_of(exc)}") from exc
    finally:
        await clients.close()
