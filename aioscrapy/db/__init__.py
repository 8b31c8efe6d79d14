"""Shared connections of spiders, pipelines and the frontier, by alias: `db_manager.redis('queue')`."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from aioscrapy.exceptions import ConfigError, SettingError
from aioscrapy.settings import Settings

if TYPE_CHECKING:
    from redis.asyncio import Redis  # takes 0.1 s to import: only crawls with a Redis pay


class RedisClients:
    """The Redis clients of REDIS_ARGS; a client is created on first use and closed with the crawl.

    `db_manager.redis('queue')` and `db_manager.redis.queue` are the same client of redis-py's asyncio.
    """

    def __init__(self) -> None:
        self._arguments: dict[str, dict[str, Any]] = {}
        self._clients: dict[str, Redis] = {}

    def __call__(self, alias: str = "default") -> "Redis":
        """Return the client of an alias.

        Raises:
            SettingError: REDIS_ARGS has no such alias, or its values are not valid.
        """
        client = self._clients.get(alias)
        if client is None:
            if alias not in self._arguments:
                aliases = ", ".join(sorted(self._arguments)) or "none"
                raise SettingError("REDIS_ARGS", f"has no alias {alias!r} (it has: {aliases})")
            client = self._clients[alias] = self._make(alias)
        return client

    def __getattr__(self, alias: str) -> "Redis":
        if alias.startswith("_"):
            raise AttributeError(alias)
        return self(alias)

    def get(self, alias: str = "default") -> "Redis":
        """Return the client of an alias."""
        return self(alias)

    executor = get
    get_pool = get

    def silence_s(self, alias: str = "default") -> float | None:
        """Return the seconds without an answer until a client closes a connection; None: no limit."""
        from aioscrapy.db.redis_client import silence_s

        return silence_s(self(alias))

    def configure(self, arguments: Mapping[str, Mapping[str, Any]]) -> None:
        """Set the aliases; this does not connect."""
        for alias, values in arguments.items():
            if not isinstance(values, Mapping):
                raise SettingError("REDIS_ARGS", f"{alias!r} must be a dict with 'url', or 'host' and 'port'")
            self._arguments[alias] = dict(values)

    async def close(self) -> None:
        """Close all clients."""
        clients, self._clients = self._clients, {}
        for client in clients.values():
            await client.aclose()

    def _make(self, alias: str) -> "Redis":
        from aioscrapy.db.redis_client import (
            make_client,
        )  # redis-py takes 0.1 s: only crawls with a Redis pay

        try:
            client: Redis = make_client(self._arguments[alias])
        except ValueError as exc:
            raise SettingError("REDIS_ARGS", f"{alias!r}: {exc}") from None
        return client


class DbManager:
    """All shared connections; at present only Redis."""

    def __init__(self) -> None:
        self.redis = RedisClients()
        self._users = 0  # crawls of this process that are open

    def __getattr__(self, kind: str) -> Any:
        if kind.startswith("_"):
            raise AttributeError(kind)
        raise AttributeError(_unsupported(kind), name=kind, obj=self)

    def get_manager(self, kind: str) -> RedisClients:
        """Return the clients of a kind of database.

        Raises:
            ConfigError: another kind than redis.
        """
        if kind != "redis":
            raise ConfigError(_unsupported(kind))
        return self.redis

    def get_pool(self, kind: str, alias: str = "default") -> "Redis":
        """Return the client of an alias; the errors are those of `get_manager` and of `redis(alias)`."""
        return self.get_manager(kind)(alias)

    async def from_settings(self, settings: Settings) -> None:
        """Set the aliases of REDIS_ARGS.

        Raises:
            SettingError: REDIS_ARGS is not alias -> dict.
        """
        try:
            arguments = settings.getdict("REDIS_ARGS")
        except SettingError:  # its text may have a password
            raise SettingError("REDIS_ARGS", "is not a dict (on the command line: JSON) of aliases") from None
        self.redis.configure(arguments)
        self._users += 1

    async def from_dict(self, arguments: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> None:
        """Set {"redis": REDIS_ARGS} in a script without a crawl; call `close_all` at the end.

        Raises:
            ConfigError: another kind of database than redis.
        """
        for kind, aliases in arguments.items():
            self.get_manager(kind).configure(aliases)

    async def close(self) -> None:
        """Close all connections, unless another crawl of this process still uses them."""
        self._users -= 1
        if self._users <= 0:
            await self.close_all()

    async def close_all(self) -> None:
        """Close all connections."""
        self._users = 0
        await self.redis.close()


def _unsupported(kind: str) -> str:
    return f"db_manager supports redis, not {kind}: open the database in a pipeline of your own"


db_manager = DbManager()
"""The instance of this process, as in aio-scrapy; so are these names."""

redis_manager = db_manager.redis
get_manager = db_manager.get_manager
get_pool = db_manager.get_pool
