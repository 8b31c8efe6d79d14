"""Small functions of scrapy-redis that projects import."""

import json
from typing import Any


def bytes_to_str(value: Any, encoding: str = "utf-8") -> Any:
    """Return bytes as str; other values as they are."""
    return value.decode(encoding) if isinstance(value, bytes) else value


def is_dict(text: Any) -> bool:
    """Return True if a text is a JSON object."""
    try:
        return isinstance(json.loads(text), dict)
    except (TypeError, ValueError):
        return False
