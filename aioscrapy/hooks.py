"""The hooks of middlewares, looked up once: in the loop they are plain lists of functions to call."""

import inspect
from collections.abc import Awaitable, Callable, Iterable
from functools import partial
from typing import Any

Hook = Callable[..., Any]


def hooks(components: Iterable[Any], name: str, arguments: int, spider: Any) -> list[Hook]:
    """Return the hook `name` of each component that has it, ready to be called with `arguments` positionals.

    A hook that takes one more positional argument gets the spider there, as in Scrapy and aio-scrapy.
    """
    candidates = (getattr(component, name, None) for component in components)
    return [_bound(hook, arguments, spider) for hook in candidates if callable(hook)]


def _bound(hook: Hook, arguments: int, spider: Any) -> Hook:
    try:
        parameters = list(inspect.signature(hook).parameters.values())
    except (TypeError, ValueError):
        return hook
    positional = [p for p in parameters if p.kind in {p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD}]
    takes_more = len(positional) > arguments or any(p.kind is p.VAR_POSITIONAL for p in parameters)
    named = [p for p in parameters if p.name == "spider" and p.kind is not p.POSITIONAL_ONLY]
    if named and (named[0].kind is named[0].KEYWORD_ONLY or positional[arguments:] == named):
        return partial(hook, spider=spider)  # calls the hook without a Python function between
    return (lambda *given: hook(*given, spider)) if takes_more else hook


async def settle(value: Any) -> Any:
    """Return the result of a hook, awaited if it is awaitable."""
    return await value if isinstance(value, Awaitable) else value
