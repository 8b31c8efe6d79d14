"""How a request's dict becomes bytes in the queue, and back."""

import json
from typing import Any, Protocol

from aioscrapy.exceptions import SerializeError
from aioscrapy.log import logger

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
    """Compact JSON, ASCII only: readable in any Redis client. Tuples come back as lists."""

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
    """MessagePack: smaller than JSON, also holds bytes. Integers of 64 bits at most; tuples become lists."""

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
    """Pickle: holds almost anything, and runs whatever the writer of the bytes wants."""

    def __init__(self) -> None:
        logger.warning(
            "PickleSerializer: whoever can write to the queue can run code in this process; "
            "use JsonSerializer unless nobody else reaches that Redis"
        )

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
            return pickle.loads(data)  # noqa: S301 the user chose it, and was warned
        except Exception as exc:  # broken pickles raise anything
            raise _unreadable("pickle", data, exc) from exc


def _unwritable(form: str, exc: Exception) -> SerializeError:
    return SerializeError(f"can't be written as {form}: {exc}")


def _unreadable(form: str, data: bytes, exc: Exception) -> SerializeError:
    return SerializeError(f"not {form}: {data[:80]!r}: {exc}")
