"""Duplicate filters in this process's memory."""

from aioscrapy.dupefilters.base import LocalDupeFilter


class RFPDupeFilter(LocalDupeFilter):
    """The exact set of all fingerprints: some 100 bytes each."""

    def __init__(self) -> None:
        self._seen: set[bytes] = set()

    def add(self, fingerprint: bytes) -> bool:
        seen = self._seen
        before = len(seen)
        seen.add(fingerprint)
        return len(seen) != before

    def __contains__(self, fingerprint: bytes) -> bool:
        return fingerprint in self._seen

    def __len__(self) -> int:
        return len(self._seen)

    def clear(self) -> None:
        self._seen.clear()


class BaseDupeFilter(LocalDupeFilter):
    """A filter that calls every request new."""

    remembers = False

    def add(self, fingerprint: bytes) -> bool:
        return True

    def __contains__(self, fingerprint: bytes) -> bool:
        return False

    def __len__(self) -> int:
        return 0

    def clear(self) -> None:
        """Do nothing: there is nothing to forget."""
