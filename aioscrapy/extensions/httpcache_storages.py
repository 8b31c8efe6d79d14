"""The storages of the HTTP cache: where responses are kept on disk."""

import ast
import dbm
import gzip
import importlib
import logging
import os
import sqlite3
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgpack

from aioscrapy import http
from aioscrapy.exceptions import SettingError
from aioscrapy.http import Headers, Request, Response
from aioscrapy.http.responsetypes import response_class
from aioscrapy.project import find_cfg
from aioscrapy.settings import Settings

logger = logging.getLogger("aioscrapy.extensions.httpcache")

_PLAIN = (str, bytes, int, float, bool, type(None))


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
        folder = Path(self._get_request_path(spider, request))
        try:
            meta = ast.literal_eval(self._read(folder / "meta").decode())
        except FileNotFoundError:
            return None
        if is_too_old(meta["timestamp"], self.expiration_secs):
            return None
        request.meta["cache_timestamp"] = meta["timestamp"]
        headers = Headers(headers_of(self._read(folder / "response_headers")))
        body = self._read(folder / "response_body")
        return build_response(meta["response_url"], meta["status"], headers, body, meta)

    def store_response(self, spider: Any, request: Request, response: Response) -> None:
        """Keep a response, in the place of an older one."""
        folder = Path(self._get_request_path(spider, request))
        folder.mkdir(parents=True, exist_ok=True)
        for name in ("meta", "pickled_meta"):  # the second one is Scrapy's, and would be out of date
            (folder / name).unlink(missing_ok=True)
        meta = {
            "url": request.url,
            "method": request.method,
            "status": response.status,
            "response_url": response.url,
            "timestamp": time.time(),
            **kind_of(response),
        }
        self._write(folder / "response_headers", raw_headers(response.headers))
        self._write(folder / "response_body", response.body)
        self._write(folder / "request_headers", raw_headers(request.headers))
        self._write(folder / "request_body", request.body)
        self._write(folder / "meta", repr(meta).encode())

    def _get_request_path(self, spider: Any, request: Request) -> str:
        """Return the folder of a request; a subclass may choose another."""
        key = self._fingerprinter.fingerprint(request).hex()
        return str(Path(self.cachedir, spider.name, key[:2], key))

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
        return build_response(entry["url"], entry["status"], headers, entry["body"], entry)

    def store_response(self, spider: Any, request: Request, response: Response) -> None:
        """Keep a response, in the place of an older one."""
        entry = {
            "url": response.url,
            "status": response.status,
            "headers": raw_headers(response.headers),
            "body": response.body,
            "timestamp": time.time(),
            **kind_of(response),
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


def kind_of(response: Response) -> dict[str, Any]:
    """Return class and encoding of a response, as an entry keeps them; for a class of a project its path too.

    Of the attributes that such a class adds, plain values are kept.
    """
    cls = type(response)
    kind: dict[str, Any] = {"class": cls.__name__, "encoding": getattr(response, "encoding", None)}
    if cls.__module__.partition(".")[0] != "aioscrapy":
        added = {
            n: getattr(response, n) for n in response.attributes if n not in http.TextResponse.attributes
        }
        kind["path"] = f"{cls.__module__}.{cls.__qualname__}"
        kind["added"] = {name: value for name, value in added.items() if isinstance(value, _PLAIN)}
    return kind


def build_response(
    url: str, status: int, headers: Headers, body: bytes, kind: Mapping[str, Any]
) -> Response | None:
    """Return a kept response; None for one that Scrapy has kept compressed: it is fetched again."""
    if headers.get(b"Content-Encoding"):
        return None
    own = _own_class(kind.get("path", ""))
    cls = own or getattr(http, kind.get("class", ""), None)
    if cls is Response or not (isinstance(cls, type) and issubclass(cls, Response)):
        cls = response_class(headers, url, body)
    more = {"encoding": kind["encoding"]} if kind.get("encoding") else {}
    more |= kind["added"] if own is not None else {}
    response: Response = cls(url=url, status=status, headers=headers, body=body, **more)
    return response


def _own_class(path: str) -> type[Response] | None:
    """Return the response class of a project at a path; None if it is not there, or is not one."""
    module, _, name = path.rpartition(".")
    try:
        cls = getattr(importlib.import_module(module), name) if module else None
    except (ImportError, AttributeError):
        return None
    return cls if isinstance(cls, type) and issubclass(cls, Response) else None


def is_too_old(timestamp_s: float, limit_s: int) -> bool:
    """Return True if a stored response is older than the limit. A limit of 0 means no limit."""
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
