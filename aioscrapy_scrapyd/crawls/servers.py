"""The Redis servers that a node knows: those of `redis_urls`, and those that its jobs name."""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from aioscrapy.db.redis_url import address_of

# Servers that jobs may name; a project that names ever new ones must not fill the memory.
LIMIT = 32


@dataclass(frozen=True)
class Server:
    """One Redis.

    Attributes:
        address: without user and password, for people.
        url: with them.
        id: for addresses of pages: 8 hex digits.
    """

    address: str
    url: str = field(repr=False)

    @property
    def id(self) -> str:
        """The same for each daemon and each start of it."""
        return hashlib.sha256(_comparable(self.address).encode()).hexdigest()[:8]


class Servers:
    """All servers that are known.

    Args:
        urls: of the configuration, with passwords.

    Raises:
        ValueError: a URL is not valid; the text has no part of it.
    """

    def __init__(self, urls: Iterable[str] = ()) -> None:
        self._servers: dict[str, Server] = {}
        for url in urls:
            server = Server(address_of({"url": url}), url)
            self._servers[server.id] = server

    def __iter__(self) -> Iterator[Server]:
        return iter(list(self._servers.values()))

    def get(self, server_id: str) -> Server | None:
        """Return the server of this id."""
        return self._servers.get(server_id)

    def named(self, address: str) -> Server | None:
        """Return the server at an address that a job names; None for one too many, or a wrong address.

        A server of the configuration keeps its password; any other is asked without one.
        """
        try:
            server = Server(address_of({"url": address}), address)
        except ValueError:
            return None
        if server.id not in self._servers and len(self._servers) < LIMIT:
            self._servers[server.id] = server
        return self._servers.get(server.id)


def _comparable(address: str) -> str:
    return address.replace("//localhost:", "//127.0.0.1:")
