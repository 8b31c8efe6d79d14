"""The file of a feed: whole writes, a lock, and a length to which it can be cut."""

import contextlib
import os
import stat
import time
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

try:
    import fcntl
except ImportError:
    fcntl = None  # type: ignore[assignment]  # Windows: two processes are not kept apart


class FeedFile:
    """A file opened for appending; standard output for no path.

    A write is whole, or an error and undone.
    """

    def __init__(self, path: Path | None) -> None:
        self.path = path.absolute() if path is not None else None  # the project may change the folder
        self._fd = -1
        self._length = 0  # bytes that the file has at least, if nobody has cut it
        self._before = b""  # put before the next write
        self._gathered: list[bytes] | None = None
        self._on_terminal = False

    @property
    def is_regular(self) -> bool:
        """Whether it is a regular file, or none yet: not standard output, a pipe or a device."""
        return self.path is not None and (self.path.is_file() or not self.path.exists())

    @property
    def size(self) -> int:
        """The bytes in the file; 0 if there is none."""
        if self._fd >= 0:
            return os.fstat(self._fd).st_size
        return self.path.stat().st_size if self.path and self.path.exists() else 0

    @property
    def inode(self) -> int:
        """The number of the file in its file system."""
        self.open()
        return os.fstat(self._fd).st_ino

    def open(self) -> None:
        """Open it, and create it if it does not exist."""
        if self._fd >= 0:
            return
        if self.path is None:
            self._fd = os.dup(1)
            self._on_terminal = os.isatty(1)
            return
        reading = os.O_RDWR if self.is_regular else os.O_WRONLY
        self._fd = os.open(self.path, reading | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o666)
        self._length = self.size

    def lock(self) -> bool:
        """Become the only process that writes the file; False while another process is.

        The lock ends with the process, also after a kill.
        """
        self.open()
        if fcntl is None or self.path is None:
            return True
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        with contextlib.suppress(FileNotFoundError):
            if self.path.stat().st_ino == os.fstat(self._fd).st_ino:
                return True
        self.close()  # it was removed or replaced since it was opened
        return self.lock()

    def write(self, data: bytes) -> None:
        """Append all of it.

        Raises:
            OSError: it can't be written; nothing of it is in the file.
        """
        if self._gathered is not None:
            self._gathered.append(data)
            return
        self.open()
        if self._on_terminal:
            data = _without_controls(data)
        left = memoryview(self._before + data if self._before else data)
        written = 0
        try:
            while written < len(left):
                written += os.write(self._fd, left[written:])
        except OSError:
            self._undo(written)
            raise
        self._before = b""
        self._length += written

    def check(self) -> None:
        """Make sure that what was written is in the file with this path.

        Raises:
            OSError: the file was removed, replaced or cut by another program or by the project.
        """
        if self._fd < 0 or self.path is None or not self.is_regular:
            return
        if not self.path.exists():
            raise OSError("the file was removed during the crawl")
        if not os.path.samestat(self.path.stat(), os.fstat(self._fd)):
            raise OSError("the file was replaced during the crawl")
        if self.size < self._length:
            raise OSError(f"the file was cut during the crawl, from {self._length} to {self.size} bytes")

    @contextlib.contextmanager
    def one_write(self) -> Iterator[None]:
        """Gather the writes inside to one, which is whole or undone.

        Raises:
            OSError: it can't be written; nothing of it is in the file.
        """
        gathered: list[bytes] = []
        self._gathered = gathered
        try:
            yield
        finally:
            self._gathered = None
        if gathered:
            self.write(b"".join(gathered))

    def read(self, start: int, size: int) -> bytes:
        """Return up to `size` bytes from `start` on."""
        return os.pread(self._fd, size, start)

    def end_line(self, line_end: bytes) -> None:
        """Let the next write end the last line first, if another program left it half written."""
        size = self.size
        if size and self.read(size - len(line_end), len(line_end)) != line_end:
            self._before = line_end

    def cut(self, length: int) -> None:
        """Remove everything behind `length` bytes."""
        self.open()
        os.ftruncate(self._fd, length)
        self._length = length

    def move_tail(self, start: int) -> Path:
        """Copy the bytes from `start` on to a new file beside this one, and return its path."""
        target = Path(f"{self.path}.tail-{time.time_ns()}")
        with target.open("xb") as copy:
            self._copy(copy, start)
        return target

    def close(self) -> None:
        """Close the file, which ends the lock."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def remove(self) -> None:
        """Delete the file."""
        if self.path is not None:
            self.path.unlink(missing_ok=True)

    def _undo(self, written: int) -> None:
        """Remove the bytes of a failed write, unless another program has appended since."""
        if written and stat.S_ISREG(os.fstat(self._fd).st_mode):
            with contextlib.suppress(OSError):
                os.ftruncate(self._fd, self.size - written)

    def _copy(self, target: BinaryIO, start: int) -> None:
        while part := self.read(start, 1 << 20):
            target.write(part)
            start += len(part)


def _without_controls(data: bytes) -> bytes:
    """Return text with its control characters as escapes: a terminal would obey those of a site."""
    from aioscrapy_deploy.terminal.text import escaped  # only a terminal needs it

    return escaped(data.decode("utf-8", "backslashreplace")).encode()
