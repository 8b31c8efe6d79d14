"""One feed: the place that its URI names, and the items written to it."""

import csv
import os
import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import url2pathname

from aioscrapy.exceptions import SettingError
from aioscrapy.exporters import CsvItemExporter, ItemExporter

STDOUT = "stdout:"
_PLACEHOLDER = re.compile(r"%(?:%|\((\w+)\)([-#0 +]*\d*(?:\.\d+)?[sdif]))")


class FeedError(SettingError):
    """One feed of FEEDS can't be used; the text names it."""

    def __init__(self, uri: str, problem: object) -> None:
        super().__init__("FEEDS", f"{uri}: {problem}")


class Feed:
    """One file (or standard output) that items go to, each with the system when `write` returns.

    Args:
        uri: a path, a file:// URI, or "stdout:"; with the placeholders of Scrapy.
        format_: for messages.
        export: makes the exporter, given the file.
        line_by_line: a file of this format can be gone on with; of others, only begun.
        overwrite: begin anew where the file exists; else go on behind what is there.
        store_empty: make the file even if there is no item.
        item_classes: classes whose items go here; () for all.
    """

    def __init__(
        self,
        uri: str,
        format_: str,
        export: "Callable[[FeedFile], ItemExporter]",
        *,
        line_by_line: bool,
        overwrite: bool,
        store_empty: bool,
        item_classes: tuple[type, ...] = (),
    ) -> None:
        self.uri = uri
        self.format = format_
        self.count = 0
        self._export = export
        self._line_by_line = line_by_line
        self._overwrite = overwrite
        self._store_empty = store_empty
        self._item_classes = item_classes
        self._path: Path | None = None
        self._file: FeedFile | None = None
        self._exporter: ItemExporter | None = None

    @property
    def storage(self) -> str:
        """The name that Scrapy's stats have for this kind of place."""
        return "FileFeedStorage" if self._path else "StdoutFeedStorage"

    def prepare(self, spider: Any) -> None:
        """Put the spider's values into the URI and make the file, unless it may stay away.

        Raises:
            FeedError: the URI names something that the spider lacks, or the file can't be written.
        """
        self.uri = _filled(self.uri, spider)
        self._path = _path_of(self.uri)
        if self._path is None:
            return
        try:
            if not (self._line_by_line or self._overwrite) and _size(self._path):
                raise FeedError(
                    self.uri,
                    f"the file exists and {self.format} can't be appended to: overwrite it, or use jsonlines",
                )
            self._path.parent.mkdir(parents=True, exist_ok=True)
            if self._store_empty:
                self._path.open("wb" if self._overwrite else "ab").close()
                self._overwrite = False
        except OSError as exc:
            raise FeedError(self.uri, f"can't be written: {exc.strerror}: {exc.filename}") from None

    def write(self, item: Any) -> None:
        """Hand one item to the system.

        Raises:
            SerializeError: the format has no form for it.
            OSError: the file can't be written.
        """
        if self._item_classes and not isinstance(item, self._item_classes):
            return
        (self._exporter or self._begin()).export_item(item)
        self.count += 1

    def close(self) -> bool:
        """Write the end of the document and close the file; False where there is none.

        Raises:
            OSError: the end can't be written.
        """
        if self._exporter is None and not self._store_empty:
            return False
        try:
            (self._exporter or self._begin()).finish_exporting()
        finally:
            if self._file:
                self._file.close()
        return True

    def _begin(self) -> ItemExporter:
        if self._file is None:
            self._file = FeedFile(self._path, overwrite=self._overwrite)
        exporter = self._export(self._file)
        # Asked now, not at the start of the crawl: another worker may have begun the same file since.
        if isinstance(exporter, CsvItemExporter) and self._path and _size(self._path):
            with self._path.open(encoding=exporter.encoding, newline="") as lines:
                exporter.go_on_below(next(csv.reader(lines), []))
        exporter.start_exporting()
        self._exporter = exporter
        return exporter


class FeedFile:
    """An unbuffered file that takes all bytes of a write or fails; standard output for no path.

    A line that a full disk or an earlier process left half written is ended before the next write.
    """

    def __init__(self, path: Path | None, *, overwrite: bool) -> None:
        if path is None:
            self._raw = os.fdopen(os.dup(1), "wb", buffering=0)
        else:
            self._raw = path.open("wb" if overwrite else "ab", buffering=0)
        self._torn = path is not None and _ends_within_line(path)

    def write(self, data: bytes) -> None:
        """Write all of it."""
        left = memoryview(b"\n" + data if self._torn else data)
        while left:
            left = left[self._raw.write(left) or 0 :]
            self._torn = bool(left)

    def close(self) -> None:
        """Close the file."""
        self._raw.close()


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _ends_within_line(path: Path) -> bool:
    if not path.is_file() or not _size(path):
        return False
    with path.open("rb") as file:
        file.seek(-1, os.SEEK_END)
        return file.read(1) != b"\n"


def _filled(uri: str, spider: Any) -> str:
    """Put values in for %(name)s, %(time)s, %(batch_time)s, %(batch_id)d and the spider's attributes."""
    now = datetime.now(tz=UTC).replace(microsecond=0).isoformat().replace(":", "-")
    known = {"time": now, "batch_time": now, "batch_id": 1}

    def value(found: re.Match[str]) -> str:
        name, form = found[1], found[2]
        if name is None:
            return "%"
        if name not in known and not hasattr(spider, name):
            raise FeedError(uri, f"the spider has no {name!r} for %({name}){form}")
        filled: str = f"%{form}" % known.get(name, getattr(spider, name, None))
        return filled

    return _PLACEHOLDER.sub(value, uri)


def _path_of(uri: str) -> Path | None:
    """Return the local path that a URI means; None for standard output."""
    if uri == STDOUT:
        return None
    if "://" not in uri:
        return Path(uri)
    parts = urlsplit(uri)
    if parts.scheme != "file":
        raise FeedError(
            uri, f"feeds go to a path, a file:// URI or {STDOUT}; {parts.scheme}:// is not supported"
        )
    if parts.netloc not in {"", "localhost"}:
        raise FeedError(uri, f"{parts.netloc!r} is taken for a host: a local file has file:///")
    return Path(url2pathname(parts.path))
