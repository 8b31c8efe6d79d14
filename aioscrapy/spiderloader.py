"""Load the spiders of a project: import all modules of SPIDER_MODULES and collect their spider classes."""

import importlib
import importlib.util
import pkgutil
import traceback
import warnings
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple, Protocol, Self

from aioscrapy.ends import text_of
from aioscrapy.exceptions import AioscrapyError, ConfigError, SettingError, SpiderNotFoundError
from aioscrapy.settings import Settings

# Scrapy's loader by its paths there and here.
_OWN_PATHS = ("scrapy.spiderloader.SpiderLoader", "aioscrapy.spiderloader.SpiderLoader")


class Failure(NamedTuple):
    """A spider module that can't be imported."""

    module: str  # dotted name
    file: str  # FILE:LINE of the deepest frame in the project; FILE where the line isn't known
    error: str  # class and text of the exception, one line

    def __str__(self) -> str:
        return f"spider module {self.module} can't be imported: {self.file}: {self.error}"


class SpiderLoader:
    """The spider classes of a project, by name.

    `failures` has the modules that can't be imported; they are left out. `warnings` has one line per failure,
    and one per name that two spiders share (the last spider is used).

    Raises:
        SettingError: SPIDER_MODULES names a module that does not exist, and no layer of the settings sets
            SPIDER_LOADER_WARN_ONLY.
        ConfigError: a module can't be imported and SPIDER_LOADER_WARN_ONLY is off.
    """

    def __init__(self, settings: Settings) -> None:
        self.failures: list[Failure] = []
        self.warnings: list[str] = []
        self._warn_only = settings.getbool("SPIDER_LOADER_WARN_ONLY")
        self._spiders: dict[str, type[Any]] = {}
        self._roots = settings.getlist("SPIDER_MODULES")
        for root in self._roots:
            try:
                _check_exists(root)
                for module in self._import_all(root):
                    self._load_spiders(module)
            except (SettingError, ImportError, SyntaxError) as exc:
                if not settings.getpriority("SPIDER_LOADER_WARN_ONLY") or not self._warn_only:
                    raise
                self._fail(root, exc)

    def load(self, name: str) -> type[Any]:
        """Return the spider class of this name.

        Raises:
            SpiderNotFoundError: no spider has the name; the text has similar names and the failed modules.
        """
        if name in self._spiders:
            return self._spiders[name]
        import difflib  # most crawls don't need it

        hints = [f"Spider not found: {name}"]
        close = difflib.get_close_matches(name, self._spiders, 3)
        if close:
            hints.append(f"did you mean {' or '.join(map(repr, close))}?")
        elif not self._spiders:
            hints.append(f"no spiders in SPIDER_MODULES = {self._roots}")
        hints.extend(map(str, self.failures))
        raise SpiderNotFoundError("; ".join(hints))

    def _import_all(self, name: str) -> Iterator[ModuleType]:
        """Import a module, and all modules of a package; works in folders and in zip files."""
        try:
            module = importlib.import_module(name)
        except (Exception, SystemExit) as exc:  # noqa: BLE001 one broken module must not hide the others
            self._fail(name, exc)
            return
        yield module
        for child in pkgutil.iter_modules(getattr(module, "__path__", ())):
            if child.name != "__main__":
                yield from self._import_all(f"{name}.{child.name}")

    def _fail(self, name: str, exc: BaseException) -> None:
        failure = failure_of(name, exc)
        if not self._warn_only:
            raise ConfigError(str(failure)) from exc
        self.failures.append(failure)
        self.warnings.append(str(failure))

    def _load_spiders(self, module: ModuleType) -> None:
        for cls in spider_classes(module):
            earlier = self._spiders.get(cls.name)
            if earlier not in {None, cls}:
                both = f"{_dotted(earlier)} and {_dotted(cls)}"
                self.warnings.append(f"two spiders are named {cls.name!r}: {both}; the second is used")
            self._spiders[cls.name] = cls
        for cls in vars(module).values():
            if _is_spider_class(cls, module) and _is_wrong_name(cls.name):
                self.warnings.append(
                    f"the spider {_dotted(cls)} is left out: its name {cls.name!r} is not a text"
                )

    @classmethod
    def from_settings(cls, settings: Settings) -> Self:
        """Create it, as Scrapy does: what goes wrong is a warning of Python, too."""
        loader = cls(settings)
        for warning in loader.warnings:
            kind = RuntimeWarning if warning in map(str, loader.failures) else UserWarning
            warnings.warn(warning, kind, stacklevel=2)
        return loader

    def find_by_request(self, request: Any) -> list[str]:
        """Return the names of the spiders whose domains have the URL of a request."""
        return [name for name, cls in self._spiders.items() if cls.handles_request(request)]

    # The last method: in annotations after it, `list` would mean this method.
    def list(self) -> list[str]:
        """Return the names of all spiders, sorted."""
        return sorted(self._spiders)


class SpiderLoaderProtocol(Protocol):
    """What SPIDER_LOADER_CLASS has to offer; `warnings` and `failures` are optional."""

    @classmethod
    def from_settings(cls, settings: Settings) -> Self:
        """Create it."""

    def load(self, spider_name: str) -> type[Any]:
        """Return the spider class of this name, or raise KeyError."""

    def list(self) -> list[str]:
        """Return the names of all spiders."""


