"""The serializer that the settings choose, and the crawls in the Redis that they name."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from redis.exceptions import RedisError

from aioscrapy.components import load_object
from aioscrapy.crawls.catalog import Crawls
from aioscrapy.db import RedisClients
from aioscrapy.exceptions import ConfigError, QueueError, SettingError
from aioscrapy.log import logger
from aioscrapy.serializer import PickleSerializer, Serializer, reader_of
from aioscrapy.settings import PRIORITIES, Settings


def serializer_of(settings: Settings) -> Serializer:
    """Make the serializer of SCHEDULER_SERIALIZER; warn if a user has chosen pickle.

    Raises:
        SettingError: it can't be loaded or made.
    """
    name = "SCHEDULER_SERIALIZER"
    loaded = load_object(settings[name], name)
    try:
        serializer: Serializer = loaded() if isinstance(loaded, type) else loaded
    except Exception as exc:
        raise SettingError(name, f"{settings[name]} can't be made: {type(exc).__name__}: {exc}") from exc
    # A pool of workers sets pickle above the user's layers, for a Redis that no other program reaches.
    if (
        isinstance(serializer, PickleSerializer)
        and (settings.getpriority(name) or 0) <= PRIORITIES["cmdline"]
    ):
        logger.warning(
            "PickleSerializer: any program that writes to the queue can run code in this process; "
            "use JsonSerializer unless only this crawl reaches the queue"
        )
    return serializer


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
        raise QueueError(f"Redis: {exc or type(exc).__name__}") from exc
    finally:
        await clients.close()
