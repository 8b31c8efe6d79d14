"""What a connection of aiohttp does with an answer that aiohttp's parser refuses.

It stands on two seams of aiohttp: a connector's protocol factory and the protocol's parser. The raw answers
of the tests fail where one of them moves.
"""

from typing import Any

from aiohttp import hdrs
from aiohttp.http_exceptions import HttpProcessingError

from aioscrapy.handlers.chunks import ChunkError, Chunks
from aioscrapy.handlers.repair import MAX_HEAD, HeadError, head_size, hides_chunks, repaired

_REFUSED = (b"sec-websocket-key1",)  # aiohttp takes no answer with this header
NOTHING: tuple[tuple[Any, ...], bool, bytes] = ((), False, b"")


class ChunkedBody:
    """Feeds the rest of a chunked body that aiohttp's parser refuses; in the place of that parser.

    `delivered`: bytes of the body that the parser has delivered.
    """

    def __init__(self, payload: Any, delivered: int) -> None:
        self._payload = payload
        self._skip = delivered
        self._chunks = Chunks()

    def feed_data(self, data: bytes) -> tuple[Any, bool, bytes]:
        """Feed the next bytes."""
        for piece in self._chunks.feed(data):
            self._payload.feed_data(piece[self._skip :])
            self._skip = max(0, self._skip - len(piece))
        if self._chunks.is_complete:
            self._payload.feed_eof()
        return NOTHING

    def feed_eof(self) -> None:
        """Refuse the end of the connection before that of the body."""
        raise ChunkError("the connection was closed before the last chunk")


class Repairing:
    """The second look of a parser that stands before those of aiohttp.

    `_seen`: the bytes of a head that is not complete. `_framed`: those of a chunked body of which nothing has
    come out yet; None for other bodies.
    """

    _parser: Any
    _payload: Any
    _protocol: Any
    _seen: bytes
    _is_waiting: bool
    _framed: bytes | None

    def feed_data(self, data: bytes) -> tuple[Any, bool, bytes]:
        """Parse the next bytes."""
        raise NotImplementedError

    def note(self, messages: Any, data: bytes) -> bool:
        """Keep the body of the answer that has come with these bytes."""
        raise NotImplementedError

    def feed_body(self, data: bytes) -> tuple[Any, bool, bytes]:
        """Parse the next bytes of a body that is complete, or of whose chunks nothing has come out yet."""
        if data and self._payload.is_eof():  # no data: the reader goes on after a pause
            return self.refuse()
        try:
            result = self._parser.feed_data(data)
        except Exception as exc:  # noqa: BLE001 the page that came before is what counts
            if self._framed is None or self._payload.is_eof():
                return self.end_body(exc)
            return self.read_chunks(self._framed + data, exc)
        if self._framed is not None:
            self._framed = None if self._payload.total_bytes else self._framed + data
        return result  # type: ignore[no-any-return]  # aiohttp's parser is not typed

    def feed_eof(self) -> Any:
        """End the answer with its connection."""
        if self._parser is None:
            return None
        try:
            return self._parser.feed_eof()
        except Exception as exc:
            if self._payload is None:
                raise
            self._protocol.lose(self._payload, str(exc))
            return None

    def read_chunks(self, data: bytes, problem: Exception) -> tuple[Any, bool, bytes]:
        """Read a body whose chunks the parser refuses as browsers do, from its start."""
        self._framed = None
        self._parser = ChunkedBody(self._payload, self._payload.total_bytes)
        self._protocol.force_close()
        try:
            return self._parser.feed_data(data)  # type: ignore[no-any-return]  # typed above
        except ChunkError:
            return self.end_body(problem)

    def reset(self, problem: ConnectionError) -> None:
        """End the body of a connection that was reset; without a length, it would look complete."""
        if self._payload is not None and not self._payload.is_eof():
            self._protocol.lose(self._payload, str(problem))

    def refuse(self) -> tuple[Any, bool, bytes]:
        """Close a connection on which bytes come that nobody asked for.

        They would be taken for the answer to the next request: a server says "408" before it closes an idle
        connection.
        """
        self._parser = None
        self._hang_up()
        return NOTHING

    def end_body(self, problem: Exception) -> tuple[Any, bool, bytes]:
        """End a body that breaks off, and the connection."""
        self._parser = None
        if not self._payload.is_eof():
            self._protocol.lose(self._payload, str(problem))
        self._hang_up()
        return NOTHING

    def _hang_up(self) -> None:
        self._protocol.force_close()
        if self._protocol.transport is not None:
            self._protocol.transport.close()

    def second_look(self, data: bytes, problem: Exception | None) -> tuple[Any, bool, bytes]:
        """Parse from the start of the answer, its head repaired, its body by itself."""
        size = head_size(data)
        if size is None:
            if len(data) > MAX_HEAD:
                raise problem or HttpProcessingError(message="the head is too large")
            self._seen, self._is_waiting = data, True
            return NOTHING
        self._is_waiting = False
        try:
            head = repaired(data[:size], _REFUSED)
        except HeadError as exc:
            raise HttpProcessingError(message=str(exc)) from problem
        self._parser = self._protocol.new_parser()
        messages, upgraded, tail = self._parser.feed_data(head)
        rest = data[size:]
        self.note(messages, head)
        if self._payload is None:  # an interim answer
            return self.feed_data(rest) if rest else NOTHING
        if rest:
            self.feed_data(rest)
        return messages, upgraded, tail


def is_misread(message: Any) -> bool:
    """Return True if the parser overlooks that the body of a message with Transfer-Encoding is chunked."""
    values = (value.encode() for value in message.headers.getall(hdrs.TRANSFER_ENCODING))
    return message.version >= (1, 1) and hides_chunks(values)
