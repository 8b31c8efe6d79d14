"""Check that JSON can represent a value of a request."""

from typing import Any


def not_json(value: Any) -> str:
    """Return "" if JSON can represent the value, else the position and the value that it can't represent."""
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
    return f": {type(value).__name__} can't be stored as JSON: {str(value)[:80]!r}"
