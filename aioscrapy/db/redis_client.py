"""Create the redis-py client of one alias of REDIS_ARGS: of a server, sentinels or a cluster."""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.cluster import ClusterNode, RedisCluster
from redis.asyncio.connection import Connection, SSLConnection, UnixDomainSocketConnection
from redis.asyncio.retry import Retry
from redis.asyncio.sentinel import MasterNotFoundError, Sentinel, SentinelConnectionPool
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisClusterException, RedisError

from aioscrapy.db.redis_url import Address, read_url

SOCKET_TIMEOUT_S = 10.0  # seconds without an answer until a connection is closed
_MAX_CONNECTIONS = 50
_FILES = ("ssl_ca_certs", "ssl_certfile", "ssl_keyfile")
_SENTINEL_ARGUMENTS = ("min_other_sentinels", "sentinel_kwargs", "force_master_ip")


class Sentinels(Sentinel):
    """A Sentinel client whose "no master" error is one line."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[no-untyped-call]  # redis-py has no types there
        self._discovery = asyncio.Lock()

    async def discover_master(self, service_name: str) -> Any:
        try:
            async with self._discovery:  # it reorders the sentinels: two at once would lose one
                return await super().discover_master(service_name)
        except MasterNotFoundError as exc:
            servers = (client.connection_pool.connection_kwargs for client in self.sentinels)
            addresses = ", ".join(f"{server['host']}:{server['port']}" for server in servers)
            raise MasterNotFoundError(
                f"no sentinel knows a live master {service_name!r} ({addresses})"
            ) from exc


class SentinelPool(SentinelConnectionPool, BlockingConnectionPool):
    """A blocking pool of connections to the current master."""


class SentinelRedis(Redis):
    """The client of a master; it also closes the connections to the sentinels."""

    async def aclose(self, close_connection_pool: bool | None = None) -> None:
        await super().aclose(close_connection_pool)
        await self.connection_pool.sentinel_manager.aclose()  # type: ignore[attr-defined]  # a SentinelPool has it


class Cluster(RedisCluster):
    """A cluster client that raises only RedisError; redis-py's "no node can be reached" is another class."""

    async def initialize(self, *args: Any, **kwargs: Any) -> RedisCluster:
        try:
            return await super().initialize(*args, **kwargs)
        except RedisClusterException as exc:
            raise RedisConnectionError(str(exc)) from exc

    async def execute_command(self, *args: Any, **kwargs: Any) -> Any:
        try:
            return await super().execute_command(*args, **kwargs)
        except RedisClusterException as exc:
            raise RedisConnectionError(str(exc)) from exc


def make_client(arguments: Mapping[str, Any]) -> Any:
    """Create a client; this does not connect.

    Args:
        arguments: `url`, or `host`, `port` or `path`; and any argument of redis-py. The URL wins.

    Raises:
        ValueError: a value is not valid; the text is one line and never has a password.
    """
    values = dict(arguments)
    url = values.pop("url", None)
    address = read_url(str(url)) if url else _address(values)
    values.update(address.arguments)
    values.setdefault("socket_timeout", SOCKET_TIMEOUT_S)
    values["max_connections"] = int(values.get("max_connections") or _MAX_CONNECTIONS)
    for name in _FILES:
        if values.get(name) and not Path(values[name]).is_file():
            raise ValueError(f"{name}: there is no file {str(values[name])!r}")
    create = {"redis": _server, "sentinel": _master, "cluster": _cluster}[address.kind]
    try:
        return create(address, values)
    except (TypeError, RedisError, RedisClusterException) as exc:
        raise ValueError(_problem(exc)) from None


def silence_s(client: Any) -> float | None:
    """Return the seconds without an answer until the client closes a connection; None: no limit."""
    arguments = (
        client.connection_kwargs
        if isinstance(client, RedisCluster)
        else client.connection_pool.connection_kwargs
    )
    timeout = arguments.get("socket_timeout")
    return None if timeout is None else float(timeout)


def _address(values: dict[str, Any]) -> Address:
    """Remove host, port and path from the values and return them as an address."""
    if values.get("path"):
        return Address("redis", False, [], "", {})
    host, port = values.pop("host", None) or "localhost", int(values.pop("port", None) or 6379)
    return Address("redis", bool(values.pop("ssl", False)), [(host, port)], "", {})


def _server(address: Address, values: dict[str, Any]) -> Any:
    if address.hosts:
        values["host"], values["port"] = address.hosts[0]
        values.setdefault("connection_class", SSLConnection if address.tls else Connection)
    else:
        values.setdefault("connection_class", UnixDomainSocketConnection)
    pool = BlockingConnectionPool(**values)
    # an unknown argument raises here, not at the first command
    pool.connection_class(**pool.connection_kwargs)
    return Redis.from_pool(pool)


def _master(address: Address, values: dict[str, Any]) -> Any:
    """Create the client of the master; `sentinel_kwargs` has user and password of the sentinels."""
    for_sentinels = {name: values.pop(name) for name in _SENTINEL_ARGUMENTS if name in values}
    for_both = {name: values[name] for name in values if name.startswith(("socket_", "ssl_"))}
    if address.tls:
        values["ssl"] = for_both["ssl"] = True
    for_both["retry"] = Retry(NoBackoff(), 0)  # ask the next sentinel at once; the frontier retries itself
    own = for_sentinels.pop("sentinel_kwargs", None) or {}
    sentinel = Sentinels(address.hosts, sentinel_kwargs={**for_both, **own}, **for_sentinels)
    client = sentinel.master_for(address.master, SentinelRedis, SentinelPool, **values)
    client.connection_pool.connection_class(**client.connection_pool.connection_kwargs)
    return client


def _cluster(address: Address, values: dict[str, Any]) -> Any:
    values.pop("timeout", None)  # its pools don't wait for a free connection
    nodes = [ClusterNode(host, port) for host, port in address.hosts]
    return Cluster(startup_nodes=nodes, ssl=address.tls, **values)


def _problem(exc: Exception) -> str:
    """Return the text of an error as one line, without the name of its class."""
    line = " ".join(str(exc).split())
    return line.partition("__init__() ")[2] or line
