"""What a duplicate filter is: it remembers fingerprints, for this process or for all workers."""

from abc import ABC, abstractmethod
from typing import ClassVar

from aioscrapy.context import CrawlContext


class LocalDupeFilter(ABC):
    """A filter in this process's memory."""

    shared: ClassVar[bool] = False
    remembers: ClassVar[bool] = True

    @classmethod
    def from_crawler(cls, crawler: CrawlContext) -> "LocalDupeFilter":
        """Make a filter from the settings."""
        return cls()

    @abstractmethod
    def add(self, fingerprint: bytes) -> bool:
        """Remember a fingerprint; True where it was new."""

    @abstractmethod
    def __contains__(self, fingerprint: object) -> bool:
        """Tell whether `add` would call it new no more."""

    @abstractmethod
    def __len__(self) -> int:
        """Count what is remembered."""

    @abstractmethod
    def clear(self) -> None:
        """Forget everything."""
