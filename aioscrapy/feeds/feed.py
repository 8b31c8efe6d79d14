"""One feed: the form of its items, and the file, or the row of files, that they are written to."""

import json
import os
from collections.abc import Mapping, Sequence
from typing import Any

from aioscrapy.feeds.document import Document
from aioscrapy.feeds.file import FeedFile
from aioscrapy.feeds.filters import ItemFilter
from aioscrapy.feeds.form import Form
from aioscrapy.feeds.uri import FeedError, UriParams, fill_all_but_batch, fill_placeholders, path_of


class Feed:
    """Items in a file (or on standard output), or in files of `batch_size` items each.

    Every write is passed to the system at once, unless the file is compressed.

    Args:
        uri: a path, a file:// URI, or "stdout:"; with the placeholders of Scrapy.
        form: of the items.
        overwrite: start with an empty file; else append to it.
        store_empty: create the file even if there is no item.
        accept: decides which items the feed takes; None for all.
        batch_size: items of one file; 0 for one file.
        params: a function of the project that returns the values of the placeholders.
        options: format, encoding, fields and so on, by which another process can continue the file.

    Attributes:
        uri: of the present file.
        batch: number of the present file, from 1 on.
        ended: the end of the present file is written.
    """

    def __init__(
        self,
        uri: str,
        form: Form,
        *,
        overwrite: bool,
        store_empty: bool,
        accept: ItemFilter | None = None,
        batch_size: int = 0,
        params: UriParams | None = None,
        options: dict[str, Any] | None = None,
    ) -> None:
        self.template = uri
        self.uri = uri
        self.form = form
        self.batch_size = batch_size
        self.batch = 1
        self.ended = False
        self._options = options or {}
        self._overwrite = overwrite
        self.store_empty = store_empty
        self._accepts = accept.accepts if accept is not None else None
        self._params = params
        self._spider: Any = None
        self._source = uri  # with all placeholders
        self._first = 0  # items in the files before the present one
        self._document = Document(uri, FeedFile(None), form)
        self._created = False  # there was no file before

    @property
    def format(self) -> str:
        """The name of the format."""
        return self.form.name

    @property
    def file(self) -> FeedFile:
        """The present file."""
        return self._document.file

    @property
    def count(self) -> int:
        """Items that this crawl has written to the present file."""
        return self._document.count

    @property
    def storage(self) -> str:
        """The name that Scrapy's stats have for this kind of place."""
        return "FileFeedStorage" if self.file.path else "StdoutFeedStorage"

    @property
    def is_kept(self) -> bool:
        """Whether a store keeps the items until the file has them: not for a pipe."""
        return self.file.is_regular and self.form.packs

    @property
    def is_full(self) -> bool:
        """Whether the next item belongs to the next file."""
        return self.batch_size > 0 and self._document.count >= self.batch_size

    @property
    def waiting(self) -> bool:
        """Whether items are written that the file does not hold yet, because they are compressed together."""
        return self._document.waiting

    @property
    def options(self) -> dict[str, Any]:
        """The options, and the present file of a row, by which another process can continue."""
        if not self.batch_size:
            return self._options
        present = {"file": self._present, "batch": self.batch, "first": self._first}
        path = path_of(self.template)
        return {**self._options, "uri": str(path.absolute()) if path else self.template, **present}

    @property
    def _present(self) -> str:
        return str(self.file.path.absolute()) if self.file.path else self.uri

    def prepare(self, spider: Any) -> None:
        """Fill the placeholders and create the file, unless `store_empty` is False.

        Raises:
            FeedError: the URI names an attribute that the spider lacks, or the file can't be written.
        """
        self._spider = spider
        template = self.template
        if self.batch_size:
            self.template = fill_all_but_batch(template, spider, self._params)
        self._use(fill_placeholders(template, spider, params=self._params))
        self._source = template
        path = self.file.path
        if path is None:
            return
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._created = not path.exists()
            if self.store_empty and not self.batch_size:
                self.file.open()
        except OSError as exc:
            raise FeedError(self.uri, f"can't be written: {exc.strerror}: {exc.filename}") from None
        if self._created and not os.access(path.parent, os.W_OK):
            raise FeedError(self.uri, f"can't be written: {path.parent} is not writable")

    def pack(self, item: Any, *, for_others: bool = False) -> Any:
        """Return the record of an item, for `write`; None if the item is not for this feed.

        Args:
            item: of a page.
            for_others: another process writes it.

        Raises:
            SerializeError: the format can't represent it.
        """
        if self._accepts is not None and not self._accepts(item):
            return None
        return self.form.pack_for_others(item) if for_others else self.form.pack(item)

    def begin(self) -> int:
        """Start the file, and return its length: 0, or the bytes that it had.

        Raises:
            FeedError: the file exists, and neither can be appended to nor shall be overwritten.
        """
        length = self._document.begin(overwrite=self._overwrite)
        if self.store_empty and self.batch_size and self.file.path is not None:
            self.file.open()
        return length

    def resume(self, length: int, written: int, pending: Sequence[bytes]) -> None:
        """Continue behind the `length` bytes that hold the last of the `written` items.

        Raises:
            FeedError: the file is shorter than that, and can't be continued.
        """
        count = written - self._first
        is_full = self.batch_size > 0 and count >= self.batch_size
        is_taken = is_full and length > 0 and not self.file.size  # its reader has the complete file
        # A file that can't be cut counts as written at its end.
        is_whole = bool(count and self.form.plugins) and not self.form.can_be_cut
        self.ended = is_taken or is_whole
        if is_taken:
            self.file.remove()
        if self.ended:
            self._document.count = count
            return
        self._document.resume(length, count, pending)

    def write(self, record: Any) -> None:
        """Write one record.

        Raises:
            OSError: the file can't be written; nothing of the record is in it.
        """
        self._document.write(record)

    def write_item(self, item: Any) -> None:
        """Write one item, if it is for this feed.

        Raises:
            SerializeError: the format can't represent it.
            OSError: the file can't be written.
        """
        record = self.pack(item)
        if record is not None:
            self.write(record)

    def flush(self) -> None:
        """Write what is compressed together to the file.

        Raises:
            OSError: it can't be written.
        """
        self._document.flush()

    def finish(self) -> bool:
        """Write the end of the document; False if there is no file.

        Raises:
            OSError: the end can't be written.
        """
        if self.ended:
            return False
        if not self._document.started and not self.count and (not self.store_empty or self.batch > 1):
            if self._created and not self.file.size:
                self.file.remove()
            return False
        self._document.finish()
        self.ended = True
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

    def next_file(self) -> FeedFile:
        """Turn to the next file, and return the one before, which stays open.

        Raises:
            FeedError: its folder can't be created.
        """
        before, count = self.file, self._document.count
        self.batch += 1
        self._first += count
        self._use(fill_placeholders(self._source, self._spider, batch=self.batch, params=self._params))
        self._make_folder()
        return before

    def is_elsewhere(self, options: Mapping[str, Any]) -> bool:
        """Return True if another process has noted another file in `options`."""
        return bool(self.batch_size) and "file" in options and options["file"] != self._present

    def go_to(self, options: Mapping[str, Any]) -> None:
        """Turn to the file that another process has noted in `options`."""
        if self.is_elsewhere(options):
            self.file.close()
            self.batch, self._first = options["batch"], options["first"]
            self._use(options["file"])
            self._make_folder()

    def _use(self, uri: str) -> None:
        self.uri = uri
        self.ended = False
        self._document = Document(uri, FeedFile(path_of(uri)), self.form)

    def _make_folder(self) -> None:
        path = self.file.path
        if path is None:
            return
        self._created = not path.exists()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as exc:
            raise FeedError(self.uri, f"can't be written: {exc.strerror}: {exc.filename}") from None


def packed_options(feed: Feed) -> bytes:
    """Return the options of a feed as a store keeps them."""
    return json.dumps(feed.options).encode()
