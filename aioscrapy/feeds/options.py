"""One pair of FEEDS as a feed: its format, encoding, fields, filter, plugins and the size of its files."""

import codecs
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import PurePath
from typing import Any

from aioscrapy.components import load_object
from aioscrapy.context import CrawlContext
from aioscrapy.default_settings import FEED_EXPORTERS_BASE
from aioscrapy.exporters import JsonLinesItemExporter
from aioscrapy.exporters.base import BaseItemExporter, BinaryWriter, Fields
from aioscrapy.feeds.destinations import destination_of
from aioscrapy.feeds.feed import Feed
from aioscrapy.feeds.filters import ItemFilter
from aioscrapy.feeds.form import Form
from aioscrapy.feeds.target import Target
from aioscrapy.feeds.uri import STDOUT, FeedError, names_batches
from aioscrapy.settings import Settings
from aioscrapy.standard_files import null_numbers

FORMATS = FEED_EXPORTERS_BASE
_OPTIONS = {
    "batch_item_count",
    "encoding",
    "fields",
    "format",
    "indent",
    "item_classes",
    "item_export_kwargs",
    "item_filter",
    "overwrite",
    "postprocessing",
    "store_empty",
    "uri_params",
}
_OF_PLUGINS = {
    "bz2_compresslevel",
    "gzip_compresslevel",
    "gzip_filename",
    "gzip_mtime",
    "lzma_check",
    "lzma_filters",
    "lzma_format",
    "lzma_preset",
}
# The numbers of the standard files that a feed may name.
_STANDARD_FILES = {STDOUT: 1, "/dev/stdout": 1, "/dev/stderr": 2}
# Endings of a compressed file, behind that of the format.
_COMPRESSED = {".gz", ".bz2", ".xz"}


def feeds_of(settings: Settings, crawler: CrawlContext | None = None) -> list[Feed]:
    """Return the feeds of FEEDS, and that of FEED_URI.

    Args:
        settings: of the crawl.
        crawler: for exporters with `from_crawler`.

    Raises:
        FeedError: a feed is not valid.
    """
    feeds = settings.getdict("FEEDS")
    if settings["FEED_URI"]:
        feeds = {str(settings["FEED_URI"]): {"format": settings["FEED_FORMAT"]}, **feeds}
    return [feed_of(key, options, settings, crawler) for key, options in feeds.items()]


def refuse_twins(feeds: Sequence[Feed]) -> None:
    """Raise FeedError for two feeds with the same file, which would have every item twice."""
    paths: dict[str, Feed] = {}
    for feed in feeds:
        if feed.file.path is None or not feed.file.is_regular:
            continue
        first = paths.setdefault(str(feed.file.path.resolve()), feed)
        if first is not feed:
            raise FeedError(feed.uri, f"the same file as {first.uri}: remove one of them from FEEDS")


def formats_of(settings: Settings) -> dict[str, str]:
    """Return format -> path of its exporter."""
    return {name.lower(): path for name, path in settings.getwithbase("FEED_EXPORTERS").items() if path}


def feed_of(key: object, options: object, settings: Settings, crawler: CrawlContext | None = None) -> Feed:
    """Return the feed that one pair of FEEDS describes; its file is not touched yet.

    Raises:
        FeedError: an option or the format is unknown or has a value that can't be used.
    """
    uri = STDOUT if key == "-" else str(key)
    if not isinstance(options, Mapping):
        raise FeedError(uri, f"its options are {options!r}, not a dict")
    if _STANDARD_FILES.get(uri) in null_numbers:
        raise FeedError(uri.rstrip(":"), "can't be written: it is closed in this process; name a file")
    _refuse_unknown(uri, options)
    batch_size = _batch_size(uri, options, settings)
    whole = _completed(uri, options, settings)
    form = _form(uri, whole, settings, crawler)
    params = options.get("uri_params", settings["FEED_URI_PARAMS"])
    load = load_object(params, "FEED_URI_PARAMS") if params else None
    return Feed(
        Target(uri, batch_size, load, destination_of(uri, options, settings, crawler)),
        form,
        overwrite=bool(options.get("overwrite")),
        store_empty=whole["store_empty"],
        accept=_filter(uri, whole),
        options=_portable(whole, batch_size),
    )


def _refuse_unknown(uri: str, options: Mapping[str, Any]) -> None:
    """Raise FeedError for a misspelled option; a filter, a plugin or a storage may have its own."""
    unknown = set(options) - _OPTIONS - _OF_PLUGINS
    may_have = options.get("postprocessing") or options.get("item_filter") or "://" in uri
    if unknown and not may_have:
        raise FeedError(uri, f"unknown option {min(unknown)!r}; there are {', '.join(sorted(_OPTIONS))}")


def _completed(uri: str, options: Mapping[str, Any], settings: Settings) -> dict[str, Any]:
    """Return the options with the defaults of the settings."""
    path = PurePath(uri)
    if options.get("postprocessing") and path.suffix in _COMPRESSED:
        path = path.with_suffix("")
    return {
        "item_export_kwargs": {},
        **options,
        "format": str(options.get("format") or path.suffix.lstrip(".")).lower(),
        "encoding": _encoding(uri, options, settings),
        "fields": _fields(uri, options, settings),
        "indent": _indent(uri, options, settings),
        "store_empty": bool(options.get("store_empty", settings.getbool("FEED_STORE_EMPTY"))),
        "postprocessing": list(options.get("postprocessing") or ()),
    }


