"""Settings in layers, without defaults: name -> value, each with the layer that it came from."""

import importlib
import logging
from collections.abc import Iterable, Mapping
from typing import Any

from aioscrapy.setting_layers import PRIORITIES, LayeredValues, SettingsAttribute, priority_number

__all__ = [
    "MIDDLEWARES",
    "PRIORITIES",
    "BaseSettings",
    "SettingsAttribute",
    "builtin_of",
    "component_path",
    "object_path",
    "priority_number",
]

logger = logging.getLogger(__name__)

MIDDLEWARES = ("DOWNLOADER_MIDDLEWARES", "SPIDER_MIDDLEWARES")


def component_path(component: Any) -> str:
    """Return the dotted path of a component, which may be a class."""
    return (
        f"{component.__module__}.{component.__qualname__}" if isinstance(component, type) else str(component)
    )


def object_path(component: Any) -> str:
    """Return the dotted path of a component; of a path that can be imported, that of the class itself."""
    module, _, name = component.rpartition(".") if isinstance(component, str) else ("", "", "")
    if not module:
        return component_path(component)
    try:
        loaded = getattr(importlib.import_module(f"aio{module}" if _is_scrapy(module) else module), name)
    except Exception:  # noqa: BLE001 a component that can't be imported is reported where it is built
        return str(component)
    return component_path(loaded) if isinstance(loaded, type) else str(component)


def _is_scrapy(path: str) -> bool:
    return path.partition(".")[0] == "scrapy"


def builtin_of(path: str, base: Iterable[Any]) -> str | None:
    """Return the built-in component for a path of Scrapy; None if there is none."""
    if path.partition(".")[0] not in ("scrapy", "aioscrapy"):
        return None
    name = path.rpartition(".")[2]
    return next((builtin for builtin in base if str(builtin).rpartition(".")[2] == name), None)


class BaseSettings(LayeredValues):
    """Name -> value, each with the layer that it came from, and the methods for lists and components."""

    def getwithbase(self, name: str) -> "BaseSettings":
        """Return the components of `NAME_BASE` overlaid by `NAME`; None as order removes one.

        A class is the same as its dotted path. A built-in component is also known by its path in Scrapy, or
        by that path with `scrapy` replaced by `aioscrapy`: its class has the same name. One that is a
        downloader middleware and a spider middleware is removed as both.

        Raises:
            ValueError: the name is not a str.
        """
        if not isinstance(name, str):
            raise ValueError(f"the name of a setting is a str, not {name!r}")
        base, own = self.getdict(f"{name}_BASE"), self.getdict(name)
        own = {self._ours(component, base): order for component, order in own.items()}
        both = MIDDLEWARES if name in MIDDLEWARES else (name,)
        removed = {
            builtin_of(component_path(component), base)
            for setting in both
            for component, order in self.getdict(setting).items()
            if order is None and component_path(component) not in self.getdict(f"{setting}_BASE")
        }
        removed |= {component_path(component) for component in own}
        merged = {path: order for path, order in base.items() if path not in removed} | own
        return BaseSettings({component: order for component, order in merged.items() if order is not None})

    def get_component_priority_dict_with_base(self, name: str) -> "BaseSettings":
        """Return the same as `getwithbase`; of several names of one class only the last."""
        merged, base = self.getwithbase(name), self.getdict(f"{name}_BASE")
        names: dict[str, Any] = {}
        for component in merged:
            path = component if component in base else object_path(component)
            if path in names:
                logger.warning("%s names %s more than once: the last one is used", name, path)
            names[path] = component
        return BaseSettings({component: merged[component] for component in names.values()})

    @staticmethod
    def _ours(component: Any, base: Mapping[Any, Any]) -> Any:
        """Return the built-in component for a path of Scrapy with an order; another component itself."""
        path = component_path(component)
        return component if path in base else builtin_of(path, base) or component

    def add_to_list(self, name: str, item: Any) -> None:
        """Add a value to a list that does not have it; the layer stays the same."""
        values = self.getlist(name)
        if item not in values:
            self.set(name, [*values, item], self.getpriority(name) or 0)

    def remove_from_list(self, name: str, item: Any) -> None:
        """Remove a value from a list; the layer stays the same.

        Raises:
            ValueError: the list does not have it.
        """
        values = self.getlist(name)
        if item not in values:
            raise ValueError(f"{item!r} not found in the {name} setting ({values!r}).")
        self.set(name, [value for value in values if value != item], self.getpriority(name) or 0)

    def set_in_component_priority_dict(self, name: str, cls: Any, priority: int | None) -> None:
        """Set the order of a component, which may be in the dict by its class or by its path."""
        components = self.getdict(name)
        for component in self._same(components, cls):
            del components[component]
        self.set(name, {**components, cls: priority}, self.getpriority(name) or 0)

    def setdefault_in_component_priority_dict(self, name: str, cls: Any, priority: int | None) -> None:
        """Set the order of a component that the dict does not have."""
        components = self.getdict(name)
        if not self._same(components, cls):
            self.set(name, {**components, cls: priority}, self.getpriority(name) or 0)

    def replace_in_component_priority_dict(
        self, name: str, old_cls: Any, new_cls: Any, priority: int | None = None
    ) -> None:
        """Put a component in the place of another one; it keeps the order if `priority` is None.

        Raises:
            KeyError: neither the dict nor its base has the old one.
        """
        base, own = self.getdict(f"{name}_BASE"), self.getdict(name)
        every = base | own
        same = [component for component in base if component_path(component) == object_path(old_cls)]
        same = [*(component for component in same if component not in own), *self._same(own, old_cls)]
        if not same or any(every[component] is None for component in same):
            raise KeyError(f"{old_cls} not found in the {name} setting ({every!r}).")
        order = every[same[-1]] if priority is None else priority
        for component in same:
            own.pop(component, None)
            if component in base:
                own[component] = None
        self.set(name, {**own, new_cls: order}, self.getpriority(name) or 0)

    @staticmethod
    def _same(components: Mapping[Any, Any], cls: Any) -> list[Any]:
        """Return the keys of a component dict that mean this class or path."""
        path = object_path(cls)
        return [component for component in components if object_path(component) == path]
