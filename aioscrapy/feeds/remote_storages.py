"""Storages of feeds on S3, Google Cloud Storage and FTP servers."""

import logging
from collections.abc import Mapping
from typing import IO, Any, ClassVar, Self
from urllib.parse import unquote, urlsplit

from aioscrapy.context import CrawlContext
from aioscrapy.feeds.storages import BlockingFeedStorage, Options
from aioscrapy.feeds.uri import FeedError, redacted
from aioscrapy.remote_files import FtpFiles, RemoteFiles, remote_files
from aioscrapy.settings import Settings

logger = logging.getLogger("aioscrapy.extensions.feedexport")


class _CloudFeedStorage(BlockingFeedStorage):
    """An object in a bucket; the attributes are what a subclass or a project may change before `store`."""

    server: ClassVar[str]

    def __init__(self, uri: str, acl: str | None, feed_options: Options | None) -> None:
        self._uri = uri
        self._settings = Settings()
        self.acl = acl or None
        parts = urlsplit(uri)
        if (feed_options or {}).get("overwrite", True) is False:
            logger.warning(
                "%s: %s does not support appending to files: the new file replaces the old one",
                redacted(uri),
                self.server,
            )
        if not parts.hostname:
            raise FeedError(uri, "the name of the bucket is missing")

    def _logins(self) -> Mapping[str, Any]:
        """Return the settings that the arguments of the constructor stand for."""
        raise NotImplementedError

    def _connect(self, settings: Settings) -> None:
        """Use the other settings of a crawl; a library that is missing raises ConfigError."""
        self._settings = settings
        self._files()

    def _files(self) -> RemoteFiles:
        settings = self._settings.copy()
        for name, value in self._logins().items():
            settings.set(name, value, "cmdline")
        return remote_files(self._uri, settings, self.acl)

    def _store_in_thread(self, file: IO[bytes]) -> None:
        with file:
            file.seek(0)
            self._files().upload("", file)


class S3FeedStorage(_CloudFeedStorage):
    """An object of S3: s3://BUCKET/KEY, with AWS_* and FEED_STORAGE_S3_ACL."""

    server = "S3"

    def __init__(  # noqa: PLR0913 the arguments are Scrapy's
        self,
        uri: str,
        access_key: str | None = None,
        secret_key: str | None = None,
        acl: str | None = None,
        endpoint_url: str | None = None,
        *,
        feed_options: Options | None = None,
        session_token: str | None = None,
        region_name: str | None = None,
        max_pool_connections: int | None = None,
    ) -> None:
        super().__init__(uri, acl, feed_options)
        parts = urlsplit(uri)
        self.bucketname = parts.hostname or ""
        self.keyname = parts.path[1:]
        self.access_key = unquote(parts.username or "") or access_key
        self.secret_key = unquote(parts.password or "") or secret_key
        self.session_token = session_token
        self.endpoint_url = endpoint_url
        self.region_name = region_name
        self.max_pool_connections = max_pool_connections

    @classmethod
    def from_crawler(cls, crawler: CrawlContext, uri: str, *, feed_options: Options | None = None) -> Self:
        """Create it with the logins of the settings."""
        settings = crawler.settings
        storage = cls(
            uri,
            settings["AWS_ACCESS_KEY_ID"],
            settings["AWS_SECRET_ACCESS_KEY"],
            settings["FEED_STORAGE_S3_ACL"] or None,
            settings["AWS_ENDPOINT_URL"] or None,
            feed_options=feed_options,
            session_token=settings["AWS_SESSION_TOKEN"],
            region_name=settings["AWS_REGION_NAME"] or None,
            max_pool_connections=settings["AWS_MAX_POOL_CONNECTIONS"],
        )
        storage._connect(settings)
        return storage

    def _logins(self) -> Mapping[str, Any]:
        return {
            "AWS_ACCESS_KEY_ID": self.access_key,
            "AWS_SECRET_ACCESS_KEY": self.secret_key,
            "AWS_SESSION_TOKEN": self.session_token,
            "AWS_ENDPOINT_URL": self.endpoint_url,
            "AWS_REGION_NAME": self.region_name,
            "AWS_MAX_POOL_CONNECTIONS": self.max_pool_connections,
        }


class GCSFeedStorage(_CloudFeedStorage):
    """An object of Google Cloud Storage: gs://BUCKET/NAME, with GCS_PROJECT_ID and FEED_STORAGE_GCS_ACL."""

    server = "GCS"

    def __init__(
        self,
        uri: str,
        project_id: str | None = None,
        acl: str | None = None,
        *,
        feed_options: Options | None = None,
    ) -> None:
        super().__init__(uri, acl, feed_options)
        self.project_id = project_id
        self.bucket_name = urlsplit(uri).hostname or ""
        self.blob_name = urlsplit(uri).path[1:]

    @classmethod
    def from_crawler(cls, crawler: CrawlContext, uri: str, *, feed_options: Options | None = None) -> Self:
        """Create it with the project of the settings."""
        settings = crawler.settings
        project, acl = settings["GCS_PROJECT_ID"], settings["FEED_STORAGE_GCS_ACL"]
        storage = cls(uri, project, acl, feed_options=feed_options)
        storage._connect(settings)
        return storage

    def _logins(self) -> Mapping[str, Any]:
        return {"GCS_PROJECT_ID": self.project_id}


class FTPFeedStorage(BlockingFeedStorage):
    """A file of an FTP server: ftp://USER:PASSWORD@HOST/PATH; folders are created."""

    def __init__(
        self, uri: str, use_active_mode: bool = False, *, feed_options: Options | None = None
    ) -> None:
        parts = urlsplit(uri)
        if not parts.hostname:
            raise FeedError(uri, "the name of the host is missing")
        self._parts = parts
        self.host = parts.hostname
        self.port = parts.port or 21
        self.username = unquote(parts.username or "")
        self.password = unquote(parts.password or "")
        self.path = parts.path
        self.use_active_mode = use_active_mode
        self.overwrite = bool((feed_options or {}).get("overwrite", True))

    @classmethod
    def from_crawler(cls, crawler: CrawlContext, uri: str, *, feed_options: Options | None = None) -> Self:
        """Create it with the login of the settings, if the URI has none."""
        storage = cls(uri, crawler.settings.getbool("FEED_STORAGE_FTP_ACTIVE"), feed_options=feed_options)
        storage.username = storage.username or crawler.settings["FTP_USER"]
        storage.password = storage.password or crawler.settings["FTP_PASSWORD"]
        return storage

    def _store_in_thread(self, file: IO[bytes]) -> None:
        login = self.username, self.password
        files = FtpFiles(self._parts, login, active=self.use_active_mode, overwrite=self.overwrite)
        with file:
            file.seek(0)
            files.upload("", file)
