"""Items as CSV: one line per item, under a line with the names of the columns."""

import csv
import io
import logging
from collections.abc import Iterable
from typing import Any

import msgpack

from aioscrapy.exporters.base import BinaryWriter
from aioscrapy.exporters.parts import CsvParts

logger = logging.getLogger("aioscrapy.exporters")


class CsvItemExporter(CsvParts):
    """One line per item; without `fields_to_export` the first item's fields are the columns of all.

    A packed item has its names and cells as text, because the columns are known only when it is written.

    Args:
        file: opened in binary mode; the caller closes it.
        include_headers_line: write the names of the columns before the first item.
        join_multivalued: separator of the strings of a list or tuple.
        errors: what becomes of a character that the encoding lacks, as `str.encode` has it.
        options: those of ItemExporter, and of `csv.writer`.
    """

    def __init__(
        self,
        file: BinaryWriter,
        include_headers_line: bool = True,
        join_multivalued: str = ",",
        errors: str | None = None,
        **options: Any,
    ) -> None:
        self.errors = errors or "backslashreplace"
        super().__init__(file, **options)
        self._header_due = include_headers_line
        self._join = join_multivalued
        self._columns: list[str] = []
        self._warned = self.fields_to_export is not None
        self._line = io.StringIO(newline="")
        self._writer = csv.writer(self._line, **self._kwargs)

    def columns_of(self, lines: Iterable[str]) -> list[str]:
        """Return the columns of a document with these lines."""
        return next(csv.reader(lines, **self._kwargs), [])

    def resume_below(self, header: list[str]) -> None:
        """Write no header, because the file has this one; its columns are kept if the settings name none."""
        self._lead, self._header_due = b"", False
        if self.fields_to_export is None:
            self._columns = header

    def pack(self, item: Any) -> bytes:
        row = self.fields(item, "", with_empty=True)
        names = [str(name) for name in row]
        cells = [self._cell(value) for value in row.values()]
        return msgpack.packb([names, cells], unicode_errors="surrogatepass")  # type: ignore[no-any-return]  # msgpack has no types

    def write(self, packed: bytes) -> None:
        names, cells = msgpack.unpackb(packed, unicode_errors="surrogatepass")
        columns = self._columns or names
        if names != columns:
            row = dict(zip(names, cells, strict=True))
            self._warn_of_lost_fields(row.keys() - set(columns))
            cells = [row.get(name, "") for name in columns]
        self._line.seek(0)
        self._line.truncate()
        if self._header_due:
            self._writer.writerow(columns)
        self._writer.writerow(cells)
        self._write(self._encode(self._line.getvalue()))
        self._columns, self._header_due = columns, False

    def _cell(self, value: Any) -> str:
        if isinstance(value, (list, tuple)) and all(isinstance(part, str) for part in value):
            return self._join.join(value)
        if isinstance(value, bytes):
            return value.decode("utf-8", "backslashreplace")
        return "" if value is None else str(value)

    def _warn_of_lost_fields(self, lost: set[str]) -> None:
        if lost and not self._warned:
            self._warned = True
            logger.warning(
                "CSVExporter dropped fields %s, which the first line has no columns for; "
                "name all columns in FEED_EXPORT_FIELDS",
                sorted(lost),
            )
