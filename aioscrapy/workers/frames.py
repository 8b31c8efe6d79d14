"""What a worker and its parent say to each other, as frames through a pipe."""

import os
import struct
import threading
from collections.abc import Iterator
from enum import IntEnum

_HEAD = struct.Struct("!BI")
_CHUNK = 65536  # bytes that are read at once


class Kind(IntEnum):
    """What is in a frame."""

    LOG = 1  # worker: one log record, formatted
    FIGURES = 2  # worker: its stats so far, a pickled Figures
    END = 3  # worker: how it ended, a pickled End
    BEGIN = 4  # parent: crawl, with these settings, a pickled dict
    STOP = 5  # parent: begin no new page; the payload is the reason
    ABORT = 6  # parent: end now


class Outlet:
    """The end of a pipe that frames are written to, by any thread."""

    def __init__(self, pipe: int) -> None:
        self._pipe = pipe
        self._lock = threading.Lock()

    def send(self, kind: Kind, payload: bytes = b"") -> None:
        """Write one frame; waits while the pipe is full.

        Raises:
            BrokenPipeError: nobody reads any more.
        """
        rest = memoryview(_HEAD.pack(kind, len(payload)) + payload)
        with self._lock:
            while rest:
                rest = rest[os.write(self._pipe, rest) :]

    def close(self) -> None:
        """Close the pipe."""
        os.close(self._pipe)


class Inlet:
    """The end of a pipe that frames are read from."""

    def __init__(self, pipe: int) -> None:
        self.pipe = pipe
        self._rest = b""

    def read(self) -> list[tuple[Kind, bytes]] | None:
        """Wait for bytes, and return the frames that are complete by now; None at the pipe's end."""
        data = os.read(self.pipe, _CHUNK)
        if not data:
            return None
        self._rest += data
        return list(self._complete())

    def _complete(self) -> Iterator[tuple[Kind, bytes]]:
        data, start = self._rest, 0
        while len(data) - start >= _HEAD.size:
            kind, length = _HEAD.unpack_from(data, start)
            end = start + _HEAD.size + length
            if end > len(data):
                break
            yield Kind(kind), data[start + _HEAD.size : end]
            start = end
        self._rest = data[start:]
