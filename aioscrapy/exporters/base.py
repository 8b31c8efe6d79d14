"""The bases of all exporters: the interface of Scrapy's exporters, and items packed as bytes."""

import codecs
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, ClassVar, Protocol

from aioscrapy.items import adapter

Fields = Iterable[str] | Mapping[str, str]


class BinaryWriter(Protocol):
    """The file of an exporter, opened in binary mode."""

    def write(self, data: bytes, /) -> Any:
        """Write all bytes of one item."""


class BaseItemExporter:
    """Base of exporters that write items in a form of their own.

    Args:
        dont_fail: keep unknown options in `_kwargs`, for a subclass that knows them.
        kwargs: encoding; fields_to_export, names in the order of the output, or field -> name in the output;
            export_empty_fields, to write declared fields that are not set; indent, in spaces.

    Raises:
        TypeError: an option is unknown.
    """

    def __init__(self, *, dont_fail: bool = False, **kwargs: Any) -> None:
        self._kwargs = kwargs
        self._configure(kwargs, dont_fail=dont_fail)

    def _configure(self, options: dict[str, Any], dont_fail: bool = False) -> None:
        """Take the common options out of `options`; the rest belongs to a subclass."""
        self.encoding: str | None = options.pop("encoding", None)
        self.fields_to_export: Fields | None = options.pop("fields_to_export", None)
        self.export_empty_fields: bool = options.pop("export_empty_fields", False)
        self.indent: int | None = options.pop("indent", None)
        if options and not dont_fail:
            raise TypeError(f"Unexpected options: {', '.join(options)}")

    def export_item(self, item: Any) -> Any:
        """Write one item."""
        raise NotImplementedError

    def serialize_field(self, field: Mapping[str, Any], name: str, value: Any) -> Any:
        """Return the value for the output, converted by the `serializer` that the item's class declares."""
        serializer = field.get("serializer")
        return serializer(value) if serializer else value

    def start_exporting(self) -> None:
        """Write the beginning of the document."""

    def finish_exporting(self) -> None:
        """Write the end of the document."""

    def get_serialized_fields(
        self, item: Any, default_value: Any = None, include_empty: bool | None = None
    ) -> Iterator[tuple[str, Any]]:
        """Yield (name in the output, value) of the fields to export; `default_value` for unset ones."""
        fields = adapter(item)
        with_empty = self.export_empty_fields if include_empty is None else include_empty
        if self.fields_to_export is None:
            declared = [name for name in fields.field_names() if with_empty or name in fields]
            names: Mapping[str, str] = {name: name for name in (*declared, *fields)}
        elif isinstance(self.fields_to_export, Mapping):
            names = self.fields_to_export
        else:
            names = {name: name for name in self.fields_to_export}
        for name, column in names.items():
            if name in fields:
                yield column, self.serialize_field(fields.get_field_meta(name), column, fields[name])
            elif with_empty:
                yield column, default_value

    # what exporters of projects call
    _get_serialized_fields = get_serialized_fields


class ItemExporter(BaseItemExporter):
    """Base of exporters that first pack an item, then write it.

    A feed of such an exporter has each item once, also after a kill. A subclass that overrides `export_item`
    gives that up: it writes to the file itself.

    Args:
        file: opened in binary mode; the caller closes it.
        options: those of BaseItemExporter. Characters that the encoding lacks are escaped as the format
            allows. Without an indent, or with 0, there is one item in a line.

    Attributes:
        appendable: another document can follow in the same file.

    Raises:
        ValueError: two fields have one name in the output, of which one would be lost.
        LookupError: the encoding is not one of text.
    """

    appendable: ClassVar[bool] = True
    errors = "strict"

    def __init__(self, file: BinaryWriter, **options: Any) -> None:
        super().__init__(dont_fail=True, **options)
        self.file = file
        self.encoding = self._encoding = self.encoding or "utf-8"
        "".encode(self._encoding)  # base64 and the like are not for text
        if isinstance(self.fields_to_export, Mapping):
            _refuse_twins(self.fields_to_export.values())
        self._encoder = codecs.getincrementalencoder(self._encoding)(self.errors)
        self._lead = self._encoder.encode("")  # the byte order mark, if the encoding has one
        self._keeps_dicts = (  # a dict without declared fields is exported as it is
            type(self).serialize_field is BaseItemExporter.serialize_field
            and type(self).get_serialized_fields is BaseItemExporter.get_serialized_fields
        )

    @property
    def line_end(self) -> bytes:
        """The last bytes of a line; b"" for a format without lines."""
        return self._encode("\n")

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

    def _encode(self, text: str) -> bytes:
        return self._encoder.encode(text, final=True)

    def _write(self, data: bytes) -> None:
        self.file.write(self._lead + data if self._lead else data)
        self._lead = b""

    def fields(self, item: Any, default: Any = None, *, with_empty: bool | None = None) -> dict[str, Any]:
        """Return name in the output -> value, in the order of the output; `default` for unset ones."""
        plain = self.fields_to_export is None and type(item) is dict and self._keeps_dicts
        return item if plain else dict(self.get_serialized_fields(item, default, with_empty))

    def _refuse_unknown(self) -> None:
        """Raise TypeError if an option is left that nothing reads."""
        if self._kwargs:
            raise TypeError(f"Unexpected options: {', '.join(self._kwargs)}")


def _refuse_twins(names: Iterable[str]) -> None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise ValueError(f"two fields have the name {name!r} in the output")
        seen.add(name)
