"""What a callback returned, as an iterable."""

from collections.abc import AsyncIterable, Awaitable, Iterable
from typing import Any

from aioscrapy.http.request import Request
from aioscrapy.items import is_item


def iterate_spider_output(result: Any) -> Any:
    """Return the outputs: an iterable as it is, one output as a list, None as an empty list.

    An async generator or an awaitable is returned as it is.
    """
    if result is None:
        return []
    if isinstance(result, AsyncIterable | Awaitable):
        return result
    if isinstance(result, Request | str | bytes) or not isinstance(result, Iterable) or is_item(result):
        return [result]
    return result
