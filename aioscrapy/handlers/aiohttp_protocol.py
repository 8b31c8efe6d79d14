"""aiohttp's connection, made as lenient as a browser: odd heads are repaired, cut bodies end with a note.

It stands on three seams of aiohttp: a connector's protocol factory, the protocol's parser, and the transport
that a request is written to. The raw answers of the tests fail where one of them moves.
"""

import functools
from collections.abc import Callable
from typing import Any

import aiohttp
from aiohttp.client_proto import ResponseHandler
from aiohttp.http_exceptions import HttpProcessingError

from aioscrapy.handlers.repair import MAX_HEAD, HeadError, head_size, repaired

_MAX_HEADERS = 10_000
_REFUSED = (b"sec-websocket-key1",)  # aiohttp takes no answer with this header
_NOTHING: tuple[tuple[Any, ...], bool, bytes] = ((), False, b"")
# Bytes of a header that are not UTF-8 travel through aiohttp as characters of a private use area.
_FIRST_ESCAPE = 0xF700


class Connector(aiohttp.TCPConnector):
    """Makes connections of the lenient kind."""

    def __init__(self, **arguments: Any) -> None:
        super().__init__(**arguments)
        protocol: Any = _Protocol
        self._factory = functools.partial(protocol, loop=self._loop)


class Answer(aiohttp.ClientResponse):
    """Keeps what is gone with the connection at the end of the body.

    `peer`: the address of the server. `loss`: why a part of the body is missing, "" where none is.
    """

    peer: str | None = None
    _wire: Any = None

    async def start(self, connection: Any) -> aiohttp.ClientResponse:
        self._wire = connection.protocol
        if connection.transport is not None and (name := connection.transport.get_extra_info("peername")):
            self.peer = str(name[0])
        return await super().start(connection)

    @property
    def loss(self) -> str:
        """Why a part of the body is missing."""
        return str(self._wire.loss)

    @property
    def has_end(self) -> bool:
        """The body has a length or an end of its own."""
        return self.content_length is not None or "Transfer-Encoding" in self.headers


class _Protocol(ResponseHandler):
    """A connection whose parser takes what browsers take."""

    loss = ""

    def set_response_params(self, **arguments: Any) -> None:
        self.loss = ""
        arguments["max_headers"] = _MAX_HEADERS

        def new_parser() -> Any:
            super(_Protocol, self).set_response_params(**arguments)
            return self._parser

        parser: Any = _Parser(self, new_parser)
        self._parser = parser

    def lose(self, payload: Any, reason: str) -> None:
        """End a body that is not complete, and the connection with it."""
        self.loss = reason
        payload.feed_eof()


class _Parser:
    """aiohttp's parser of one response, with a second look at what it refuses."""

    __slots__ = ("_is_waiting", "_new_parser", "_parser", "_payload", "_protocol", "_seen")

    def __init__(self, protocol: _Protocol, new_parser: Callable[[], Any]) -> None:
        self._protocol = protocol
        self._new_parser = new_parser
        self._parser = new_parser()
        self._seen = b""
        self._payload: Any = None
        self._is_waiting = False  # for the end of a head that was refused

    def __getattr__(self, name: str) -> Any:
        return getattr(self._parser, name)

    def feed_data(self, data: bytes) -> tuple[Any, bool, bytes]:
        if self._parser is None:
            return _NOTHING
        if self._payload is not None:
            return self._feed_body(data)
        if self._is_waiting:
            return self._second_look(self._seen + data, None)
        try:
            result = self._parser.feed_data(data)
        except Exception as exc:  # noqa: BLE001 aiohttp's own errors and those of its extension
            return self._second_look(self._seen + data, exc)
        if not self._note(result[0]):
            self._seen += data
        return result  # type: ignore[no-any-return]  # aiohttp's parser is not typed

    def feed_eof(self) -> Any:
        if self._parser is None:
            return None
        try:
            return self._parser.feed_eof()
        except Exception as exc:
            if self._payload is None:
                raise
            self._protocol.lose(self._payload, str(exc))
            return None

    def _note(self, messages: Any) -> bool:
        """Keep the body of the answer that has come; interim answers (1xx) are not it."""
        for message, payload in messages:
            self._seen = b""
            if message.code >= 200:
                self._payload = payload
                return True
        return bool(messages)

    def _feed_body(self, data: bytes) -> tuple[Any, bool, bytes]:
        try:
            return self._parser.feed_data(data)  # type: ignore[no-any-return]  # aiohttp's parser is not typed
        except Exception as exc:  # noqa: BLE001 the page that came before is what counts
            self._parser = None
            if not self._payload.is_eof():
                self._protocol.lose(self._payload, str(exc))
            self._protocol.force_close()
            if self._protocol.transport is not None:
                self._protocol.transport.close()
            return _NOTHING

    def _second_look(self, data: bytes, problem: Exception | None) -> tuple[Any, bool, bytes]:
        """Parse from the start of the answer, its head repaired, its body by itself."""
        size = head_size(data)
        if size is None:
            if len(data) > MAX_HEAD:
                raise problem or HttpProcessingError(message="the head is too large")
            self._seen, self._is_waiting = data, True
            return _NOTHING
        self._is_waiting = False
        try:
            head = repaired(data[:size], _REFUSED)
        except HeadError as exc:
            raise HttpProcessingError(message=str(exc)) from problem
        self._parser = self._new_parser()
        itself: Any = self
        self._protocol._parser = itself  # in the place of what new_parser has put there
        messages, upgraded, tail = self._parser.feed_data(head)
        rest = data[size:]
        self._note(messages)
        if self._payload is None:  # an interim answer
            return self.feed_data(rest) if rest else _NOTHING
        if rest:
            self._feed_body(rest)
        return messages, upgraded, tail


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
