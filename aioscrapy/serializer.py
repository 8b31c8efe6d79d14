"""How the dict of a request or an item becomes bytes in the queue, and back."""

import json
from collections.abc import Callable
from typing import Any, Protocol

from aioscrapy.exceptions import SerializeError

_encode = json.JSONEncoder(separators=(",", ":")).encode


class Serializer(Protocol):
    """Plain data to bytes and back; each way raises SerializeError."""

    def dumps(self, obj: Any) -> bytes:
        """Return the bytes of an object."""
        ...

    def loads(self, data: bytes) -> Any:
        """Return the object in the bytes."""
        ...


class JsonSerializer:
    """Compact JSON in ASCII, readable in any Redis client. Tuples become lists."""

    @staticmethod
    def dumps(obj: Any) -> bytes:
        try:
            return _encode(obj).encode("ascii")
        except (TypeError, ValueError, RecursionError) as exc:
            raise _unwritable("JSON", exc) from exc

    @staticmethod
    def loads(data: bytes) -> Any:
        try:
            return json.loads(data)
        except (TypeError, ValueError, RecursionError) as exc:
            raise _unreadable("JSON", data, exc) from exc


class MsgpackSerializer:
    """MessagePack: smaller than JSON, holds bytes too. Integers have at most 64 bits; tuples become lists."""

    @staticmethod
    def dumps(obj: Any) -> bytes:
        import msgpack

        try:
            return bytes(msgpack.packb(obj))
        except (TypeError, ValueError, OverflowError) as exc:
            raise _unwritable("MessagePack", exc) from exc

    @staticmethod
    def loads(data: bytes) -> Any:
        import msgpack

        try:
            return msgpack.unpackb(data, strict_map_key=False)
        except (TypeError, ValueError, msgpack.UnpackException) as exc:
            raise _unreadable("MessagePack", data, exc) from exc


class PickleSerializer:
    """Pickle: holds almost anything. The writer of the bytes can run code in the process that reads them."""

    @staticmethod
    def dumps(obj: Any) -> bytes:
        import pickle

        try:
            return pickle.dumps(obj, protocol=pickle.HIGHEST_PROTOCOL)
        except (TypeError, AttributeError, ValueError, RecursionError, pickle.PickleError) as exc:
            raise _unwritable("pickle", exc) from exc

    @staticmethod
    def loads(data: bytes) -> Any:
        import pickle

        try:
            return pickle.loads(data)  # noqa: S301 the user chose it and gets a warning
        except Exception as exc:  # a broken pickle may raise any error
            raise _unreadable("pickle", data, exc) from exc


def reader_of(serializer: Serializer) -> Callable[[bytes], Any]:
    """Return a function that reads this serializer's bytes, and JSON objects that other programs push."""

    def read(data: bytes) -> Any:
        # Neither MessagePack nor pickle begins a dict with a brace.
        return (JsonSerializer if data[:1] == b"{" else serializer).loads(data)

    return read


def _unwritable(form: str, exc: Exception) -> SerializeError:
    return SerializeError(f"can't be written as {form}: {exc}")


def _unreadable(form: str, data: bytes, exc: Exception) -> SerializeError:
    return SerializeError(f"not {form}: {data[:80]!r}: {exc}")
