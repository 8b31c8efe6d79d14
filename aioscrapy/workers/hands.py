"""The workers as their parent holds them: a process, and a pipe each way."""

import contextlib
import os
import pickle
from collections.abc import Mapping, Sequence
from multiprocessing.context import ForkContext, ForkProcess
from typing import Any

from aioscrapy.settings import Settings
from aioscrapy.workers.frames import Inlet, Kind, Outlet
from aioscrapy.workers.totals import Figures
from aioscrapy.workers.worker import ORPHAN_EXIT_S, End, work

Task = tuple[Any, Settings, Mapping[str, Any]]
"""The spider class, the settings and the spider's arguments."""


class Hand:
    """One worker.

    Attributes:
        end: how it ended; None while it runs, and where it was killed.
        gone: its process has ended.
    """

    def __init__(self, number: int, process: ForkProcess, inlet: Inlet, outlet: Outlet) -> None:
        self.number = number
        self.process = process
        self.inlet = inlet
        self.end: End | None = None
        self.gone = False
        self._outlet = outlet

    def send(self, kind: Kind, payload: bytes = b"") -> None:
        """Tell it something; nothing happens where it has ended."""
        with contextlib.suppress(BrokenPipeError):
            self._outlet.send(kind, payload)

    def hear(self) -> tuple[bytes, Figures | None] | None:
        """Return its new log lines and its newest figures, if any; None when it has ended."""
        frames = self.inlet.read()
        if frames is None:
            self.gone = True
            return None
        lines, figures = [], None
        for kind, payload in frames:
            if kind is Kind.LOG:
                lines.append(payload)
            elif kind is Kind.FIGURES:
                figures = pickle.loads(payload)  # noqa: S301 our child wrote it
            elif kind is Kind.END:
                self.end = pickle.loads(payload)  # noqa: S301 our child wrote it
        return b"".join(lines), figures

    def close(self) -> None:
        """Close the pipes, which ends the worker, and see it gone."""
        self._outlet.close()
        self.process.join(ORPHAN_EXIT_S + 1)
        if self.process.is_alive():
            self.process.kill()
            self.process.join()
        os.close(self.inlet.pipe)


def fork(context: ForkContext, count: int, task: Task, others: Sequence[int]) -> list[Hand]:
    """Make the workers.

    Args:
        context: of multiprocessing.
        count: how many.
        task: what each works on.
        others: further pipes of the parent: whoever holds a copy would hide the parent's end.
    """
    pipes = [(os.pipe(), os.pipe()) for _ in range(count)]  # (read, write) down to the worker, up from it
    every = {end for pair in pipes for pipe in pair for end in pipe} | set(others)
    hands = []
    for number, (down, up) in enumerate(pipes, 1):
        own = (down[0], up[1])
        process = context.Process(
            target=_begin, args=(number, task, own, every - set(own)), name=f"worker-{number}"
        )
        process.start()
        hands.append(Hand(number, process, Inlet(up[0]), Outlet(down[1])))
    for down, up in pipes:
        os.close(down[0])
        os.close(up[1])
    return hands


def _begin(number: int, task: Task, own: tuple[int, int], others: set[int]) -> None:
    for pipe in others:
        os.close(pipe)
    work(number, *task, own)
