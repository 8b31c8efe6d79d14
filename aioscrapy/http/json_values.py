"""Values that may travel with a request: those that JSON can hold."""

from typing import Any


def not_json(value: Any) -> str:
    """Return "" if JSON can hold the value, else where in it and what can't be held."""
    if value is None or isinstance(value, str | int | float):
        return ""
    if isinstance(value, dict):
        for key, inner in value.items():
            if not isinstance(key, str):
                return f"[{key!r}]: a key must be str, not {type(key).__name__}"
            if problem := not_json(inner):
                return f"[{key!r}]{problem}"
        return ""
    if isinstance(value, list | tuple):
        for index, inner in enumerate(value):
            if problem := not_json(inner):
                return f"[{index}]{problem}"
        return ""
    return f": {type(value).__name__} can't travel as JSON: {str(value)[:80]!r}"
