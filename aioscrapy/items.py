"""Items of every kind (dict, dataclass, attrs, pydantic): the only file that knows itemadapter."""

import sys
from functools import cache
from types import ModuleType
from typing import Any, cast


def is_item(value: object) -> bool:
    """Tell whether a value is an item: a dict, or an instance of a class that itemadapter knows."""
    return isinstance(value, dict) or bool(_itemadapter().is_item(value))


def adapter(item: object) -> Any:
    """Return the item as an `itemadapter.ItemAdapter`: a mapping of its fields that are set.

    Raises:
        TypeError: it is no item.
    """
    return _itemadapter().ItemAdapter(item)


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
