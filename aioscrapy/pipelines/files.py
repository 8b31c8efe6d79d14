"""Downloads the files whose URLs an item has, and keeps them in a store."""

import errno
import hashlib
import logging
import mimetypes
import os
import time
from collections.abc import Iterator
from contextlib import suppress
from io import BytesIO
from pathlib import PurePosixPath
from typing import Any, ClassVar, NoReturn, Self
from urllib.parse import urlsplit

from aioscrapy.context import CrawlContext
from aioscrapy.ends import Reason, error_text
from aioscrapy.exceptions import NotConfigured, SettingError
from aioscrapy.hooks import settle
from aioscrapy.http.request import Request
from aioscrapy.http.response import Response
from aioscrapy.items import adapter
from aioscrapy.pipelines.files_stores import (
    FilesStoreProtocol,
    FSFilesStore,
    FTPFilesStore,
    GCSFilesStore,
    S3FilesStore,
    StatInfo,
    _md5sum,
)
from aioscrapy.pipelines.media import (
    FileException,
    FileInfo,
    MediaPipeline,
    Results,
    _MediaRequestFiltered,
    is_filtered,
)

__all__ = [
    "FSFilesStore",
    "FTPFilesStore",
    "FileException",
    "FilesPipeline",
    "FilesStoreProtocol",
    "GCSFilesStore",
    "S3FilesStore",
]

logger = logging.getLogger(__name__)

_DAY_S = 24 * 3600
# Errors of a store that the next file meets, too.
_LASTING = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO, errno.EACCES, errno.EPERM)


