"""The base of all exporters."""

import codecs
from collections.abc import Iterable, Mapping
from typing import Any, Protocol

from aioscrapy.items import adapter

Fields = Iterable[str] | Mapping[str, str]


class BinaryWriter(Protocol):
    """The file of an exporter, opened in binary mode."""

    def write(self, data: bytes, /) -> Any:
        """Write all bytes of one item."""


class ItemExporter:
    """Base of all exporters: the fields, their names and the encoding.

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
        self._encoder = codecs.getincrementalencoder(self.encoding)(self.errors)
        self._lead = self._encoder.encode("")  # the byte order mark, if the encoding has one

    @property
    def line_end(self) -> bytes:
        """The last bytes of a line."""
        return self._encode("\n")

    def start_exporting(self) -> None:
        """Write the beginning of the document."""

    def resume_exporting(self, items: int) -> None:
        """Continue a document after this number of items."""
        self._lead = b""

    def export_item(self, item: Any) -> None:
        """Write one item.

        Raises:
            SerializeError: a field has a value that the format can't represent; nothing was written.
        """
        self.write(self.pack(item))

    def pack(self, item: Any) -> bytes:
        """Return one item for `write`.

        Raises:
            SerializeError: a field has a value that the format can't represent.
        """
        raise NotImplementedError

    def write(self, packed: bytes) -> None:
        """Write one packed item; after an error of the file it can be called again."""
        self._write(packed)

    def finish_exporting(self) -> None:
        """Write the end of the document."""

    def _encode(self, text: str) -> bytes:
        return self._encoder.encode(text, final=True)

    def _write(self, data: bytes) -> None:
        self.file.write(self._lead + data if self._lead else data)
        self._lead = b""

    def serialize_field(self, field: Mapping[str, Any], name: str, value: Any) -> Any:
        """Return the value for the output, converted by the `serializer` that the item's class declares."""
        serializer = field.get("serializer")
        return serializer(value) if serializer else value

    def fields(self, item: Any, default: Any = None, *, with_empty: bool = False) -> dict[str, Any]:
        """Return name in the output -> value, in the order of the output; `default` for unset ones."""
        if self.fields_to_export is None and type(item) is dict:
            if type(self).serialize_field is ItemExporter.serialize_field:  # a dict declares none
                return item
            return {name: self.serialize_field({}, name, value) for name, value in item.items()}
        fields = adapter(item)
        with_empty = with_empty or self.export_empty_fields
        if self.fields_to_export is None:
            declared = [name for name in fields.field_names() if with_empty or name in fields]
            names: Mapping[str, str] = {name: name for name in (*declared, *fields)}
        elif isinstance(self.fields_to_export, Mapping):
            names = self.fields_to_export
        else:
            names = {name: name for name in self.fields_to_export}
        row = {}
        for name, column in names.items():
            if name in fields:
                row[column] = self.serialize_field(fields.get_field_meta(name), name, fields[name])
            elif with_empty:
                row[column] = default
        return row
