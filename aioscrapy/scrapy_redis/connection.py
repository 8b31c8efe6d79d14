"""Blocking clients of redis-py for code of a project, by the settings of the crawl."""

from typing import Any

from aioscrapy.db.blocking_client import make_blocking_client
from aioscrapy.scrapy_redis_settings import understand_scrapy_redis
from aioscrapy.settings import Settings


def get_redis_from_settings(settings: Any) -> Any:
    """Return a blocking client of redis-py for the Redis of the frontier."""
    own = settings.copy() if isinstance(settings, Settings) else Settings(dict(settings))
    own.setdefault("REDIS_HOST", "localhost")
    understand_scrapy_redis(own)
    return make_blocking_client(own.getdict("REDIS_ARGS")[str(own["SCHEDULER_QUEUE_ALIAS"])])


def get_redis(**arguments: Any) -> Any:
    """Return a blocking client of redis-py: of `url`, or with the arguments of `redis.Redis`."""
    return make_blocking_client(arguments)


from_settings = get_redis_from_settings
