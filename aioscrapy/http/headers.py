"""Case-insensitive headers; lines from the network are sorted by name on the first access."""

import base64
from collections.abc import Iterable, Iterator, Mapping, MutableMapping
from functools import lru_cache
from itertools import chain
from typing import Any, Self, overload

RawHeaders = Iterable[tuple[bytes, bytes]]
HeadersArgument = Mapping[Any, Any] | Iterable[tuple[Any, Any]] | None


@lru_cache(maxsize=1024)
def _title(name: str | bytes) -> bytes:
    if isinstance(name, str):
        return name.encode("utf-8").title()
    if isinstance(name, bytes):
        return name.title()
    raise TypeError(f"a header's name must be str or bytes, got {type(name).__name__}")


class Headers(MutableMapping[str | bytes, Any]):
    """Name -> values, in the order of the names; names are bytes in Title-Case, values are bytes.

    As in Scrapy, `headers["X"]` and `get` return the last value, `getlist` all values, `items` lists.
    """

    __slots__ = ("_lists", "_raw", "encoding")

    def __init__(self, seq: HeadersArgument = None, encoding: str = "utf-8") -> None:
        self.encoding = encoding
        self._raw: RawHeaders | None = None
        self._lists: dict[bytes, list[bytes]] = {}
        if isinstance(seq, Headers):
            if seq._raw is not None:
                self._raw = seq._raw
            else:
                self._lists = {name: values.copy() for name, values in seq._lists.items()}
        elif seq:
            self.update(seq)

    @classmethod
    def from_raw(cls, raw: RawHeaders) -> Self:
        """Wrap the (name, value) lines of a network client; they must not change afterwards."""
        self = cls.__new__(cls)
        self.encoding = "utf-8"
        self._raw = raw
        self._lists = {}
        return self

    @classmethod
    def from_lists(cls, lists: Iterable[tuple[bytes, list[bytes]]]) -> Self:
        """Wrap (name, values); the lists must have no other owner."""
        self = cls.from_raw(())
        self._raw = None
        for name, values in lists:
            self._lists.setdefault(_title(name), []).extend(values)
        return self

    @classmethod
    def fromkeys(cls, keys: Iterable[str | bytes], value: Any = None) -> Self:
        """Return headers that all have the same value."""
        return cls(dict.fromkeys(keys, value))

    def raw(self) -> list[tuple[bytes, bytes]]:
        """Return (name, value) of every header line."""
        if self._raw is not None:
            return list(self._raw)
        return [(name, value) for name, values in self._lists.items() for value in values]

    def _sorted(self) -> dict[bytes, list[bytes]]:
        if self._raw is not None:
            lists = self._lists
            for name, value in self._raw:
                lists.setdefault(_title(name), []).append(value)
            self._raw = None
        return self._lists

    def _values(self, value: Any) -> list[bytes]:
        if value is None:
            return []
        if isinstance(value, (str, bytes, int)) or not isinstance(value, Iterable):
            return [self._bytes(value)]
        return [self._bytes(part) for part in value]

    def _bytes(self, value: Any) -> bytes:
        if isinstance(value, bytes):
            return value
        if isinstance(value, str):
            return value.encode(self.encoding)
        if isinstance(value, int):
            return str(value).encode()
        raise TypeError(f"a header's value must be str, bytes or int, not {type(value).__name__}")

    def __getitem__(self, name: str | bytes) -> bytes | None:
        values = self._sorted()[_title(name)]
        return values[-1] if values else None

    def __setitem__(self, name: str | bytes, value: Any) -> None:
        self._sorted()[_title(name)] = self._values(value)

    def __delitem__(self, name: str | bytes) -> None:
        del self._sorted()[_title(name)]

    def __contains__(self, name: object) -> bool:
        return isinstance(name, (str, bytes)) and _title(name) in self._sorted()

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._sorted())

    def __len__(self) -> int:
        return len(self._sorted())

    def __bool__(self) -> bool:
        return bool(self._raw if self._raw is not None else self._lists)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Mapping):
            return NotImplemented
        return self._sorted() == (other if isinstance(other, Headers) else Headers(other))._sorted()

    __hash__ = None  # type: ignore[assignment]  # headers can change

    def __repr__(self) -> str:
        return f"Headers({self._sorted()!r})"

    @overload  # type: ignore[override]  # a mapping returns Any
    def get(self, key: str | bytes, def_val: None = None) -> bytes | None: ...

    @overload
    def get(self, key: str | bytes, def_val: bytes | str | int) -> bytes: ...

    def get(self, key: str | bytes, def_val: Any = None) -> bytes | None:
        """Return the last value of a header, or the default, as bytes."""
        values = self._sorted().get(_title(key))
        if values is None:
            values = self._values(def_val)
        return values[-1] if values else None

    def normkey(self, key: str | bytes) -> bytes:
        """Return a name as the keys are."""
        return _title(key)

    def normvalue(self, value: Any) -> list[bytes]:
        """Return one value, several or None as the values are."""
        return self._values(value)

    def getlist(self, key: str | bytes, def_val: Any = None) -> list[bytes]:
        """Return all values of a header; [] if it is not set."""
        values = self._sorted().get(_title(key))
        return self._values(def_val) if values is None else values

    def setlist(self, key: str | bytes, list_: Iterable[Any]) -> None:
        """Set all values of a header."""
        self[key] = list_

    def setdefault(self, key: str | bytes, def_val: Any = None) -> Any:
        """Set a header if it is missing; return its values."""
        return self._sorted().setdefault(_title(key), self._values(def_val))

    def setlistdefault(self, key: str | bytes, default_list: Any = ()) -> Any:
        """Set a header if it is missing; return its values."""
        return self.setdefault(key, default_list)

    def has_key(self, key: str | bytes) -> bool:
        """Return True if a header is set."""
        return key in self

    def fill(self, defaults: "Headers") -> None:
        """Set those of the default headers that are missing."""
        lists = self._sorted()
        for name, values in defaults._sorted().items():
            if name not in lists:
                lists[name] = values.copy()

    def appendlist(self, key: str | bytes, value: Any) -> None:
        """Add a value, or several."""
        self._sorted().setdefault(_title(key), []).extend(self._values(value))

    # Wider than the base: it takes pairs that repeat a name.
    def update(self, other: HeadersArgument = None, /, **more: Any) -> None:  # type: ignore[override]
        """Set the headers of a mapping, or of (name, value) pairs, which may repeat a name."""
        if isinstance(other, Headers):
            pairs: Iterable[tuple[Any, Any]] = other.items()
        else:
            pairs = other.items() if isinstance(other, Mapping) else other or ()
        fresh: dict[bytes, list[bytes]] = {}
        for name, value in pairs:
            fresh.setdefault(_title(name), []).extend(self._values(value))
        for name, value in more.items():
            fresh[_title(name)] = self._values(value)
        self._sorted().update(fresh)

    def items(self) -> Any:
        """Return (name, list of values) of every header."""
        return self._sorted().items()

    def values(self) -> Any:
        """Return the last value of every header."""
        return [values[-1] if values else None for values in self._sorted().values()]

    def size(self) -> int:
        """Return the bytes of all header lines in an HTTP message."""
        lines = self.raw()
        return sum(map(len, chain.from_iterable(lines))) + 4 * len(lines)  # ": " and the line end

    def to_string(self) -> bytes:
        """Return the header lines of an HTTP message, without the last line end."""
        return b"\r\n".join(name + b": " + value for name, value in self.raw())

    def to_unicode_dict(self) -> "UnicodeHeaders":
        """Return name -> values joined by a comma, as str; its keys are case-insensitive."""
        return UnicodeHeaders(
            (self._str(name), self._str(b",".join(values))) for name, values in self._sorted().items()
        )

    def to_tuple_list(self) -> list[tuple[str, str]]:
        """Return (name, value) of every header line, as str."""
        lines, encoding = self.raw(), self.encoding
        try:
            return [(name.decode(encoding), value.decode(encoding)) for name, value in lines]
        except UnicodeDecodeError:
            return [(self._str(name), self._str(value)) for name, value in lines]

    def _str(self, value: bytes) -> str:
        try:
            return value.decode(self.encoding)
        except UnicodeDecodeError:
            return value.decode("latin-1")

    def copy(self) -> Self:
        """Return an independent copy."""
        return type(self)(self, self.encoding)

    __copy__ = copy


class UnicodeHeaders(dict[str, str]):
    """Headers as str, with case-insensitive names."""

    def __getitem__(self, name: str) -> str:
        return super().__getitem__(name.title())

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and super().__contains__(name.title())

    def get(self, name: str, default: Any = None) -> Any:
        """Return the values of a header, joined by a comma."""
        return super().get(name.title(), default)


def basic_login(user: Any, password: Any) -> bytes:
    """Return the value of an Authorization header with a name and a password.

    Source: RFC 7617.
    """
    parts = (text if isinstance(text, bytes) else str(text).encode() for text in (user, password))
    return b"Basic " + base64.b64encode(b":".join(parts))
