"""The parts of the HTTP cache: policies, which decide what may be reused, and storages on disk."""

import ast
import contextlib
import dbm
import gzip
import importlib
import logging
import os
import sqlite3
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from weakref import WeakKeyDictionary

import msgpack

from aioscrapy.exceptions import SettingError
from aioscrapy.http import Headers, Request, Response
from aioscrapy.http.responsetypes import response_class
from aioscrapy.project import find_cfg
from aioscrapy.settings import Settings

logger = logging.getLogger(__name__)

Directives = dict[bytes, bytes | None]

# Statuses that may be reused without a hint of the server (RFC 9111, 4.2.2), as long as browsers do it.
_FOR_GOOD = {300, 301, 308}
_YEAR_S = 365 * 24 * 3600


class DummyPolicy:
    """Reuses every response for ever: for crawls without a network, and while a spider is written."""

    def __init__(self, settings: Settings) -> None:
        self.ignore_schemes = settings.getlist("HTTPCACHE_IGNORE_SCHEMES")
        self.ignore_http_codes = [int(code) for code in settings.getlist("HTTPCACHE_IGNORE_HTTP_CODES")]

    def should_cache_request(self, request: Request) -> bool:
        """Return True if the response to this request may be kept."""
        return urlsplit(request.url).scheme not in self.ignore_schemes

    def should_cache_response(self, response: Response, request: Request) -> bool:
        """Return True if this response may be kept."""
        return response.status not in self.ignore_http_codes

    def is_cached_response_fresh(self, cachedresponse: Response, request: Request) -> bool:
        """Return True if a kept response can be used without asking the server."""
        return True

    def is_cached_response_valid(
        self, cachedresponse: Response, response: Response, request: Request
    ) -> bool:
        """Return True if the server's response lets the kept one be used."""
        return True


class RFC9111Policy:
    """Reuses what the headers of requests and responses allow, as a private cache does.

    Source: RFC 9111. With HTTPCACHE_ALWAYS_STORE every response is kept that does not forbid it.
    """

    def __init__(self, settings: Settings) -> None:
        self.always_store = settings.getbool("HTTPCACHE_ALWAYS_STORE")
        self.ignore_schemes = settings.getlist("HTTPCACHE_IGNORE_SCHEMES")
        self.ignore_response_cache_controls = [
            name.encode().lower() for name in settings.getlist("HTTPCACHE_IGNORE_RESPONSE_CACHE_CONTROLS")
        ]
        self._directives: WeakKeyDictionary[Request | Response, Directives] = WeakKeyDictionary()

    def should_cache_request(self, request: Request) -> bool:
        """Return True if the response to this request may be kept."""
        if urlsplit(request.url).scheme in self.ignore_schemes:
            return False
        return b"no-store" not in self._of(request)

    def should_cache_response(self, response: Response, request: Request) -> bool:
        """Return True if this response may be kept, and can ever be used again."""
        directives = self._of(response)
        if b"no-store" in directives or response.status == 304:
            return False
        if self.always_store or b"max-age" in directives or b"Expires" in response.headers:
            return True
        if response.status in _FOR_GOOD:
            return True
        has_validator = b"Last-Modified" in response.headers or b"ETag" in response.headers
        return response.status in {200, 203, 401} and has_validator

    def is_cached_response_fresh(self, cachedresponse: Response, request: Request) -> bool:
        """Return True if a kept response is not too old; else let the request ask whether it has changed."""
        ours, theirs = self._of(cachedresponse), self._of(request)
        if b"no-cache" in ours or b"no-cache" in theirs:
            return False
        lifetime_s, age_s = self._lifetime_s(cachedresponse), _age_s(cachedresponse)
        limit_s = _seconds(theirs, b"max-age")
        if limit_s is not None:
            lifetime_s = min(lifetime_s, limit_s)
        if age_s < lifetime_s:
            return True
        if b"max-stale" in theirs and b"must-revalidate" not in ours:
            stale_s = _seconds(theirs, b"max-stale")
            if theirs[b"max-stale"] is None or (stale_s is not None and age_s < lifetime_s + stale_s):
                return True
        for validator, question in ((b"Last-Modified", b"If-Modified-Since"), (b"ETag", b"If-None-Match")):
            if validator in cachedresponse.headers:
                request.headers[question] = cachedresponse.headers[validator]
        return False

    def is_cached_response_valid(
        self, cachedresponse: Response, response: Response, request: Request
    ) -> bool:
        """Return True if it has not changed, or if the server fails and the kept one may be stale."""
        if response.status >= 500 and b"must-revalidate" not in self._of(cachedresponse):
            return True
        return response.status == 304

    def _of(self, message: Request | Response) -> Directives:
        directives = self._directives.get(message)
        if directives is None:
            directives = parse_cachecontrol(message.headers.get(b"Cache-Control") or b"")
            if isinstance(message, Response):
                for name in self.ignore_response_cache_controls:
                    directives.pop(name, None)
            self._directives[message] = directives
        return directives

    def _lifetime_s(self, response: Response) -> float:
        """Return for how long a response is fresh, in seconds."""
        limit_s = _seconds(self._of(response), b"max-age")
        if limit_s is not None:
            return limit_s
        date_s = rfc1123_to_epoch(response.headers.get(b"Date")) or time.time()
        if b"Expires" in response.headers:
            expires_s = rfc1123_to_epoch(response.headers[b"Expires"])
            return max(0.0, expires_s - date_s) if expires_s else 0.0
        modified_s = rfc1123_to_epoch(response.headers.get(b"Last-Modified"))
        if modified_s and modified_s <= date_s:
            return (date_s - modified_s) / 10  # the usual tenth: RFC 9111, 4.2.2
        return _YEAR_S if response.status in _FOR_GOOD else 0.0


