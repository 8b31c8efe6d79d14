"""Signals around a command that must stop what it started before it ends."""

import contextlib
import signal
from collections.abc import Iterator
from types import FrameType

_SIGNALS = [signal.Signals[name] for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]


@contextlib.contextmanager
def signals_interrupt() -> Iterator[None]:
    """Make SIGTERM and SIGHUP what Ctrl-C is, a KeyboardInterrupt; further ones change nothing."""

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        ignore_signals()
        raise KeyboardInterrupt

    before = {number: signal.signal(number, interrupt) for number in _SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def ignore_signals() -> None:
    """Let no signal break in from here on."""
    for number in _SIGNALS:
        signal.signal(number, signal.SIG_IGN)
