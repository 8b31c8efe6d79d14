"""The URI of a feed: its placeholders, and the local path that it names."""

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import url2pathname

from aioscrapy.exceptions import SettingError

STDOUT = "stdout:"
_PLACEHOLDER = re.compile(r"%(?:%|\((\w+)\)([-#0 +]*\d*(?:\.\d+)?[sdif]))")


class FeedError(SettingError):
    """One feed of FEEDS can't be used; the text names it."""

    def __init__(self, uri: str, problem: object) -> None:
        super().__init__("FEEDS", f"{uri}: {problem}")


def fill_placeholders(uri: str, spider: Any) -> str:
    """Replace %(name)s, %(time)s, %(batch_time)s, %(batch_id)d and the spider's attributes by their values.

    Raises:
        FeedError: the spider lacks an attribute.
    """
    now = datetime.now(tz=UTC).replace(microsecond=0).isoformat().replace(":", "-")
    values = {"time": now, "batch_time": now, "batch_id": 1}

    def value(placeholder: re.Match[str]) -> str:
        name, form = placeholder[1], placeholder[2]
        if name is None:
            return "%"
        if name not in values and not hasattr(spider, name):
            raise FeedError(uri, f"the spider has no {name!r} for %({name}){form}")
        text: str = f"%{form}" % values.get(name, getattr(spider, name, None))
        return text

    return _PLACEHOLDER.sub(value, uri)


def path_of(uri: str) -> Path | None:
    """Return the local path of a URI; None for standard output.

    Raises:
        FeedError: the URI names another kind of place.
    """
    if uri == STDOUT:
        return None
    if "://" not in uri:
        return Path(uri)
    parts = urlsplit(uri)
    if parts.scheme != "file":
        raise FeedError(
            uri, f"feeds go to a path, a file:// URI or {STDOUT}; {parts.scheme}:// is not supported"
        )
    if parts.netloc not in {"", "localhost"}:
        raise FeedError(uri, f"{parts.netloc!r} is taken for a host: a local file has file:///")
    return Path(url2pathname(parts.path))
