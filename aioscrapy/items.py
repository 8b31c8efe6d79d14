"""Items of every kind (dict, dataclass, attrs, pydantic): the only file that knows itemadapter."""

import sys
from functools import cache
from types import ModuleType
from typing import Any, cast

_ATOMS = frozenset({str, bytes, int, float, bool, type(None)})


def is_item(value: object) -> bool:
    """Tell whether a value is an item: a dict, or an instance of a class that itemadapter knows."""
    return isinstance(value, dict) or bool(_itemadapter().is_item(value))


def adapter(item: object) -> Any:
    """Return the item as an `itemadapter.ItemAdapter`: a mapping of its fields that are set.

    Raises:
        TypeError: it is no item.
    """
    return _itemadapter().ItemAdapter(item)


def as_dict(item: object) -> dict[str, Any]:
    """Return the item as a dict; items that stand in its fields are dicts too.

    Raises:
        TypeError: it is no item.
    """
    if type(item) is dict and _is_plain(item):
        return item  # most are; itemadapter would ask each value of each list what it is
    return cast("dict[str, Any]", adapter(item).asdict())


def _is_plain(value: Any) -> bool:
    kind = type(value)
    if kind in _ATOMS:
        return True
    if kind is list or kind is tuple:
        return all(map(_is_plain, value))
    return kind is dict and all(map(_is_plain, value.values()))


@cache
def _itemadapter() -> ModuleType:
    """Import itemadapter without Scrapy, which it would load wherever it is installed (0.5 s).

    A program that makes Scrapy's items has imported Scrapy by then, and gets itemadapter as it is.
    """
    if "scrapy" in sys.modules:
        import itemadapter

        return itemadapter
    sys.modules["scrapy"] = cast("ModuleType", None)  # the import system takes it for "not installed"
    try:
        import itemadapter
    finally:
        del sys.modules["scrapy"]
    return itemadapter
