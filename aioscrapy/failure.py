"""The argument of an errback: an exception with the interface of Twisted's Failure."""

import sys
import traceback
from contextlib import suppress
from functools import cache
from typing import Any

from aioscrapy.ends import text_of
from aioscrapy.twisted_errors import ours_for

# Packages whose error classes stand for ours in `check` and `trap`.
_OTHERS = ("twisted.", "scrapy.")


def as_failure(exc: Any, request: Any = None) -> Any:
    """Return an exception with `value`, `type`, `check`, `trap` and the texts of a Failure, and `request`."""
    attributes: dict[str, Any] = {
        "value": exc,
        "type": type(exc),
        "tb": exc.__traceback__,
        "check": lambda *kinds: next((kind for kind in kinds if _is(exc, kind)), None),
        "trap": lambda *kinds: _trap(exc, kinds),
        "getErrorMessage": lambda: text_of(exc),
        "getTraceback": lambda *_, **__: "".join(traceback.format_exception(exc)),
        "getBriefTraceback": lambda *_, **__: "".join(traceback.format_exception(exc)),
        "getTracebackObject": lambda: exc.__traceback__,
        "printTraceback": lambda *_, **__: traceback.print_exception(exc),
        "printBriefTraceback": lambda *_, **__: traceback.print_exception(exc),
        "printDetailedTraceback": lambda *_, **__: traceback.print_exception(exc),
        "raiseException": lambda: _raise(exc),
        "cleanFailure": lambda: None,
    }
    if request is not None:
        attributes["request"] = request
    for name, value in attributes.items():
        try:
            setattr(exc, name, value)
        except Exception:  # noqa: BLE001 a frozen class, or a property of the project's own
            vars(exc)[name] = value
    _make_instance(exc)
    return exc


def _make_instance(exc: BaseException) -> None:
    """Let `isinstance(exc, Failure)` be True if a project has imported Twisted's Failure.

    Not for an exception of Python itself, such as ValueError: its class can't be changed.
    """
    failure = getattr(sys.modules.get("twisted.python.failure"), "Failure", None)
    if failure is None or isinstance(exc, failure):
        return
    cls: Any = type(exc)  # as a key of the cache
    with suppress(TypeError):
        exc.__class__ = _joined(cls, failure)


@cache
def _joined(cls: type[Any], failure: type[Any]) -> type[Any]:
    """Return a class with the name and the texts of an exception's class, which is a Failure too."""
    names = ("__str__", "__repr__", "__reduce__", "__setstate__")
    attributes = {name: getattr(cls, name) for name in names}
    return type(
        cls.__name__,
        (cls, failure),
        {**attributes, "__module__": cls.__module__, "__qualname__": cls.__qualname__},
    )


def _raise(exc: BaseException) -> None:
    raise exc


def _trap(exc: Any, kinds: tuple[Any, ...]) -> Any:
    kind = exc.check(*kinds)
    if kind is None:
        raise exc
    return kind


def _is(exc: BaseException, kind: Any) -> bool:
    """Return True if an exception is of a class, or of our class for one of Twisted or Scrapy."""
    path = kind if isinstance(kind, str) else f"{kind.__module__}.{kind.__qualname__}"
    if path.startswith(_OTHERS) and isinstance(exc, ours_for(path)):
        return True
    if isinstance(kind, str):
        return any(kind == f"{cls.__module__}.{cls.__qualname__}" for cls in type(exc).__mro__)
    return isinstance(exc, kind)