class FilesPipeline(MediaPipeline):
    """Downloads the URLs in an item's `file_urls`, and writes the results to its `files`.

    A file that the store has, and that is younger than EXPIRES days, is not downloaded again.

    Args:
        store_uri: FILES_STORE.
        download_func: ignored; for subclasses that pass it.
        settings: of the crawl, if there is no crawler.
        crawler: of the pipeline.

    Stats:
        file_count                      files
        file_status_count/STATUS        downloaded, uptodate (in the store), cached (in the HTTP cache)
    """

    MEDIA_NAME = "file"
    EXPIRES = 90
    STORE_SCHEMES: ClassVar[dict[str, Any]] = {
        "": FSFilesStore,
        "file": FSFilesStore,
        "s3": S3FilesStore,
        "gs": GCSFilesStore,
        "ftp": FTPFilesStore,
        "ftps": FTPFilesStore,
    }
    DEFAULT_FILES_URLS_FIELD = "file_urls"
    DEFAULT_FILES_RESULT_FIELD = "files"
    _store_setting = "FILES_STORE"
    _acl_settings: ClassVar[dict[str, str]] = {"s3": "FILES_STORE_S3_ACL", "gs": "FILES_STORE_GCS_ACL"}

    def __init__(
        self,
        store_uri: "str | os.PathLike[str]",
        download_func: Any = None,
        settings: Any = None,
        *,
        crawler: CrawlContext | None = None,
    ) -> None:
        super().__init__(download_func, settings, crawler=crawler)
        if not store_uri:
            name = type(self).__name__
            raise NotConfigured(f"set {self._store_setting} to a folder or a URI, else {name} is left out")
        self.store = self._get_store(str(store_uri))
        base = "FilesPipeline"
        self.expires = int(self._setting("FILES_EXPIRES", self.EXPIRES, base=base))
        self.FILES_URLS_FIELD = getattr(self, "FILES_URLS_FIELD", self.DEFAULT_FILES_URLS_FIELD)
        self.FILES_RESULT_FIELD = getattr(self, "FILES_RESULT_FIELD", self.DEFAULT_FILES_RESULT_FIELD)
        self.files_urls_field = self._setting("FILES_URLS_FIELD", self.FILES_URLS_FIELD, base=base)
        self.files_result_field = self._setting("FILES_RESULT_FIELD", self.FILES_RESULT_FIELD, base=base)

    @classmethod
    def from_crawler(cls, crawler: CrawlContext) -> Self:
        """Create it for the store of the settings.

        Raises:
            NotConfigured: there is no store.
        """
        return cls(crawler.settings[cls._store_setting], crawler=crawler)

    def _get_store(self, uri: str) -> Any:
        scheme = "file" if os.path.isabs(uri) else urlsplit(uri).scheme if "://" in uri else ""  # noqa: PTH117 a path of any kind
        if scheme not in self.STORE_SCHEMES:
            known = ", ".join(filter(None, self.STORE_SCHEMES))
            raise SettingError(self._store_setting, f"there is no store for {scheme}://; there are {known}")
        store_class = self.STORE_SCHEMES[scheme]
        if hasattr(store_class, "from_settings"):
            settings, acl = self.crawler.settings, self._acl_settings.get(scheme)
            return store_class.from_settings(uri, settings, settings[acl] or None if acl else None)
        return store_class(uri)

    def get_media_requests(self, item: Any, info: Any) -> Any:
        return self._requests(item, self.files_urls_field)

    def _requests(self, item: Any, field: str) -> list[Request]:
        urls = adapter(item).get(field, [])
        if not isinstance(urls, list):
            raise TypeError(f"{field} must be a list of URLs, got {type(urls).__name__}")
        return list(self._valid_requests(urls, field))

    def _valid_requests(self, urls: list[Any], field: str) -> Iterator[Request]:
        for url in urls:
            try:
                yield Request(url)
            except (TypeError, ValueError) as exc:  # one bad URL must not cost the item
                self.crawler.stats.inc_value("links/invalid_count")
                logger.error("Skipped a URL of %s that is not valid: %r: %s", field, url, exc)

    async def media_to_download(self, request: Request, info: Any, *, item: Any = None) -> FileInfo | None:
        path = await settle(self.file_path(request, info=info, item=item))
        try:
            state: StatInfo = await settle(self.store.stat_file(path, info)) or {}
        except FileException as exc:
            logger.warning("File (error): Error processing file from %s: %s", request, exc)
            raise
        except Exception:
            logger.exception("%s.store.stat_file", type(self).__name__)
            return None
        modified_s = state.get("last_modified")
        if not modified_s or time.time() - modified_s > self.expires * _DAY_S:
            return None
        logger.debug("File (uptodate): Downloaded %s from %s", self.MEDIA_NAME, request)
        self.inc_stats("uptodate")
        return {"url": request.url, "path": path, "checksum": state.get("checksum"), "status": "uptodate"}

    def media_failed(self, failure: Any, request: Request, info: Any) -> NoReturn:
        if isinstance(failure, FileException):
            raise failure
        if is_filtered(failure):
            logger.debug("File (filtered): Not downloading %s from %s: %s", self.MEDIA_NAME, request, failure)
            raise _MediaRequestFiltered(str(failure)) from getattr(failure, "value", failure)
        logger.warning(
            "File (unknown-error): Error downloading %s from %s: %s", self.MEDIA_NAME, request, failure
        )
        raise FileException(str(failure)) from getattr(failure, "value", failure)

    async def media_downloaded(
        self, response: Response, request: Request, info: Any, *, item: Any = None
    ) -> FileInfo:
        if response.status != 200:
            logger.warning("File (code: %s): Error downloading file from %s", response.status, request)
            raise FileException("download-error")
        if not response.body:
            logger.warning("File (empty-content): Empty file from %s: no-content", request)
            raise FileException("empty-content")
        status = "cached" if "cached" in response.flags else "downloaded"
        logger.debug("File (%s): Downloaded file from %s", status, request)
        self.inc_stats(status)
        try:
            path = await settle(self.file_path(request, response=response, info=info, item=item))
            checksum = await settle(self.file_downloaded(response, request, info, item=item))
        except FileException as exc:
            logger.warning("File (error): Error processing file from %s: %s", request, exc)
            raise
        except Exception as exc:
            logger.exception("File (unknown-error): Error processing file from %s", request)
            raise FileException(str(exc)) from exc
        return {"url": request.url, "path": path, "checksum": checksum, "status": status}

    async def file_downloaded(
        self, response: Response, request: Request, info: Any, *, item: Any = None
    ) -> str:
        """Store the file of a response, and return its MD5."""
        path = await settle(self.file_path(request, response=response, info=info, item=item))
        buf = BytesIO(response.body)
        checksum = _md5sum(buf)
        buf.seek(0)
        await self.persist_file(path, buf, info)
        return checksum

    async def persist_file(self, path: str, buf: BytesIO, info: Any, **arguments: Any) -> None:
        """Write a file to the store. A crawl with a file that can't be stored is not complete."""
        try:
            await settle(self.store.persist_file(path, buf, info, **arguments))
        except FileException:
            raise
        except Exception as exc:
            problem = f"{type(self).__name__} can't store {path}: {error_text(exc)}"
            self.crawler.fail(Reason.OUTPUT_FAILED, problem, stop=getattr(exc, "errno", None) in _LASTING)
            raise

    def inc_stats(self, status: str) -> None:
        """Count a file."""
        self.crawler.stats.inc_value("file_count")
        self.crawler.stats.inc_value(f"file_status_count/{status}")

    def item_completed(self, results: Results, item: Any, info: Any) -> Any:
        with suppress(KeyError):  # an Item without this field
            adapter(item)[self.files_result_field] = [result for ok, result in results if ok]
        return item

    def file_path(
        self, request: Request, response: Response | None = None, info: Any = None, *, item: Any = None
    ) -> str:
        digest = hashlib.sha1(request.url.encode(), usedforsecurity=False).hexdigest()
        return f"full/{digest}{_ending(request.url)}"


def _ending(url: str) -> str:
    """Return the extension of a file by its URL; "" if none is known."""
    for ending in (PurePosixPath(urlsplit(url).path).suffix, PurePosixPath(url).suffix):
        if ending in mimetypes.types_map:
            return ending
    kind = mimetypes.guess_type(url)[0]
    return (mimetypes.guess_extension(kind) or "") if kind else ""
