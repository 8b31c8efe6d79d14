"""The settings of what a crawl keeps and writes, as `default_settings.py` has the others: cache, files, feeds, log."""
# ruff: noqa: E501 a meaning is one line: docs/settings.md is made from these lines

from pathlib import PurePath
from typing import Annotated

from aioscrapy.setting_types import (
    Boolean,
    Component,
    Count,
    Either,
    Encoding,
    Flag,
    LogForm,
    LogLevel,
    Many,
    Name,
    Names,
    OptionalPath,
    OptionalText,
    Seconds,
    Statuses,
    Table,
    Text,
    Whole,
)

# -- HTTP cache

# Keep responses on disk, and answer requests from there.
HTTPCACHE_ENABLED: Flag = False
# Keep every response that does not forbid it, with RFC9111Policy.
HTTPCACHE_ALWAYS_STORE: Flag = False
# Module for DbmCacheStorage.
HTTPCACHE_DBM_MODULE: Name = "dbm"
# Folder of the cache; a relative one is in .scrapy beside scrapy.cfg.
HTTPCACHE_DIR: Annotated[str, Text(also=(PurePath,))] = "httpcache"
# Seconds after which a kept response is not used any more. 0 or -1: never.
HTTPCACHE_EXPIRATION_SECS: Annotated[int, Whole(-1, 1e9)] = 0
# Compress the files of FilesystemCacheStorage.
HTTPCACHE_GZIP: Flag = False
# Statuses of responses that are not kept, with DummyPolicy.
HTTPCACHE_IGNORE_HTTP_CODES: Statuses = []
# Drop requests that are not in the cache: nothing is fetched.
HTTPCACHE_IGNORE_MISSING: Flag = False
# Directives of Cache-Control in responses that RFC9111Policy does not obey, such as no-store.
HTTPCACHE_IGNORE_RESPONSE_CACHE_CONTROLS: Names = []
# URL schemes that are not kept.
HTTPCACHE_IGNORE_SCHEMES: Names = ["file"]
# What may be kept and used again: DummyPolicy (all, for ever), RFC9111Policy (what the headers allow), or a class of yours.
HTTPCACHE_POLICY: Annotated[str, Component("should_cache_request", "should_cache_response")] = (
    "aioscrapy.extensions.httpcache.DummyPolicy"
)
# Where responses are kept: FilesystemCacheStorage, SqliteCacheStorage, DbmCacheStorage, or a class of yours.
HTTPCACHE_STORAGE: Annotated[str, Component("retrieve_response", "store_response")] = (
    "aioscrapy.extensions.httpcache.FilesystemCacheStorage"
)

# -- Files and images of items

# Folder or URI (s3://, gs://, ftp://) of FilesPipeline. None: it is left out.
FILES_STORE: OptionalPath = None
# Days after which a file is downloaded again. None: 90, or EXPIRES of the pipeline's class.
FILES_EXPIRES: Annotated[int | None, Whole(0, 1e6, optional=True)] = None
# Field of an item with the URLs of files. None: file_urls.
FILES_URLS_FIELD: OptionalText = None
# Field of an item that gets the results. None: files.
FILES_RESULT_FIELD: OptionalText = None
# Access rights of files on S3.
FILES_STORE_S3_ACL: OptionalText = "private"
# Access rights of files in Google Cloud Storage. Empty: those of the bucket.
FILES_STORE_GCS_ACL: OptionalText = ""
# Folder or URI (s3://, gs://, ftp://) of ImagesPipeline. None: it is left out.
IMAGES_STORE: OptionalPath = None
# Days after which an image is downloaded again. None: 90, or EXPIRES of the pipeline's class.
IMAGES_EXPIRES: Annotated[int | None, Whole(0, 1e6, optional=True)] = None
# Field of an item with the URLs of images. None: image_urls.
IMAGES_URLS_FIELD: OptionalText = None
# Field of an item that gets the results. None: images.
IMAGES_RESULT_FIELD: OptionalText = None
# Access rights of images on S3.
IMAGES_STORE_S3_ACL: OptionalText = "private"
# Access rights of images in Google Cloud Storage. Empty: those of the bucket.
IMAGES_STORE_GCS_ACL: OptionalText = ""
# Images with fewer pixels in a row are refused. None: MIN_WIDTH of the pipeline's class, 0.
IMAGES_MIN_WIDTH: Annotated[int | None, Whole(0, 1e6, optional=True)] = None
# Images with fewer rows are refused. None: MIN_HEIGHT of the pipeline's class, 0.
IMAGES_MIN_HEIGHT: Annotated[int | None, Whole(0, 1e6, optional=True)] = None
# Name -> [width, height] of the thumbnails of each image. None: THUMBS of the pipeline's class, none.
IMAGES_THUMBS: Annotated[dict[str, object] | None, Table("name", "width and height", list, tuple)] = None
# Follow redirects of files and images.
MEDIA_ALLOW_REDIRECTS: Flag = False

