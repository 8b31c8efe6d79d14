"""One pair of FEEDS as a feed: its format, encoding, fields and indentation."""

import codecs
from collections.abc import Mapping
from pathlib import PurePath
from typing import Any

from aioscrapy.components import load_object
from aioscrapy.exporters import (
    CsvItemExporter,
    Fields,
    ItemExporter,
    JsonItemExporter,
    JsonLinesItemExporter,
    XmlItemExporter,
)
from aioscrapy.exporters.base import BinaryWriter
from aioscrapy.feeds.feed import Feed
from aioscrapy.feeds.uri import STDOUT, FeedError
from aioscrapy.settings import Settings

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

    def export(file: BinaryWriter) -> ItemExporter:
        return FORMATS[name](file, encoding=encoding, fields_to_export=fields, indent=indent)

    return Feed(
        uri,
        "jsonlines" if FORMATS[name] is JsonLinesItemExporter else name,
        export,
        line_by_line=FORMATS[name] in _LINE_BY_LINE,
        overwrite=bool(options.get("overwrite")),
        store_empty=bool(options.get("store_empty", settings.getbool("FEED_STORE_EMPTY"))),
        item_classes=tuple(load_object(path, "FEEDS") for path in options.get("item_classes") or ()),
        options={
            "format": name,
            "encoding": encoding,
            "fields": dict(fields) if isinstance(fields, Mapping) else list(fields) if fields else None,
            "indent": indent,
        },
    )


def feeds_of(settings: Settings) -> list[Feed]:
    """Return the feeds of FEEDS.

    Raises:
        FeedError: a feed is not valid.
    """
    return [feed_of(key, options, settings) for key, options in settings.getdict("FEEDS").items()]


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
