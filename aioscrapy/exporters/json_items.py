"""Items as JSON: one object per line, or one array."""

import datetime
import decimal
import json
from collections.abc import Mapping
from typing import Any

from aioscrapy.exceptions import SerializeError
from aioscrapy.exporters.base import BinaryWriter
from aioscrapy.exporters.parts import ArrayParts, EncoderPart
from aioscrapy.items import adapter, is_item


class JsonLinesItemExporter(EncoderPart):
    """One JSON object per line; every written line stays readable.

    Args:
        file: opened in binary mode; the caller closes it.
        encoding: None: UTF-8 with all other characters than ASCII escaped.
        options: those of ItemExporter, and of `json.JSONEncoder`.
    """

    def __init__(self, file: BinaryWriter, *, encoding: str | None = "utf-8", **options: Any) -> None:
        super().__init__(file, encoding=encoding, **options)
        self._kwargs = {"default": _plain, "indent": self._json_indent(), **self._kwargs}
        self._json_encoder = json.JSONEncoder(**{"ensure_ascii": not encoding, **self._kwargs})
        self._ascii = json.JSONEncoder(**{**self._kwargs, "ensure_ascii": True})

    def pack(self, item: Any) -> bytes:
        return self._json(item, "\n")

    def _json_indent(self) -> int | None:
        return None

    def _json(self, item: Any, end: str) -> bytes:
        row = self.fields(item)
        try:
            text = self._json_encoder.encode(row)
        except (TypeError, ValueError, RecursionError) as exc:
            raise SerializeError(f"{self._bad_field(row)}{exc}") from exc
        try:
            return self._encode(f"{text}{end}")
        except UnicodeEncodeError:  # a lone surrogate, or a character that the file's encoding lacks
            return self._encode(f"{self._ascii.encode(row)}{end}")

    def _bad_field(self, row: Mapping[str, Any]) -> str:
        for name, value in row.items():
            try:
                self._json_encoder.encode({name: value})
            except (TypeError, ValueError, RecursionError):
                return f"field {name!r}: "
        return ""


class JsonItemExporter(ArrayParts, JsonLinesItemExporter):
    """One JSON array with all items; without its closing bracket while the crawl runs."""

    appendable = False

    def __init__(self, file: BinaryWriter, **options: Any) -> None:
        super().__init__(file, **options)
        self._separator = b""
        self._newline = "" if self.indent is None else "\n"

    def start_exporting(self) -> None:
        self._write(self._encode(f"[{self._newline}"))

    def resume_exporting(self, items: int) -> None:
        super().resume_exporting(items)
        self._separator = self._encode(f",{self._newline}") if items else b""

    def pack(self, item: Any) -> bytes:
        return self._json(item, "")

    def write(self, packed: bytes) -> None:
        self._write(self._separator + packed)
        self._separator = self._separator or self._encode(f",{self._newline}")

    def finish_exporting(self) -> None:
        self._write(self._encode(f"{self._newline}]"))

    def _json_indent(self) -> int | None:
        return self.indent if self.indent and self.indent > 0 else None


def _plain(value: Any) -> Any:
    """Return a value that JSON can represent, by the rules of Scrapy's encoder; bytes are read as UTF-8."""
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
    raise TypeError(f"a value of type {type(value).__name__} can't be represented in JSON")
