"""Small functions of aio-scrapy that programs import."""

import asyncio
import inspect
from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")


async def call_helper(fn: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Call a plain or a coroutine function, and return its result."""
    result = fn(*args, **kwargs)
    return await result if inspect.isawaitable(result) else result


async def async_generator_wrapper(wrapped: Any) -> Any:
    """Yield the elements of an async generator, a generator or a list, or one other value."""
    if hasattr(wrapped, "__aiter__"):
        async for element in wrapped:
            yield element
    elif inspect.isgenerator(wrapped) or isinstance(wrapped, list | tuple):
        for element in wrapped:
            yield element
    else:
        yield await wrapped if inspect.isawaitable(wrapped) else wrapped


def singleton(cls: type[T]) -> Callable[..., T]:
    """Return a function that creates the one object of a class, and returns it from then on."""
    created: list[T] = []

    def only(*args: Any, **kwargs: Any) -> T:
        if not created:
            created.append(cls(*args, **kwargs))
        return created[0]

    return only


def create_task(coros: Any, name: str | None = None) -> "asyncio.Task[Any]":
    """Start a coroutine as a task."""
    return asyncio.get_running_loop().create_task(coros, name=name)
