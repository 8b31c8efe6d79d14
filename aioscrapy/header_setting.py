"""The type of DEFAULT_REQUEST_HEADERS."""

import re
from typing import Any

from aioscrapy.setting_types import Table, readable

_is_name = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+").fullmatch  # RFC 9110, section 5.6.2
_breaks_line = re.compile(r"[\r\n\0]").search


class HeaderTable(Table):
    """A dict of header lines. A name or value that would break the head of a request is refused."""

    def __init__(self) -> None:
        value = "a text in one line, bytes, a list of them, or None"
        super().__init__(
            "name of a header", value, str, bytes, list, tuple, int, type(None), keys=(str, bytes)
        )

    def accepts_pair(self, key: Any, value: Any) -> bool:
        if not _is_name(_text(key)):
            raise ValueError(f"{readable(key)} is not the name of a header")
        values = value if isinstance(value, (list, tuple)) else [value]
        return super().accepts_pair(key, value) and not any(_breaks_line(_text(line)) for line in values)


def _text(value: Any) -> str:
    if isinstance(value, bytes):
        return value.decode("latin-1")
    return value if isinstance(value, str) else ""
