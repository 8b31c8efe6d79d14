"""Count the living objects of some classes, to see what keeps memory."""

import time
from collections.abc import Iterator
from operator import itemgetter
from typing import Any, Self
from weakref import WeakKeyDictionary

NoneType = type(None)
# class -> its living objects; a class that a program creates and drops is not kept
live_refs: WeakKeyDictionary[type, WeakKeyDictionary[Any, float]] = WeakKeyDictionary()


class object_ref:  # noqa: N801 Scrapy's name
    """A base class whose living objects are counted."""

    __slots__ = ("__weakref__",)

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        self = object.__new__(cls)
        live_refs.setdefault(cls, WeakKeyDictionary())[self] = time.time()
        return self


def format_live_refs(ignore: Any = NoneType) -> str:
    """Return a table: class, living objects, age of the oldest in seconds."""
    now = time.time()
    rows = [
        f"{cls.__name__:<30} {len(objects):6}   oldest: {int(now - min(objects.values()))}s ago\n"
        for cls, objects in sorted(live_refs.items(), key=lambda pair: pair[0].__name__)
        if objects and not issubclass(cls, ignore)
    ]
    return "".join(["Live References\n\n", *rows])


def print_live_refs(*args: Any, **kwargs: Any) -> None:
    """Print the table."""
    print(format_live_refs(*args, **kwargs))  # noqa: T201 that is its job


def get_oldest(class_name: str) -> Any:
    """Return the oldest living object of a class; None if there is none."""
    for cls, objects in live_refs.items():
        if cls.__name__ == class_name and objects:
            return min(objects.items(), key=itemgetter(1))[0]
    return None


def iter_all(class_name: str) -> Iterator[Any]:
    """Return an iterator over the living objects of a class."""
    for cls, objects in live_refs.items():
        if cls.__name__ == class_name:
            return iter(objects.keys())
    return iter(())
