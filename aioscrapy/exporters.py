"""Items as bytes: JSON lines, a JSON array, CSV, XML; one write to the file for each item."""

import codecs
import csv
import datetime
import decimal
import io
import json
import logging
import re
from collections.abc import Iterable, Mapping
from typing import Any, Protocol
from xml.sax.saxutils import escape

from aioscrapy.exceptions import SerializeError
from aioscrapy.items import adapter, is_item

logger = logging.getLogger(__name__)

Fields = Iterable[str] | Mapping[str, str]


class BinaryWriter(Protocol):
    """What an exporter writes to: a file opened in binary mode."""

    def write(self, data: bytes, /) -> Any:
        """Take all bytes of one item."""


class ItemExporter:
    """Base of all exporters: which fields, under which names, in which encoding.

    Args:
        file: opened in binary mode; the caller closes it.
        encoding: of the file; characters that it lacks are escaped as the format allows.
        fields_to_export: names in the order of the output, or field -> name in the output; None: all fields.
        export_empty_fields: write declared fields that are not set too.
        indent: spaces by which a JSON array or XML is indented; None and 0: one item a line.
    """

    errors = "strict"

    def __init__(
        self,
        file: BinaryWriter,
        *,
        encoding: str | None = "utf-8",
        fields_to_export: Fields | None = None,
        export_empty_fields: bool = False,
        indent: int | None = None,
    ) -> None:
        self.file = file
        self.encoding = encoding or "utf-8"
        self.fields_to_export = fields_to_export
        self.export_empty_fields = export_empty_fields
        self.indent = indent or None
        # Incremental, so that utf-16 has its byte order mark once, not before every item.
        self._encode = codecs.getincrementalencoder(self.encoding)(self.errors).encode

    def start_exporting(self) -> None:
        """Write what stands before the first item."""

    def export_item(self, item: Any) -> None:
        """Write one item.

        Raises:
            SerializeError: a field has a value that the format has no form for; nothing was written.
        """
        raise NotImplementedError

    def finish_exporting(self) -> None:
        """Write what stands behind the last item."""

    def serialize_field(self, field: Mapping[str, Any], name: str, value: Any) -> Any:
        """Return the value as it is written: by the `serializer` that the item's class declares for it."""
        serializer = field.get("serializer")
        return serializer(value) if serializer else value

    def fields(self, item: Any, default: Any = None, *, with_empty: bool = False) -> dict[str, Any]:
        """Return name in the output -> value, in the order of the output; `default` for unset ones."""
        if self.fields_to_export is None and type(item) is dict:
            if type(self).serialize_field is ItemExporter.serialize_field:  # it changes nothing of a dict
                return item
            return {name: self.serialize_field({}, name, value) for name, value in item.items()}
        found = adapter(item)
        with_empty = with_empty or self.export_empty_fields
        if self.fields_to_export is None:
            declared = [name for name in found.field_names() if with_empty or name in found]
            names: Mapping[str, str] = {name: name for name in (*declared, *found)}
        elif isinstance(self.fields_to_export, Mapping):
            names = self.fields_to_export
        else:
            names = {name: name for name in self.fields_to_export}
        row = {}
        for name, shown in names.items():
            if name in found:
                row[shown] = self.serialize_field(found.get_field_meta(name), name, found[name])
            elif with_empty:
                row[shown] = default
        return row


class JsonLinesItemExporter(ItemExporter):
    """One JSON object a line: what was written stays readable whatever happens later."""

    def __init__(self, file: BinaryWriter, *, encoding: str | None = "utf-8", **options: Any) -> None:
        super().__init__(file, encoding=encoding, **options)
        self._encoder = json.JSONEncoder(
            ensure_ascii=not encoding, default=_plain, indent=self._json_indent()
        )
        self._ascii = json.JSONEncoder(default=_plain, indent=self._json_indent())

    def export_item(self, item: Any) -> None:
        self.file.write(self._json(item, "\n"))

    def _json_indent(self) -> int | None:
        return None

    def _json(self, item: Any, after: str, before: str = "") -> bytes:
        row = self.fields(item)
        try:
            text = self._encoder.encode(row)
        except (TypeError, ValueError, RecursionError) as exc:
            raise SerializeError(f"{self._bad_field(row)}{exc}") from exc
        try:
            return self._encode(f"{before}{text}{after}")
        except UnicodeEncodeError:  # a lone surrogate, or a character that the file's encoding lacks
            return self._encode(f"{before}{self._ascii.encode(row)}{after}")

    def _bad_field(self, row: Mapping[str, Any]) -> str:
        for name, value in row.items():
            try:
                self._encoder.encode({name: value})
            except (TypeError, ValueError, RecursionError):
                return f"field {name!r}: "
        return ""


class JsonItemExporter(JsonLinesItemExporter):
    """One JSON array with all items; without its closing bracket while the crawl runs."""

    def __init__(self, file: BinaryWriter, **options: Any) -> None:
        super().__init__(file, **options)
        self._separator = ""

    def start_exporting(self) -> None:
        self.file.write(self._encode("[\n"))

    def export_item(self, item: Any) -> None:
        self.file.write(self._json(item, "", before=self._separator))
        self._separator = ",\n"

    def finish_exporting(self) -> None:
        self.file.write(self._encode("\n]\n" if self._separator else "]\n"))

    def _json_indent(self) -> int | None:
        return self.indent


