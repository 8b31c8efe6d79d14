"""Whether a Redis server may delete keys of a crawl, or forgets them at a restart."""

from dataclasses import dataclass, field
from typing import Any

from redis.exceptions import RedisError

HELP = "docs/redis.md, What to configure"


@dataclass(frozen=True)
class ServerProblem:
    """What a server may do to a crawl: a sentence with {names}, and their values."""

    text: str
    values: dict[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.text.format_map(self.values)


_EVICTION = (
    "Redis may delete keys of the crawl when its memory is full (maxmemory-policy {policy}): "
    "set it to noeviction ({help})"
)
_NO_FILE = (
    "Redis keeps the crawl in memory only (appendonly no, no save): a restart of the server "
    "loses it; set appendonly to yes ({help})"
)


async def server_problems(redis: Any) -> list[ServerProblem]:
    """Return what the server may do to a crawl; three round trips."""
    problems = []
    memory, persistence = await _info(redis, "memory"), await _info(redis, "persistence")
    eviction = str(memory.get("maxmemory_policy", ""))
    if eviction.startswith("allkeys"):
        problems.append(ServerProblem(_EVICTION, {"policy": eviction, "help": HELP}))
    if persistence.get("aof_enabled") == 0 and await _snapshots(redis) == "":
        problems.append(ServerProblem(_NO_FILE, {"help": HELP}))
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
