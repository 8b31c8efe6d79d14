"""Look into a running process: stacks and live objects at a signal, the debugger at another."""

import contextlib
import logging
import signal
import sys
import threading
import traceback
from pdb import Pdb
from types import FrameType
from typing import Self

from aioscrapy.context import CrawlContext
from aioscrapy.engine_status import format_engine_status
from aioscrapy.extensions.memdebug import live_objects

logger = logging.getLogger(__name__)


class StackTraceDump:
    """Logs the engine, live objects and all threads at SIGUSR2 and SIGQUIT; not a built-in extension."""

    def __init__(self, crawler: CrawlContext) -> None:
        self.crawler = crawler
        for name in ("SIGUSR2", "SIGQUIT"):
            if hasattr(signal, name):
                with contextlib.suppress(ValueError):  # not in the main thread
                    signal.signal(getattr(signal, name), self.dump_stacktrace)

    @classmethod
    def from_crawler(cls, crawler: CrawlContext) -> Self:
        """Create the extension."""
        return cls(crawler)

    def dump_stacktrace(self, number: int, frame: FrameType | None) -> None:
        """Log the engine, the live objects and the stacks."""
        rows = [f"{name:<30} {count}\n" for name, count in sorted(live_objects(self.crawler).items())]
        parts = (
            format_engine_status(self.crawler.engine),
            "".join(["Live References\n\n", *rows]),
            self._thread_stacks(),
        )
        logger.info(
            "Dumping stack trace and engine status\n%s", "\n".join(parts), extra={"crawler": self.crawler}
        )

    def _thread_stacks(self) -> str:
        names = {thread.ident: thread.name for thread in threading.enumerate()}
        stacks = [
            f"# Thread: {names.get(ident, '')} ({ident})\n{''.join(traceback.format_stack(stack))}"
            for ident, stack in sys._current_frames().items()
        ]
        return "\n".join(stacks)


class Debugger:
    """Opens pdb at SIGUSR2."""

    def __init__(self) -> None:
        if hasattr(signal, "SIGUSR2"):
            with contextlib.suppress(ValueError):  # not in the main thread
                signal.signal(signal.SIGUSR2, self._enter_debugger)

    def _enter_debugger(self, number: int, frame: FrameType | None) -> None:
        Pdb().set_trace(frame.f_back if frame is not None else None)
