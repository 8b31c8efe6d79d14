"""The nodes of an XML document and the rows of a CSV file, one by one."""

from collections.abc import Iterator
from typing import Any

from aioscrapy.http.response import Response
from aioscrapy.spiders.feed_reader import csviter, xmliter_lxml

__all__ = ["csviter", "xmliter", "xmliter_lxml"]


def xmliter(obj: Any, nodename: str) -> Iterator[Any]:
    """Yield a selector for each node of this name.

    Raises:
        TypeError: it is neither a response nor a text.
    """
    if not isinstance(obj, (Response, str, bytes)):
        raise TypeError(f"xmliter needs a response, a str or bytes, not {type(obj).__name__}")
    return xmliter_lxml(obj, nodename)
