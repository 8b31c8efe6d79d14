"""A server that answers each path with bytes of its own."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from typing import Self

_NOT_FOUND = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"
_LINGER_S = 2.0  # for the client's own close, so that no reset destroys what is still under way


class RawServer:
    """Serves path -> answer and closes the connection; use it in an `async with`.

    `requests`: the heads as they came. `close`: False keeps a connection for further requests.
    """

    def __init__(self, answers: Mapping[str, bytes], close: bool = True) -> None:
        self.answers = answers
        self._close = close
        self.requests: list[bytes] = []
        self.url = ""
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._begin, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *ignored: object) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _begin(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._answer(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            with suppress(OSError, asyncio.IncompleteReadError, TimeoutError):
                while True:
                    head = await reader.readuntil(b"\r\n\r\n")
                    self.requests.append(head)
                    path = head.split(b" ", 2)[1].decode("latin-1").partition("?")[0]
                    writer.write(self.answers.get(path, _NOT_FOUND))
                    await writer.drain()
                    if self._close:
                        break
                writer.write_eof()
                await asyncio.wait_for(reader.read(), _LINGER_S)
        finally:
            writer.close()
