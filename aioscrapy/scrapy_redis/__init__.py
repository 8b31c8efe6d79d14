"""The interface of scrapy-redis, on the shared frontier; also importable as `scrapy_redis`."""

from typing import Any

# The version of scrapy-redis whose interface this is.
__version__ = "0.9.1"


def __getattr__(name: str) -> Any:
    if name not in ("get_redis", "get_redis_from_settings"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from aioscrapy.scrapy_redis import connection

    return getattr(connection, name)
