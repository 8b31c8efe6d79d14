"""Look into a running process: stacks and live objects at a signal, the debugger at another."""

import contextlib
import logging
import signal
import sys
import threading
import traceback
from types import FrameType
from typing import Self

from aioscrapy.context import CrawlContext

logger = logging.getLogger(__name__)


class StackTraceDump:
    """Logs the stacks of all threads at SIGUSR2 and SIGQUIT. It is not among the built-in extensions."""

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
        """Log the stacks."""
        names = {thread.ident: thread.name for thread in threading.enumerate()}
        stacks = [
            f"# Thread: {names.get(ident, '')} ({ident})\n{''.join(traceback.format_stack(stack))}"
            for ident, stack in sys._current_frames().items()
        ]
        logger.info("Dumping stack trace and engine status\n%s", "\n".join(stacks))


class Debugger:
    """Opens pdb at SIGUSR2."""

    def __init__(self) -> None:
        if hasattr(signal, "SIGUSR2"):
            with contextlib.suppress(ValueError):  # not in the main thread
                signal.signal(signal.SIGUSR2, self._enter)

    def _enter(self, number: int, frame: FrameType | None) -> None:
        import pdb

        debugger = pdb.Pdb()
        debugger.set_trace(frame.f_back if frame is not None else None)
