"""Values of a request that JSON does not know, as JSON values, and back.

A value is {"$": kind, "v": value}. Only the kinds of this file exist: nothing in a store can make a worker
import a module or call a function. An item's class must be loaded already, which its spider does.
"""

import sys
from base64 import b64decode, b64encode
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from aioscrapy.items import adapter, is_item, is_item_class
from aioscrapy.link import Link

_TAG = "$"

_PACK: dict[type, tuple[str, Callable[[Any], Any]]] = {
    bytes: ("bytes", lambda value: b64encode(value).decode("ascii")),
    date: ("date", date.isoformat),
    datetime: ("datetime", datetime.isoformat),
    Decimal: ("decimal", str),
    Link: ("link", lambda link: [link.url, link.text, link.fragment, link.nofollow]),
    time: ("time", time.isoformat),
    timedelta: ("timedelta", lambda value: [value.days, value.seconds, value.microseconds]),
    UUID: ("uuid", str),
}
_UNPACK: dict[str, Callable[[Any], Any]] = {
    "bytes": b64decode,
    "date": date.fromisoformat,
    "datetime": datetime.fromisoformat,
    "decimal": Decimal,
    "dict": lambda pairs: {unpack(key): unpack(value) for key, value in pairs},
    "frozenset": lambda values: frozenset(map(unpack, values)),
    "item": lambda value: _item_of(*value),
    "link": lambda value: Link(*value),
    "set": lambda values: set(map(unpack, values)),
    "time": time.fromisoformat,
    "timedelta": lambda value: timedelta(*value),
    "tuple": lambda values: tuple(map(unpack, values)),
    "uuid": UUID,
}


def pack(value: Any, place: str = "") -> Any:
    """Return a value as JSON values; `place` is its position in the request, for the error.

    Raises:
        TypeError: of a kind that can't be stored; the text names it and its position.
    """
    kind = type(value)
    if value is None or kind in {str, int, float, bool}:
        return value
    if kind in _PACK:
        name, function = _PACK[kind]
        return {_TAG: name, "v": function(value)}
    if isinstance(value, dict):
        return _packed_dict(value, place)
    if isinstance(value, list | tuple | set | frozenset):
        values = [pack(inner, f"{place}[{index}]") for index, inner in enumerate(value)]
        return values if isinstance(value, list) else {_TAG: _name_of(value), "v": values}
    if is_item(value):
        return {_TAG: "item", "v": [kind.__module__, kind.__qualname__, _packed_dict(adapter(value), place)]}
    if isinstance(value, str):  # of a subclass: the value without its class
        return str(value)
    if isinstance(value, int | float):
        return value.real
    raise TypeError(f"{place}: {kind.__name__} can't be stored: {str(value)[:80]!r}")


def _packed_dict(values: Any, place: str) -> dict[str, Any]:
    pairs = [(key, pack(inner, f"{place}[{key!r}]")) for key, inner in values.items()]
    if _TAG not in values and all(type(key) is str for key, _ in pairs):
        return dict(pairs)
    return {_TAG: "dict", "v": [[pack(key, f"{place}[{key!r}]"), inner] for key, inner in pairs]}


def _name_of(value: Any) -> str:
    return next(kind.__name__ for kind in (tuple, set, frozenset) if isinstance(value, kind))


def unpack(value: Any) -> Any:
    """Return the value that `pack` has packed.

    Raises:
        ValueError: it is not such a value, or the class of an item is not loaded.
    """
    if isinstance(value, list):
        return [unpack(inner) for inner in value]
    if not isinstance(value, dict):
        return value
    if _TAG not in value:
        return {key: unpack(inner) for key, inner in value.items()}
    try:
        function = _UNPACK[value[_TAG]]
        return function(value["v"])
    except (KeyError, TypeError, ArithmeticError) as exc:
        raise ValueError(f"not a stored value: {str(value)[:80]}: {exc!r}") from exc


def _item_of(module: str, name: str, fields: dict[str, Any]) -> Any:
    candidate: Any = sys.modules.get(module)
    for part in name.split("."):
        candidate = getattr(candidate, part, None)
    if not (isinstance(candidate, type) and is_item_class(candidate)):
        raise ValueError(f"no loaded module has an item class {module}.{name}")
    return candidate(**unpack(fields))