class RFC2616Policy(RFC9111Policy):
    """The same under the name that Scrapy has for it."""


class FilesystemCacheStorage:
    """A folder for each response, in the layout of Scrapy; with HTTPCACHE_GZIP each file is compressed.

    HTTPCACHE_DIR/SPIDER/ab/abcdef…/: meta, response_headers, response_body, request_headers, request_body.
    `meta` is written last, so that an entry that a kill interrupts does not exist.
    """

    def __init__(self, settings: Settings) -> None:
        self.cachedir = folder_of(settings)
        self.expiration_secs = settings.getint("HTTPCACHE_EXPIRATION_SECS")
        self.use_gzip = settings.getbool("HTTPCACHE_GZIP")
        self._fingerprinter: Any = None

    def open_spider(self, spider: Any) -> None:
        """Get ready for the requests of this spider."""
        logger.debug("Using filesystem cache storage in %s", self.cachedir)
        self._fingerprinter = spider.crawler.request_fingerprinter

    def close_spider(self, spider: Any) -> None:
        """Do nothing: every response is on disk."""

    def retrieve_response(self, spider: Any, request: Request) -> Response | None:
        """Return the kept response to a request; None if there is none, or only one that is too old."""
        folder = self._folder(spider, request)
        try:
            meta = ast.literal_eval(self._read(folder / "meta").decode())
        except FileNotFoundError:
            return None
        if is_too_old(meta["timestamp"], self.expiration_secs):
            return None
        request.meta["cache_timestamp"] = meta["timestamp"]
        headers = Headers(headers_of(self._read(folder / "response_headers")))
        body = self._read(folder / "response_body")
        return build_response(meta["response_url"], meta["status"], headers, body)

    def store_response(self, spider: Any, request: Request, response: Response) -> None:
        """Keep a response, in the place of an older one."""
        folder = self._folder(spider, request)
        folder.mkdir(parents=True, exist_ok=True)
        for name in ("meta", "pickled_meta"):  # the second one is Scrapy's, and would be out of date
            (folder / name).unlink(missing_ok=True)
        meta = {
            "url": request.url,
            "method": request.method,
            "status": response.status,
            "response_url": response.url,
            "timestamp": time.time(),
        }
        self._write(folder / "response_headers", raw_headers(response.headers))
        self._write(folder / "response_body", response.body)
        self._write(folder / "request_headers", raw_headers(request.headers))
        self._write(folder / "request_body", request.body)
        self._write(folder / "meta", repr(meta).encode())

    def _folder(self, spider: Any, request: Request) -> Path:
        key = self._fingerprinter.fingerprint(request).hex()
        return Path(self.cachedir, spider.name, key[:2], key)

    def _read(self, path: Path) -> bytes:
        data = path.read_bytes()
        return gzip.decompress(data) if self.use_gzip else data

    def _write(self, path: Path, data: bytes) -> None:
        part = path.with_name(f".{path.name}.{os.getpid()}")
        part.write_bytes(gzip.compress(data) if self.use_gzip else data)
        part.replace(path)


class DbmCacheStorage:
    """One file of a `dbm` module (HTTPCACHE_DBM_MODULE) for each spider; for one process at a time."""

    def __init__(self, settings: Settings) -> None:
        self.cachedir = folder_of(settings)
        Path(self.cachedir).mkdir(parents=True, exist_ok=True)
        self.expiration_secs = settings.getint("HTTPCACHE_EXPIRATION_SECS")
        name = settings["HTTPCACHE_DBM_MODULE"]
        try:
            self.dbmodule: Any = importlib.import_module(name)
        except ImportError as exc:
            raise SettingError("HTTPCACHE_DBM_MODULE", f"can't load {name!r}: {exc}") from exc
        self.db: Any = None
        self._fingerprinter: Any = None

    def open_spider(self, spider: Any) -> None:
        """Open the file of this spider."""
        path = Path(self.cachedir, f"{spider.name}.db")
        try:
            self.db = self.dbmodule.open(str(path), "c")
        except dbm.error as exc:
            raise SettingError("HTTPCACHE_STORAGE", f"{path} can't be opened: {exc}") from exc
        logger.debug("Using DBM cache storage in %s", path)
        self._fingerprinter = spider.crawler.request_fingerprinter

    def close_spider(self, spider: Any) -> None:
        """Close the file."""
        self.db.close()

    def retrieve_response(self, spider: Any, request: Request) -> Response | None:
        """Return the kept response to a request; None if there is none, or only one that is too old."""
        packed = self._get(self._fingerprinter.fingerprint(request).hex())
        if packed is None:
            return None
        entry: Mapping[str, Any] = msgpack.unpackb(packed)
        if is_too_old(entry["timestamp"], self.expiration_secs):
            return None
        request.meta["cache_timestamp"] = entry["timestamp"]
        headers = Headers(headers_of(entry["headers"]))
        return build_response(entry["url"], entry["status"], headers, entry["body"])

    def store_response(self, spider: Any, request: Request, response: Response) -> None:
        """Keep a response, in the place of an older one."""
        entry = {
            "url": response.url,
            "status": response.status,
            "headers": raw_headers(response.headers),
            "body": response.body,
            "timestamp": time.time(),
        }
        self._set(self._fingerprinter.fingerprint(request).hex(), msgpack.packb(entry))

    def _get(self, key: str) -> bytes | None:
        return self.db[key] if key in self.db else None  # noqa: SIM401 not every dbm has get

    def _set(self, key: str, value: bytes) -> None:
        self.db[key] = value


