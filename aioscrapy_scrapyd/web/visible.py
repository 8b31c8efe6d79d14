"""Text of strangers (names, log lines, items) as a page may show it: nothing acts, nothing is endless."""

import re
from typing import Any

# Controls but for tab and newline, characters that change the direction of text, half characters.
_ACTING = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff\ufff9-\ufffb\ud800-\udfff]"
)


def visible(text: str, limit: int, size: int = 0) -> str:
    """Return the text with codes in place of characters that act, cut to `limit` characters.

    `size` is the length of the whole if `text` is only its begin.
    """
    rest = max(len(text), size) - limit
    cut = coded(text[:limit])
    return f"{cut} … (+{rest:,})" if rest > 0 else cut


def coded(value: Any) -> Any:
    """Return a text with codes in place of characters that act; anything else as it is."""
    if type(value) is not str or value.isprintable():
        return value
    return _ACTING.sub(_code, value)


def _code(match: re.Match[str]) -> str:
    number = ord(match[0])
    return f"\\x{number:02x}" if number < 0x100 else f"\\u{number:04x}"
