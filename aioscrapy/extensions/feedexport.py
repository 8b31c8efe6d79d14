"""Writes the items of a crawl to files: the setting FEEDS."""

import codecs
import logging
from collections.abc import Mapping
from pathlib import PurePath
from typing import Any

from aioscrapy import signals
from aioscrapy.components import load_object
from aioscrapy.context import CrawlContext
from aioscrapy.exceptions import NotConfigured
from aioscrapy.exporters import (
    CsvItemExporter,
    Fields,
    ItemExporter,
    JsonItemExporter,
    JsonLinesItemExporter,
    XmlItemExporter,
)
from aioscrapy.feeds import STDOUT, Feed, FeedError, FeedFile
from aioscrapy.settings import Settings
from aioscrapy.stats import StatsCollector

logger = logging.getLogger(__name__)

FORMATS: dict[str, type[ItemExporter]] = {
    "jsonlines": JsonLinesItemExporter,
    "jsonl": JsonLinesItemExporter,
    "jl": JsonLinesItemExporter,
    "json": JsonItemExporter,
    "csv": CsvItemExporter,
    "xml": XmlItemExporter,
}
_LINE_BY_LINE = (JsonLinesItemExporter, CsvItemExporter)
_OPTIONS = {"format", "encoding", "fields", "indent", "item_classes", "overwrite", "store_empty"}


class FeedExporter:
    """Writes each item, once its page is committed, to every feed.

    Stats:
        feedexport/success_count/FileFeedStorage    feeds that are complete (StdoutFeedStorage: to stdout)
        feedexport/failed_count/FileFeedStorage     feeds whose end could not be written
        feedexport/item_error_count                 items that a feed could not write
    """

    @classmethod
    def from_crawler(cls, crawler: CrawlContext) -> "FeedExporter":
        """Make the files of FEEDS: one that can't be written must be known before the first page.

        Raises:
            NotConfigured: there are no feeds.
            FeedError: a feed's place, format or option can't be used.
        """
        settings = crawler.settings
        feeds = [feed_of(key, options, settings) for key, options in settings.getdict("FEEDS").items()]
        if not feeds:
            raise NotConfigured
        for feed in feeds:
            feed.prepare(crawler.spider)
        exporter = cls(feeds, crawler.stats)
        crawler.signals.connect(exporter.item_scraped, signals.item_scraped)
        crawler.signals.connect(exporter.spider_closed, signals.spider_closed)
        return exporter

    def __init__(self, feeds: list[Feed], stats: StatsCollector) -> None:
        self._feeds = feeds
        self._stats = stats

    def item_scraped(self, item: Any, response: Any) -> None:
        """Write an item to all feeds; where that fails it is logged and counted."""
        for feed in self._feeds:
            try:
                feed.write(item)
            except Exception as exc:  # noqa: BLE001 one bad item must not end the crawl
                self._stats.inc_value("feedexport/item_error_count")
                page = getattr(response, "url", "no page")
                logger.error("An item from <%s> is missing in %s: %s", page, feed.uri, exc)

    def spider_closed(self) -> None:
        """Complete and close all feeds."""
        for feed in self._feeds:
            try:
                stored = feed.close()
            except OSError as exc:
                self._stats.inc_value(f"feedexport/failed_count/{feed.storage}")
                logger.error("Error storing %s feed in: %s: %s", feed.format, feed.uri, exc)
                continue
            if stored:
                self._stats.inc_value(f"feedexport/success_count/{feed.storage}")
                logger.info("Stored %s feed (%d items) in: %s", feed.format, feed.count, feed.uri)


def feed_of(key: object, options: object, settings: Settings) -> Feed:
    """Return the feed that one pair of FEEDS describes; its file is not touched yet.

    Raises:
        FeedError: an option or the format is unknown or has a value that can't be used.
    """
    uri = STDOUT if key == "-" else str(key)
    if not isinstance(options, Mapping):
        raise FeedError(uri, f"its options are {options!r}, not a dict")
    unknown = set(options) - _OPTIONS
    if unknown:
        raise FeedError(uri, f"unknown option {unknown.pop()!r}; there are {', '.join(sorted(_OPTIONS))}")
    name = str(options.get("format") or PurePath(uri).suffix.lstrip(".")).lower()
    if name not in FORMATS:
        raise FeedError(uri, f"unknown format {name!r}; there are {', '.join(FORMATS)}")
    encoding = _encoding(uri, options, settings)
    fields = _fields(uri, options, settings)
    indent = _indent(uri, options, settings)

    def export(file: FeedFile) -> ItemExporter:
        return FORMATS[name](file, encoding=encoding, fields_to_export=fields, indent=indent)

    return Feed(
        uri,
        "jsonlines" if FORMATS[name] is JsonLinesItemExporter else name,
        export,
        line_by_line=FORMATS[name] in _LINE_BY_LINE,
        overwrite=bool(options.get("overwrite")),
        store_empty=bool(options.get("store_empty", settings.getbool("FEED_STORE_EMPTY"))),
        item_classes=tuple(load_object(path, "FEEDS") for path in options.get("item_classes") or ()),
    )


def _encoding(uri: str, options: Mapping[str, Any], settings: Settings) -> str | None:
    encoding = options.get("encoding", settings["FEED_EXPORT_ENCODING"])
    if encoding is None:
        return None
    try:
        return codecs.lookup(encoding).name
    except (LookupError, TypeError):
        raise FeedError(uri, f"unknown encoding {encoding!r}") from None


def _fields(uri: str, options: Mapping[str, Any], settings: Settings) -> Fields | None:
    fields = options.get("fields")
    if fields is None:
        fields = settings["FEED_EXPORT_FIELDS"]
        if isinstance(fields, str):
            fields = settings.getlist("FEED_EXPORT_FIELDS")
    if not fields:
        return None
    if isinstance(fields, (list, tuple, Mapping)):
        return fields
    raise FeedError(uri, f"fields {fields!r} are neither a list nor a dict of field -> name")


def _indent(uri: str, options: Mapping[str, Any], settings: Settings) -> int:
    indent = options.get("indent", settings.getint("FEED_EXPORT_INDENT"))
    if indent is None or (isinstance(indent, int) and indent >= 0):
        return indent or 0
    raise FeedError(uri, f"indent {indent!r} is not a number of spaces")