class SqliteCacheStorage(DbmCacheStorage):
    """One SQLite file for each spider, which the workers of a crawl on one machine share."""

    def open_spider(self, spider: Any) -> None:
        """Open the file of this spider."""
        path = Path(self.cachedir, f"{spider.name}.sqlite")
        self.db = db = sqlite3.connect(path, timeout=30, isolation_level=None)
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = NORMAL")
        db.execute("CREATE TABLE IF NOT EXISTS responses (key TEXT PRIMARY KEY, entry BLOB)")
        logger.debug("Using SQLite cache storage in %s", path)
        self._fingerprinter = spider.crawler.request_fingerprinter

    def _get(self, key: str) -> bytes | None:
        row = self.db.execute("SELECT entry FROM responses WHERE key = ?", (key,)).fetchone()
        return row[0] if row else None

    def _set(self, key: str, value: bytes) -> None:
        self.db.execute("INSERT OR REPLACE INTO responses VALUES (?, ?)", (key, value))


def folder_of(settings: Settings) -> str:
    """Return the folder of the cache: HTTPCACHE_DIR in .scrapy beside scrapy.cfg, where Scrapy has it."""
    cfg = find_cfg()
    base = cfg.parent if cfg is not None else Path()
    return str(base.absolute() / ".scrapy" / settings["HTTPCACHE_DIR"])


def build_response(url: str, status: int, headers: Headers, body: bytes) -> Response | None:
    """Return a kept response; None for one that Scrapy has kept compressed: it is fetched again."""
    if headers.get(b"Content-Encoding"):
        return None
    return response_class(headers, url, body)(url=url, status=status, headers=headers, body=body)


def is_too_old(timestamp_s: float, limit_s: int) -> bool:
    """Return True if a response was kept longer ago than the limit; 0 is no limit."""
    return 0 < limit_s < time.time() - timestamp_s


def raw_headers(headers: Headers) -> bytes:
    """Return headers as lines."""
    return b"\r\n".join(name + b": " + value for name, values in headers.items() for value in values)


def headers_of(raw: bytes) -> dict[bytes, list[bytes]]:
    """Return name -> values of headers in lines."""
    headers: dict[bytes, list[bytes]] = {}
    for line in raw.splitlines():
        name, separator, value = line.partition(b":")
        if separator:
            headers.setdefault(name.strip(), []).append(value.strip())
    return headers


def parse_cachecontrol(header: bytes) -> Directives:
    """Return the directives of a Cache-Control header: name -> value; None for one without a value."""
    directives: Directives = {}
    for directive in header.split(b","):
        name, separator, value = directive.strip().partition(b"=")
        if name:
            directives[name.strip().lower()] = value.strip().strip(b'"') if separator else None
    return directives


def rfc1123_to_epoch(date: bytes | str | None) -> int | None:
    """Return the seconds since 1970 of a date in a header; None if it can't be read."""
    text = date.decode("ascii", "replace") if isinstance(date, bytes) else date
    with contextlib.suppress(TypeError, ValueError, OverflowError, IndexError):
        if text:
            when = parsedate_to_datetime(text)
            return int((when if when.tzinfo else parsedate_to_datetime(f"{text} +0000")).timestamp())
    return None


def _seconds(directives: Directives, name: bytes) -> int | None:
    try:
        return max(0, int(directives[name] or b""))
    except (KeyError, ValueError):
        return None


def _age_s(response: Response) -> float:
    """Return the age of a response in seconds (RFC 9111, 4.2.3)."""
    now_s = time.time()
    date_s = rfc1123_to_epoch(response.headers.get(b"Date")) or now_s
    age_s = max(0.0, now_s - date_s)
    with contextlib.suppress(ValueError):
        age_s = max(age_s, int(response.headers.get(b"Age") or b"0"))
    return age_s
