"""Twisted's Deferreds and asyncio's awaitables, each as the other; only this file needs Twisted.

asyncio runs the crawl, and the reactor that a Deferred waits for.
"""

import asyncio
import inspect
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from functools import wraps
from typing import Any

from twisted.internet.defer import Deferred, DeferredList, fail, succeed
from twisted.internet.task import Cooperator
from twisted.python.failure import Failure


def _failure() -> Any:
    """Return the exception that is handled now as a Failure."""
    return Failure()  # type: ignore[no-untyped-call]  # Twisted's


def deferred_from_coro(o: Any) -> Any:
    """Return a Deferred of an awaitable; another value is returned itself."""
    if isinstance(o, Deferred) or not inspect.isawaitable(o):
        return o
    return Deferred.fromFuture(_future(o))


def _future(o: Any) -> asyncio.Future[Any]:
    """Return the future of an awaitable, in the running loop or in that of a reactor which will run."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        loop: Any = getattr(sys.modules.get("twisted.internet.reactor"), "_asyncioEventloop", None)
        if loop is not None and inspect.iscoroutine(o):
            task: asyncio.Future[Any] = loop.create_task(o)
            return task
    future: asyncio.Future[Any] = asyncio.ensure_future(o)
    return future


def deferred_f_from_coro_f(coro_f: Callable[..., Awaitable[Any]]) -> Callable[..., Any]:
    """Return a function that returns a Deferred of a coroutine function's result."""

    @wraps(coro_f)
    def deferring(*args: Any, **kwargs: Any) -> Any:
        return deferred_from_coro(coro_f(*args, **kwargs))

    return deferring


def maybeDeferred_coro(f: Callable[..., Any], *args: Any, **kw: Any) -> Any:  # noqa: N802 Scrapy's name
    """Call a function; return a Deferred of its result or of its exception."""
    try:
        result = f(*args, **kw)
    except BaseException:  # noqa: BLE001 the Deferred has it
        return fail(_failure())
    if isinstance(result, Deferred):
        return result
    if inspect.isawaitable(result):
        return deferred_from_coro(result)
    return fail(result) if isinstance(result, Failure) else succeed(result)


def deferred_to_future(d: Any) -> asyncio.Future[Any]:
    """Return a future of a Deferred, for `await` in callbacks and components.

    Raises:
        RuntimeError: no event loop runs.
    """
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        raise RuntimeError(
            "deferred_to_future() requires an installed asyncio reactor or a running asyncio event loop."
        ) from None
    future: asyncio.Future[Any] = d.asFuture(loop) if hasattr(d, "asFuture") else asyncio.ensure_future(d)
    return future


def maybe_deferred_to_future(d: Any) -> asyncio.Future[Any]:
    """Return a future of a Deferred: asyncio always runs the crawl."""
    return deferred_to_future(d)


def ensure_awaitable(o: Any, _warn: str | None = None) -> Awaitable[Any]:
    """Return something to await: of a Deferred, of an awaitable, of a value."""
    if isinstance(o, Deferred):
        return deferred_to_future(o)
    if inspect.isawaitable(o):
        return o

    async def value() -> Any:
        return o

    return value()


def parallel(
    iterable: Iterable[Any],
    count: int,
    callable: Callable[..., Any],  # noqa: A002 Scrapy's name
    *args: Any,
    **named: Any,
) -> Any:
    """Call a function for each value, `count` at a time; return a Deferred of the end."""
    cooperator = Cooperator()
    calls = (callable(value, *args, **named) for value in iterable)
    return DeferredList([cooperator.coiterate(calls) for _ in range(count)])


def parallel_async(
    async_iterable: AsyncIterator[Any],
    count: int,
    callable: Callable[..., Any],  # noqa: A002 Scrapy's name
    *args: Any,
    **named: Any,
) -> Any:
    """Do the same for the values of an async iterable."""
    lock = asyncio.Lock()

    async def work() -> None:
        while True:
            async with lock:  # an async generator gives one value at a time
                try:
                    value = await anext(async_iterable)
                except StopAsyncIteration:
                    return
            await ensure_awaitable(callable(value, *args, **named))

    return DeferredList([deferred_from_coro(work()) for _ in range(count)])


def process_chain(callbacks: Iterable[Callable[..., Any]], input: Any, *a: Any, **kw: Any) -> Any:  # noqa: A002 Scrapy's name
    """Return a Deferred of a value that passes through functions, one after the other."""
    d: Deferred[Any] = Deferred()
    for callback in callbacks:
        d.addCallback(callback, *a, **kw)
    d.callback(input)
    return d


def process_parallel(callbacks: Iterable[Callable[..., Any]], input: Any, *a: Any, **kw: Any) -> Any:  # noqa: A002 as above
    """Return a Deferred of the results of functions that all get the same value."""
    each = [succeed(input).addCallback(callback, *a, **kw) for callback in callbacks]
    d = DeferredList(each, fireOnOneErrback=True, consumeErrors=True)
    return d.addCallbacks(lambda pairs: [pair[1] for pair in pairs], lambda failure: failure.value.subFailure)


def iter_errback(iterable: Iterable[Any], errback: Callable[..., Any], *a: Any, **kw: Any) -> Iterator[Any]:
    """Yield the values of an iterable; give an exception of it to `errback`."""
    values = iter(iterable)
    while True:
        try:
            yield next(values)
        except StopIteration:
            return
        except Exception:  # noqa: BLE001 that is its job
            errback(_failure(), *a, **kw)


async def aiter_errback(
    aiterable: AsyncIterator[Any], errback: Callable[..., Any], *a: Any, **kw: Any
) -> AsyncIterator[Any]:
    """Yield the values of an async iterable; give an exception of it to `errback`."""
    values = aiter(aiterable)
    while True:
        try:
            yield await anext(values)
        except StopAsyncIteration:
            return
        except Exception:  # noqa: BLE001 that is its job
            errback(_failure(), *a, **kw)
