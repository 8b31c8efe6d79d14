"""Text and bytes, lists, and the arguments of functions."""

import gc
import inspect
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable, Iterator, Mapping
from functools import partial, wraps
from itertools import chain
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

T = TypeVar("T")

# Control characters that text does not have.
_BINARY = frozenset(range(32)) - frozenset(b"\0\t\n\r")


def to_unicode(text: str | bytes, encoding: str | None = None, errors: str = "strict") -> str:
    """Return a text as str; UTF-8 is the default encoding.

    Raises:
        TypeError: it is neither str nor bytes.
    """
    if isinstance(text, str):
        return text
    if not isinstance(text, bytes):
        raise TypeError(f"to_unicode must receive bytes or str, got {type(text).__name__}")
    return text.decode(encoding or "utf-8", errors)


def to_bytes(text: str | bytes, encoding: str | None = None, errors: str = "strict") -> bytes:
    """Return a text as bytes; UTF-8 is the default encoding.

    Raises:
        TypeError: it is neither str nor bytes.
    """
    if isinstance(text, bytes):
        return text
    if not isinstance(text, str):
        raise TypeError(f"to_bytes must receive str or bytes, got {type(text).__name__}")
    return text.encode(encoding or "utf-8", errors)


def is_listlike(value: Any) -> bool:
    """Return True for an iterable that is not a text."""
    return hasattr(value, "__iter__") and not isinstance(value, (str, bytes))


def unique(values: Iterable[T], key: Callable[[T], Any] = lambda value: value) -> list[T]:
    """Return the values without those whose key came before, in their order."""
    first: dict[Any, T] = {}
    for value in values:
        first.setdefault(key(value), value)
    return list(first.values())


def flatten(values: Iterable[Any]) -> list[Any]:
    """Return one list of nested lists."""
    return list(iflatten(values))


def iflatten(values: Iterable[Any]) -> Iterator[Any]:
    """Yield the values of nested lists."""
    for value in values:
        if is_listlike(value):
            yield from iflatten(value)
        else:
            yield value


def binary_is_text(data: bytes) -> bool:
    """Return True if there is no control character in `data`.

    Raises:
        TypeError: it is not bytes.
    """
    if not isinstance(data, bytes):
        raise TypeError(f"data must be bytes, got {type(data).__name__!r}")
    return _BINARY.isdisjoint(data)


def memoizemethod_noargs(method: Callable[..., T]) -> Callable[..., T]:
    """Keep the result of a method for as long as its object lives."""
    results: WeakKeyDictionary[Any, T] = WeakKeyDictionary()

    @wraps(method)
    def remembered(self: Any, *args: Any, **kwargs: Any) -> T:
        if self not in results:
            results[self] = method(self, *args, **kwargs)
        return results[self]

    return remembered


def get_func_args_dict(func: Callable[..., Any], stripself: bool = False) -> Mapping[str, inspect.Parameter]:
    """Return name -> parameter of a callable, without those that a partial has bound.

    Raises:
        TypeError: it is not callable.
    """
    if not callable(func):
        raise TypeError(f"func must be callable, got {type(func).__name__!r}")
    try:
        parameters = inspect.signature(func).parameters
    except ValueError:
        return {}
    bound = func.keywords if isinstance(func, partial) else {}
    return {
        name: parameter
        for name, parameter in parameters.items()
        if name not in bound and not (stripself and name == "self")
    }


def get_func_args(func: Callable[..., Any], stripself: bool = False) -> list[str]:
    """Return the names of the arguments of a callable."""
    return list(get_func_args_dict(func, stripself))


def get_spec(func: Callable[..., Any]) -> tuple[list[str], dict[str, Any]]:
    """Return the names of the arguments without a default, and name -> default of the others.

    Raises:
        TypeError: it is not callable.
    """
    if not callable(func):
        raise TypeError(f"{type(func)} is not callable")
    is_plain = inspect.isfunction(func) or inspect.ismethod(func)
    spec = inspect.getfullargspec(func if is_plain else type(func).__call__)
    if inspect.isclass(func):
        spec = inspect.getfullargspec(func.__call__)
    required = len(spec.args) - len(spec.defaults or ())
    return spec.args[:required], dict(zip(spec.args[required:], spec.defaults or (), strict=True))


def without_none_values(values: Any) -> Any:
    """Return a dict without the keys whose value is None, or another iterable without None."""
    if isinstance(values, Mapping):
        return {key: value for key, value in values.items() if value is not None}
    return type(values)(value for value in values if value is not None)


def global_object_name(obj: Any) -> str:
    """Return the dotted path of a class or a function."""
    if isinstance(obj, partial):
        obj = obj.func
    return f"{obj.__module__}.{obj.__qualname__}"


def equal_attributes(one: Any, other: Any, attributes: Iterable[Any] | None) -> bool:
    """Return True if both objects have equal values of these attributes; a callable is called with both."""
    if not attributes:
        return False
    missing = object()
    return all(
        attribute(one) == attribute(other)
        if callable(attribute)
        else getattr(one, attribute, missing) == getattr(other, attribute, missing)
        for attribute in attributes
    )


def garbage_collect() -> None:
    """Run the garbage collector, twice for objects with a finalizer."""
    gc.collect()
    gc.collect()


class MutableChain(Iterator[T]):
    """A chain of iterables that grows while it is read."""

    def __init__(self, *iterables: Iterable[T]) -> None:
        self.data: Iterator[T] = chain.from_iterable(iterables)

    def extend(self, *iterables: Iterable[T]) -> None:
        """Add iterables at the end."""
        self.data = chain(self.data, chain.from_iterable(iterables))

    def __next__(self) -> T:
        return next(self.data)


class MutableAsyncChain(AsyncIterator[T]):
    """The same for async iterables and plain ones."""

    def __init__(self, *iterables: Iterable[T] | AsyncIterable[T]) -> None:
        self.data = _joined(*iterables)

    def extend(self, *iterables: Iterable[T] | AsyncIterable[T]) -> None:
        """Add iterables at the end."""
        self.data = _joined(self.data, _joined(*iterables))

    async def __anext__(self) -> T:
        return await anext(self.data)


async def _joined(*iterables: Iterable[T] | AsyncIterable[T]) -> AsyncIterator[T]:
    for iterable in iterables:
        if isinstance(iterable, AsyncIterable):
            async for value in iterable:
                yield value
        else:
            for value in iterable:
                yield value
