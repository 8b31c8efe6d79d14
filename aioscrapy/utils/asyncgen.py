"""Async iterables as lists, and plain ones as async ones."""

from collections.abc import AsyncIterable, AsyncIterator, Iterable
from typing import TypeVar

T = TypeVar("T")


async def collect_asyncgen(result: AsyncIterable[T]) -> list[T]:
    """Return all values of an async iterable."""
    return [value async for value in result]


async def as_async_generator(it: Iterable[T] | AsyncIterable[T]) -> AsyncIterator[T]:
    """Yield the values of an iterable of any kind."""
    if isinstance(it, AsyncIterable):
        async for value in it:
            yield value
    else:
        for value in it:
            yield value
