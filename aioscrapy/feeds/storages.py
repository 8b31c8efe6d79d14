"""Where complete files of feeds go: Scrapy's interface of a storage, and the storages of this machine."""

import asyncio
import inspect
import logging
import shutil
import sys
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import IO, Any, Protocol

from aioscrapy.context import CrawlContext
from aioscrapy.feeds.uri import path_of

Options = Mapping[str, Any]
logger = logging.getLogger("aioscrapy.extensions.feedexport")


class FeedStorageProtocol(Protocol):
    """What a class in FEED_STORAGES has; it may have `from_crawler(crawler, uri, *, feed_options)`."""

    def __init__(self, uri: str, *, feed_options: Options | None = None) -> None: ...

    def open(self, spider: Any) -> IO[bytes]:
        """Return a file to write to."""

    def store(self, file: IO[bytes]) -> Any:
        """Take the file that `open` returned, when it is complete; may return an awaitable."""


class BlockingFeedStorage:
    """A storage whose `_store_in_thread(file)` blocks: it runs in a thread."""

    def open(self, spider: Any) -> IO[bytes]:
        """Return a temporary file."""
        folder = spider.crawler.settings["FEED_TEMPDIR"] if getattr(spider, "crawler", None) else None
        if folder and not Path(folder).is_dir():
            raise OSError(f"Not a Directory: {folder}")
        return NamedTemporaryFile(prefix="feed-", dir=folder)

    def store(self, file: IO[bytes]) -> Awaitable[None]:
        """Store the file in a thread."""
        return asyncio.to_thread(self._store_in_thread, file)

    def _store_in_thread(self, file: IO[bytes]) -> None:
        raise NotImplementedError


class FileFeedStorage:
    """A local file. Feeds to local files don't use it: they are written in their place."""

    def __init__(self, uri: str, *, feed_options: Options | None = None) -> None:
        self.path = str(path_of(uri))
        self.write_mode = "wb" if (feed_options or {}).get("overwrite") else "ab"

    def open(self, spider: Any) -> IO[bytes]:
        """Return the file, whose folder is created."""
        path = Path(self.path)
        path.parent.mkdir(parents=True, exist_ok=True)
        file: IO[bytes] = path.open(self.write_mode)
        return file

    def store(self, file: IO[bytes]) -> None:
        """Close the file."""
        file.close()


class StdoutFeedStorage:
    """Standard output. Feeds to it don't use this class: they are written at once."""

    def __init__(
        self, uri: str, _stdout: IO[bytes] | None = None, *, feed_options: Options | None = None
    ) -> None:
        self.uri = uri
        self._stdout = _stdout or sys.stdout.buffer
        if (feed_options or {}).get("overwrite"):
            logger.warning("Standard output (stdout) storage does not support overwriting: it is appended to")

    def open(self, spider: Any) -> IO[bytes]:
        """Return standard output."""
        return self._stdout

    def store(self, file: IO[bytes]) -> None:
        """Do nothing."""


def build_storage(
    storage_class: Callable[..., Any], crawler: CrawlContext | None, uri: str, options: Options
) -> Any:
    """Return the storage for one URI."""
    if hasattr(storage_class, "from_crawler"):
        return storage_class.from_crawler(crawler, uri, feed_options=options)
    return storage_class(uri, feed_options=options)


async def store_file(storage: Any, path: Path, spider: Any) -> None:
    """Give a complete local file to a storage, and wait until it has it."""
    if isinstance(storage, BlockingFeedStorage):
        file: IO[bytes] = path.open("rb")  # the storage closes it
    else:
        file = storage.open(spider)
        await asyncio.to_thread(_copy, path, file)
    result = storage.store(file)
    if inspect.isawaitable(result):
        await result


def _copy(path: Path, target: IO[bytes]) -> None:
    with path.open("rb") as source:
        shutil.copyfileobj(source, target, 1 << 20)
