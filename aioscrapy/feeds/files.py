"""The files that a process has written in a row, until they can't be taken back any more."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from aioscrapy.feeds.feed import Feed
from aioscrapy.feeds.file import FeedFile


class _Begun(NamedTuple):
    batch: int
    file: FeedFile
    base: int  # bytes that it had at its start


class Files:
    """The files of one feed in this process.

    If the store of the crawl loses its latest writes, the files that were begun since are taken back.

    Attributes:
        first_base: bytes that the first file had at its start.
    """

    def __init__(self, feed: Feed) -> None:
        self._feed = feed
        self._begun: list[_Begun] = []
        self._before: FeedFile | None = None

    @property
    def first_base(self) -> int:
        return self._begun[0].base if self._begun else 0

    def opened(self, base: int) -> None:
        """Note the present file, and close the one before."""
        self._begun.append(_Begun(self._feed.batch, self._feed.file, base))
        if self._before is not None:
            self._before.close()
            self._before = None

    def next(self) -> bool:
        """Turn to the next file and lock it; the present one stays open until `opened`.

        Returns False if another process has the lock, which has become the writer.

        Raises:
            OSError: it can't be opened.
            FeedError: its folder can't be created.
        """
        self._before = self._feed.next_file()
        if self._feed.file.lock():
            return True
        self._before.close()
        return False

    def go_back(self, options: Mapping[str, Any]) -> None:
        """Turn back to the file that the store knows; empty the later ones that this process has begun."""
        if not self._feed.batch_size:
            return
        self._before = None
        batch = options.get("batch", 1)
        self._feed.file.close()
        for later in self._begun:
            if later.batch > batch:
                later.file.open()
                later.file.cut(later.base)
                later.file.close()
                if not later.base:
                    later.file.remove()
        self._begun = [begun for begun in self._begun if begun.batch <= batch]
        self._feed.go_to(options)
