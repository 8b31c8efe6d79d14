"""Connections that spiders, pipelines and the frontier share, by alias: `db_manager.redis('queue')`."""

from collections.abc import Mapping
from typing import Any

from aioscrapy.exceptions import ConfigError, SettingError
from aioscrapy.settings import Settings


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
            client = self._clients[alias] = self._make(alias)
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

    def silence_s(self, alias: str = "default") -> float | None:
        """Return the seconds without an answer after which a client gives a connection up; None: never."""
        from aioscrapy.db.redis_client import silence_s

        return silence_s(self(alias))

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

    def _make(self, alias: str) -> Any:
        from aioscrapy.db.redis_client import (
            make_client,
        )  # redis-py takes 0.1 s: only crawls with a Redis pay

        try:
            return make_client(self._arguments[alias])
        except ValueError as exc:
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
        try:
            arguments = settings.getdict("REDIS_ARGS")
        except SettingError:  # whose text may hold a password
            raise SettingError("REDIS_ARGS", "is not a dict (on the command line: JSON) of aliases") from None
        self.redis.configure(arguments)
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
