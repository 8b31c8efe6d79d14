"""Decorators for functions: deprecated, in a thread."""

import asyncio
import warnings
from collections.abc import Callable
from functools import wraps
from typing import Any

from aioscrapy.exceptions import ScrapyDeprecationWarning


def deprecated(use_instead: Any = None) -> Any:
    """Warn at each call of a function; the argument names what to use instead."""

    def decorate(func: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(func)
        def warned(*args: Any, **kwargs: Any) -> Any:
            instead = f" Use {use_instead} instead." if use_instead else ""
            warnings.warn(
                f"Call to deprecated function {func.__name__}.{instead}",
                category=ScrapyDeprecationWarning,
                stacklevel=2,
            )
            return func(*args, **kwargs)

        return warned

    if callable(use_instead):
        function, use_instead = use_instead, None
        return decorate(function)
    return decorate


def inthread(func: Callable[..., Any]) -> Callable[..., Any]:
    """Run a function in a thread; a call returns an awaitable, where Scrapy returns a Deferred."""

    @wraps(func)
    def threaded(*args: Any, **kwargs: Any) -> Any:
        return asyncio.ensure_future(asyncio.to_thread(func, *args, **kwargs))

    return threaded
