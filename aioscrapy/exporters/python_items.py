"""Items as values of Python: pickle, marshal, pprint, and as dicts for any library."""

import marshal
import pickle
import pprint
from collections.abc import Mapping
from typing import Any

from aioscrapy.exceptions import SerializeError
from aioscrapy.exporters.base import BaseItemExporter, BinaryWriter, ItemExporter
from aioscrapy.items import adapter, is_item


class PythonItemExporter(BaseItemExporter):
    """Return items as dicts of built-in types, nested items too, for a library that serialises those."""

    def _configure(self, options: dict[str, Any], dont_fail: bool = False) -> None:
        super()._configure(options, dont_fail)
        self.encoding = self.encoding or "utf-8"

    def serialize_field(self, field: Mapping[str, Any], name: str, value: Any) -> Any:
        serializer = field.get("serializer", self._plain)
        return serializer(value)

    def export_item(self, item: Any) -> dict[str, Any]:
        """Return the item as a dict."""
        return dict(self.get_serialized_fields(item))

    def _plain(self, value: Any) -> Any:
        if isinstance(value, bytes):
            return value.decode(self.encoding or "utf-8")
        if is_item(value):
            if not isinstance(value, dict) or getattr(value, "fields", None):  # a class that declares fields
                return self.export_item(value)
            return {key: self._plain(inner) for key, inner in adapter(value).items()}
        if isinstance(value, (list, tuple, set, frozenset)):
            return [self._plain(inner) for inner in value]
        return value


class _ObjectExporter(ItemExporter):
    """One value after another, without anything between them."""

    def __init__(self, file: BinaryWriter, **options: Any) -> None:
        super().__init__(file, **options)
        self._refuse_unknown()
        self._lead = b""  # these formats have no encoding

    @property
    def line_end(self) -> bytes:
        return b""

    def pack(self, item: Any) -> bytes:
        row = dict(self.get_serialized_fields(item))
        try:
            return self._dumps(row)
        except (TypeError, ValueError, AttributeError, RecursionError, pickle.PicklingError) as exc:
            raise SerializeError(str(exc)) from exc

    def _dumps(self, row: dict[str, Any]) -> bytes:
        raise NotImplementedError


class PickleItemExporter(_ObjectExporter):
    """One pickle an item.

    Args:
        file: opened in binary mode; the caller closes it.
        protocol: of pickle.
        options: those of ItemExporter.
    """

    def __init__(self, file: BinaryWriter, protocol: int = 4, **options: Any) -> None:
        super().__init__(file, **options)
        self.protocol = protocol

    def _dumps(self, row: dict[str, Any]) -> bytes:
        return pickle.dumps(row, self.protocol)


class MarshalItemExporter(_ObjectExporter):
    """One value of marshal an item; only built-in types."""

    def _dumps(self, row: dict[str, Any]) -> bytes:
        return marshal.dumps(row)


class PprintItemExporter(_ObjectExporter):
    """One dict an item, in the form of Python's source; for people, not for programs."""

    @property
    def line_end(self) -> bytes:
        return b"\n"

    def _dumps(self, row: dict[str, Any]) -> bytes:
        return (pprint.pformat(row) + "\n").encode("utf-8", "backslashreplace")