def get_spider_loader(settings: Settings) -> Any:
    """Return the spider loader of the project (SPIDER_LOADER_CLASS).

    Raises:
        SettingError: it can't be loaded or created.
        ConfigError: a spider module can't be imported, and SPIDER_LOADER_WARN_ONLY is off.
    """
    path = settings["SPIDER_LOADER_CLASS"]
    if path in (None, *_OWN_PATHS):
        return SpiderLoader(settings)
    module, _, name = path.rpartition(".") if isinstance(path, str) else ("", "", "")
    try:
        cls = getattr(importlib.import_module(module), name) if isinstance(path, str) else path
        loader = cls.from_settings(settings.frozencopy())
    except AioscrapyError:
        raise
    except Exception as exc:
        raise SettingError("SPIDER_LOADER_CLASS", f"{path}: {type(exc).__name__}: {exc}") from exc
    for attribute in ("warnings", "failures"):
        if not hasattr(loader, attribute):
            setattr(loader, attribute, [])
    return loader


class DummySpiderLoader:
    """A loader without spiders."""

    @classmethod
    def from_settings(cls, settings: Settings) -> Self:
        """Create it."""
        return cls()

    def load(self, spider_name: str) -> type[Any]:
        """Raise KeyError: there is no spider."""
        raise KeyError("DummySpiderLoader doesn't load any spiders")

    def find_by_request(self, request: Any) -> list[str]:
        """Return no name."""
        return []

    # The last method, as in SpiderLoader.
    def list(self) -> list[str]:
        """Return no name."""
        return []


def load_spider(spider: Any, settings: Settings) -> Any:
    """Return the spider class of this name in the project; a class is returned itself.

    Raises:
        SpiderNotFoundError: no spider has the name.
        ValueError: it is neither a class nor a name.
    """
    if isinstance(spider, str):
        return load_by_name(get_spider_loader(settings), spider)
    if not isinstance(spider, type):
        raise ValueError(
            f"{spider!r} is an object: what is crawled cannot be a spider object, but its class or name"
        )
    return spider


def load_by_name(loader: Any, name: str) -> Any:
    """Return the spider class of this name.

    Raises:
        SpiderNotFoundError: the loader has no such spider.
    """
    try:
        return loader.load(name)
    except SpiderNotFoundError:
        raise
    except KeyError as exc:
        raise SpiderNotFoundError(f"Spider not found: {name}: {exc}") from exc


def failure_of(module: str, exc: BaseException, folder: Path | None = None) -> Failure:
    """Return the place and the reason of a failed import.

    Args:
        module: its dotted name.
        exc: the exception of its import.
        folder: the folder of the user's files; None: the folder of the module's top package.
    """
    text = exc.msg if isinstance(exc, SyntaxError) else text_of(exc)
    one_line = " ".join(f"{type(exc).__name__}: {text}".split()).removesuffix(":")
    return Failure(module, _place(module, exc, folder or _project_folder(module)), one_line)


def spider_classes(module: ModuleType) -> list[type[Any]]:
    """Return the spider classes with a name that are defined in this module, in their order."""
    return [
        cls
        for cls in vars(module).values()
        if _is_spider_class(cls, module) and isinstance(cls.name, str) and cls.name
    ]


def _is_wrong_name(name: Any) -> bool:
    """Return True for a value that somebody took for a name; a base class has none, or a property."""
    return bool(name) and not isinstance(name, str) and not hasattr(type(name), "__get__")


def _is_spider_class(cls: Any, module: ModuleType) -> bool:
    """Return True for a spider class, by its attributes: this floor can't import spiders.py."""
    return (
        isinstance(cls, type)
        and cls.__module__ == module.__name__
        and hasattr(cls, "name")
        and callable(getattr(cls, "from_crawler", None))
        and callable(getattr(cls, "update_settings", None))
    )


def _dotted(cls: Any) -> str:
    return f"{cls.__module__}.{cls.__qualname__}"


def _check_exists(name: str) -> None:
    """Raise SettingError for a module that does not exist; one that fails goes to `failures`."""
    try:
        if importlib.util.find_spec(name) is not None:
            return
    except ModuleNotFoundError as exc:
        if exc.name is None or not f"{name}.".startswith(f"{exc.name}."):
            return  # the package exists, and one of its own imports is missing: importing it reports that
    except Exception:  # noqa: BLE001 a package that raises exists
        return
    raise SettingError("SPIDER_MODULES", f"there is no module {name!r}")


def _place(name: str, exc: BaseException, project: Path | None) -> str:
    """Return FILE:LINE of a syntax error, or of the deepest frame in the project's folder."""
    if isinstance(exc, SyntaxError) and exc.filename:
        return f"{exc.filename}:{exc.lineno or 1}"
    for frame, line in reversed(list(traceback.walk_tb(exc.__traceback__))):
        file = Path(frame.f_code.co_filename)
        if (
            project
            and file.is_relative_to(project)
            and "site-packages" not in file.relative_to(project).parts
        ):
            return f"{file}:{line}"
    try:
        spec = importlib.util.find_spec(name)
    except Exception:  # noqa: BLE001 it only improves the text
        spec = None
    return spec.origin if spec and spec.origin else name


def _project_folder(name: str) -> Path | None:
    """Return the folder that has the top package of this module."""
    try:
        spec = importlib.util.find_spec(name.partition(".")[0])
    except (ImportError, ValueError):
        return None
    paths = [*(spec.submodule_search_locations or ()), spec.origin] if spec else []
    return Path(paths[0]).parent if paths and paths[0] else None
