"""Where complete files of feeds go: Scrapy's interface of a storage, and the storages for remote servers."""

import asyncio
import inspect
import shutil
import sys
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import IO, Any, Protocol, Self
from urllib.parse import urlsplit

from aioscrapy.context import CrawlContext
from aioscrapy.exceptions import ConfigError
from aioscrapy.feeds.uri import path_of

Options = Mapping[str, Any]


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

    def __init__(self, uri: str, *, feed_options: Options | None = None) -> None:
        self.uri = uri

    def open(self, spider: Any) -> IO[bytes]:
        """Return standard output."""
        return sys.stdout.buffer

    def store(self, file: IO[bytes]) -> None:
        """Do nothing."""


class _CloudFeedStorage(BlockingFeedStorage):
    """An object in a bucket."""

    acl_setting = ""

    def __init__(self, uri: str, crawler: CrawlContext, feed_options: Options | None = None) -> None:
        if (feed_options or {}).get("overwrite", True) is False:
            raise ConfigError(
                f"{urlsplit(uri).scheme}:// can't append to a file: leave out overwrite = False"
            )
        from aioscrapy.remote_files import remote_files

        self._files = remote_files(uri, crawler.settings, crawler.settings[self.acl_setting] or None)

    @classmethod
    def from_crawler(cls, crawler: CrawlContext, uri: str, *, feed_options: Options | None = None) -> Self:
        """Create it with the logins of the settings."""
        return cls(uri, crawler, feed_options)

    def _store_in_thread(self, file: IO[bytes]) -> None:
        with file:
            file.seek(0)
            self._files.upload("", file)


class S3FeedStorage(_CloudFeedStorage):
    """An object of S3: s3://BUCKET/KEY, with AWS_* and FEED_STORAGE_S3_ACL."""

    acl_setting = "FEED_STORAGE_S3_ACL"


class GCSFeedStorage(_CloudFeedStorage):
    """An object of Google Cloud Storage: gs://BUCKET/NAME, with GCS_PROJECT_ID and FEED_STORAGE_GCS_ACL."""

    acl_setting = "FEED_STORAGE_GCS_ACL"


class FTPFeedStorage(BlockingFeedStorage):
    """A file of an FTP server: ftp://USER:PASSWORD@HOST/PATH; folders are created."""

    def __init__(self, uri: str, crawler: CrawlContext, feed_options: Options | None = None) -> None:
        from aioscrapy.remote_files import FtpFiles

        settings, overwrite = crawler.settings, (feed_options or {}).get("overwrite", True)
        active = settings.getbool("FEED_STORAGE_FTP_ACTIVE")
        self._files = FtpFiles(urlsplit(uri), settings, active=active, overwrite=overwrite)

    @classmethod
    def from_crawler(cls, crawler: CrawlContext, uri: str, *, feed_options: Options | None = None) -> Self:
        """Create it with the logins of the settings."""
        return cls(uri, crawler, feed_options)

    def _store_in_thread(self, file: IO[bytes]) -> None:
        with file:
            file.seek(0)
            self._files.upload("", file)


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
