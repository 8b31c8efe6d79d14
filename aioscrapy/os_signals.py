"""The policy for signals of the operating system: who handles them, and who gets them back."""

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from types import FrameType

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)
INTERRUPTS = tuple(signal.Signals[name] for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))

OnSignal = Callable[[signal.Signals], None]


class Policy:
    """Calls one function at the first signal and another one at every later signal."""

    def __init__(self, on_first: OnSignal, on_later: OnSignal | None) -> None:
        self._on_next: OnSignal | None = on_first
        self._on_later = on_later

    def ignore(self) -> None:
        """Ignore all signals until the context ends."""
        self._on_next = self._on_later = None

    def __call__(self, number: int, frame: FrameType | None) -> None:
        """Handle one signal."""
        handle, self._on_next = self._on_next, self._on_later
        if handle is not None:
            handle(signal.Signals(number))


@contextlib.contextmanager
def policy(
    on_first: OnSignal, on_later: OnSignal | None = None, numbers: Sequence[signal.Signals] = STOP_SIGNALS
) -> Iterator[Policy]:
    """Handle signals inside the context and restore the earlier handlers behind it.

    Python's own handlers are used, not those of an event loop, which wait while a callback blocks the loop.
    Outside of the main thread nothing is handled.

    Args:
        on_first: called with the first signal.
        on_later: called with each later signal; None ignores them.
        numbers: the signals to handle.
    """
    handler = Policy(on_first, on_later)
    if threading.current_thread() is not threading.main_thread():
        yield handler
        return
    earlier = {number: signal.signal(number, handler) for number in numbers}
    try:
        yield handler
    finally:
        for number, handle in earlier.items():
            # None: the earlier handler was not installed from Python and can't be restored
            signal.signal(number, signal.SIG_DFL if handle is None else handle)


def interruptible() -> contextlib.AbstractContextManager[Policy]:
    """Raise KeyboardInterrupt at the first SIGINT, SIGTERM or SIGHUP; ignore later ones."""

    def interrupt(_number: signal.Signals) -> None:
        raise KeyboardInterrupt

    return policy(interrupt, numbers=INTERRUPTS)
