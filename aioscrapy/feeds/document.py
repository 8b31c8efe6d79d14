"""One file of a feed: it begins, continues behind a length that the store knows, and ends."""

import io
import logging
from collections.abc import Sequence
from typing import Any

from aioscrapy import exporters
from aioscrapy.exporters.base import BaseItemExporter, BinaryWriter, ItemExporter
from aioscrapy.feeds.file import FeedFile
from aioscrapy.feeds.form import Form, unpacked
from aioscrapy.feeds.postprocessing import Stream, plain_text
from aioscrapy.feeds.uri import FeedError

logger = logging.getLogger("aioscrapy.extensions.feedexport")

# Bytes of a file in which the first line is searched.
_HEAD = 1 << 16


class Document:
    """The items in one file, in one form.

    Args:
        uri: for messages.
        file: of the document.
        form: of the items.

    Attributes:
        count: items that this crawl has written.
        started: something is written, or waits to be.
    """

    def __init__(self, uri: str, file: FeedFile, form: Form) -> None:
        self.uri = uri
        self.file = file
        self.form = form
        self.count = 0
        self._exporter: Any = None  # from the first write on
        self._writer = form.writer(file)

    @property
    def started(self) -> bool:
        return self._exporter is not None

    @property
    def waiting(self) -> bool:
        """Whether items are written that the file does not hold yet, because they are compressed together."""
        return self._writer is not None and self._writer.waiting

    def begin(self, *, overwrite: bool) -> int:
        """Start the file, and return its length: 0, or the bytes that it had.

        A document that can't be appended to follows the one that is there, as in Scrapy.
        """
        if not self.file.is_regular:
            return 0
        if self.file.size and overwrite:
            self.file.cut(0)
        if self.file.size and self.form.packs and not self.form.appendable:
            logger.warning(
                "%s exists: a second %s document follows in it, which most programs don't read "
                "(overwrite it, or use jsonlines)",
                self.uri,
                self.form.name,
            )
        return self.file.size

    def resume(self, length: int, count: int, pending: Sequence[bytes]) -> None:
        """Continue behind the `length` bytes that hold `count` items.

        Everything behind them is cut off: the file may have some of the `pending` records already, the last
        one half, and the end of the document. Other bytes are moved to a file of their own.

        Raises:
            FeedError: the file is shorter than that, and can't be continued.
        """
        self._exporter, self.count = None, count
        self._writer = self.form.writer(self.file)
        self.file.open()
        size = self.file.size
        if size < length:
            self._resume_shorter(size, length)
            return
        if size > length and self.form.can_be_cut and not self._is_tail(length, size, count, pending):
            moved = self.file.move_tail(length)
            logger.warning("%s has bytes of another program, which are in %s now", self.uri, moved)
        self.file.cut(length)
        if length and count:
            self._exporter = self._exporter_at(self._target, length, count)

    def write(self, record: Any) -> None:
        """Write one record.

        Raises:
            OSError: the file can't be written; nothing of the record is in it.
        """
        exporter: Any = self._exporter or self._start()
        if self.form.packs:
            exporter.write(record)
        else:
            exporter.export_item(unpacked(record))
        self.count += 1

    def flush(self) -> None:
        """Write what is compressed together, so that `waiting` is False; not for plugins that can't be cut.

        Raises:
            OSError: it can't be written.
        """
        if self._writer is not None:
            self._writer.flush()

    def finish(self) -> None:
        """Write the end of the document.

        Raises:
            OSError: the end can't be written.
        """
        (self._exporter or self._start()).finish_exporting()
        if self._writer is not None:
            self._writer.end()

    @property
    def _target(self) -> BinaryWriter:
        return self._writer or self.file

    def _start(self) -> BaseItemExporter:
        # Asked at the first write: another process may have begun the same file since.
        self.file.open()
        # After an output that can't be cut a document begins with its own begin.
        size = self.file.size if self.file.is_regular and self.form.can_be_cut else 0
        if self.form.packs:
            begins = 0 if not self.form.appendable else size
            self._exporter = exporter = self._exporter_at(self._target, begins, self.count)
            if size and self.form.appendable and not self.form.plugins:
                self.file.end_line(exporter.line_end)
            return exporter
        self._exporter = own = self.form.export(Stream(self._target, str(self.file.path or "")))
        own.start_exporting()
        return own

    def _exporter_at(self, target: BinaryWriter, length: int, count: int) -> ItemExporter:
        """Return an exporter that continues after the first `length` bytes of the file."""
        exporter = self.form.export(target)
        assert isinstance(exporter, ItemExporter)  # noqa: S101 for mypy: the form packs
        if not length:
            exporter.start_exporting()
        elif isinstance(exporter, exporters.CsvItemExporter):
            exporter.resume_below(self._header(exporter))
        else:
            exporter.resume_exporting(count)
        return exporter

    def _header(self, exporter: "exporters.CsvItemExporter") -> list[str]:
        head = self.file.read(0, _HEAD)
        plain = plain_text(head, self.form.plugins) if self.form.plugins else head
        text = (plain or b"").decode(exporter.encoding or "utf-8", "replace")
        return exporter.columns_of(io.StringIO(text, newline=""))

    def _is_tail(self, length: int, size: int, count: int, pending: Sequence[bytes]) -> bool:
        """Return True if the bytes behind `length` are those of pending records and the end of a document."""
        document, end = io.BytesIO(), io.BytesIO()
        exporter = self._exporter_at(document, length, count)
        tail, boundary = self.file.read(length, size - length), document.tell()
        if self.form.plugins:
            plain = plain_text(tail, self.form.plugins)
            if plain is None:
                return False
            tail = plain
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
        if size and not self.form.appendable:
            raise FeedError(
                self.uri,
                f"{length - size} bytes that were written to it are missing: restore the file, or remove it "
                "to go on in a new one",
            )
        logger.warning("%s has lost %d bytes that were written to it before", self.uri, length - size)
