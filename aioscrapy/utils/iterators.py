"""The nodes of an XML document and the rows of a CSV file, one by one."""

from collections.abc import Iterator
from typing import Any

from aioscrapy.spiders.feed_reader import csviter, xmliter_lxml

__all__ = ["csviter", "xmliter", "xmliter_lxml"]


def xmliter(obj: Any, nodename: str) -> Iterator[Any]:
    """Yield a selector for each node of this name."""
    return xmliter_lxml(obj, nodename)
