"""Where the files of pipelines are kept: a folder, S3, Google Cloud Storage, an FTP server."""

import asyncio
import hashlib
import os
from collections import defaultdict
from io import BytesIO
from pathlib import Path
from typing import IO, Any, ClassVar, Protocol, Self
from urllib.parse import urlsplit

from aioscrapy.exceptions import SettingError
from aioscrapy.pipelines.media import FileException
from aioscrapy.settings import Settings

StatInfo = dict[str, Any]
"""checksum (MD5) and last_modified (seconds since 1970) of a file; empty if it does not exist."""


class FilesStoreProtocol(Protocol):
    """What a class in STORE_SCHEMES has; both methods may be coroutine functions."""

    def __init__(self, basedir: str) -> None: ...

    def persist_file(
        self,
        path: str,
        buf: BytesIO,
        info: Any,
        meta: dict[str, Any] | None = None,
        headers: dict[str, str] | None = None,
    ) -> Any:
        """Write a file."""

    def stat_file(self, path: str, info: Any) -> Any:
        """Return the state of a file."""


class FSFilesStore:
    """A folder.

    A file appears whole or not at all, also if the process is killed.
    """

    def __init__(self, basedir: "str | os.PathLike[str]") -> None:
        self.basedir = str(basedir).split("://", 1)[-1]
        Path(self.basedir).mkdir(parents=True, exist_ok=True)
        self.created_directories: defaultdict[Any, set[str]] = defaultdict(set)

    def persist_file(
        self,
        path: "str | os.PathLike[str]",
        buf: BytesIO,
        info: Any,
        meta: dict[str, Any] | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        """Write a file.

        Raises:
            FileException: the path is outside of the folder.
        """
        target = self._get_filesystem_path(path)
        self._mkdir(target.parent, info)
        part = target.with_name(f".{target.name[:200]}.{os.getpid()}.part")
        part.write_bytes(buf.getvalue())
        part.replace(target)

    def stat_file(self, path: "str | os.PathLike[str]", info: Any) -> StatInfo:
        """Return the state of a file."""
        target = self._get_filesystem_path(path)
        try:
            modified = target.stat().st_mtime
            with target.open("rb") as file:
                return {"last_modified": modified, "checksum": _md5sum(file)}
        except OSError:
            return {}

    def _get_filesystem_path(self, path: "str | os.PathLike[str]") -> Path:
        base = os.path.abspath(self.basedir)  # noqa: PTH100 a link inside of the folder is the user's
        target = os.path.abspath(Path(base, path))  # noqa: PTH100 as above
        if os.path.commonpath([base, target]) != base:
            raise FileException(f"{path} is outside of {self.basedir}")
        return Path(self.basedir, path)

    def _mkdir(self, folder: Path, domain: Any = None) -> None:
        seen = self.created_directories[domain] if domain is not None else set[str]()
        if str(folder) not in seen:
            folder.mkdir(parents=True, exist_ok=True)
            seen.add(str(folder))


class RemoteFilesStore:
    """Files below the URI of a server; every call runs in a thread.

    Attributes:
        SCHEMES: of the URI.
        HEADERS: of each new file, if the server keeps them.
        POLICY: access rights of new files, if the settings name none.
    """

    SCHEMES: ClassVar[tuple[str, ...]]
    HEADERS: ClassVar[dict[str, str]] = {"Cache-Control": "max-age=172800"}
    POLICY: str | None = None

    def __init__(self, uri: str, settings: Settings | None = None, acl: str | None = None) -> None:
        from aioscrapy.remote_files import remote_files

        scheme = urlsplit(uri).scheme
        if scheme not in self.SCHEMES:
            raise SettingError("FILES_STORE", f"{type(self).__name__} can't use {scheme}://")
        self._files = remote_files(uri.rstrip("/") + "/", settings or Settings(), acl or self.POLICY)

    @classmethod
    def from_settings(cls, uri: str, settings: Settings, acl: str | None) -> Self:
        """Create it with the logins of the settings, and the access rights of new files."""
        return cls(uri, settings, acl)

    async def persist_file(
        self,
        path: str,
        buf: BytesIO,
        info: Any,
        meta: dict[str, Any] | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        """Upload a file."""
        buf.seek(0)
        await asyncio.to_thread(self._files.upload, path, buf, {**self.HEADERS, **(headers or {})})

    async def stat_file(self, path: str, info: Any) -> StatInfo:
        """Return the state of a file."""
        state = await asyncio.to_thread(self._files.state, path)
        return {} if state is None else {"last_modified": state.last_modified, "checksum": state.checksum}


class S3FilesStore(RemoteFilesStore):
    """A bucket of S3: FILES_STORE = "s3://BUCKET/FOLDER"."""

    SCHEMES = ("s3",)


class GCSFilesStore(RemoteFilesStore):
    """A bucket of Google Cloud Storage: FILES_STORE = "gs://BUCKET/FOLDER"."""

    SCHEMES = ("gs",)


class FTPFilesStore(RemoteFilesStore):
    """A folder of an FTP server: FILES_STORE = "ftp://USER:PASSWORD@HOST/FOLDER"."""

    SCHEMES = ("ftp", "ftps")


def _md5sum(file: IO[bytes]) -> str:
    """Return the MD5 of a file in hexadecimal digits."""
    digest = hashlib.md5(usedforsecurity=False)
    while part := file.read(1 << 16):
        digest.update(part)
    return digest.hexdigest()
