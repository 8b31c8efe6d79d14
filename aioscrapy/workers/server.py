"""A Redis for one crawl, which nobody else reaches and which is gone with it."""

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

_LOOK_S = 1.0  # seconds between two looks whether the server lives
_LONGEST_SOCKET = 100  # bytes of a socket's path that every system takes
_GONE_S = 5.0  # seconds that the keeper may take to end


class PrivateRedis:
    """A server on a socket in a folder that only this user may enter.

    A process of its own, the keeper, starts it, ends it and removes the folder as soon as the pipe to the
    parent closes: also where the parent was killed. Data is never written to the disk.

    Attributes:
        pipes: the parent's ends of the pipes; every other child of the parent must close them.
    """

    def __init__(self, context: ForkContext) -> None:
        self._context = context
        self.pipes: list[int] = []

    def __enter__(self) -> Self:
        """Begin to start the server; `url` waits for it."""
        (life, self._life), (self.news, news) = os.pipe(), os.pipe()
        self.pipes = [self._life, self.news]
        self._keeper = self._context.Process(
            target=_keep, args=(life, news, self.pipes), name="redis", daemon=True
        )
        self._keeper.start()
        os.close(life)
        os.close(news)
        return self

    def url(self) -> str:
        """Return where it listens, once it does.

        Raises:
            ConfigError: it can't be started.
        """
        told = b""
        while not told.endswith(b"\n"):
            data = os.read(self.news, 4096)
            if not data:
                raise ConfigError("the embedded Redis could not be started")
            told += data
        problem, _, url = told.decode(errors="replace").rstrip("\n").partition("\t")
        if problem:
            raise ConfigError(problem)
        return url

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for pipe in self.pipes:
            os.close(pipe)
        self._keeper.join(_GONE_S)


def _keep(life: int, news: int, others: list[int]) -> None:
    """Run the server until nobody holds the other end of `life`."""
    os.setsid()  # Ctrl-C is for the parent
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    for pipe in others:
        os.close(pipe)
    null = os.open(os.devnull, os.O_RDWR)
    for stream in range(3):  # whoever reads what the crawl prints must not wait for us
        os.dup2(null, stream)
    folder = _folder()
    try:
        with contextlib.suppress(BrokenPipeError), EmbeddedRedis(folder, unix_socket=folder / "s") as server:
            os.write(news, f"\t{server.url}\n".encode())
            while server.alive() and not select.select([life], [], [], _LOOK_S)[0]:
                pass
            server.kill()  # nothing in it is wanted any more
    except (AioscrapyError, OSError) as exc:
        os.write(news, f"{' '.join(str(exc).split())}\t\n".encode())
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _folder() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="aioscrapy-")).resolve()
    if len(os.fsencode(folder)) <= _LONGEST_SOCKET:
        return folder
    folder.rmdir()
    return Path(tempfile.mkdtemp(prefix="aioscrapy-", dir="/tmp")).resolve()
