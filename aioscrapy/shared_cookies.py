"""The cookies that the workers of a crawl share: changes made here, and changes made elsewhere."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any

from aioscrapy.exceptions import QueueError
from aioscrapy.log import logger

REMEMBERED = 10_000  # jars of which this worker knows that its copy is the newest
RETRY_S = 0.5  # seconds between two attempts to fetch jars

Change = tuple[str, str, bytes]
"""The names of a jar and of a cookie in it, and the value of the cookie; b"": deleted."""


class SharedCookies:
    """Keeps the jars of this worker and those in the crawl's store alike.

    The cookies middleware records every change of a jar. The scheduler sends the changes with the next
    exchange, at the latest with the one that commits the page. Before a leased request starts, the
    scheduler fetches its jar if another worker has changed cookies.
    """

    def __init__(self) -> None:
        self._changes: dict[tuple[str, str], bytes] = {}  # of this worker, not sent yet
        self._version = 0  # of all cookies of the crawl, at the latest exchange
        self._newest: set[str] = set()  # jars whose copy here has this version
        self._jar_of: Callable[[Any], str | None] | None = None
        self._replace: Callable[[str, Mapping[str, bytes]], None] | None = None

    def connect(
        self, jar_of: Callable[[Any], str | None], replace: Callable[[str, Mapping[str, bytes]], None]
    ) -> None:
        """Take the middleware's functions.

        Args:
            jar_of: request -> the name of its jar; None if the request uses no shared jar.
            replace: replaces the cookies in a jar.
        """
        self._jar_of, self._replace = jar_of, replace

    def record(self, jar: str, cookie: str, value: bytes) -> None:
        """Note that a cookie was set; b"" if it was deleted."""
        self._changes[jar, cookie] = value

    def take_changes(self) -> list[Change]:
        """Return the changes since the last call."""
        changes, self._changes = self._changes, {}
        return [(jar, cookie, value) for (jar, cookie), value in changes.items()]

    async def refresh(
        self,
        requests: Iterable[Any],
        version: int,
        sent: Sequence[Change],
        read: Callable[[Sequence[str]], Awaitable[dict[str, dict[str, bytes]]]],
    ) -> None:
        """Fetch the jars of these requests, if another worker has changed cookies. One round trip, or none.

        Args:
            requests: leased by the latest exchange; None is not a request.
            version: of the cookies after that exchange; 0: nobody has set any.
            sent: the changes of this worker in that exchange.
            read: returns jar -> cookie -> value; raises QueueError.
        """
        if version != self._version + bool(sent) or len(self._newest) > REMEMBERED:
            self._newest.clear()
        self._version = version
        if not version or self._jar_of is None:
            return
        jars = {self._jar_of(request) for request in requests if request is not None} - self._newest - {None}
        while jars:
            try:
                self._receive(await read([jar for jar in jars if jar is not None]))
            except QueueError as exc:
                logger.warning("Waiting for the cookies of the crawl: %s", exc)
                await asyncio.sleep(RETRY_S)
            else:
                return

    def _receive(self, jars: Mapping[str, Mapping[str, bytes]]) -> None:
        for jar, stored in jars.items():
            self._newest.add(jar)
            own = {cookie: value for (name, cookie), value in self._changes.items() if name == jar}
            cookies = {cookie: value for cookie, value in {**stored, **own}.items() if value}
            try:
                if self._replace is not None:
                    self._replace(jar, cookies)
            except (ValueError, TypeError, LookupError) as exc:
                logger.error("The shared cookies %s can't be read: %s", jar, exc)
