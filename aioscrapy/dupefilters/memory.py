"""Duplicate filters in this process's memory."""

from aioscrapy.dupefilters.base import LocalDupeFilter


class RFPDupeFilter(set[bytes], LocalDupeFilter):
    """The exact set of all fingerprints; one takes about 100 bytes."""

    __slots__ = ()

    def add(self, fingerprint: bytes) -> bool:  # type: ignore[override]  # set.add returns None
        before = len(self)
        super().add(fingerprint)
        return len(self) != before


class BaseDupeFilter(LocalDupeFilter):
    """A filter that lets every request pass."""

    remembers = False

    def add(self, fingerprint: bytes) -> bool:
        return True

    def __contains__(self, fingerprint: object) -> bool:
        return False

    def __len__(self) -> int:
        return 0

    def clear(self) -> None:
        """Do nothing: the filter is empty."""
