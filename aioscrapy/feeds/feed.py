"""One feed: the form of its items, and the file, or the row of files, that they are written to."""

import json
import logging
import os
import socket
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from aioscrapy.feeds.document import Document
from aioscrapy.feeds.file import FeedFile
from aioscrapy.feeds.filters import ItemFilter
from aioscrapy.feeds.form import Form
from aioscrapy.feeds.target import Target
from aioscrapy.feeds.uri import FeedError, fill_all_but_batch, fill_placeholders, path_of, redacted

logger = logging.getLogger("aioscrapy.extensions.feedexport")


class Feed:
    """Items in a file (or on standard output), or in files of `batch_size` items each.

    Every write is passed to the system at once, unless the file is compressed.

    Args:
        target: where the items go.
        form: of the items.
        overwrite: start with an empty file; else append to it.
        store_empty: create the file even if there is no item.
        accept: decides which items the feed takes; None for all.
        options: format, encoding, fields and so on, by which another process can continue the file.

    Attributes:
        uri: of the present file.
        batch: number of the present file, from 1 on.
        ended: the end of the present file is written.
    """

    def __init__(
        self,
        target: Target,
        form: Form,
        *,
        overwrite: bool,
        store_empty: bool,
        accept: ItemFilter | None = None,
        options: dict[str, Any] | None = None,
    ) -> None:
        self.template = self.uri = target.uri
        self.form = form
        self.batch_size = target.batch_size
        self.batch = 1
        self.destination = target.destination
        self.ended = False
        self._options = options or {}
        self._overwrite = overwrite
        self.store_empty = store_empty
        self._accepts = accept.accepts if accept is not None else None
        self._params = target.params
        self._spider: Any = None
        self._source = target.uri  # with all placeholders
        self._first = 0  # items in the files before the present one
        self._document = Document(target.uri, FeedFile(None), form)
        self._created = False  # there was no file before

    @property
    def format(self) -> str:
        """The name of the format."""
        return self.form.name

    @property
    def _mode(self) -> int:
        return 0o777 if self.destination is None else 0o700

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
        if self.destination is not None:
            return self.destination.name
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
        if not self.batch_size and self.destination is None:
            return self._options
        target, present = redacted(self.uri), self._present
        if self.destination is not None:
            source = redacted(self.template) if self.batch_size else target.replace("%", "%%")
        else:
            target, source = present, str((path_of(self.template) or Path()).absolute())
        place = {"uri": source, "target": target, "file": present}
        return {**self._options, **place, "batch": self.batch, "first": self._first}

    @property
    def label(self) -> str:
        """The URI of the present file, as a log may have it."""
        return redacted(self.uri)

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
            path.parent.mkdir(mode=self._mode, parents=True, exist_ok=True)
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
        if self.destination is not None:
            self._keep_undelivered()
        length = self._document.begin(overwrite=self._overwrite or self.destination is not None)
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
            OSError: the end can't be written, or the file lacks what was written.
        """
        if self.ended:
            return False
        if not self._document.started and not self.count and (not self.store_empty or self.batch > 1):
            if self._created and not self.file.size:
                self.file.remove()
            return False
        self._document.finish()
        self.file.check()
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
        return "file" in options and options["file"] != self._present

    def go_to(self, options: Mapping[str, Any]) -> None:
        """Turn to the file that another process has noted in `options`."""
        if self.is_elsewhere(options):
            self.file.close()
            self.batch, self._first = options["batch"], options["first"]
            self._use(options["target"], Path(options["file"]))
            self._make_folder()

    def _use(self, uri: str, path: Path | None = None) -> None:
        self.uri = uri
        self.ended = False
        if path is None:
            path = path_of(uri) if self.destination is None else self.destination.path_of(uri)
        self._document = Document(uri, FeedFile(path), self.form)

    def _keep_undelivered(self) -> None:
        """Move the items of a crawl that could not deliver them to a file beside this one."""
        if not self.file.lock():
            raise FeedError(self.uri, "another crawl on this machine writes items for it")
        if self.file.size:
            moved = self.file.move_tail(0)
            logger.warning("An earlier crawl could not deliver %s: its items are in %s", self.label, moved)

    def _make_folder(self) -> None:
        path = self.file.path
        if path is None:
            return
        self._created = not path.exists()
        try:
            path.parent.mkdir(mode=self._mode, parents=True, exist_ok=True)
        except OSError as exc:
            raise FeedError(self.uri, f"can't be written: {exc.strerror}: {exc.filename}") from None


def packed_options(feed: Feed) -> bytes:
    """Return the options of a feed as a store keeps them."""
    return json.dumps(feed.options).encode()


def name_of(feed: Feed, *, shared: bool) -> str:
    """Return the name of a feed in the store: its path, and in a shared store where that path is."""
    host = socket.gethostname()
    if not feed.is_kept or feed.file.path is None:
        return f"{host}:0:{feed.uri}"
    if feed.batch_size:
        path = str(Path(feed.template).absolute())
        return f"{host}:batches:{path}" if shared else path
    path = str(feed.file.path.absolute())
    return f"{host}:{feed.file.inode}:{path}" if shared else path
