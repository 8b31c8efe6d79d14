"""An embedded Redis for one crawl: nobody else can reach it, and it ends with the crawl."""

import contextlib
import os
import select
import shutil
import signal
import tempfile
from multiprocessing.context import ForkContext
from pathlib import Path
from types import TracebackType
from typing import Self

from aioscrapy.db.embedded import EmbeddedRedis
from aioscrapy.exceptions import AioscrapyError, ConfigError
from aioscrapy.os_signals import INTERRUPTS

_CHECK_S = 1.0  # seconds between two checks that the server runs
_SOCKET_PATH_LIMIT = 100  # bytes of a socket's path that every system takes
_END_S = 5.0  # seconds that the keeper may take to end


class PrivateRedis:
    """A server on a socket in a folder that only this user may enter.

    A process of its own, the keeper, starts it, ends it and removes the folder as soon as the pipe to the
    parent closes, also if the parent is killed. Data is never written to the disk.

    Attributes:
        pipes: the parent's ends of the pipes; every other child of the parent must close them.
    """

    def __init__(self, context: ForkContext) -> None:
        self._context = context
        self.pipes: list[int] = []

    def __enter__(self) -> Self:
        """Start the server without waiting; `url` waits for it."""
        (life, self._life), (self.reports, reports) = os.pipe(), os.pipe()
        self.pipes = [self._life, self.reports]
        self._keeper = self._context.Process(
            target=_keep, args=(life, reports, self.pipes), name="redis", daemon=True
        )
        self._keeper.start()
        os.close(life)
        os.close(reports)
        return self

    def url(self) -> str:
        """Wait until the server is ready and return its URL.

        Raises:
            ConfigError: it can't be started.
        """
        report = b""
        while not report.endswith(b"\n"):
            data = os.read(self.reports, 4096)
            if not data:
                raise ConfigError("the embedded Redis could not be started")
            report += data
        problem, _, url = report.decode(errors="replace").rstrip("\n").partition("\t")
        if problem:
            raise ConfigError(problem)
        return url

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for pipe in self.pipes:
            os.close(pipe)
        self._keeper.join(_END_S)


def _keep(life: int, reports: int, other_pipes: list[int]) -> None:
    """Run the server until the other end of `life` is closed."""
    os.setsid()  # Ctrl-C is for the parent
    for number in INTERRUPTS:
        signal.signal(number, signal.SIG_IGN)
    for pipe in other_pipes:
        os.close(pipe)
    null = os.open(os.devnull, os.O_RDWR)
    for stream in range(3):  # a program that reads the crawl's output must not wait for the keeper
        os.dup2(null, stream)
    folder = _folder()
    try:
        with contextlib.suppress(BrokenPipeError), EmbeddedRedis(folder, unix_socket=folder / "s") as server:
            os.write(reports, f"\t{server.url}\n".encode())
            while server.alive() and not select.select([life], [], [], _CHECK_S)[0]:
                pass
            server.kill()  # its data is not needed any more
    except (AioscrapyError, OSError) as exc:
        os.write(reports, f"{' '.join(str(exc).split())}\t\n".encode())
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _folder() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="aioscrapy-")).resolve()
    if len(os.fsencode(folder)) <= _SOCKET_PATH_LIMIT:
        return folder
    folder.rmdir()
    return Path(tempfile.mkdtemp(prefix="aioscrapy-", dir="/tmp")).resolve()
