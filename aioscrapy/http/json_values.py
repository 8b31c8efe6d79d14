"""The form in which JSON represents a value of a request."""

from base64 import b64encode
from typing import Any


def json_form(value: Any) -> tuple[Any, bool]:
    """Return a value as JSON represents it, and whether `stored_values.pack` had to change it.

    Raises:
        TypeError: it can't be stored; the text is its position and the reason.
    """
    try:
        if not not_json(value):
            return value, False
        from aioscrapy.http.stored_values import pack

        return pack(value), True
    except RecursionError:
        raise TypeError(" contains itself") from None


def not_json(value: Any) -> str:
    """Return "" if JSON can represent the value, else the position and the value that it can't represent."""
    if value is None or isinstance(value, (str, int, float)):
        return ""
    if isinstance(value, dict):
        for key, inner in value.items():
            if not isinstance(key, str):
                return f"[{key!r}]: a key must be str, not {type(key).__name__}"
            if problem := not_json(inner):
                return f"[{key!r}]{problem}"
        return ""
    if isinstance(value, (list, tuple)):
        for index, inner in enumerate(value):
            if problem := not_json(inner):
                return f"[{index}]{problem}"
        return ""
    return f": {type(value).__name__} can't be stored as JSON: {str(value)[:80]!r}"


def text_or_base64(body: bytes) -> str | dict[str, str]:
    """Return UTF-8 as a text, other bytes as {"b64": …}."""
    try:
        return body.decode()
    except UnicodeDecodeError:
        return {"b64": b64encode(body).decode("ascii")}
