"""The parts of Scrapy's exporters that exporters of projects call or override; the built-in ones use none."""

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cached_property, wraps
from typing import Any, ClassVar

from aioscrapy.exporters.base import ItemExporter
from aioscrapy.items import adapter, is_item


class Parts(ItemExporter):
    """An exporter that writes an item by its parts if a class of a project overrides one of them.

    The constructor of such a class may ask the file for its position.

    Attributes:
        overridable: methods that write a piece of an item.
    """

    overridable: ClassVar[tuple[str, ...]] = ()

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        own = vars(cls)
        if cls.__module__.startswith(f"{__package__}."):
            return  # of this package
        if "__init__" in own:
            cls.__init__ = _with_position(own["__init__"])  # type: ignore[method-assign]  # the same with a file
        if any(name in own for name in cls.overridable) and "export_item" not in own:
            cls.export_item = cls._export_by_parts  # type: ignore[assignment]  # a method of the same class

    def _export_by_parts(self, item: Any) -> None:
        raise NotImplementedError


class CsvParts(Parts):
    """Rows by `csv_writer`, in the columns `fields_to_export`."""

    overridable = ("_build_row", "_join_if_needed", "_write_headers_and_set_fields_to_export")
    _header_due: bool
    _headers_not_written = True
    _join: str

    @property
    def include_headers_line(self) -> bool:
        """Whether the first row has the names of the columns."""
        return self._header_due

    @include_headers_line.setter
    def include_headers_line(self, include: bool) -> None:
        self._header_due = include

    @cached_property
    def stream(self) -> io.TextIOWrapper:
        """The file as text; its end leaves the file open."""
        file: Any = _Unclosed(self.file)
        return io.TextIOWrapper(file, self._encoding, self.errors, newline="", write_through=True)

    @cached_property
    def csv_writer(self) -> Any:
        return csv.writer(self.stream, **self._kwargs)

    def _build_row(self, values: Iterable[Any]) -> Iterator[Any]:
        for value in values:
            cell = self._join_if_needed(value)
            yield cell.decode("utf-8", "backslashreplace") if isinstance(cell, bytes) else cell

    def _join_if_needed(self, value: Any) -> Any:
        joins = isinstance(value, (list, tuple)) and all(isinstance(part, str) for part in value)
        return self._join.join(value) if joins else value

    def _write_headers_and_set_fields_to_export(self, item: Any) -> None:
        if not self.fields_to_export:
            self.fields_to_export = list(adapter(item).field_names())
        if self.include_headers_line:
            columns = self.fields_to_export
            names = columns.values() if isinstance(columns, Mapping) else columns
            self.csv_writer.writerow(list(self._build_row(names)))

    def _export_by_parts(self, item: Any) -> None:
        if self._headers_not_written:
            self._headers_not_written = False
            self._write_headers_and_set_fields_to_export(item)
        fields = self.get_serialized_fields(item, default_value="", include_empty=True)
        self.csv_writer.writerow(list(self._build_row(value for _, value in fields)))


class EncoderPart(Parts):
    """The encoder of items."""

    _json_encoder: Any

    @property
    def encoder(self) -> Any:
        return self._json_encoder

    @encoder.setter
    def encoder(self, encoder: Any) -> None:
        self._json_encoder = encoder


class ArrayParts(ItemExporter):
    """The commas and the lines of an array."""

    first_item = True

    def _beautify_newline(self) -> None:
        if self.indent is not None:
            self.file.write(b"\n")

    def _add_comma_after_first(self) -> None:
        if not self.first_item:
            self.file.write(b",")
            self._beautify_newline()
        self.first_item = False


class XmlParts(Parts):
    """Elements by `xg`, an XMLGenerator."""

    overridable = ("_beautify_indent", "_beautify_newline", "_export_xml_field")
    _item: str
    _root: str

    @property
    def item_element(self) -> str:
        """The name of the element of an item."""
        return self._item

    @item_element.setter
    def item_element(self, name: str) -> None:
        self._item = name

    @property
    def root_element(self) -> str:
        """The name of the outermost element."""
        return self._root

    @root_element.setter
    def root_element(self, name: str) -> None:
        self._root = name

    @cached_property
    def xg(self) -> Any:
        from xml.sax.saxutils import XMLGenerator  # loads urllib.request and the mail parser

        return XMLGenerator(self.file, encoding=self._encoding)

    def _beautify_newline(self, new_item: bool = False) -> None:
        if self.indent is not None and (self.indent > 0 or new_item):
            self.xg.characters("\n")

    def _beautify_indent(self, depth: int = 1) -> None:
        if self.indent:
            self.xg.characters(" " * self.indent * depth)

    def _export_by_parts(self, item: Any) -> None:
        self._beautify_indent(depth=1)
        self.xg.startElement(self.item_element, {})
        self._beautify_newline()
        for name, value in self.get_serialized_fields(item, default_value=""):
            self._export_xml_field(name, value, depth=2)
        self._beautify_indent(depth=1)
        self.xg.endElement(self.item_element)
        self._beautify_newline(new_item=True)

    def _export_xml_field(self, name: str, serialized_value: Any, depth: int) -> None:
        value = serialized_value
        if not isinstance(value, (str, bytes, int, float)) and is_item(value):
            value = dict(adapter(value))
        self._beautify_indent(depth=depth)
        self.xg.startElement(name, {})
        if isinstance(value, (Mapping, list, tuple, set, frozenset)):
            inner = value.items() if isinstance(value, Mapping) else (("value", part) for part in value)
            self._beautify_newline()
            for key, part in inner:
                self._export_xml_field(key, part, depth=depth + 1)
            self._beautify_indent(depth=depth)
        elif value is not None:
            self.xg.characters(value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value))
        self.xg.endElement(name)
        self._beautify_newline()


class _Unclosed(io.RawIOBase):
    """A file with a position, for `io.TextIOWrapper` and exporters of projects; its end leaves it open."""

    def __init__(self, file: Any) -> None:
        self._file = file
        self.name = str(getattr(file, "path", ""))

    def writable(self) -> bool:
        return True

    def write(self, data: Any, /) -> int:
        whole = bytes(data)
        self._file.write(whole)
        return len(whole)

    def tell(self) -> int:
        """Return the bytes in the file of a feed; 0 for one that is compressed."""
        position: int = self._file.tell() if hasattr(self._file, "tell") else getattr(self._file, "size", 0)
        return position


def _with_position(init: Callable[..., None]) -> Callable[..., None]:
    """Return a constructor whose first argument, the file, has a position."""

    @wraps(init)
    def __init__(self: Any, file: Any, *args: Any, **kwargs: Any) -> None:  # noqa: N807 it is one
        init(self, file if hasattr(file, "tell") else _Unclosed(file), *args, **kwargs)

    return __init__
