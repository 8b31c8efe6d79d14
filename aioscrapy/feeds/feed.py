"""One feed: its file, its format, and the items that are written to it."""

import csv
import io
import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from aioscrapy.exporters import CsvItemExporter, ItemExporter
from aioscrapy.exporters.base import BinaryWriter
from aioscrapy.feeds.file import FeedFile
from aioscrapy.feeds.uri import FeedError, fill_placeholders, path_of

logger = logging.getLogger("aioscrapy.extensions.feedexport")


class Feed:
    """One file (or standard output) for items; every write is passed to the system at once.

    Args:
        uri: a path, a file:// URI, or "stdout:"; with the placeholders of Scrapy.
        format_: for messages.
        export: creates the exporter, given the file.
        line_by_line: files of this format can be appended to.
        overwrite: start with an empty file; else append to it.
        store_empty: create the file even if there is no item.
        item_classes: classes of the items of this feed; () for all.

    Attributes:
        count: items in the file.
        options: format, encoding, fields and indent, by which another process can go on with the file.
    """

    def __init__(
        self,
        uri: str,
        format_: str,
        export: "Callable[[BinaryWriter], ItemExporter]",
        *,
        line_by_line: bool,
        overwrite: bool,
        store_empty: bool,
        item_classes: tuple[type, ...] = (),
        options: dict[str, Any] | None = None,
    ) -> None:
        self.uri = uri
        self.format = format_
        self.options = options or {}
        self.count = 0
        self.file = FeedFile(None)
        self._export = export
        self._line_by_line = line_by_line
        self._overwrite = overwrite
        self._store_empty = store_empty
        self._item_classes = item_classes
        self._packer = export(io.BytesIO())
        self._exporter: ItemExporter | None = None  # from the first write on
        self._created = False  # there was no file before

    @property
    def storage(self) -> str:
        """The name that Scrapy's stats have for this kind of place."""
        return "FileFeedStorage" if self.file.path else "StdoutFeedStorage"

    def prepare(self, spider: Any) -> None:
        """Fill the placeholders and create the file, unless `store_empty` is False.

        Raises:
            FeedError: the URI names an attribute that the spider lacks, or the file can't be written.
        """
        self.uri = fill_placeholders(self.uri, spider)
        self.file = FeedFile(path_of(self.uri))
        if self.file.path is None:
            return
        try:
            self.file.path.parent.mkdir(parents=True, exist_ok=True)
            self._created = not self.file.path.exists()
            if self._store_empty:
                self.file.open()
        except OSError as exc:
            raise FeedError(self.uri, f"can't be written: {exc.strerror}: {exc.filename}") from None

    def pack(self, item: Any) -> bytes | None:
        """Return the record of an item, for `write`; None if the item is not for this feed.

        Raises:
            SerializeError: the format can't represent it.
        """
        if self._item_classes and not isinstance(item, self._item_classes):
            return None
        return self._packer.pack(item)

    def begin(self) -> int:
        """Start the file, and return its length: 0, or the bytes that it had.

        Raises:
            FeedError: the file exists, and neither can be appended to nor shall be overwritten.
        """
        if not self.file.is_regular:
            return 0
        if self.file.size and self._overwrite:
            self.file.cut(0)
        if self.file.size and not self._line_by_line:
            raise FeedError(
                self.uri,
                f"the file exists and {self.format} can't be appended to: overwrite it, or use jsonlines",
            )
        return self.file.size

    def resume(self, length: int, count: int, pending: Sequence[bytes]) -> None:
        """Go on behind the `length` bytes that hold `count` items.

        Everything behind them is cut off: the file may have some of the `pending` records already, the last
        one half, and the end of the document. Other bytes are moved to a file of their own.

        Raises:
            FeedError: the file is shorter than that, and can't be gone on with.
        """
        self._exporter, self.count = None, count
        size = self.file.size
        if size < length:
            self._resume_shorter(size, length)
            return
        if size > length and not self._is_tail(length, size, count, pending):
            moved = self.file.move_tail(length)
            logger.warning("%s has bytes of another program, which are in %s now", self.uri, moved)
        self.file.cut(length)
        if length:
            self._exporter = self._exporter_at(self.file, length, count)

    def write(self, record: bytes) -> None:
        """Write one record.

        Raises:
            OSError: the file can't be written; nothing of the record is in it.
        """
        (self._exporter or self._start()).write(record)
        self.count += 1

    def write_item(self, item: Any) -> None:
        """Write one item, if it is for this feed.

        Raises:
            SerializeError: the format can't represent it.
            OSError: the file can't be written.
        """
        record = self.pack(item)
        if record is not None:
            self.write(record)

    def finish(self) -> bool:
        """Write the end of the document; False if there is no file.

        Raises:
            OSError: the end can't be written.
        """
        if self._exporter is None and not self._store_empty and not self.count:
            if self._created and not self.file.size:
                self.file.remove()
            return False
        (self._exporter or self._start()).finish_exporting()
        return True

    def close(self) -> bool:
        """Write the end of the document and close the file; False if there is no file.

        Raises:
            OSError: the end can't be written.
        """
        try:
            return self.finish()
        finally:
            self.file.close()

    def _start(self) -> ItemExporter:
        # Asked at the first write: another process may have begun the same file since.
        self.file.open()
        size = self.file.size if self.file.is_regular else 0
        self._exporter = exporter = self._exporter_at(self.file, size, self.count)
        if size and self._line_by_line:
            self.file.end_line(exporter.line_end)
        return exporter

    def _exporter_at(self, file: BinaryWriter, length: int, count: int) -> ItemExporter:
        """Return an exporter that continues after the first `length` bytes of the file."""
        exporter = self._export(file)
        if not length:
            exporter.start_exporting()
        elif isinstance(exporter, CsvItemExporter):
            exporter.resume_below(self._header(exporter.encoding))
        else:
            exporter.resume_exporting(count)
        return exporter

    def _header(self, encoding: str) -> list[str]:
        with Path(self.file.path or "").open(encoding=encoding, errors="replace", newline="") as lines:
            return next(csv.reader(lines), [])

    def _is_tail(self, length: int, size: int, count: int, pending: Sequence[bytes]) -> bool:
        """Return True if the bytes behind `length` are those of pending records and the end of a document."""
        document, end = io.BytesIO(), io.BytesIO()
        exporter = self._exporter_at(document, length, count)
        tail, boundary = self.file.read(length, size - length), document.tell()
        for record in pending:
            exporter.write(record)
            with document.getbuffer() as written:
                if not tail.startswith(written[boundary:], boundary):
                    break
            boundary, count = document.tell(), count + 1
        if document.getvalue().startswith(tail):
            return True  # the last record is there in part, or not at all
        self._exporter_at(end, length or boundary, count).finish_exporting()
        whole, rest = document.getvalue()[:boundary], tail[boundary:]
        return whole == tail[:boundary] and end.getvalue().startswith(rest)

    def _resume_shorter(self, size: int, length: int) -> None:
        if size and not self._line_by_line:
            raise FeedError(
                self.uri,
                f"{length - size} bytes that were written to it are missing: restore the file, or remove it "
                "to go on in a new one",
            )
        logger.warning("%s has lost %d bytes that were written to it before", self.uri, length - size)
