"""Files on S3, Google Cloud Storage and FTP servers; the only module that knows s3fs, gcsfs and ftplib.

All methods block: call them in a thread.
"""

import contextlib
import ftplib
import hashlib
import io
import os
import posixpath
import shutil
import ssl
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from importlib import import_module
from typing import IO, Any, NamedTuple
from urllib.parse import SplitResult, unquote, urlsplit

from aioscrapy.exceptions import ConfigError
from aioscrapy.settings import Settings

# Settings of Scrapy -> arguments of the client of S3.
_S3_CLIENT = {"AWS_ENDPOINT_URL": "endpoint_url", "AWS_REGION_NAME": "region_name"}
_S3_FLAGS = {"AWS_USE_SSL": "use_ssl", "AWS_VERIFY": "verify"}


class FileState(NamedTuple):
    """What a server knows of a file."""

    last_modified: float  # seconds since 1970
    checksum: str  # MD5 in hexadecimal digits; "" if the server has none


class RemoteFiles(ABC):
    """The files below one URI."""

    @abstractmethod
    def upload(self, path: str, file: IO[bytes], headers: Mapping[str, str] | None = None) -> None:
        """Write a file as a whole, in the place of one that is there.

        Args:
            path: below the URI; "" for the URI itself.
            file: is read from its position on.
            headers: such as Content-Type, if the server keeps them.
        """

    @abstractmethod
    def state(self, path: str) -> FileState | None:
        """Return the state of a file; None if it does not exist."""


class S3Files(RemoteFiles):
    """A bucket of S3, by s3fs."""

    def __init__(self, uri: SplitResult, settings: Settings, acl: str | None) -> None:
        client = {name: settings[key] for key, name in _S3_CLIENT.items() if settings[key] is not None}
        flags = {name: settings.getbool(key) for key, name in _S3_FLAGS.items() if settings[key] is not None}
        pool = settings["AWS_MAX_POOL_CONNECTIONS"]
        self._base = f"{uri.hostname}{uri.path}"
        self._acl = {"ACL": acl} if acl else {}
        self._files = _library("s3fs", "s3", "s3://").S3FileSystem(
            key=unquote(uri.username or "") or settings["AWS_ACCESS_KEY_ID"],
            secret=unquote(uri.password or "") or settings["AWS_SECRET_ACCESS_KEY"],
            token=settings["AWS_SESSION_TOKEN"],
            client_kwargs={**client, **flags},
            config_kwargs={"max_pool_connections": int(pool)} if pool else {},
            use_listings_cache=False,
            skip_instance_cache=True,
        )

    def upload(self, path: str, file: IO[bytes], headers: Mapping[str, str] | None = None) -> None:
        options = {name.replace("-", ""): value for name, value in (headers or {}).items()}
        with self._files.open(self._base + path, "wb", **self._acl, **options) as target:
            shutil.copyfileobj(file, target, 1 << 20)

    def state(self, path: str) -> FileState | None:
        try:
            info = self._files.info(self._base + path, refresh=True)
        except FileNotFoundError:
            return None
        return FileState(info["LastModified"].timestamp(), info.get("ETag", "").strip('"'))


class GoogleFiles(RemoteFiles):
    """A bucket of Google Cloud Storage, by gcsfs."""

    def __init__(self, uri: SplitResult, settings: Settings, acl: str | None) -> None:
        self._base = f"{uri.hostname}{uri.path}"
        self._acl = acl or None
        self._files = _library("gcsfs.core", "gcs", "gs://").GCSFileSystem(
            project=settings["GCS_PROJECT_ID"] or None,
            token="anon" if "STORAGE_EMULATOR_HOST" in os.environ else None,
            use_listings_cache=False,
            skip_instance_cache=True,
        )

    def upload(self, path: str, file: IO[bytes], headers: Mapping[str, str] | None = None) -> None:
        named = {name.lower(): value for name, value in (headers or {}).items()}
        options: dict[str, Any] = {"acl": self._acl}
        if "content-type" in named:
            options["content_type"] = named["content-type"]
        if "cache-control" in named:
            options["fixed_key_metadata"] = {"cache_control": named["cache-control"]}
        with self._files.open(self._base + path, "wb", **options) as target:
            shutil.copyfileobj(file, target, 1 << 20)

    def state(self, path: str) -> FileState | None:
        try:
            info = self._files.info(self._base + path)
        except FileNotFoundError:
            return None
        when = datetime.fromisoformat(info["updated"])
        return FileState(when.timestamp(), _hexadecimal(info.get("md5Hash", "")))