def _form(uri: str, options: dict[str, Any], settings: Settings, crawler: CrawlContext | None) -> Form:
    formats, name = formats_of(settings), options["format"]
    if name not in formats:
        raise FeedError(uri, f"unknown format {name!r}; there are {', '.join(formats)}")
    exporter = load_object(formats[name], "FEED_EXPORTERS")
    plugins = [load_object(plugin, "FEEDS") for plugin in options["postprocessing"]]
    form = "jsonlines" if exporter is JsonLinesItemExporter else name
    try:
        return Form(form, _export(exporter, options, crawler), plugins, options)
    except (TypeError, ValueError, LookupError) as exc:
        raise FeedError(uri, f"{type(exc).__name__}: {exc}") from exc


def _export(
    exporter: Any, options: Mapping[str, Any], crawler: CrawlContext | None
) -> Callable[[BinaryWriter], BaseItemExporter]:
    arguments = {
        "fields_to_export": options["fields"],
        "encoding": options["encoding"],
        "indent": options["indent"],
        **options["item_export_kwargs"],
    }

    def export(file: BinaryWriter) -> BaseItemExporter:
        if crawler is not None and hasattr(exporter, "from_crawler"):
            built: BaseItemExporter = exporter.from_crawler(crawler, file, **arguments)
            return built
        created: BaseItemExporter = exporter(file, **arguments)
        return created

    return export


def _filter(uri: str, options: Mapping[str, Any]) -> ItemFilter | None:
    if not (options.get("item_filter") or options.get("item_classes")):
        return None
    filter_class = load_object(options.get("item_filter") or ItemFilter, "FEEDS")
    try:
        accept: ItemFilter = filter_class(options)
    except Exception as exc:
        raise FeedError(uri, f"item_filter: {type(exc).__name__}: {exc}") from exc
    return accept


def _batch_size(uri: str, options: Mapping[str, Any], settings: Settings) -> int:
    size = options.get("batch_item_count", settings.getint("FEED_EXPORT_BATCH_ITEM_COUNT")) or 0
    if not isinstance(size, int) or size < 0:
        raise FeedError(uri, f"batch_item_count {size!r} is not a number of items")
    if size and not names_batches(uri):
        raise FeedError(
            uri, "files of batch_item_count items need %(batch_id)d or %(batch_time)s in their path"
        )
    return size


def _portable(options: Mapping[str, Any], batch_size: int) -> dict[str, Any]:
    """Return the options by which another process can continue the file: those that JSON can represent."""
    fields: Fields | None = options["fields"]
    plugins: Sequence[Any] = options["postprocessing"]
    return {
        "format": options["format"],
        "encoding": options["encoding"],
        "fields": dict(fields) if isinstance(fields, Mapping) else list(fields) if fields else None,
        "indent": options["indent"],
        **({"batch_item_count": batch_size} if batch_size else {}),
        **({"item_export_kwargs": options["item_export_kwargs"]} if options["item_export_kwargs"] else {}),
        **({"postprocessing": [_path_of(plugin) for plugin in plugins]} if plugins else {}),
        **{name: value for name, value in options.items() if name in _OF_PLUGINS and _is_json(value)},
    }


def _path_of(plugin: Any) -> str:
    return plugin if isinstance(plugin, str) else f"{plugin.__module__}.{plugin.__qualname__}"


def _is_json(value: Any) -> bool:
    try:
        json.dumps(value)
    except (TypeError, ValueError):
        return False
    return True


def _encoding(uri: str, options: Mapping[str, Any], settings: Settings) -> str | None:
    encoding = options.get("encoding", settings["FEED_EXPORT_ENCODING"])
    if encoding is None:
        return None
    try:
        codecs.lookup(encoding)
    except (LookupError, TypeError):
        raise FeedError(uri, f"unknown encoding {encoding!r}") from None
    return str(encoding)


def _fields(uri: str, options: Mapping[str, Any], settings: Settings) -> Fields | None:
    fields = options.get("fields", settings["FEED_EXPORT_FIELDS"])
    if isinstance(fields, str) and "fields" not in options:
        fields = settings.getdictorlist("FEED_EXPORT_FIELDS")
    if not fields:
        return None
    if isinstance(fields, (list, tuple, Mapping)):
        return fields
    raise FeedError(uri, f"fields {fields!r} are neither a list nor a dict of field -> name")


def _indent(uri: str, options: Mapping[str, Any], settings: Settings) -> int | None:
    default = settings["FEED_EXPORT_INDENT"]
    indent = options.get("indent", default if default is None else settings.getint("FEED_EXPORT_INDENT"))
    if indent is None or isinstance(indent, int):
        return indent
    raise FeedError(uri, f"indent {indent!r} is not a number of spaces")
