"""What a connection of aiohttp does with an answer that aiohttp's parser refuses.

It stands on two seams of aiohttp: a connector's protocol factory and the protocol's parser. The raw answers
of the tests fail where one of them moves.
"""

from typing import Any

from aiohttp import hdrs
from aiohttp.http_exceptions import HttpProcessingError

from aioscrapy.handlers.repair import MAX_HEAD, HeadError, head_size, hides_chunks, repaired

_REFUSED = (b"sec-websocket-key1",)  # aiohttp takes no answer with this header
NOTHING: tuple[tuple[Any, ...], bool, bytes] = ((), False, b"")


class Repairing:
    """The second look of a parser that stands before those of aiohttp."""

    _parser: Any
    _payload: Any
    _protocol: Any
    _seen: bytes
    _is_waiting: bool

    def feed_data(self, data: bytes) -> tuple[Any, bool, bytes]:
        """Parse the next bytes."""
        raise NotImplementedError

    def note(self, messages: Any) -> bool:
        """Keep the body of the answer that has come; interim answers (1xx) are not it."""
        for message, payload in messages:
            self._seen = b""
            if message.code >= 200:
                self._payload = payload
                return True
        return bool(messages)

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
        self.note(messages)
        if self._payload is None:  # an interim answer
            return self.feed_data(rest) if rest else NOTHING
        if rest:
            self.feed_data(rest)
        return messages, upgraded, tail


def is_misread(messages: Any) -> bool:
    """Return True if the parser overlooks that the body is chunked."""
    for message, _ in messages:
        if not message.chunked and hdrs.TRANSFER_ENCODING in message.headers:
            values = (value.encode() for value in message.headers.getall(hdrs.TRANSFER_ENCODING))
            return message.version >= (1, 1) and hides_chunks(values)
    return False
