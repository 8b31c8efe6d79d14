"""Requests by aiohttp whose headers have bytes that are not UTF-8: other characters stand for them.

It stands on one seam of aiohttp: the transport that a request is written to. A test compares the bytes.
"""

from typing import Any

import aiohttp

# Bytes that are not UTF-8 are characters of a private use area on their way through aiohttp.
_FIRST_ESCAPE = 0xF700


class RawRequest(aiohttp.ClientRequest):
    """A request with header bytes that are not UTF-8, written by `escaped`."""

    async def send(self, conn: Any) -> aiohttp.ClientResponse:
        protocol = conn.protocol
        protocol.transport = _RawTransport(protocol)
        return await super().send(conn)


class _RawTransport:
    """Puts the raw bytes back into the head of one request, and gives the connection its transport back."""

    def __init__(self, protocol: Any) -> None:
        self._protocol = protocol
        self._transport = protocol.transport

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: Any) -> None:
        self._protocol.transport = self._transport
        self._transport.write(_raw(bytes(data)))

    def writelines(self, parts: Any) -> None:
        self.write(b"".join(parts))


def escaped(value: bytes) -> str:
    """Return a header's name or value as text for a `RawRequest`."""
    try:
        return value.decode()
    except UnicodeDecodeError:
        return "".join(chr(byte if byte < 0x80 else _FIRST_ESCAPE + byte) for byte in value)


_ESCAPES = {chr(_FIRST_ESCAPE + byte).encode(): bytes((byte,)) for byte in range(0x80, 0x100)}


def _raw(data: bytes) -> bytes:
    """Return the bytes of a request with the escapes of its head undone."""
    head, end, body = data.partition(b"\r\n\r\n")
    for escape, byte in _ESCAPES.items():
        head = head.replace(escape, byte)
    return head + end + body
