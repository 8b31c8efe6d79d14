"""Items as CSV: one line per item, under a line with the names of the columns."""

import csv
import io
import logging
from collections.abc import Iterable
from typing import Any

import msgpack

from aioscrapy.exceptions import SerializeError
from aioscrapy.exporters.base import BinaryWriter
from aioscrapy.exporters.parts import CsvParts

logger = logging.getLogger("aioscrapy.exporters")


class CsvItemExporter(CsvParts):
    """One line per item; without `fields_to_export` the first item's fields are the columns of all.

    A packed item has its names and cells as text, because the columns are known only when it is written. An
    item without fields is an empty line.

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
        self._continues = False  # the rows before have no header that names their columns
        self._line = io.StringIO(newline="")
        self._writer = csv.writer(self._line, **self._kwargs)

    def columns_of(self, lines: Iterable[str]) -> list[str]:
        """Return the columns of a document with these lines."""
        literal = self._kwargs.get("quoting") == csv.QUOTE_NONE
        quoting = csv.QUOTE_NONE if literal else csv.QUOTE_MINIMAL  # others turn names into numbers
        reader = csv.reader(lines, **{**self._kwargs, "quoting": quoting})
        return next((row for row in reader if row), [])

    def resume_below(self, header: list[str]) -> None:
        """Continue a document with this first line, which has its columns unless it is without a header."""
        self._lead = b""
        if not self._header_due:
            self._continues = self.fields_to_export is None
            return
        self._header_due = not header
        if self.fields_to_export is None:
            self._columns = header

    def pack(self, item: Any) -> bytes:
        row = self.fields(item, "", with_empty=True)
        names = [str(name) for name in row]
        cells = [self._cell(value) for value in row.values()]
        if self._kwargs:
            self._refuse_unwritable([*names, *cells, ""])
        return msgpack.packb([names, cells], unicode_errors="surrogatepass")  # type: ignore[no-any-return]  # msgpack has no types

    def write(self, packed: bytes) -> None:
        names, cells = msgpack.unpackb(packed, unicode_errors="surrogatepass")
        columns = self._columns or names
        if names != columns:
            row = dict(zip(names, cells, strict=True))
            self._warn_of_lost_fields(row.keys() - set(columns))
            cells = [row.get(name, "") for name in columns]
        if self._continues:
            self._continues = False
            logger.warning(
                "The file has no line with the names of its columns: those of the next lines are %s; "
                "name all columns in FEED_EXPORT_FIELDS",
                columns,
            )
        rows = [columns, cells] if self._header_due and columns else [cells]
        self._write(self._encode("".join(map(self._text, rows))))
        self._columns, self._header_due = columns, self._header_due and not columns

    def _text(self, cells: list[str]) -> str:
        """Return a row as text with its line end."""
        self._line.seek(0)
        self._line.truncate()
        try:
            self._writer.writerow(cells)
        except csv.Error:  # one empty cell, without quotes: `pack` has refused all other rows that raise
            self._writer.writerow([])
        return self._line.getvalue()

    def _refuse_unwritable(self, cells: list[str]) -> None:
        """Raise SerializeError for a cell that the options of `csv.writer` have no form for."""
        try:
            self._writer.writerow(cells)
        except csv.Error as exc:
            raise SerializeError(f"{exc} (the options of csv.writer in item_export_kwargs)") from exc

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