# -- Files on servers

# Key and secret of S3. None: those of the environment, or of ~/.aws.
AWS_ACCESS_KEY_ID: OptionalText = None
# The secret that belongs to AWS_ACCESS_KEY_ID.
AWS_SECRET_ACCESS_KEY: OptionalText = None
# Token of a temporary login.
AWS_SESSION_TOKEN: OptionalText = None
# URL of a server that speaks S3. None: Amazon's.
AWS_ENDPOINT_URL: OptionalText = None
# Region of S3.
AWS_REGION_NAME: OptionalText = None
# Use TLS for S3. None: yes, unless AWS_ENDPOINT_URL has http://.
AWS_USE_SSL: Annotated[bool | None, Boolean(optional=True)] = None
# Verify the certificate of S3. None: yes.
AWS_VERIFY: Annotated[bool | None, Boolean(optional=True)] = None
# Connections to S3 at once. None: as the library has it.
AWS_MAX_POOL_CONNECTIONS: Annotated[int | None, Whole(1, 1000, optional=True)] = None
# Project of Google Cloud. None: that of the environment.
GCS_PROJECT_ID: OptionalText = None
# User of FTP servers, for URIs without one.
FTP_USER: Name = "anonymous"
# Password that belongs to FTP_USER.
FTP_PASSWORD: OptionalText = "guest"  # noqa: S105 of every anonymous login

# -- Feeds and log

