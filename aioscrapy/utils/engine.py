"""The state of a running engine, as text."""

from typing import Any

from aioscrapy.engine_status import format_engine_status, get_engine_status

__all__ = ["format_engine_status", "get_engine_status", "print_engine_status"]


def print_engine_status(engine: Any) -> None:
    """Print the state of an engine."""
    print(format_engine_status(engine))  # noqa: T201 that is its job
