"""A worker process as its parent sees it: the process, and a pipe each way."""

import contextlib
import os
import pickle
from collections.abc import Mapping, Sequence
from multiprocessing.context import ForkContext, ForkProcess
from typing import Any

from aioscrapy.ends import End
from aioscrapy.settings import Settings
from aioscrapy.workers.pipe import MessageReader, MessageType, MessageWriter
from aioscrapy.workers.pool_stats import WorkerStats
from aioscrapy.workers.worker import ORPHAN_EXIT_S, run_worker

Task = tuple[Any, Settings, Mapping[str, Any]]
"""The spider class, the settings and the spider's arguments."""


class WorkerProcess:
    """One worker process.

    Attributes:
        end: how its crawl ended; None while it runs, and after a kill.
        ended: the process has ended.
    """

    def __init__(
        self, number: int, process: ForkProcess, reader: MessageReader, writer: MessageWriter
    ) -> None:
        self.number = number
        self.process = process
        self.reader = reader
        self.end: End | None = None
        self.ended = False
        self._writer = writer

    def send(self, kind: MessageType, payload: bytes = b"") -> None:
        """Send a message, unless the process has ended."""
        with contextlib.suppress(BrokenPipeError):
            self._writer.send(kind, payload)

    def read_messages(self) -> tuple[bytes, WorkerStats | None] | None:
        """Return new log lines and the newest stats, if any; None at the end of the process."""
        messages = self.reader.read()
        if messages is None:
            self.ended = True
            return None
        lines, stats = [], None
        for kind, payload in messages:
            if kind is MessageType.LOG:
                lines.append(payload)
            elif kind is MessageType.STATS:
                stats = pickle.loads(payload)  # noqa: S301 our child wrote it
            elif kind is MessageType.END:
                self.end = pickle.loads(payload)  # noqa: S301 our child wrote it
        return b"".join(lines), stats

    def close(self) -> None:
        """Close the pipes, which ends the process, and wait for its end."""
        self._writer.close()
        self.process.join(ORPHAN_EXIT_S + 1)
        if self.process.is_alive():
            self.process.kill()
            self.process.join()
        os.close(self.reader.pipe)


def fork_workers(
    context: ForkContext, count: int, task: Task, other_pipes: Sequence[int]
) -> list[WorkerProcess]:
    """Start the worker processes.

    Args:
        context: of multiprocessing.
        count: of worker processes.
        task: of all of them.
        other_pipes: further pipes of the parent; a child that kept a copy would hide the parent's end.
    """
    pipes = [(os.pipe(), os.pipe()) for _ in range(count)]  # (read, write) down to the worker, up from it
    open_pipes = {end for pair in pipes for pipe in pair for end in pipe} | set(other_pipes)
    workers = []
    for number, (down, up) in enumerate(pipes, 1):
        own = (down[0], up[1])
        process = context.Process(
            target=_run_child, args=(number, task, own, open_pipes - set(own)), name=f"worker-{number}"
        )
        process.start()
        workers.append(WorkerProcess(number, process, MessageReader(up[0]), MessageWriter(down[1])))
    for down, up in pipes:
        os.close(down[0])
        os.close(up[1])
    return workers


def _run_child(number: int, task: Task, own: tuple[int, int], other_pipes: set[int]) -> None:
    for pipe in other_pipes:
        os.close(pipe)
    run_worker(number, *task, own)
