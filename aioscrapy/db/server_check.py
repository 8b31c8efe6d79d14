"""Whether a Redis server may delete keys of a crawl, or forgets them at a restart."""

from typing import Any

from redis.exceptions import RedisError

HELP = "docs/redis.md, What to configure"


async def server_problems(redis: Any) -> list[str]:
    """Return what the server may do to a crawl, one line each; three round trips."""
    problems = []
    memory, persistence = await _info(redis, "memory"), await _info(redis, "persistence")
    eviction = str(memory.get("maxmemory_policy", ""))
    if eviction.startswith("allkeys"):
        problems.append(
            f"Redis may delete keys of the crawl when its memory is full (maxmemory-policy {eviction}): "
            f"set it to noeviction ({HELP})"
        )
    if persistence.get("aof_enabled") == 0 and await _snapshots(redis) == "":
        problems.append(
            "Redis keeps the crawl in memory only (appendonly no, no save): a restart of the server "
            f"loses it; set appendonly to yes ({HELP})"
        )
    return problems


async def _info(redis: Any, section: str) -> dict[str, Any]:
    try:
        info = await redis.info(section)
    except RedisError:  # not permitted, or not known to this server
        return {}
    if info and all(isinstance(value, dict) for value in info.values()):  # a cluster: node -> its information
        return dict(next(iter(info.values())))
    return dict(info)


async def _snapshots(redis: Any) -> str | None:
    """Return the rules for snapshots; "" for none, None if the server does not report them."""
    try:
        config = await redis.config_get("save")
    except RedisError:
        return None
    value = config.get("save", config.get(b"save"))
    return value.decode() if isinstance(value, bytes) else value
