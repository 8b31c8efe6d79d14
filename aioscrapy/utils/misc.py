"""Objects by their dotted path, modules of a package, one value or many."""

import ast
import hashlib
import inspect
import os
import re
import textwrap
import warnings
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from importlib import import_module
from pkgutil import iter_modules
from types import ModuleType
from typing import IO, Any
from weakref import WeakKeyDictionary

from w3lib.html import replace_entities

from aioscrapy.components import build_from_crawler
from aioscrapy.item import Item

_ENTITIES_KEPT = ("lt", "amp")
_returning: WeakKeyDictionary[Any, bool] = WeakKeyDictionary()


def arg_to_iter(arg: Any) -> Iterable[Any]:
    """Return one value, many values or None as an iterable; a dict, an item and a text are one value."""
    if arg is None:
        return ()
    if hasattr(arg, "__iter__") and not isinstance(arg, (dict, Item, str, bytes)):
        return arg  # type: ignore[no-any-return]  # it has __iter__
    return [arg]


def load_object(path: Any) -> Any:
    """Return the object at a dotted path; a class or a function is returned itself.

    Raises:
        ValueError: there is no dot in the path.
        NameError: the module has no such name.
        TypeError: it is neither a str nor callable.
    """
    if not isinstance(path, str):
        if callable(path):
            return path
        raise TypeError(f"Unexpected argument type, expected string or object, got: {type(path)}")
    module, dot, name = path.rpartition(".")
    if not dot:
        raise ValueError(f"Error loading object '{path}': not a full path")
    try:
        return getattr(import_module(module), name)
    except AttributeError:
        raise NameError(f"Module '{module}' doesn't define any object named '{name}'") from None


def walk_modules_iter(path: str) -> Iterator[ModuleType]:
    """Import a module and everything below it; an error of any of them is raised."""
    module = import_module(path)
    yield module
    for _, name, is_package in iter_modules(getattr(module, "__path__", ())):
        if is_package:
            yield from walk_modules_iter(f"{path}.{name}")
        else:
            yield import_module(f"{path}.{name}")


def walk_modules(path: str) -> list[ModuleType]:
    """Import a module and everything below it; return all of them."""
    return list(walk_modules_iter(path))


def rel_has_nofollow(rel: str | None) -> bool:
    """Return True if the attribute `rel` of a link has the word nofollow."""
    return rel is not None and "nofollow" in rel.lower().replace(",", " ").split()


def md5sum(file: IO[bytes]) -> str:
    """Return the MD5 of a file from its position on, as hex."""
    digest = hashlib.md5(usedforsecurity=False)
    while block := file.read(1 << 16):
        digest.update(block)
    return digest.hexdigest()


def extract_regex(regex: str | re.Pattern[str], text: str, encoding: str = "utf-8") -> list[str]:
    """Return the group named extract, else all groups, else all matches, with HTML entities replaced."""
    pattern = re.compile(regex, re.UNICODE) if isinstance(regex, str) else regex
    if "extract" in pattern.groupindex:
        match = pattern.search(text)
        matches = [match["extract"]] if match and match["extract"] is not None else []
    else:
        groups = pattern.findall(text)
        matches = [part for group in groups for part in (group if isinstance(group, tuple) else (group,))]
    return [replace_entities(part, keep=_ENTITIES_KEPT, encoding=encoding) for part in matches]


def create_instance(objcls: Any, settings: Any, crawler: Any, *args: Any, **kwargs: Any) -> Any:
    """Create an object by its `from_crawler`, else its `from_settings`, else its constructor.

    Raises:
        ValueError: there are neither settings nor a crawler.
        TypeError: the result is None.
    """
    if settings is None and crawler is None:
        raise ValueError("Specify at least one of settings and crawler.")
    of_crawler = crawler is not None and hasattr(objcls, "from_crawler")
    if of_crawler or not hasattr(objcls, "from_settings"):
        cls = objcls if of_crawler else partial(objcls)
        return build_from_crawler(cls, crawler, *args, **kwargs)
    instance = objcls.from_settings(settings or crawler.settings, *args, **kwargs)
    if instance is None:
        raise TypeError(f"{objcls.__qualname__}.from_settings returned None")
    return instance


async def load_instance(
    clspath: Any, *args: Any, settings: Any = None, spider: Any = None, crawler: Any = None, **kwargs: Any
) -> Any:
    """Create an object of the class at a dotted path; the function of aio-scrapy.

    Raises:
        ValueError: there are neither settings, nor a spider, nor a crawler.
    """
    crawler = crawler or getattr(spider, "crawler", None)
    settings = settings or getattr(spider, "settings", None)
    instance = create_instance(load_object(clspath), settings, crawler, *args, **kwargs)
    return await instance if inspect.isawaitable(instance) else instance


@contextmanager
def set_environ(**variables: str) -> Iterator[None]:
    """Set environment variables for a while."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def walk_callable(node: ast.AST) -> Iterator[ast.AST]:
    """Yield the nodes of a function without those of the functions in it."""
    waiting = deque([node])
    is_inside = False
    while waiting:
        node = waiting.popleft()
        if isinstance(node, ast.FunctionDef):
            if is_inside:
                continue
            is_inside = True
        waiting.extend(ast.iter_child_nodes(node))
        yield node


def is_generator_with_return_value(callable: Callable[..., Any]) -> bool:  # noqa: A002 Scrapy's name
    """Return True for a generator function that returns something else than None."""
    function: Any = callable
    while isinstance(function, partial):
        function = function.func
    if callable not in _returning:
        _returning[callable] = inspect.isgeneratorfunction(callable) and any(
            isinstance(node, ast.Return)
            and node.value is not None
            and not (isinstance(node.value, ast.Constant) and node.value.value is None)
            for node in walk_callable(ast.parse(_source(function)))
        )
    return _returning[callable]


def _source(function: Any) -> str:
    """Return the source of a function at column 0; texts in it may have lines with less indentation."""
    source = inspect.getsource(function)
    indentation = source[: len(source) - len(source.lstrip(" \t"))]
    return (
        re.sub(rf"^{indentation}", "", source, flags=re.MULTILINE) if indentation else textwrap.dedent(source)
    )


def warn_on_generator_with_return_value(spider: Any, callable: Callable[..., Any]) -> None:  # noqa: A002 as above
    """Warn of a callback that yields and returns a value, which nobody gets."""
    if not spider.settings.getbool("WARN_ON_GENERATOR_RETURN_VALUE", True):
        return
    name = f"{type(spider).__name__}.{callable.__name__}"
    try:
        if is_generator_with_return_value(callable):
            warnings.warn(
                f'The "{name}" method is a generator and includes a "return" statement with a value '
                "different than None. Nobody gets that value: yield it",
                stacklevel=2,
            )
    except IndentationError:
        warnings.warn(
            f'Unable to determine whether or not "{name}" is a generator with a return value', stacklevel=2
        )
