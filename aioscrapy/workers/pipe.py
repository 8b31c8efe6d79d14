"""Messages between a worker process and its parent, as frames through a pipe."""

import os
import struct
import threading
from collections.abc import Iterator
from enum import IntEnum

_HEAD = struct.Struct("!BI")
_READ_SIZE = 65536  # bytes of one read


class MessageType(IntEnum):
    """The payload of a message."""

    LOG = 1  # worker: one log record, formatted
    STATS = 2  # worker: its stats so far, a pickled WorkerStats
    END = 3  # worker: its end, a pickled WorkerEnd
    BEGIN = 4  # parent: crawl, with these settings, a pickled dict
    STOP = 5  # parent: start no new page; the payload is the reason
    ABORT = 6  # parent: end now


class MessageWriter:
    """The writing end of a pipe; any thread may use it."""

    def __init__(self, pipe: int) -> None:
        self._pipe = pipe
        self._lock = threading.Lock()

    def send(self, kind: MessageType, payload: bytes = b"") -> None:
        """Write one message; waits while the pipe is full.

        Raises:
            BrokenPipeError: the reader has closed the pipe.
        """
        rest = memoryview(_HEAD.pack(kind, len(payload)) + payload)
        with self._lock:
            while rest:
                rest = rest[os.write(self._pipe, rest) :]

    def close(self) -> None:
        """Close the pipe."""
        os.close(self._pipe)


class MessageReader:
    """The reading end of a pipe."""

    def __init__(self, pipe: int) -> None:
        self.pipe = pipe
        self._rest = b""

    def read(self) -> list[tuple[MessageType, bytes]] | None:
        """Wait for bytes and return the messages that are complete; None at the end of the pipe."""
        data = os.read(self.pipe, _READ_SIZE)
        if not data:
            return None
        self._rest += data
        return list(self._complete())

    def _complete(self) -> Iterator[tuple[MessageType, bytes]]:
        data, start = self._rest, 0
        while len(data) - start >= _HEAD.size:
            kind, length = _HEAD.unpack_from(data, start)
            end = start + _HEAD.size + length
            if end > len(data):
                break
            yield MessageType(kind), data[start + _HEAD.size : end]
            start = end
        self._rest = data[start:]
