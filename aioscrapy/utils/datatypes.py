"""Dicts without case, caches with a limit."""

from collections import OrderedDict, UserDict
from collections.abc import Container
from contextlib import suppress
from typing import Any, Self
from weakref import WeakKeyDictionary


class CaseInsensitiveDict(UserDict[str | bytes, Any]):
    """A dict in which keys are equal if only their case differs; the last spelling is kept."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._spellings: dict[str | bytes, str | bytes] = {}
        super().__init__(*args, **kwargs)

    def __getitem__(self, key: str | bytes) -> Any:
        return super().__getitem__(self._spellings[self._normkey(key).lower()])

    def __setitem__(self, key: str | bytes, value: Any) -> None:
        name = self._normkey(key)
        spelling = self._spellings.get(name.lower())
        if spelling is not None:
            del self[spelling]
        super().__setitem__(name, self._normvalue(value))
        self._spellings[name.lower()] = name

    def __delitem__(self, key: str | bytes) -> None:
        super().__delitem__(self._spellings.pop(self._normkey(key).lower()))

    def __contains__(self, key: object) -> bool:
        return self._normkey(key).lower() in self._spellings  # type: ignore[arg-type]  # keys are texts

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {super().__repr__()}>"

    def __copy__(self) -> Self:
        copied = type(self)()
        copied.data, copied._spellings = dict(self.data), dict(self._spellings)
        return copied

    copy = __copy__

    def __ior__(self, other: Any) -> Self:  # type: ignore[override,misc]  # UserDict's is narrower
        self.update(other)
        return self

    def _normkey(self, key: str | bytes) -> str | bytes:
        return key

    def _normvalue(self, value: Any) -> Any:
        return value


class LocalCache(OrderedDict[Any, Any]):
    """A dict with at most `limit` keys; the oldest leave first."""

    def __init__(self, limit: int | None = None) -> None:
        super().__init__()
        self.limit = limit

    def __setitem__(self, key: Any, value: Any) -> None:
        if self.limit is not None and key not in self:
            if self.limit == 0:
                return
            while len(self) >= self.limit:
                self.popitem(last=False)
        super().__setitem__(key, value)


# The cache of names that packages empty after an error of a proxy; it stays empty: the HTTP client resolves.
DNS_CACHE = LocalCache(10_000)


class LocalWeakReferencedCache(WeakKeyDictionary[Any, Any]):
    """The same with weak keys; a key that can't be weak is not kept, and a missing one gives None."""

    def __init__(self, limit: int | None = None) -> None:
        super().__init__()
        self.data = LocalCache(limit)

    def __setitem__(self, key: Any, value: Any) -> None:
        with suppress(TypeError):
            super().__setitem__(key, value)

    def __getitem__(self, key: Any) -> Any:
        try:
            return super().__getitem__(key)
        except (TypeError, KeyError):
            return None


class SequenceExclude:
    """Contains what a sequence does not contain."""

    def __init__(self, seq: Container[Any]) -> None:
        self.seq = seq

    def __contains__(self, item: Any) -> bool:
        return item not in self.seq
