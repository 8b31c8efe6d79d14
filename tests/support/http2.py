"""A server of HTTP/2, by the h2 library, which says 200 and "ok" to each request."""

import asyncio
import ssl
from typing import Self

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import RequestReceived


class Http2Server:
    """Use it in an `async with`; `headers` are those of the last request, as they came."""

    def __init__(self, tls: ssl.SSLContext) -> None:
        self._tls = tls
        self.url = ""
        self.headers: list[tuple[str, str]] = []
        self.connections: set[_Connection] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.get_running_loop().create_server(
            lambda: _Connection(self), "127.0.0.1", 0, ssl=self._tls
        )
        self.url = f"https://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *ignored: object) -> None:
        self._server.close()
        for connection in list(self.connections):
            connection.close()
        await asyncio.gather(*(connection.lost for connection in list(self.connections)))


class _Connection(asyncio.Protocol):
    def __init__(self, server: Http2Server) -> None:
        self._server = server
        self._h2 = H2Connection(H2Configuration(client_side=False, header_encoding="utf-8"))
        self.lost = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._server.connections.add(self)
        self._h2.initiate_connection()
        transport.write(self._h2.data_to_send())

    def data_received(self, data: bytes) -> None:
        for event in self._h2.receive_data(data):
            if isinstance(event, RequestReceived):
                self._server.headers = [(str(name), str(value)) for name, value in event.headers]
                self._h2.send_headers(event.stream_id, [(":status", "200"), ("content-type", "text/plain")])
                self._h2.send_data(event.stream_id, b"ok", end_stream=True)
        self._transport.write(self._h2.data_to_send())

    def connection_lost(self, exc: Exception | None) -> None:
        self._server.connections.discard(self)
        self.lost.set_result(None)

    def close(self) -> None:
        self._transport.abort()
