"""Find the modules at Scrapy's paths below `aioscrapy`; loaded with the package, so it imports nothing of it.

`paths.py` has the data. A door is a module at a path where we have no file: either one of our modules under
Scrapy's name, or an empty module whose names load on use. A module of ours at one of Scrapy's paths, which
has only a part of Scrapy's names, is extended: the names of `paths.py` load on use there too.
"""

import contextlib
import importlib
import sys
from collections.abc import Callable, Sequence
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from types import CodeType, ModuleType

ROOT = "aioscrapy"
_OURS = ("aioscrapy_deploy", "aioscrapy_scrapyd")

# Modules of ours that the table extends; a test compares.
EXTENDED = frozenset(
    f"{ROOT}.{name}"
    for name in (
        "commands",
        *(
            f"commands.{name}"
            for name in (
                *("bench", "check", "crawl", "edit", "fetch", "genspider", "list", "parse", "runspider"),
                *("settings", "shell", "startproject", "version", "view"),
            )
        ),
        "contracts",
        "core",
        "core.downloader",
        "core.engine",
        "core.scheduler",
        "db",
        "dupefilters",
        "dupefilters.redis",
        "exceptions",
        "exporters",
        "extensions",
        "extensions.feedexport",
        "http",
        "http.cookies",
        "http.headers",
        "http.request",
        "http.response",
        "item",
        "libs.pipelines",
        "linkextractors",
        "loader",
        "libs.pipelines.csv",
        "libs.pipelines.excel",
        "log",
        "pipelines",
        "process",
        "queue",
        "queue.memory",
        "queue.redis",
        "scrapy_redis.queue",
        "selector",
        "serializer",
        "settings",
        "signals",
        "spiderloader",
        "spiders",
        "spiders.crawl",
        "utils",
        "utils.conf",
        "utils.console",
        "utils.datatypes",
        "utils.decorators",
        "utils.defer",
        "utils.log",
        "utils.misc",
        "utils.ossignal",
        "utils.python",
        "utils.tools",
        "utils.url",
    )
)


