"""The URI of a feed: its placeholders, and the local path that it names."""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from aioscrapy.ends import without_passwords
from aioscrapy.exceptions import SettingError

STDOUT = "stdout:"
_PLACEHOLDER = re.compile(r"%(?:%|\((\w+)\)([-#0 +]*\d*(?:\.\d+)?[diouxXeEfFgGcrsa]))")
_OF_BATCH = re.compile(r"%\(batch_(?:time\)s|id\)[-#0 +]*\d*[dis])")

UriParams = Callable[[dict[str, Any], Any], dict[str, Any] | None]
"""A function of a project: values of placeholders, spider -> other values; None: the same."""


class FeedError(SettingError):
    """One feed of FEEDS can't be used; the text names it."""

    def __init__(self, uri: str, problem: object) -> None:
        super().__init__("FEEDS", f"{redacted(uri)}: {problem}")


class MissingValueError(FeedError, KeyError):
    """A placeholder of a URI has no value. A KeyError too, as Scrapy raises."""

    def __str__(self) -> str:
        return str(self.args[0])


def redacted(uri: str) -> str:
    """Return a URI without its user and password, as a log or a store may have it."""
    try:
        parts = urlsplit(uri) if "://" in uri else None
    except ValueError:
        return without_passwords(uri)
    if parts is None or (parts.username is None and parts.password is None):
        return uri
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


def scheme_of(uri: str) -> str:
    """Return the scheme of a URI; "" for a path.

    Raises:
        FeedError: it can't be read.
    """
    try:
        return "stdout" if uri == STDOUT else urlsplit(uri).scheme if "://" in uri else ""
    except ValueError as exc:
        raise FeedError(uri, exc) from exc


def names_batches(uri: str) -> bool:
    """Return True if the URI has a placeholder for the number or the time of a batch."""
    return _OF_BATCH.search(uri) is not None


def fill_placeholders(uri: str, spider: Any, *, batch: int = 1, params: UriParams | None = None) -> str:
    """Replace %(name)s, %(time)s, %(batch_time)s, %(batch_id)d and the spider's attributes by their values.

    Args:
        uri: with placeholders.
        spider: has the values of all other placeholders.
        batch: the number of the file, from 1 on.
        params: a function of the project that returns the values.

    Raises:
        FeedError: the spider lacks an attribute.
    """
    values = _values(spider, batch, params)

    def value(placeholder: re.Match[str]) -> str:
        name, form = placeholder[1], placeholder[2]
        if name is None:
            return "%"
        if name not in values and (params is not None or not hasattr(spider, name)):
            raise MissingValueError(uri, f"the spider has no {name!r} for %({name}){form}")
        text: str = f"%{form}" % (values[name] if name in values else getattr(spider, name))
        return text

    return _PLACEHOLDER.sub(value, uri)


def fill_all_but_batch(uri: str, spider: Any, params: UriParams | None = None) -> str:
    """Return the URI with the placeholders of a batch and without all others; a percent sign is doubled.

    Raises:
        FeedError: the spider lacks an attribute.
    """
    between = [fill_placeholders(part, spider, params=params) for part in _OF_BATCH.split(uri)]
    parts = [part.replace("%", "%%") for part in between]
    batch = [*_OF_BATCH.findall(uri), ""]
    return "".join(text for pair in zip(parts, batch, strict=True) for text in pair)


def _values(spider: Any, batch: int, params: UriParams | None) -> Mapping[str, Any]:
    now = datetime.now(tz=UTC)
    values = {
        "time": now.replace(microsecond=0).isoformat().replace(":", "-"),
        "batch_time": now.isoformat().replace(":", "-"),
        "batch_id": batch,
    }
    if params is None:
        return values
    values = {**{name: getattr(spider, name) for name in dir(spider)}, **values}
    own = params(values, spider)
    return values if own is None else own


def path_of(uri: str) -> Path | None:
    """Return the local path of a URI; None for standard output.

    Raises:
        FeedError: the URI names another kind of place, or no file can have the path.
    """
    if uri == STDOUT:
        return None
    path = _path_in(uri) if "://" in uri else uri
    if "\0" in path:
        raise FeedError(uri, "the path of a file can't have a NUL character")
    return Path(path)


def _path_in(uri: str) -> str:
    parts = urlsplit(uri)
    if parts.scheme != "file":
        raise FeedError(uri, f"there is no storage for {parts.scheme}://; name one in FEED_STORAGES")
    if parts.netloc not in {"", "localhost"}:
        raise FeedError(uri, f"{parts.netloc!r} is taken for a host: a local file has file:///")
    return unquote(parts.path)
