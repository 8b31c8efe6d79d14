"""A blocking client of redis-py, for code of a project that is not asynchronous."""

from collections.abc import Mapping
from typing import Any

import redis

from aioscrapy.db.redis_url import read_url


def make_blocking_client(arguments: Mapping[str, Any]) -> Any:
    """Create a client of one server; this does not connect.

    Args:
        arguments: as in REDIS_ARGS: `url`, or `host` and `port` or `path`; and any argument of redis-py.

    Raises:
        ValueError: a value is not valid; the text is one line and never has a password.
    """
    values = dict(arguments)
    url = values.pop("url", None)
    if not url:
        if path := values.pop("path", None):
            values["unix_socket_path"] = path
        return redis.Redis(**values)
    address = read_url(str(url))
    if address.kind != "redis":
        raise ValueError(f"a blocking client can't connect to a {address.kind}; use db_manager.redis")
    return redis.Redis.from_url(str(url), **values)
