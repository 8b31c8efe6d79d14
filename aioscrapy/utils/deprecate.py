"""Old names of classes and attributes that still work, with a warning."""

import inspect
import warnings
from collections.abc import Callable
from typing import Any

from aioscrapy.exceptions import ScrapyDeprecationWarning

# The old beginning of a component's path -> the new one; Scrapy has no such rule now.
DEPRECATION_RULES: list[tuple[str, str]] = []


def attribute(obj: Any, oldattr: str, newattr: str, version: str = "0.12") -> None:
    """Warn that an attribute has a new name."""
    name = type(obj).__name__
    warnings.warn(
        f"{name}.{oldattr} attribute is deprecated and will be no longer supported in Scrapy {version}, "
        f"use {name}.{newattr} attribute instead",
        category=ScrapyDeprecationWarning,
        stacklevel=3,
    )


def create_deprecated_class(  # noqa: C901, PLR0913, PLR0917 Scrapy's signature, one closure
    name: str,
    new_class: type,
    clsdict: dict[str, Any] | None = None,
    warn_category: type[Warning] = ScrapyDeprecationWarning,
    warn_once: bool = True,
    old_class_path: str | None = None,
    new_class_path: str | None = None,
    subclass_warn_message: str = "{cls} inherits from deprecated class {old}, please inherit from {new}.",
    instance_warn_message: str = "{cls} is deprecated, instantiate {new} instead.",
) -> type:
    """Return a class under an old name: it warns as a base and at a call, and checks as the new class."""
    meta: Any = type(new_class)
    state: dict[str, Any] = {"class": None, "warned": False}

    def warn(message: str, cls: type) -> None:
        old = old_class_path or _path(state["class"] or cls)
        new = new_class_path or _path(new_class)
        warnings.warn(message.format(cls=_path(cls), old=old, new=new), warn_category, stacklevel=3)

    class DeprecatedClass(meta):  # type: ignore[misc]  # the metaclass of an argument
        """Warns of the old name."""

        def __new__(mcs, name: str, bases: tuple[type, ...], namespace: dict[str, Any], **kwargs: Any) -> Any:
            cls = super().__new__(mcs, name, bases, namespace, **kwargs)
            if state["class"] is None:
                state["class"] = cls
            return cls

        def __init__(cls, name: str, bases: tuple[type, ...], namespace: dict[str, Any]) -> None:
            old = state["class"]
            if old in bases and not (warn_once and state["warned"]):
                state["warned"] = True
                text = f"{_path(cls)} inherits from deprecated class {{old}}, please inherit from {{new}}."
                more = " (warning only on first subclass, there may be others)" if warn_once else ""
                warn((subclass_warn_message or text) + more, cls)
            super().__init__(name, bases, namespace)

        def __instancecheck__(cls, instance: Any) -> bool:
            return any(cls.__subclasscheck__(kind) for kind in (type(instance), instance.__class__))

        def __subclasscheck__(cls, subclass: type) -> bool:
            if cls is not state["class"]:
                return bool(super().__subclasscheck__(subclass))
            if not inspect.isclass(subclass):
                raise TypeError("issubclass() arg 1 must be a class")
            return any(base in {cls, new_class} for base in subclass.__mro__)

        def __call__(cls, *args: Any, **kwargs: Any) -> Any:
            if cls is state["class"]:
                warn(instance_warn_message, cls)
            return super().__call__(*args, **kwargs)

    deprecated: type = DeprecatedClass(name, (new_class,), clsdict or {})
    frame = inspect.stack()[1]
    module = inspect.getmodule(frame[0])
    if module is not None:
        deprecated.__module__ = module.__name__
    return deprecated


def _path(cls: type) -> str:
    return f"{cls.__module__}.{cls.__name__}"


def update_classpath(path: Any) -> Any:
    """Return a component's path; one that begins as a rule says, with its new beginning and a warning."""
    for old, new in DEPRECATION_RULES if isinstance(path, str) else ():
        if path.startswith(old):
            renamed = path.replace(old, new, 1)
            text = f"`{path}` class is deprecated, use `{renamed}` instead"
            warnings.warn(text, ScrapyDeprecationWarning, stacklevel=2)
            return renamed
    return path


def method_is_overridden(subclass: type, base_class: type, method_name: str) -> bool:
    """Return True if a subclass defines a method of its base anew."""
    mine: Callable[..., Any] = getattr(subclass, method_name)
    base: Callable[..., Any] = getattr(base_class, method_name)
    return mine.__code__ is not base.__code__


def argument_is_required(func: Callable[..., Any], arg_name: str) -> bool:
    """Return True if a function has an argument of this name without a default."""
    parameter = inspect.signature(func).parameters.get(arg_name)
    return parameter is not None and parameter.default is inspect.Parameter.empty
