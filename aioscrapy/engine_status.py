"""The state of a running engine, as text."""

from operator import attrgetter
from typing import Any

_ATTRIBUTES = ("spider.name", "running", "paused", "spider_is_idle()")


def get_engine_status(engine: Any) -> list[tuple[str, Any]]:
    """Return (name, value) pairs of an engine."""
    rows: list[tuple[str, Any]] = []
    for name in _ATTRIBUTES:
        try:
            value = attrgetter(name.removesuffix("()"))(engine)
            rows.append((f"engine.{name}", value() if name.endswith("()") else value))
        except Exception as exc:  # noqa: BLE001 a report of a state must not fail
            rows.append((f"engine.{name}", f"{type(exc).__name__} (exception)"))
    return rows


def format_engine_status(engine: Any) -> str:
    """Return the state of an engine as a table."""
    rows = [f"{name:<40}: {value}\n" for name, value in get_engine_status(engine)]
    return "".join(["Execution engine status\n\n", *rows, "\n"])
