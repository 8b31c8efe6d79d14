"""Connections of aiohttp whose parser takes what browsers take.

They stand on two seams of aiohttp: a connector's protocol factory and the protocol's parser. The raw answers
of the tests fail where one of them moves.
"""

import asyncio
import functools
from typing import Any

import aiohttp
from aiohttp.client_proto import ResponseHandler
from aiohttp.http_exceptions import HttpProcessingError

from aioscrapy.handlers.repair import MAX_HEAD, HeadError, head_size, repaired

_MAX_HEADERS = 10_000
_REFUSED = (b"sec-websocket-key1",)  # aiohttp takes no answer with this header
_NOTHING: tuple[tuple[Any, ...], bool, bytes] = ((), False, b"")


class LenientConnector(aiohttp.TCPConnector):
    """Makes connections of the lenient kind."""

    def __init__(self, **arguments: Any) -> None:
        super().__init__(**arguments)
        protocol: Any = _Protocol
        self._factory = functools.partial(protocol, loop=self._loop)


class _Protocol(ResponseHandler):
    """A connection whose parser takes what browsers take.

    `loss`: why a part of the body is missing, "" where none is.
    """

    loss = ""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(loop)
        self._lenient = _Parser(self)
        self._arguments: dict[str, Any] = {}

    def set_response_params(self, **arguments: Any) -> None:
        self.loss = ""
        arguments["max_headers"] = _MAX_HEADERS
        self._arguments = arguments
        self._lenient.begin(self.new_parser())

    def new_parser(self) -> Any:
        """Return a new parser of aiohttp for the next response, behind the lenient one."""
        super().set_response_params(**self._arguments)
        parser, lenient = self._parser, self._lenient
        self._parser = lenient  # type: ignore[assignment]  # it has the parser's methods
        return parser

    def lose(self, payload: Any, reason: str) -> None:
        """End a body that is not complete, and the connection with it."""
        self.loss = reason
        payload.feed_eof()


class _Parser:
    """aiohttp's parsers of the responses of a connection, with a second look at what they refuse."""

    __slots__ = ("_is_waiting", "_parser", "_payload", "_protocol", "_seen")

    def __init__(self, protocol: _Protocol) -> None:
        self._protocol = protocol
        self.begin(None)

    def begin(self, parser: Any) -> None:
        """Take the parser of the next response."""
        self._parser = parser
        self._seen = b""
        self._payload: Any = None
        self._is_waiting = False  # for the end of a head that was refused

    def __getattr__(self, name: str) -> Any:
        return getattr(self._parser, name)

    def feed_data(self, data: bytes) -> tuple[Any, bool, bytes]:
        parser = self._parser
        if parser is None:
            return _NOTHING
        if self._payload is not None:
            try:
                return parser.feed_data(data)  # type: ignore[no-any-return]  # aiohttp's parser is not typed
            except Exception as exc:  # noqa: BLE001 the page that came before is what counts
                return self._end_body(exc)
        if self._is_waiting:
            return self._second_look(self._seen + data, None)
        try:
            result = parser.feed_data(data)
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

    def _end_body(self, problem: Exception) -> tuple[Any, bool, bytes]:
        """End a body that breaks off, and the connection."""
        self._parser = None
        if not self._payload.is_eof():
            self._protocol.lose(self._payload, str(problem))
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
        self._parser = self._protocol.new_parser()
        messages, upgraded, tail = self._parser.feed_data(head)
        rest = data[size:]
        self._note(messages)
        if self._payload is None:  # an interim answer
            return self.feed_data(rest) if rest else _NOTHING
        if rest:
            self.feed_data(rest)
        return messages, upgraded, tail
