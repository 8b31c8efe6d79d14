"""Write items to the Excel file that they name; needs the extra aioscrapy-scrapyd[excel]."""

import logging
import math
import os
from contextlib import ExitStack
from datetime import date, datetime
from pathlib import Path
from typing import Any

from aioscrapy.exceptions import ConfigError, SerializeError

logger = logging.getLogger(__name__)

_OWN = ("filename", "sheet", "date_fields", "date_format", "img_fields", "img_size")
_DATE_FORMAT = "yyyy-mm-dd HH:MM:SS"
# Text of a site stays text: a formula runs on the machine of the person who opens the file, and a long URL
# would be left out. `__excel__` may have other values.
_OPTIONS = {"remove_timezone": True, "strings_to_formulas": False, "strings_to_urls": False}
# Whole numbers above it are written as text: Excel keeps 15 digits of a number.
_LARGEST = 10**15
# What xlsxwriter returns for a row or column that no sheet has, and for a text that it has cut.
_NO_CELL, _CUT = -1, -2


class ExcelPipeline:
    """Writes an item that has `__excel__` to an Excel file (.xlsx); the interface of aio-scrapy.

    `item["__excel__"]` is {"filename": ..., "sheet": "sheet1", "date_fields": names of fields that are dates,
    "date_format": ...} and further options of xlsxwriter's Workbook; the default of the file name is the
    spider's name. The pipeline removes this field from the item. The columns of a sheet are the fields of its
    first item. The file is written when the crawl ends: a worker that is killed writes none. For items that
    must not be lost use a feed. Texts are written as texts, also those that begin with "=".

    Raises:
        ConfigError: xlsxwriter is not installed.
    """

    def __init__(self) -> None:
        try:
            import xlsxwriter
        except ImportError:
            raise ConfigError(
                "ExcelPipeline needs xlsxwriter: pip install aioscrapy-scrapyd[excel]"
            ) from None
        self._new_book = xlsxwriter.Workbook
        self._books: dict[str, Any] = {}
        self._sheets: dict[tuple[str, str], tuple[Any, list[str]]] = {}
        self._formats: dict[tuple[str, str], Any] = {}

    def process_item(self, item: Any, spider: Any) -> Any:
        """Add one row; a warning names fields that the first item did not have.

        Raises:
            SerializeError: the sheet is full.
        """
        target = item.pop("__excel__", None) if isinstance(item, dict) else None
        if target is None:
            logger.warning("Item without __excel__, not stored: %r", item)
            return item
        if not item:  # it has no column
            return item
        if target.get("img_fields"):
            logger.warning(
                "Images are not put into the sheet: use ImagesPipeline for %s", target["img_fields"]
            )
        name = _with_suffix(str(target.get("filename") or spider.name))
        book = self._book(name, {key: value for key, value in target.items() if key not in _OWN})
        columns, sheet = self._sheet(name, str(target.get("sheet") or "sheet1"), item)
        if surplus := item.keys() - set(columns):
            logger.warning(
                "Fields without a column in the Excel file: %s", ", ".join(sorted(map(str, surplus)))
            )
        row = sheet.dim_rowmax + 1
        dates = set(target.get("date_fields") or ())
        for number, column in enumerate(columns):
            value = item.get(column)
            if column in dates and isinstance(value, date | datetime):
                form = self._date_format(name, book, str(target.get("date_format") or _DATE_FORMAT))
                sheet.write_datetime(row, number, value, form)
            else:
                _write(sheet, row, number, value)
        return item

    def close_spider(self) -> None:
        """Write all files, also after an error.

        Raises:
            Exception: a file can't be written.
        """
        with ExitStack() as closing:
            for book in self._books.values():
                closing.callback(book.close)
        self._books.clear()

    def _book(self, name: str, options: dict[str, Any]) -> Any:
        if name not in self._books:
            Path(name).parent.mkdir(parents=True, exist_ok=True)
            self._books[name] = self._new_book(name, {**_OPTIONS, **options})
        return self._books[name]

    def _sheet(self, name: str, title: str, item: dict[str, Any]) -> tuple[list[str], Any]:
        """Return the columns and the sheet; create it first, with the fields of `item` as its header."""
        if (name, title) not in self._sheets:
            sheet, columns = self._books[name].add_worksheet(title), list(item)
            for number, column in enumerate(columns):
                _write(sheet, 0, number, column)
            self._sheets[name, title] = (sheet, columns)
        sheet, columns = self._sheets[name, title]
        return columns, sheet

    def _date_format(self, name: str, book: Any, text: str) -> Any:
        if (name, text) not in self._formats:
            self._formats[name, text] = book.add_format({"num_format": text})
        return self._formats[name, text]


def _with_suffix(name: str) -> str:
    return os.path.abspath(name if name.endswith(".xlsx") else f"{name}.xlsx")  # noqa: PTH100 also x/../y


def _write(sheet: Any, row: int, number: int, value: Any) -> None:
    """Write one cell.

    Raises:
        SerializeError: a sheet has no such row or column.
    """
    status = sheet.write(row, number, _cell(value))
    if status == _NO_CELL:
        raise SerializeError(f"sheet {sheet.get_name()!r} is full: it has 1,048,576 rows and 16,384 columns")
    if status == _CUT:
        logger.warning("A text of column %d is cut to 32,767 characters, which a cell can hold", number + 1)


def _cell(value: Any) -> Any:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, float) and math.isfinite(value):
        return value
    if isinstance(value, int) and abs(value) <= _LARGEST:
        return value
    # half of a surrogate pair would lose the whole file
    return str(value).encode("utf-8", "backslashreplace").decode()
