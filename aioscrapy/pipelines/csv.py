"""Write items to the CSV file that they name."""

import csv
import logging
import os
from contextlib import ExitStack
from pathlib import Path
from typing import Any, TextIO

logger = logging.getLogger(__name__)


class CsvPipeline:
    """Writes an item that has `__csv__` to a CSV file; the interface of aio-scrapy.

    `item["__csv__"]` is {"filename": ...}; the default is the spider's name, and ".csv" is added if it is
    missing. The pipeline removes this field from the item. Every crawl overwrites the file; its columns are
    the fields of its first item, in their order.
    """

    def __init__(self) -> None:
        self._files: dict[str, tuple[TextIO, csv.DictWriter[str]]] = {}

    def process_item(self, item: Any, spider: Any) -> Any:
        """Write one item; a warning names fields that the first item did not have."""
        target = item.pop("__csv__", None) if isinstance(item, dict) else None
        if target is None:
            logger.warning("Item without __csv__, not stored: %r", item)
            return item
        if not item:  # it has no column
            return item
        writer = self._writer(str(target.get("filename") or spider.name), item)
        if surplus := item.keys() - set(writer.fieldnames):
            logger.warning(
                "Fields without a column in the CSV file: %s", ", ".join(sorted(map(str, surplus)))
            )
        writer.writerow(item)
        return item

    def close_spider(self) -> None:
        """Close all files, also after an error.

        Raises:
            OSError: a file can't be written.
        """
        with ExitStack() as closing:
            for file, _ in self._files.values():
                closing.callback(file.close)
        self._files.clear()

    def _writer(self, name: str, item: dict[str, Any]) -> "csv.DictWriter[str]":
        """Return the writer of a file; open the file first, with the fields of `item` as its header."""
        name = os.path.abspath(name if name.endswith(".csv") else f"{name}.csv")  # noqa: PTH100 also x/../y
        if name not in self._files:
            file = Path(name).open(  # noqa: SIM115 closed with the spider
                "w", encoding="utf-8", errors="backslashreplace", newline=""
            )
            writer = csv.DictWriter(file, list(item), extrasaction="ignore")
            writer.writeheader()
            self._files[name] = (file, writer)
        return self._files[name][1]
