"""Where the items of a feed go."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any
from urllib.parse import urlsplit

from aioscrapy.feeds.uri import UriParams


@dataclass(frozen=True, slots=True)
class Destination:
    """The server that gets the complete files of a feed.

    Attributes:
        name: of its class.
        folder: of the local files until then.
        build: returns the storage (see FeedStorageProtocol) for one URI.
    """

    name: str
    folder: Path
    build: Callable[[str], Any]

    def path_of(self, uri: str) -> Path:
        """Return the local path of a file: the same in every process."""
        digest = hashlib.sha1(uri.encode(), usedforsecurity=False).hexdigest()[:16]
        return self.folder / f"{digest}-{PurePath(urlsplit(uri).path).name}"


@dataclass(frozen=True, slots=True)
class Target:
    """Where items go.

    Attributes:
        uri: a path, a file:// URI, "stdout:" or the URI of a server; with the placeholders of Scrapy.
        batch_size: items of one file; 0 for one file.
        params: a function of the project that returns the values of the placeholders.
        destination: gets complete files; None if they stay where they are.
    """

    uri: str
    batch_size: int = 0
    params: UriParams | None = None
    destination: Destination | None = None
