"""The form of a feed: the exporter of its items, and the plugins behind it."""

import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgpack

from aioscrapy.exporters import BaseItemExporter, ItemExporter
from aioscrapy.exporters.base import BinaryWriter
from aioscrapy.feeds.postprocessing import MemberWriter, StreamWriter, are_appendable
from aioscrapy.items import as_dict


@dataclass(slots=True)
class Form:
    """How items become the bytes of a file.

    Args:
        name: of the format, for messages.
        export: creates the exporter, given the file.
        plugins: classes, in the order in which the bytes pass them.
        options: of the feed.

    Attributes:
        packs: an item is bytes before it is in the file, so another process can write it.
        can_be_cut: a file goes on behind a length at which it was complete.
        appendable: a new document can follow in a file that exists.
        pack: returns the record of an item: its bytes, or the item itself for an exporter that writes by
            itself; raises SerializeError if the format can't represent it.
    """

    name: str
    export: Callable[[BinaryWriter], BaseItemExporter]
    plugins: Sequence[Any] = ()
    options: Mapping[str, Any] = field(default_factory=dict)
    packs: bool = field(init=False)
    can_be_cut: bool = field(init=False)
    appendable: bool = field(init=False)
    pack: Callable[[Any], Any] = field(init=False)

    def __post_init__(self) -> None:
        packer: Any = self.export(io.BytesIO())
        self.packs = isinstance(packer, ItemExporter) and type(packer).export_item is ItemExporter.export_item
        self.pack = packer.pack if self.packs else _itself
        self.can_be_cut = self.packs and are_appendable(self.plugins, self.options)
        self.appendable = isinstance(packer, ItemExporter) and packer.appendable

    def pack_for_others(self, item: Any) -> bytes:
        """Return the record of an item for another process: its bytes, or those of a dict.

        Raises:
            SerializeError: the format can't represent it.
            TypeError: a value of the item can't travel.
        """
        record: bytes = self.pack(item) if self.packs else msgpack.packb(as_dict(item), datetime=False)
        return record

    def writer(self, file: BinaryWriter) -> MemberWriter | StreamWriter | None:
        """Return what stands between the exporter and the file; None without plugins."""
        if not self.plugins:
            return None
        kind = MemberWriter if self.can_be_cut else StreamWriter
        return kind(self.plugins, file, self.options)


def _itself(item: Any) -> Any:
    return item


def unpacked(record: Any) -> Any:
    """Return the item of a record of another process."""
    return msgpack.unpackb(record) if isinstance(record, bytes) else record
