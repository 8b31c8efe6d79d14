"""The interface of duplicate filters: they remember fingerprints, for this process or for all workers."""

from abc import abstractmethod
from typing import ClassVar, Self

from aioscrapy.context import CrawlContext


class DupeFilter:
    """A filter of any kind.

    Attributes:
        shared: all workers of a crawl share it.
        remembers: False if it lets every request pass.
        queue: dotted path of the queue that goes with it, if the settings choose only the filter.
    """

    shared: ClassVar[bool] = False
    remembers: ClassVar[bool] = True
    queue: ClassVar[str] = "aioscrapy.queue.memory.SpiderPriorityQueue"

    @classmethod
    def from_crawler(cls, crawler: CrawlContext) -> Self:
        """Make the filter of the settings."""
        return cls()


class LocalDupeFilter(DupeFilter):
    """A filter in this process's memory."""

    @abstractmethod
    def add(self, fingerprint: bytes) -> bool:
        """Add a fingerprint; return True if it is new."""

    @abstractmethod
    def __contains__(self, fingerprint: object) -> bool:
        """Return True if the fingerprint was added before."""

    @abstractmethod
    def __len__(self) -> int:
        """Return the number of fingerprints."""

    @abstractmethod
    def clear(self) -> None:
        """Remove all fingerprints."""
