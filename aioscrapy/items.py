"""Items of every kind (dict, Item, dataclass, attrs, pydantic): the only file that knows itemadapter."""

import asyncio
import sys
from functools import cache
from types import AsyncGeneratorType, CoroutineType, GeneratorType, ModuleType
from typing import Any, cast

# Results of a function that is not run to its end: the mistake is `yield self.parse_more(response)`.
_RUNNING = (GeneratorType, AsyncGeneratorType, CoroutineType, asyncio.Future)
_ATOMS = frozenset({str, bytes, int, float, bool, type(None)})


def is_item(value: object) -> bool:
    """Return True for an item: a dict, or an instance of a class that itemadapter knows."""
    return isinstance(value, dict) or bool(_itemadapter().is_item(value))


def is_running(value: object) -> bool:
    """Return True for a generator, a coroutine or a future, which no item can be."""
    return isinstance(value, _RUNNING)


def is_item_class(candidate: type) -> bool:
    """Return True for a class of items."""
    return bool(_itemadapter().ItemAdapter.is_item_class(candidate))


def adapter(item: object) -> Any:
    """Return the item as an `itemadapter.ItemAdapter`: a mapping of the fields that are set.

    Raises:
        TypeError: it is not an item.
    """
    return _itemadapter().ItemAdapter(item)


def as_dict(item: object) -> dict[str, Any]:
    """Return the item as a dict; items in its fields become dicts too.

    Raises:
        TypeError: it is not an item.
    """
    if type(item) is dict and _is_plain(item):
        return item  # the usual case; itemadapter would examine every value of every list
    return cast("dict[str, Any]", adapter(item).asdict())


def register(item_class: type) -> None:
    """Make itemadapter treat a class with declared `fields`, and its subclasses, as item classes."""
    loaded = sys.modules.get("itemadapter")
    if loaded is not None and not hasattr(loaded, "ItemAdapter"):
        return  # itemadapter imports this class itself, as that of Scrapy
    adapters = _itemadapter().adapter

    class DeclaredItemAdapter(adapters.ScrapyItemAdapter):  # type: ignore[misc,name-defined]  # loaded on use
        @classmethod
        def is_item(cls, item: Any) -> bool:
            return isinstance(item, item_class)

        @classmethod
        def is_item_class(cls, candidate: type) -> bool:
            return issubclass(candidate, item_class)

    adapters.ItemAdapter.ADAPTER_CLASSES.appendleft(DeclaredItemAdapter)


def _is_plain(value: Any) -> bool:
    kind = type(value)
    if kind in _ATOMS:
        return True
    if kind is list or kind is tuple:
        return all(map(_is_plain, value))
    return kind is dict and all(map(_is_plain, value.values()))


@cache
def _itemadapter() -> ModuleType:
    """Import itemadapter without Scrapy, which it imports (0.5 s) if Scrapy is installed.

    A program with Scrapy's items has imported Scrapy before, and gets the complete itemadapter.
    """
    if "scrapy" in sys.modules:
        import itemadapter

        return itemadapter
    sys.modules["scrapy"] = cast("ModuleType", None)  # for the import system: not installed
    try:
        import itemadapter
    finally:
        del sys.modules["scrapy"]
    return itemadapter
