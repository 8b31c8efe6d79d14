"""Load and create components: the only place where a dotted path becomes a class or an object."""

import importlib
import inspect
from collections.abc import Mapping
from typing import Any

from aioscrapy.context import CrawlContext
from aioscrapy.exceptions import AioscrapyError, NotConfigured, SettingError
from aioscrapy.log import logger
from aioscrapy.setting_types import Component
from aioscrapy.settings import Settings, builtin_of, component_path, setting_type


class Components(list[Any]):
    """Components in their order; Scrapy's managers have them as `middlewares`."""

    @property
    def middlewares(self) -> tuple[Any, ...]:
        """The components."""
        return tuple(self)


def load_object(path: Any, setting: str) -> Any:
    """Return the object of a dotted path; return a value that is not a string unchanged.

    Raises:
        SettingError: it can't be imported, or it has no method that the setting needs; the text names both.
    """
    loaded = _import(path, setting) if isinstance(path, str) else path
    declared = setting_type(setting)
    if isinstance(declared, Component) and (missing := declared.missing(loaded)):
        raise SettingError(setting, f"{path!r} can't be used here: it has no {missing!r}")
    return loaded


def _import(path: str, setting: str) -> Any:
    module_name, _, name = path.rpartition(".")
    if not module_name:
        raise SettingError(setting, f"{path!r} is not a dotted path")
    if module_name.startswith("scrapy."):  # our class for the one of Scrapy, whether that is installed or not
        module_name = f"aio{module_name}"
    try:
        return getattr(importlib.import_module(module_name), name)
    except AttributeError as exc:
        absent = "isn't here: " in str(exc)  # a name of Scrapy: the text says what to use
        raise SettingError(setting, exc if absent else f"{module_name!r} has no {name!r}") from None
    except Exception as exc:
        raise SettingError(setting, f"can't load {path!r}: {type(exc).__name__}: {exc}") from exc


def build_from_crawler(objcls: Any, crawler: Any, /, *args: Any, **kwargs: Any) -> Any:
    """Create an object by its `from_crawler`, else by its constructor.

    Raises:
        TypeError: the result is None.
    """
    if hasattr(objcls, "from_crawler"):
        instance, method = objcls.from_crawler(crawler, *args, **kwargs), "from_crawler"
    else:
        instance, method = objcls(*args, **kwargs), "__new__"
    if instance is None:
        raise TypeError(f"{objcls.__qualname__}.{method} returned None")
    return instance


async def build(cls: Any, context: CrawlContext) -> Any:
    """Create a component with `from_crawler`, else with `from_settings`, else without arguments.

    Raises:
        TypeError: the result is None.
    """
    if hasattr(cls, "from_crawler"):
        component, method = cls.from_crawler(context), "from_crawler"
    elif hasattr(cls, "from_settings"):
        component, method = cls.from_settings(context.settings), "from_settings"
    else:
        component, method = cls(), "__new__"
    if inspect.isawaitable(component):
        component = await component
    if component is None:  # else it would be missing without a word
        raise TypeError(f"{cls.__qualname__}.{method} returned None: is `return` missing?")
    return component


async def build_one(path: Any, setting: str, context: CrawlContext) -> Any:
    """Load and create the component that a setting names.

    Raises:
        SettingError: it can't be loaded or created; the text names the setting and the path.
        NotConfigured: it is left out.
    """
    cls = load_object(path, setting)
    try:
        return await build(cls, context)
    except (AioscrapyError, NotConfigured):
        raise
    except Exception as exc:
        if type(exc).__name__ == "NotConfigured":  # that of the real Scrapy
            raise NotConfigured(*exc.args) from exc
        raise SettingError(setting, f"{path} can't be built: {type(exc).__name__}: {exc}") from exc


async def build_all(setting: str, orders: Mapping[Any, Any], context: CrawlContext) -> Components:
    """Create the components of a setting in their order; leave out those that raise NotConfigured.

    Raises:
        SettingError: a component can't be loaded or created, or an order is not a number.
    """
    _warn_of_unknown(setting, context.settings)
    try:
        ordered = sorted(orders.items(), key=lambda pair: float(pair[1]))
    except (TypeError, ValueError):
        raise SettingError(setting, "an order is not a number") from None
    components = Components()
    for path, _ in ordered:
        try:
            components.append(await build_one(path, setting, context))
        except NotConfigured as exc:
            if exc.args:
                logger.warning("Disabled %s: %s", path, exc)
    context.components[setting] = components
    return components


def _warn_of_unknown(setting: str, settings: Settings) -> None:
    """Warn of a component of ours that is removed by None, but does not exist."""
    base = settings.getdict(f"{setting}_BASE")
    for component, order in settings.getdict(setting).items():
        path = component_path(component)
        is_foreign = order is None and path.startswith("aioscrapy.")
        if is_foreign and path not in base and builtin_of(path, base) is None:
            logger.warning("%s: None for %s has no effect: there is no such component", setting, path)
