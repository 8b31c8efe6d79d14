"""A small HTTP/1.1 server over a raw asyncio protocol: fast enough never to be what a test measures."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import cast
from urllib.parse import parse_qsl, urlsplit

REASONS = {200: "OK", 301: "Moved Permanently", 302: "Found", 404: "Not Found", 503: "Service Unavailable"}


@dataclass(slots=True)
class Incoming:
    """One request as it came in; header names in lower case, all text decoded as Latin-1."""

    method: str
    target: str
    headers: list[tuple[str, str]]
    body: bytes
    proxied: bool
    host: str
    close: bool

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]

    @property
    def query(self) -> dict[str, str]:
        return dict(parse_qsl(urlsplit(self.target).query, keep_blank_values=True))

    def header(self, name: str, default: str = "") -> str:
        return next((value for key, value in self.headers if key == name), default)


@dataclass(slots=True)
class Outgoing:
    """One answer.

    `stream` is sent after `body` and, where `length` is None, in chunks; a `length` that differs from what
    is sent makes a broken answer on purpose. `drop` closes the connection without an answer.
    """

    body: bytes = b""
    status: int = 200
    content_type: str = "text/html; charset=utf-8"
    headers: list[tuple[str, str]] = field(default_factory=list)
    stream: AsyncIterator[bytes] | None = None
    length: int | None = None
    close: bool = False
    drop: bool = False

    def head(self, chunked: bool) -> bytes:
        lines = [f"HTTP/1.1 {self.status} {REASONS.get(self.status, 'Status')}"]
        if self.content_type:
            lines.append(f"Content-Type: {self.content_type}")
        length = len(self.body) if self.length is None else self.length
        lines.append("Transfer-Encoding: chunked" if chunked else f"Content-Length: {length}")
        if self.close:
            lines.append("Connection: close")
        lines += [f"{name}: {value}" for name, value in self.headers]
        return "\r\n".join([*lines, "", ""]).encode("latin-1")


Answer = bytes | Outgoing
Handler = Callable[[Incoming], Answer | Awaitable[Answer]]


def encoded(outgoing: Outgoing) -> bytes:
    """Return a whole answer as bytes, to be made once and sent many times."""
    return outgoing.head(chunked=False) + outgoing.body


class Connection(asyncio.Protocol):
    """One client's connection: requests one after the other, as browsers and aiohttp send them."""

    def __init__(self, handler: Handler, on_end: Callable[[Incoming], None]) -> None:
        self._handler = handler
        self._on_end = on_end
        self._buffer = b""
        self._transport: asyncio.Transport | None = None
        self._busy: asyncio.Task[None] | None = None
        self._writable = asyncio.Event()
        self._writable.set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        self._writable.set()
        if self._busy is not None:
            self._busy.cancel()

    def pause_writing(self) -> None:
        self._writable.clear()

    def resume_writing(self) -> None:
        self._writable.set()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        self._serve_what_has_come()

    def _serve_what_has_come(self) -> None:
        while self._busy is None and self._transport is not None:
            incoming = self._next_request()
            if incoming is None:
                return
            answer = self._handler(incoming)
            if isinstance(answer, bytes):
                self._transport.write(answer)
                self._end(incoming)
            else:
                self._busy = asyncio.ensure_future(self._finish(incoming, answer))
                self._busy.add_done_callback(self._finished)

    def _next_request(self) -> Incoming | None:
        head, found, rest = self._buffer.partition(b"\r\n\r\n")
        if not found:
            return None
        first, *lines = head.decode("latin-1").split("\r\n")
        method, target, version = first.split(" ", 2)
        headers = [
            (name.lower(), value.strip()) for name, _, value in (line.partition(":") for line in lines)
        ]
        values = dict(headers)
        length = int(values.get("content-length", "0"))
        if len(rest) < length:
            return None
        self._buffer = rest[length:]
        proxied = target.startswith("http://")
        if proxied:
            parts = urlsplit(target)
            target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        close = version == "HTTP/1.0" or values.get("connection", "").lower() == "close"
        return Incoming(method, target, headers, rest[:length], proxied, values.get("host", ""), close)

    async def _finish(self, incoming: Incoming, answer: Outgoing | Awaitable[Answer]) -> None:
        try:
            outgoing = answer if isinstance(answer, Outgoing) else await answer
            await self._send(incoming, outgoing)
        finally:
            self._end(incoming)

    async def _send(self, incoming: Incoming, answer: Answer) -> None:
        if isinstance(answer, bytes):
            self._write(answer)
            return
        if answer.drop:
            self._close()
            return
        chunked = answer.stream is not None and answer.length is None
        with_body = b"" if incoming.method == "HEAD" or chunked else answer.body
        self._write(answer.head(chunked) + with_body)
        if answer.stream is not None and incoming.method != "HEAD":
            async for piece in answer.stream:
                self._write(b"%x\r\n%b\r\n" % (len(piece), piece) if chunked else piece)
                await self._writable.wait()
            if chunked:
                self._write(b"0\r\n\r\n")
        if answer.close:
            self._close()

    def _finished(self, task: "asyncio.Task[None]") -> None:
        self._busy = None
        if task.cancelled():
            return
        if task.exception() is not None:
            self._close()
            raise AssertionError("the test site has a fault") from task.exception()
        self._serve_what_has_come()

    def _end(self, incoming: Incoming) -> None:
        self._on_end(incoming)
        if incoming.close:
            self._close()

    def _write(self, data: bytes) -> None:
        if self._transport is not None:
            self._transport.write(data)

    def _close(self) -> None:
        if self._transport is not None:
            self._transport.close()
