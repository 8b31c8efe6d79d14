"""The signals of the operating system."""

import signal
from collections.abc import Callable
from typing import Any

signal_names: dict[int, str] = {member.value: member.name for member in signal.Signals}


def install_shutdown_handlers(function: Callable[..., Any], override_sigint: bool = True) -> None:
    """Call a function at SIGTERM, SIGINT and SIGBREAK; an own handler of SIGINT may stay."""
    signal.signal(signal.SIGTERM, function)
    if override_sigint or signal.getsignal(signal.SIGINT) == signal.default_int_handler:
        signal.signal(signal.SIGINT, function)
    if hasattr(signal, "SIGBREAK"):
        signal.signal(signal.SIGBREAK, function)