class CsvItemExporter(ItemExporter):
    """One line an item; without `fields_to_export` the first item's fields are the columns of all.

    Args:
        file: opened in binary mode; the caller closes it.
        include_headers_line: write the names of the columns before the first item.
        join_multivalued: what stands between the strings of a list or tuple.
        options: those of ItemExporter.
    """

    errors = "backslashreplace"

    def __init__(
        self,
        file: BinaryWriter,
        *,
        include_headers_line: bool = True,
        join_multivalued: str = ",",
        **options: Any,
    ) -> None:
        super().__init__(file, **options)
        self._header_due = include_headers_line
        self._join = join_multivalued
        self._columns_fixed = self.fields_to_export is not None
        self._warned = False
        self._line = io.StringIO(newline="")
        self._writer = csv.writer(self._line)

    def go_on_below(self, header: list[str]) -> None:
        """Write no header: the file has this one; its columns stay where none were asked for."""
        self._header_due = False
        if self.fields_to_export is None:
            self.fields_to_export = header

    def export_item(self, item: Any) -> None:
        if self.fields_to_export is None:
            self.fields_to_export = list(self.fields(item, with_empty=True))
        self._warn_of_lost_fields(item)
        row = self.fields(item, "", with_empty=True)
        self._line.seek(0)
        self._line.truncate()
        if self._header_due:
            self._writer.writerow(row)
        try:
            self._writer.writerow([self._cell(value) for value in row.values()])
        except csv.Error as exc:
            raise SerializeError(str(exc)) from exc
        self.file.write(self._encode(self._line.getvalue()))
        self._header_due = False

    def _cell(self, value: Any) -> Any:
        if isinstance(value, (list, tuple)) and all(isinstance(part, str) for part in value):
            return self._join.join(value)
        return value.decode("utf-8", "backslashreplace") if isinstance(value, bytes) else value

    def _warn_of_lost_fields(self, item: Any) -> None:
        if self._columns_fixed or self._warned:
            return
        lost = set(adapter(item).keys()) - set(self.fields_to_export or ())
        if lost:
            self._warned = True
            logger.warning(
                "CSV feed: fields %s are left out, for the first line has none of that name; "
                "name all columns in FEED_EXPORT_FIELDS",
                sorted(map(str, lost)),
            )


class XmlItemExporter(ItemExporter):
    """One element an item; lists become <value> elements, nested items elements with their fields.

    A character that XML can't hold becomes U+FFFD, one that can't stand in an element's name an underscore.
    """

    errors = "xmlcharrefreplace"

    def __init__(
        self, file: BinaryWriter, *, item_element: str = "item", root_element: str = "items", **options: Any
    ) -> None:
        super().__init__(file, **options)
        self._item = item_element
        self._root = root_element

    def start_exporting(self) -> None:
        self.file.write(self._encode(f'<?xml version="1.0" encoding="{self.encoding}"?>\n<{self._root}>\n'))

    def export_item(self, item: Any) -> None:
        try:
            text = self._element(self._item, self.fields(item, ""), 1)
        except RecursionError as exc:
            raise SerializeError(str(exc)) from exc
        self.file.write(self._encode(text if self.indent else f"{text}\n"))

    def finish_exporting(self) -> None:
        self.file.write(self._encode(f"</{self._root}>\n"))

    def _element(self, name: str, value: Any, depth: int) -> str:
        margin = " " * (self.indent * depth) if self.indent else ""
        end = "\n" if self.indent else ""
        if not isinstance(value, (str, bytes, int, float)) and is_item(value):
            value = dict(adapter(value))
        if isinstance(value, Mapping):
            named = [(_xml_name(key, self.encoding), inner) for key, inner in value.items()]
            children = [self._element(key, inner, depth + 1) for key, inner in named]
        elif isinstance(value, (list, tuple, set, frozenset)):
            children = [self._element("value", inner, depth + 1) for inner in value]
        else:
            return f"{margin}<{name}>{_xml_text(value)}</{name}>{end}"
        return f"{margin}<{name}>{end}{''.join(children)}{margin}</{name}>{end}"


def _plain(value: Any) -> Any:
    """Return what JSON has a form for, under the rules of Scrapy's encoder; bytes are read as UTF-8."""
    from aioscrapy.http import Request, Response

    if isinstance(value, (set, frozenset)):
        return list(value)
    if isinstance(value, (datetime.datetime, datetime.date, datetime.time)):
        return value.isoformat()
    if isinstance(value, decimal.Decimal):
        return str(value)
    if isinstance(value, bytes):
        return value.decode()
    if isinstance(value, Request):
        return f"<{type(value).__name__} {value.method} {value.url}>"
    if isinstance(value, Response):
        return f"<{type(value).__name__} {value.status} {value.url}>"
    if is_item(value):
        return adapter(value).asdict()
    raise TypeError(f"a value of type {type(value).__name__} has no form in JSON")


# Letters that every XML parser takes in a name, also one by the fourth edition of XML 1.0 (expat).
_LETTERS = (
    "A-Za-z\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u0131\u040e-\u044f"
    "\u3041-\u3094\u30a1-\u30fa\u4e00-\u9fa5\uac00-\ud7a3"
)
_NOT_IN_NAME = re.compile(f"[^{_LETTERS}0-9_.-]")
_NAME_START = re.compile(f"[{_LETTERS}_]")
_NOT_IN_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def _xml_name(key: object, encoding: str) -> str:
    in_encoding = str(key).encode(encoding, "xmlcharrefreplace").decode(encoding)
    name = _NOT_IN_NAME.sub("_", in_encoding)
    return name if _NAME_START.match(name) else f"_{name}"


def _xml_text(value: Any) -> str:
    if value is None:
        return ""
    text = value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
    return escape(_NOT_IN_XML.sub("\ufffd", text))
