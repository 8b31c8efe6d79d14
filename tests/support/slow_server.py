"""A server as one meets it over a slow line: a proxy before a real one, whose answers come late."""

import asyncio
from contextlib import suppress
from typing import Self


class SlowServer:
    """Carries connections to `port` on loopback; each piece of an answer comes `delay_s` seconds late.

    Use it in an `async with`; its own port is `port`.
    """

    def __init__(self, behind: int, delay_s: float) -> None:
        self._behind = behind
        self._delay_s = delay_s
        self._server: asyncio.Server
        self._lines: set[asyncio.Task[None]] = set()
        self.port = 0

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._begin, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *ignored: object) -> None:
        self._server.close()
        for line in self._lines:
            line.cancel()
        await asyncio.gather(*self._lines, return_exceptions=True)
        await self._server.wait_closed()

    def _begin(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        line = asyncio.create_task(self._carry(reader, writer))
        self._lines.add(line)
        line.add_done_callback(self._lines.discard)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        inner_reader, inner_writer = await asyncio.open_connection("127.0.0.1", self._behind)
        try:
            async with asyncio.TaskGroup() as both:
                both.create_task(_pipe(reader, inner_writer, 0.0))
                both.create_task(_pipe(inner_reader, writer, self._delay_s))
        finally:
            for end in (writer, inner_writer):
                end.close()
                with suppress(OSError):
                    await end.wait_closed()


async def _pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, delay_s: float) -> None:
    with suppress(OSError):
        while data := await reader.read(2**16):
            await asyncio.sleep(delay_s)  # this is what the class is for
            writer.write(data)
            await writer.drain()
        writer.write_eof()