class FtpFiles(RemoteFiles):
    """A folder of an FTP server; with TLS for ftps://.

    Args:
        uri: ftp://HOST:PORT/FOLDER.
        login: user and password.
        active: the server opens the connections for data.
        overwrite: else a file is appended to.
    """

    def __init__(
        self, uri: SplitResult, login: tuple[str, str], *, active: bool = False, overwrite: bool = True
    ) -> None:
        if not uri.hostname:
            raise ConfigError(f"{uri.geturl()}: the host is missing")
        self._uri = uri
        self._login = login
        self._active = active
        self._command = "STOR" if overwrite else "APPE"

    def upload(self, path: str, file: IO[bytes], headers: Mapping[str, str] | None = None) -> None:
        folder, name = posixpath.split(self._uri.path + path)
        with self._connected() as server:
            _enter(server, folder)
            server.storbinary(f"{self._command} {name}", file)

    def state(self, path: str) -> FileState | None:
        whole, checksum = self._uri.path + path, hashlib.md5(usedforsecurity=False)
        with self._connected() as server:
            try:
                answer = server.voidcmd(f"MDTM {whole}")
                server.retrbinary(f"RETR {whole}", checksum.update)
            except ftplib.error_perm:
                return None
        when = datetime.strptime(answer.split()[1][:14], "%Y%m%d%H%M%S").replace(tzinfo=UTC)
        return FileState(when.timestamp(), checksum.hexdigest())

    @contextlib.contextmanager
    def _connected(self) -> Iterator[ftplib.FTP]:
        secure = self._uri.scheme == "ftps"
        server = ftplib.FTP_TLS(context=ssl.create_default_context()) if secure else ftplib.FTP()  # noqa: S321 the user's URI asks for it
        with server:
            server.connect(self._uri.hostname or "", self._uri.port or 21)
            server.login(*self._login)
            if isinstance(server, ftplib.FTP_TLS):
                server.prot_p()
            server.set_pasv(not self._active)
            yield server


def remote_files(uri: str, settings: Settings, acl: str | None = None) -> RemoteFiles:
    """Return the files below a URI of S3, Google Cloud Storage or an FTP server.

    Raises:
        ConfigError: the library is not installed, or the scheme is unknown.
    """
    parts = urlsplit(uri)
    if parts.scheme in {"ftp", "ftps"}:
        user = unquote(parts.username or "") or settings["FTP_USER"]
        password = unquote(parts.password or "") or settings["FTP_PASSWORD"]
        return FtpFiles(parts, (user, password), active=settings.getbool("FEED_STORAGE_FTP_ACTIVE"))
    kinds: dict[str, Callable[..., RemoteFiles]] = {"s3": S3Files, "gs": GoogleFiles}
    if parts.scheme not in kinds or not parts.hostname:
        raise ConfigError(f"{parts.scheme}://{parts.hostname or ''} is not a place for files")
    return kinds[parts.scheme](parts, settings, acl)


def _library(name: str, extra: str, scheme: str) -> Any:
    try:
        return import_module(name)
    except ImportError:
        library = name.partition(".")[0]
        raise ConfigError(f"{scheme} needs {library}: pip install 'aioscrapy-scrapyd[{extra}]'") from None


def _enter(server: ftplib.FTP, folder: str) -> None:
    """Go to a folder of the server, which is created."""
    server.cwd("/")
    for part in folder.strip("/").split("/") if folder.strip("/") else ():
        try:
            server.cwd(part)
        except ftplib.error_perm:
            with contextlib.suppress(ftplib.error_perm):  # another upload may have created it meanwhile
                server.mkd(part)
            server.cwd(part)


def _hexadecimal(base64: str) -> str:
    import binascii

    return binascii.a2b_base64(base64).hex()


def reader_of(data: bytes) -> IO[bytes]:
    """Return bytes as a file."""
    return io.BytesIO(data)