# Path or file URI -> {format: jsonlines, json, csv, xml …; encoding; fields; overwrite; postprocessing …}: docs/feeds.md.
FEEDS: Annotated[
    dict[str, dict[str, object]], Table("path or file URI", "a dict of options", dict, keys=(str, PurePath))
] = {}
# Path or file URI of one more feed, in the format FEED_FORMAT: the way of old projects.
FEED_URI: OptionalPath = None
# Format of the feed FEED_URI.
FEED_FORMAT: Name = "jsonlines"
# Character encoding of feeds that name none. None: the default of the format.
FEED_EXPORT_ENCODING: Annotated[str | None, Encoding(optional=True)] = "utf-8"
# Fields and their order, for feeds that name none. None: all fields, in the order of the items.
FEED_EXPORT_FIELDS: Annotated[
    list[str] | dict[str, str] | None, Either(Many(Text()), Table("field", "its name in the feed", str))
] = None
# Spaces of indentation in json and xml feeds. 0 or less: one item in a line. None: all items in one line (json, xml).
FEED_EXPORT_INDENT: Annotated[int | None, Whole(-100, 100, optional=True)] = 0
# Items of one file: the next ones go to another file. 0: all items in one file.
FEED_EXPORT_BATCH_ITEM_COUNT: Count = 0
# Format of feeds -> path of its exporter; None removes a format.
FEED_EXPORTERS: Annotated[
    dict[str, object], Table("format", "a class or its path, or None", str, type, type(None))
] = {}
# The built-in formats; FEED_EXPORTERS changes them.
FEED_EXPORTERS_BASE: Annotated[dict[str, str], Table("format", "the path of a class", str)] = {
    "jsonlines": "aioscrapy.exporters.JsonLinesItemExporter",
    "jsonl": "aioscrapy.exporters.JsonLinesItemExporter",
    "jl": "aioscrapy.exporters.JsonLinesItemExporter",
    "json": "aioscrapy.exporters.JsonItemExporter",
    "csv": "aioscrapy.exporters.CsvItemExporter",
    "xml": "aioscrapy.exporters.XmlItemExporter",
    "pickle": "aioscrapy.exporters.PickleItemExporter",
    "marshal": "aioscrapy.exporters.MarshalItemExporter",
}
# Function (values of placeholders, spider) -> values for the placeholders in the paths of feeds. None: the same.
FEED_URI_PARAMS: Annotated[str | None, Component(optional=True)] = None
# Scheme of a feed's URI -> path of its storage; None removes a scheme.
FEED_STORAGES: Annotated[
    dict[str, object], Table("scheme of a URI", "a class or its path, or None", str, type, type(None))
] = {}
# The built-in storages; FEED_STORAGES changes them.
FEED_STORAGES_BASE: Annotated[dict[str, str], Table("scheme of a URI", "the path of a class", str)] = {
    "": "aioscrapy.feeds.storages.FileFeedStorage",
    "file": "aioscrapy.feeds.storages.FileFeedStorage",
    "ftp": "aioscrapy.feeds.remote_storages.FTPFeedStorage",
    "ftps": "aioscrapy.feeds.remote_storages.FTPFeedStorage",
    "gs": "aioscrapy.feeds.remote_storages.GCSFeedStorage",
    "s3": "aioscrapy.feeds.remote_storages.S3FeedStorage",
    "stdout": "aioscrapy.feeds.storages.StdoutFeedStorage",
}
# The FTP server opens the connections for data; it must reach this machine.
FEED_STORAGE_FTP_ACTIVE: Flag = False
# Access rights of a feed in Google Cloud Storage, such as publicRead. Empty: those of the bucket.
FEED_STORAGE_GCS_ACL: OptionalText = ""
# Access rights of a feed on S3, such as public-read. Empty: those of the bucket.
FEED_STORAGE_S3_ACL: OptionalText = ""
# Folder for feeds on their way to a server, in a crawl without JOBDIR. None: that of the system.
FEED_TEMPDIR: OptionalPath = None
# Write the file even without an item.
FEED_STORE_EMPTY: Flag = True
# Write a log.
LOG_ENABLED: Flag = True
# Add a handler to the root logger. False: logging is as the project has configured it.
LOG_INSTALL_ROOT_HANDLER: Flag = True
# File of the log. None: standard error.
LOG_FILE: OptionalPath = None
# True: append to LOG_FILE. False: replace it.
LOG_FILE_APPEND: Flag = True
# When to begin a new LOG_FILE: at a size such as "20 MB", or after a time such as "1 day". None: never.
LOG_ROTATION: OptionalText = None
# Number of earlier files (LOG_FILE.1 or LOG_FILE.DATE) that LOG_ROTATION keeps.
LOG_RETENTION: Count = 10
# Character encoding of LOG_FILE.
LOG_ENCODING: Annotated[str, Encoding()] = "utf-8"
# Lowest level that is logged.
LOG_LEVEL: Annotated[str, LogLevel()] = "DEBUG"
# Form of a log line. LogParser reads the default.
LOG_FORMAT: Annotated[str, LogForm()] = "%(asctime)s [%(name)s] %(levelname)s: %(message)s"
# Form of the time in a log line.
LOG_DATEFORMAT: OptionalText = "%Y-%m-%d %H:%M:%S"
# Class with the texts of log lines, such as a subclass of aioscrapy.logformatter.LogFormatter. None: those of aioscrapy.
LOG_FORMATTER: Annotated[str | None, Component(optional=True)] = None
# Libraries whose versions the second line of a crawl names, such as lxml; also Python and Platform.
LOG_VERSIONS: Names = []
# Level of the line about an item that a pipeline dropped.
DEFAULT_DROPITEM_LOG_LEVEL: Annotated[str, LogLevel()] = "WARNING"
# Log what the spider prints.
LOG_STDOUT: Flag = False
# Seconds between two lines with pages and items per minute. 0: no such lines.
LOGSTATS_INTERVAL: Seconds = 60.0
# Class that counts.
STATS_CLASS: Annotated[str, Component("inc_value", "get_value", "set_value", "max_value")] = (
    "aioscrapy.stats.StatsCollector"
)
# Log all stats at the end.
STATS_DUMP: Flag = True
