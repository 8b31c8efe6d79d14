"""Items whose fields are declared, as in Scrapy: a dict that accepts no other keys."""

from copy import deepcopy
from typing import Any, ClassVar, NoReturn, Self


class Field(dict[str, Any]):
    """A declared field of an item; its keyword arguments are notes for exporters and pipelines."""


class Item(dict[str, Any]):
    """A dict with declared fields: `class Offer(Item): title = Field()`.

    Fields are read and set by key; a subclass inherits the fields of its bases.

    Attributes:
        fields: name -> Field.

    Raises:
        KeyError: a key is not a declared field.
        AttributeError: a field is read or set as an attribute.
    """

    fields: ClassVar[dict[str, Field]] = {}

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls.fields = {}
        for base in reversed(cls.__mro__):
            cls.fields.update(vars(base).get("fields", {}))
        for name, value in list(vars(cls).items()):
            if isinstance(value, Field):
                cls.fields[name] = value
                delattr(cls, name)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__()
        self.update(*args, **kwargs)

    def __setitem__(self, name: str, value: Any) -> None:
        if name not in self.fields:
            raise KeyError(f"{type(self).__name__} does not support field: {name}")
        super().__setitem__(name, value)

    def __getattr__(self, name: str) -> NoReturn:
        hint = f" (use item[{name!r}])" if name in self.fields else ""
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}{hint}")

    def __setattr__(self, name: str, value: Any) -> None:
        if not name.startswith("_"):
            raise AttributeError(f"{type(self).__name__}: use item[{name!r}] = {value!r} to set a field")
        super().__setattr__(name, value)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({super().__repr__()})"

    def update(self, *args: Any, **kwargs: Any) -> None:
        """Set several fields."""
        for name, value in dict(*args, **kwargs).items():
            self[name] = value

    def setdefault(self, name: str, default: Any = None) -> Any:
        """Set a field unless it is set; returns its value."""
        if name not in self:
            self[name] = default
        return self[name]

    def __ior__(self, other: Any) -> Self:  # type: ignore[misc,override]  # dict's accepts any keys
        self.update(other)
        return self

    def copy(self) -> Self:
        """Return an item with the same values."""
        return type(self)(self)

    def deepcopy(self) -> Self:
        """Return an item with copies of the values."""
        return deepcopy(self)
