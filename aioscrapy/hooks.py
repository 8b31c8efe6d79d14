"""The hooks of components, bound once: in the loop they are plain lists of functions to call."""

import asyncio
import inspect
import re
import sys
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from functools import cache, partial
from typing import Any, Concatenate, ParamSpec, TypeVar

Hook = Callable[..., Any]
P = ParamSpec("P")
T = TypeVar("T")

# The default of an argument `spider` that a hook of ours takes, as Scrapy's has it, but never reads.
UNREAD: Any = object()

_import_of_scrapy = re.compile(
    r"^[ \t]*(?:from[ \t]+|import[ \t]+(?:[^\n]*,[ \t]*)?)scrapy(?:_redis)?\b", re.MULTILINE
).search


def passive(method: Any) -> Any:
    """Mark a hook that a base class has only for subclasses that call it: it is not called itself."""
    method.passive = True
    return method


def leave_out(component: Any) -> None:
    """Call no hook of this component: it has nothing to do in this crawl."""
    component.left_out = True


def is_left_out(component: object) -> bool:
    """Return True if `leave_out` was called for this component."""
    return getattr(component, "left_out", False) is True


def hooks(
    components: Iterable[object],
    contract: Callable[Concatenate[Any, P], Any],
    spider: object,
    suffix: str = "",
) -> list[Callable[P, Any]]:
    """Return the method of each component that has the one of the contract, ready to be called.

    `contract` is a method of a class in aioscrapy.contracts: it names the hook and its arguments. A hook with
    one more argument gets the spider there, as in Scrapy and aio-scrapy. `suffix` is added to the name.
    """
    name = contract.__name__ + suffix
    arguments = len(inspect.signature(contract).parameters) - 1
    candidates = [
        getattr(component, name, None)
        for component in components
        if not is_left_out(component) and not _is_inherited(getattr(type(component), name, None), contract)
    ]
    return [_bound(hook, arguments, spider) for hook in candidates if callable(hook)]


def element_hooks(
    components: Iterable[object], contract: Callable[[Any, Any, Any], Any], spider: object
) -> list[Hook]:
    """Return the hooks for single elements of a stream: `hook(element, response)`, as `hooks` does.

    Where a class overrides a hook of the stream, that one calls the hook for its elements, by `super()`.
    """
    bound: list[Hook] = []
    for component in components:
        overrides = {name for name in _STREAM_HOOKS if _overrides(component, name)}
        for hook in hooks([component], contract, spider):
            if not overrides:
                bound.append(hook)
            elif "process_start" not in overrides:
                bound.append(partial(_at_start, hook))
            elif len(overrides) == 1:
                bound.append(partial(_with_response, hook))
    return bound


# Hooks of a spider middleware for all that comes from a callback, or from the start.
_STREAM_HOOKS = ("process_spider_output", "process_spider_output_async", "process_start")


def _overrides(component: object, name: str) -> bool:
    """Return True if the class of a component replaces a hook that one of its bases has only for it."""
    cls = type(component)
    is_base = any(getattr(base.__dict__.get(name), "passive", False) for base in cls.__mro__)
    return is_base and not getattr(getattr(cls, name), "passive", False)


def _at_start(hook: Hook, element: Any, response: Any) -> Any:
    return hook(element, response) if response is None else element


def _with_response(hook: Hook, element: Any, response: Any) -> Any:
    return element if response is None else hook(element, response)


def uses_scrapy(spider: object) -> bool:
    """Return True for a spider of Scrapy: the module of its class, or of a base, imports our `scrapy`."""
    if not isinstance(spider, getattr(sys.modules.get("scrapy"), "Spider", ())):  # not of the real one
        return False
    return is_of_scrapy(type(spider))


def is_of_scrapy(spider_class: type[Any]) -> bool:
    """Return True if the module of a class, or of a base, imports `scrapy`."""
    return any(_imports_scrapy(cls.__module__) for cls in spider_class.__mro__)


@cache
def _imports_scrapy(name: str) -> bool:
    if name in ("builtins", "abc") or name.startswith("aioscrapy."):
        return False
    try:
        source = inspect.getsource(sys.modules[name])
    except (KeyError, OSError, TypeError):  # made by a program, or compiled only
        return True
    return bool(_import_of_scrapy(source))


def own_hooks(spider: object, contract: Callable[Concatenate[Any, P], Any]) -> list[Callable[P, Any]]:
    """Return the spider's own hook, as aio-scrapy has it, if its arguments have the names of the contract.

    Another method of the name belongs to the project: a callback `process_item(response)`, or the
    `process_request(request, response)` of a Rule. Spiders of Scrapy have no hooks: if something has imported
    our `scrapy`, only a coroutine function counts.
    """
    method = getattr(spider, contract.__name__, None)
    if not callable(method) or (uses_scrapy(spider) and not inspect.iscoroutinefunction(method)):
        return []
    expected = [*inspect.signature(contract).parameters][1:]
    names = [*inspect.signature(method).parameters]
    return hooks([spider], contract, spider) if names in (expected, [*expected, "spider"]) else []


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


def completed(coroutine: Coroutine[Any, Any, T]) -> T:
    """Return the result of a coroutine that waits for nothing, where no event loop runs.

    Raises:
        RuntimeError: it has to wait.
    """
    try:
        coroutine.send(None)
    except StopIteration as end:
        return end.value  # type: ignore[no-any-return]  # the result of the coroutine
    coroutine.close()
    raise RuntimeError("a component has an asynchronous from_crawler: it can be built only in a crawl")