class DoorFinder:
    """The finder of `sys.meta_path` for the doors."""

    @classmethod
    def find_spec(
        cls, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return the spec of a door or of an extended module; None for every other module."""
        if not name.startswith("aioscrapy."):
            if ".aioscrapy" in name:
                return _renamed_part_spec(name, path)
            return _renamed_spec(name) if name.startswith("aioscrapy_") else None
        spec = PathFinder.find_spec(name, path, target) if path else None
        if spec is None:
            return _door_spec(name)
        if name in EXTENDED and spec.loader is not None:
            spec.loader = _Extending(spec.loader)  # type: ignore[assignment,arg-type]  # loaders by their methods
        return spec


class _Extending:
    """Loads a module of ours, then adds Scrapy's other names to it."""

    def __init__(self, loader: SourceFileLoader) -> None:
        self._loader = loader

    def __getattr__(self, name: str) -> object:
        value: object = getattr(self._loader, name)
        return value

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        self._loader.exec_module(module)
        _extend(module)


class _Door:
    """Loads a door: one of our modules itself, or an empty module with names that load on use."""

    def __init__(self, target: str | None) -> None:
        self._target = target
        self._own_spec: ModuleSpec | None = None

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        if self._target is None:
            return None
        module = importlib.import_module(self._target)
        self._own_spec = module.__spec__
        return module

    def exec_module(self, module: ModuleType) -> None:
        if self._target is None:
            _extend(module)
        else:  # the import system has given the module the spec of its second name
            module.__spec__ = self._own_spec

    def get_code(self, name: str) -> CodeType | None:
        """Return the code of our module, for `python -m`."""
        from importlib.util import find_spec  # not by every `import aioscrapy`, nor importlib.abc

        target = self._target or ""
        spec = find_spec(target) if target else None
        code_of = getattr(spec.loader, "get_code", None) if spec else None
        return code_of(target) if code_of else None


def alias_spec(name: str, target: str, *, is_package: bool = True) -> ModuleSpec:
    """Return a spec under which the module `target` is imported itself."""
    return ModuleSpec(name, _Door(target), is_package=is_package)  # type: ignore[arg-type]  # a loader by its methods


def _renamed_spec(name: str) -> ModuleSpec | None:
    """Return the spec of a package for Scrapy, such as scrapy_poet, by its name after s/scrapy/aioscrapy/."""
    top, target = name.partition(".")[0], name.removeprefix("aio")
    if top == "aioscrapy_redis":
        return alias_spec(name, f"{ROOT}.{target}")
    if top in _OURS or PathFinder.find_spec(top) is not None:  # a package that has this name itself
        return None
    return _spec_of(name, target)


def _renamed_part_spec(name: str, path: Sequence[str] | None) -> ModuleSpec | None:
    """Return the spec of a module such as spidermon.contrib.scrapy by its name after s/scrapy/aioscrapy/."""
    above = name.rpartition(".")[0]
    is_renamed = above in sys.modules and sys.modules[above].__name__ != above
    if not is_renamed and PathFinder.find_spec(name, path) is not None:  # it has this name itself
        return None
    return _spec_of(name, name.replace(".aioscrapy", ".scrapy"))


def _spec_of(name: str, target: str) -> ModuleSpec | None:
    """Return the spec under which the module `target` is imported by another name; None if there is none."""
    from importlib.util import find_spec  # not by every `import aioscrapy`

    try:
        found = find_spec(target)
    except ModuleNotFoundError:
        return None
    if found is None:
        return None
    return alias_spec(name, target, is_package=found.submodule_search_locations is not None)


def _door_spec(name: str) -> ModuleSpec | None:
    from aioscrapy.doors import paths

    path = name.removeprefix(f"{ROOT}.")
    if path in paths.MODULES:
        return alias_spec(name, f"{ROOT}.{paths.MODULES[path]}")
    if path not in paths.NAMES and (line := paths.absence(path)):
        raise AbsentError(line, name=ROOT)
    if path in paths.NAMES or any(other.startswith(f"{path}.") for other in paths.all_paths()):
        return ModuleSpec(name, _Door(None), is_package=True)  # type: ignore[arg-type]  # a loader by its methods
    return None


class AbsentError(ModuleNotFoundError):
    """A name of Scrapy that does not exist here; the text says what to use instead."""


def _extend(module: ModuleType) -> None:
    path = module.__name__.removeprefix(f"{ROOT}.")
    own: Callable[[str], object] | None = module.__dict__.get("__getattr__")

    def load(name: str) -> object:
        """Return a name of Scrapy that is elsewhere here."""
        from aioscrapy.doors import paths

        home = paths.home_of(path, name)
        if home is None:
            if own is not None:
                with contextlib.suppress(AttributeError):
                    return own(name)
            if (child := _child(module.__name__, name)) is not None:
                return child
            line = paths.absence(f"{path}.{name}") or f"module {module.__name__!r} has no attribute {name!r}"
            raise AttributeError(line, name=name, obj=module)
        value = getattr(importlib.import_module(f"{ROOT}.{home[0]}".rstrip(".")), home[1])
        module.__dict__[name] = value
        return value

    module.__dict__["__getattr__"] = load
    if "__path__" not in module.__dict__:
        module.__path__ = []


def _child(parent: str, name: str) -> ModuleType | None:
    """Return a module below a package, which Scrapy itself has imported; None if there is none."""
    path = f"{parent}.{name}"
    if name.startswith("_"):
        return None
    try:
        return importlib.import_module(path)
    except ModuleNotFoundError as exc:
        if exc.name not in {ROOT, parent, path}:
            raise
    return None


def submodule(name: str) -> ModuleType:
    """Return the module at a path of Scrapy's root, which `import scrapy` loads there and we do not.

    Raises:
        AttributeError: there is none.
    """
    if not name.startswith("_"):
        try:
            return importlib.import_module(f"{ROOT}.{name}")
        except ModuleNotFoundError as exc:
            if exc.name not in {ROOT, f"{ROOT}.{name}"}:
                raise
            if isinstance(exc, AbsentError):
                raise AttributeError(str(exc)) from None
    raise AttributeError(f"module {ROOT!r} has no attribute {name!r}")


def install() -> None:
    """Put the finder first, once."""
    if DoorFinder not in sys.meta_path:
        sys.meta_path.insert(0, DoorFinder)
