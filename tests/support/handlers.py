"""The download handlers, and a server that says what a test wants and keeps what it was sent."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from aioscrapy.components import load_object
from aioscrapy.handlers.base import DownloadHandler
from support.context import context

HANDLERS = {
    "aiohttp": "aioscrapy.handlers.aiohttp.AioHttpDownloadHandler",
    "wreq": "aioscrapy.handlers.wreq.WreqDownloadHandler",
    "curl_cffi": "aioscrapy.handlers.curl_cffi.CurlCffiDownloadHandler",
}
PLAIN = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nok"

CONNECTED = b"HTTP/1.1 200 Connection established\r\nX-Proxy: yes\r\n\r\n"


@asynccontextmanager
async def open_handler(name: str, settings: dict[str, Any] | None = None) -> AsyncIterator[DownloadHandler]:
    """Make a handler as a crawl does, and close it."""
    made: DownloadHandler = load_object(HANDLERS[name], "DOWNLOAD_HANDLERS").from_crawler(context(settings))
    try:
        yield made
    finally:
        await made.close()


class WireServer:
    """Answers each request with the same bytes; with b"" never. Use it in an `async with`.

    `requests`: heads and bodies as they came · `connections`: how many came · `open`: how many still are.
    With `tunnel` it is a proxy too: it carries a CONNECT through to where it wants to go.
    """

    def __init__(
        self, answer: bytes = PLAIN, tls: ssl.SSLContext | None = None, tunnel: bool = False
    ) -> None:
        self.answer = answer
        self.requests: list[bytes] = []
        self.connections = 0
        self.open = 0
        self.asked = asyncio.Event()
        self.idle = asyncio.Event()
        self.url = ""
        self._tls = tls
        self._tunnel = tunnel
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._begin, "127.0.0.1", 0, ssl=self._tls)
        port = self._server.sockets[0].getsockname()[1]
        self.url = f"{'https' if self._tls else 'http'}://127.0.0.1:{port}"
        return self

    async def __aexit__(self, *ignored: object) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.sleep(0.01)  # the loop closes what was aborted; a handshake that failed has no task

    def _begin(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._talk(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.open += 1
        self.idle.clear()
        try:
            with suppress(asyncio.IncompleteReadError, OSError):
                while True:
                    head = await reader.readuntil(b"\r\n\r\n")
                    lines = head.lower().split(b"\r\n")
                    lengths = [line[15:] for line in lines if line.startswith(b"content-length:")]
                    self.requests.append(head + await reader.readexactly(int(lengths[0]) if lengths else 0))
                    self.asked.set()
                    if self._tunnel and head.startswith(b"CONNECT "):
                        await _carry(head.split()[1].decode(), reader, writer, CONNECTED)
                        return
                    writer.write(self.answer)
                    await writer.drain()
        finally:
            self.open -= 1
            if not self.open:
                self.idle.set()
            writer.transport.abort()  # TLS would wait for the goodbye of the other side


@asynccontextmanager
async def socks5_proxy(targets: list[str]) -> AsyncIterator[str]:
    """Run a SOCKS 5 proxy without login (RFC 1928); notes in `targets` where each connection goes to."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            _, methods = await reader.readexactly(2)
            await reader.readexactly(methods)
            writer.write(b"\x05\x00")
            *_, kind = await reader.readexactly(4)
            assert kind == 1  # IPv4
            host = ip_address(await reader.readexactly(4))
            target = f"{host}:{int.from_bytes(await reader.readexactly(2), 'big')}"
            targets.append(target)
            await _carry(target, reader, writer, b"\x05\x00\x00\x01" + bytes(6))
        finally:
            writer.close()

    async with await asyncio.start_server(talk, "127.0.0.1", 0) as server:
        yield f"socks5://127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def _carry(
    where: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, greeting: bytes
) -> None:
    """Connect to HOST:PORT, say so, and carry bytes both ways until one end is closed."""
    host, _, port = where.rpartition(":")
    far_reader, far_writer = await asyncio.open_connection(host, int(port))
    writer.write(greeting)

    async def one_way(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await source.read(65536):
                target.write(data)
                await target.drain()
        target.close()

    try:
        await asyncio.gather(one_way(reader, far_writer), one_way(far_reader, writer))
    finally:
        far_writer.close()


def tls_context(folder: Path, protocols: tuple[str, ...] = ()) -> ssl.SSLContext:
    """Return the server's side of TLS for 127.0.0.1, with a certificate that nobody signed but itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = folder / "server.pem"
    pem.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + made.public_bytes(serialization.Encoding.PEM)
    )
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(pem)
    if protocols:
        server.set_alpn_protocols(list(protocols))
    return server
