"""Connections that spiders, pipelines and the frontier share, by alias: `db_manager.redis('queue')`."""

from collections.abc import Mapping
from typing import Any

from aioscrapy.exceptions import ConfigError, SettingError
from aioscrapy.settings import Settings

SOCKET_TIMEOUT_S = 10.0  # seconds without an answer after which a connection counts as broken


class RedisClients:
    """The Redis clients of REDIS_ARGS; each is made on first use and closed with the crawl.

    `db_manager.redis('queue')` and `db_manager.redis.queue` are the same client of redis-py's asyncio.
    """

    def __init__(self) -> None:
        self._arguments: dict[str, dict[str, Any]] = {}
        self._clients: dict[str, Any] = {}

    def __call__(self, alias: str = "default") -> Any:
        """Return the client of an alias.

        Raises:
            SettingError: REDIS_ARGS has no such alias, or its values can't be used.
        """
        client = self._clients.get(alias)
        if client is None:
            if alias not in self._arguments:
                known = ", ".join(sorted(self._arguments)) or "none"
                raise SettingError("REDIS_ARGS", f"has no alias {alias!r} (it has: {known})")
            client = self._clients[alias] = _client(alias, self._arguments[alias])
        return client

    def __getattr__(self, alias: str) -> Any:
        if alias.startswith("_"):
            raise AttributeError(alias)
        return self(alias)

    def get(self, alias: str = "default") -> Any:
        """Return the client of an alias."""
        return self(alias)

    executor = get
    get_pool = get

    def configure(self, arguments: Mapping[str, Mapping[str, Any]]) -> None:
        """Take over the aliases; nothing is connected yet."""
        for alias, values in arguments.items():
            if not isinstance(values, Mapping):
                raise SettingError("REDIS_ARGS", f"{alias!r} must be a dict with 'url', or 'host' and 'port'")
            self._arguments[alias] = dict(values)

    async def close(self) -> None:
        """Close all clients."""
        clients, self._clients = self._clients, {}
        for client in clients.values():
            await client.aclose()


def _client(alias: str, arguments: dict[str, Any]) -> Any:
    """Make a client whose commands wait up to `timeout` seconds for one of `max_connections` connections."""
    from redis.asyncio import BlockingConnectionPool, Redis

    values = dict(arguments)
    url = values.pop("url", None)
    values.setdefault("socket_timeout", SOCKET_TIMEOUT_S)
    values["max_connections"] = int(values.get("max_connections") or 50)
    try:
        if url:
            pool = BlockingConnectionPool.from_url(str(url), **values)
        else:
            pool = BlockingConnectionPool(**values)
        return Redis.from_pool(pool)
    except (TypeError, ValueError) as exc:
        raise SettingError("REDIS_ARGS", f"{alias!r}: {exc}") from None


class DbManager:
    """All kinds of shared connections; today that is Redis."""

    def __init__(self) -> None:
        self.redis = RedisClients()
        self._users = 0  # crawls of this process that are open

    async def from_settings(self, settings: Settings) -> None:
        """Take over REDIS_ARGS.

        Raises:
            SettingError: it is not alias -> dict.
        """
        self.redis.configure(settings.getdict("REDIS_ARGS"))
        self._users += 1

    async def from_dict(self, arguments: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> None:
        """Take over {"redis": what would be REDIS_ARGS}, for a script that has no crawl; end by `close_all`.

        Raises:
            ConfigError: another kind of database is asked for.
        """
        for kind, aliases in arguments.items():
            if kind != "redis":
                raise ConfigError(f"db_manager knows redis, not {kind}")
            self.redis.configure(aliases)

    async def close(self) -> None:
        """Close all connections, unless another crawl of this process still uses them."""
        self._users -= 1
        if self._users <= 0:
            await self.close_all()

    async def close_all(self) -> None:
        """Close all connections."""
        self._users = 0
        await self.redis.close()


db_manager = DbManager()
"""The one of this process, as in aio-scrapy."""
