"""The hooks of components, bound once: in the loop they are plain lists of functions to call."""

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Iterable
from functools import partial
from typing import Any, Concatenate, ParamSpec

Hook = Callable[..., Any]
P = ParamSpec("P")

# The default of an argument `spider` that a hook of ours takes, as Scrapy's has it, but never reads.
UNREAD: Any = object()


def passive(method: Any) -> Any:
    """Mark a hook that a base class has only for subclasses that call it: it is not called itself."""
    method.passive = True
    return method


def hooks(
    components: Iterable[object], contract: Callable[Concatenate[Any, P], Any], spider: object
) -> list[Callable[P, Any]]:
    """Return the method of each component that has the one of the contract, ready to be called.

    `contract` is a method of a class in aioscrapy.contracts: it names the hook and its arguments. A hook with
    one more argument gets the spider there, as in Scrapy and aio-scrapy.
    """
    name = contract.__name__
    arguments = len(inspect.signature(contract).parameters) - 1
    candidates = [
        getattr(component, name, None)
        for component in components
        if not _is_inherited(getattr(type(component), name, None), contract)
    ]
    return [_bound(hook, arguments, spider) for hook in candidates if callable(hook)]


def _is_inherited(method: Any, contract: Hook) -> bool:
    """Return True for a hook that the class has only from its contract or its base."""
    return method is contract or getattr(method, "passive", False)


def _bound(hook: Hook, arguments: int, spider: object) -> Hook:
    try:
        parameters = list(inspect.signature(hook).parameters.values())
    except (TypeError, ValueError):
        return hook
    positional = [p for p in parameters if p.kind in {p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD}]
    takes_more = len(positional) > arguments or any(p.kind is p.VAR_POSITIONAL for p in parameters)
    named = [p for p in parameters if p.name == "spider" and p.kind is not p.POSITIONAL_ONLY]
    if named and named[0].default is UNREAD:
        return hook
    if named and (named[0].kind is named[0].KEYWORD_ONLY or positional[arguments:] == named):
        return partial(hook, spider=spider)  # calls the hook without a Python function between
    return (lambda *args: hook(*args, spider)) if takes_more else hook


async def settle(value: Any) -> Any:
    """Return the result of a hook, awaited if it is awaitable; a Deferred counts too."""
    if isinstance(value, Awaitable):
        return await (value.asFuture(asyncio.get_running_loop()) if hasattr(value, "asFuture") else value)
    return value
