"""Items whose fields are declared, as in Scrapy: a mapping that accepts no other keys."""

from abc import ABCMeta
from collections.abc import Iterator, KeysView, MutableMapping
from copy import deepcopy
from pprint import pformat
from typing import Any, ClassVar, NoReturn, Self

from aioscrapy.items import register


class Field(dict[str, Any]):
    """A declared field of an item; its keyword arguments are notes for exporters and pipelines."""


class ItemMeta(ABCMeta):
    """Collects the fields of an item class and of its bases, in the order of their declaration."""

    def __new__(
        mcs, name: str, bases: tuple[type, ...], namespace: dict[str, Any], **kwargs: Any
    ) -> "ItemMeta":
        declared = dict(namespace.get("fields") or {})
        declared.update({key: value for key, value in namespace.items() if isinstance(value, Field)})
        rest = {key: value for key, value in namespace.items() if not isinstance(value, Field)}
        rest["_declared"] = declared
        cls = super().__new__(mcs, name, bases, rest, **kwargs)
        fields: dict[str, Field] = {}
        for base in reversed(cls.__mro__):
            fields.update(vars(base).get("_declared", {}))
        cls.fields = fields  # type: ignore[attr-defined]  # declared by Item
        return cls


class Item(MutableMapping[str, Any], metaclass=ItemMeta):
    """A mapping with declared fields: `class Offer(Item): title = Field()`.

    Fields are read and set by key; a subclass inherits the fields of its bases.

    Attributes:
        fields: name -> Field, in the order of the declaration, those of the bases first.

    Raises:
        KeyError: a key is not a declared field.
        AttributeError: a field is read or set as an attribute.
    """

    fields: ClassVar[dict[str, Field]]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._values: dict[str, Any] = {}
        if args or kwargs:
            self.update(dict(*args, **kwargs))

    def __getitem__(self, name: str) -> Any:
        return self._values[name]

    def __setitem__(self, name: str, value: Any) -> None:
        if name not in self.fields:
            raise KeyError(f"{type(self).__name__} does not support field: {name}")
        self._values[name] = value

    def __delitem__(self, name: str) -> None:
        del self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    __hash__ = object.__hash__

    def __getattr__(self, name: str) -> NoReturn:
        hint = f" (use item[{name!r}])" if name in type(self).fields else ""
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}{hint}")

    def __setattr__(self, name: str, value: Any) -> None:
        if not name.startswith("_"):
            raise AttributeError(f"{type(self).__name__}: use item[{name!r}] = {value!r} to set a field")
        super().__setattr__(name, value)

    def __repr__(self) -> str:
        return pformat(dict(self))

    def __ior__(self, other: Any) -> Self:
        self.update(other)
        return self

    def __copy__(self) -> Self:
        return self.copy()

    def keys(self) -> KeysView[str]:
        """Return the names of the fields that are set."""
        return self._values.keys()

    def copy(self) -> Self:
        """Return an item with the same values."""
        return type(self)(self)

    def deepcopy(self) -> Self:
        """Return an item with copies of the values."""
        return deepcopy(self)


register(Item)
