"""Settings in layers, without defaults: name -> value, each with the layer that it came from."""

import importlib
import json
from collections.abc import Iterable, Iterator, Mapping, MutableMapping
from types import ModuleType
from typing import Any, Self

from aioscrapy.exceptions import ConfigError, FrozenSettingsError, SettingError
from aioscrapy.setting_types import FALSE, TRUE, readable

MIDDLEWARES = ("DOWNLOADER_MIDDLEWARES", "SPIDER_MIDDLEWARES")
PRIORITIES = {"default": 0, "command": 10, "addon": 15, "project": 20, "spider": 30, "cmdline": 40}


def priority_number(priority: int | str) -> int:
    """Turn the name of a layer into its number."""
    return PRIORITIES[priority] if isinstance(priority, str) else priority


def component_path(component: Any) -> str:
    """Return the dotted path of a component, which may be a class."""
    return (
        f"{component.__module__}.{component.__qualname__}" if isinstance(component, type) else str(component)
    )


def builtin_of(path: str, base: Iterable[Any]) -> str | None:
    """Return the built-in component for a path of Scrapy; None if there is none."""
    if path.partition(".")[0] not in ("scrapy", "aioscrapy"):
        return None
    name = path.rpartition(".")[2]
    return next((builtin for builtin in base if str(builtin).rpartition(".")[2] == name), None)


class BaseSettings(MutableMapping[str, Any]):
    """Name -> value, each with the layer that it came from; a higher layer wins.

    `frozen`: nothing can be changed. Values from the command line are strings. The `get…` methods convert
    them, or raise SettingError with the name of the setting.
    """

    def __init__(self, values: Any = None, priority: int | str = "project") -> None:
        self._values: dict[str, tuple[Any, int]] = {}
        self.frozen = False
        self.update(values or {}, priority)

    def __getitem__(self, name: str) -> Any:
        return self._values[name][0] if name in self._values else None

    def __setitem__(self, name: str, value: Any) -> None:
        self.set(name, value)

    def __delitem__(self, name: str) -> None:
        self._check_not_frozen()
        del self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __contains__(self, name: object) -> bool:
        return name in self._values

    def get(self, name: str, default: Any = None) -> Any:
        """Return the value as it was set; `default` if the setting is absent or None."""
        value = self[name]
        return default if value is None else value

    def getbool(self, name: str, default: bool = False) -> bool:
        """Return a truth value of True, 1, "1", "true", "yes", "on" and their opposites."""
        value = self.get(name, default)
        if isinstance(value, str):
            lowered = value.strip().lower()
            if lowered in TRUE:
                return True
            if lowered in FALSE:
                return False
            raise SettingError(name, f"{readable(value)} is neither true nor false")
        return bool(value)

    def getint(self, name: str, default: int = 0) -> int:
        """Return a whole number."""
        value = self.get(name, default)
        try:
            return int(value)
        except (TypeError, ValueError, OverflowError):
            raise SettingError(name, f"{readable(value)} is not a whole number") from None

    def getfloat(self, name: str, default: float = 0.0) -> float:
        """Return a number."""
        value = self.get(name, default)
        try:
            return float(value)
        except (TypeError, ValueError, OverflowError):
            raise SettingError(name, f"{readable(value)} is not a number") from None

    def getlist(self, name: str, default: list[Any] | None = None) -> list[Any]:
        """Return a list; a string is split at its commas, or read as JSON if it starts with [."""
        value = self.get(name, default if default is not None else [])
        if isinstance(value, str):
            if value.lstrip().startswith("["):
                return list(self._from_json(name, value, list))
            return [part.strip() for part in value.split(",") if part.strip()]
        try:
            return list(value)
        except TypeError:
            raise SettingError(name, f"{readable(value)} is not a list") from None

    def getdict(self, name: str, default: Mapping[str, Any] | None = None) -> dict[Any, Any]:
        """Return a dict; a string is read as JSON."""
        value = self.get(name, default if default is not None else {})
        if isinstance(value, str):
            value = self._from_json(name, value, dict)
        if not isinstance(value, Mapping):
            raise SettingError(name, f"a value of type {type(value).__name__} is not a dict")
        return dict(value)

    def getdictorlist(self, name: str, default: Any = None) -> dict[Any, Any] | list[Any]:
        """Return a dict or a list; a string is read as JSON, else split at its commas."""
        value = self.get(name, default if default is not None else {})
        if isinstance(value, str):
            try:
                parsed = json.loads(value)
            except ValueError:
                return self.getlist(name)
            return parsed if isinstance(parsed, (dict, list)) else value.split(",")
        if isinstance(value, tuple):
            return list(value)
        if not isinstance(value, (Mapping, list)):
            raise SettingError(name, f"a value of type {type(value).__name__} is neither a dict nor a list")
        return dict(value) if isinstance(value, Mapping) else list(value)

    def getwithbase(self, name: str) -> dict[Any, Any]:
        """Return the components of `NAME_BASE` overlaid by `NAME`; None as order removes one.

        A class is the same as its dotted path. A built-in component is also known by its path in Scrapy, or
        by that path with `scrapy` replaced by `aioscrapy`: its class has the same name. One that is a
        downloader middleware and a spider middleware is removed as both.
        """
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
        return {component: order for component, order in merged.items() if order is not None}

    @staticmethod
    def _ours(component: Any, base: Mapping[Any, Any]) -> Any:
        """Return the built-in component for a path of Scrapy with an order; another component itself."""
        path = component_path(component)
        return component if path in base else builtin_of(path, base) or component

    def getpriority(self, name: str) -> int | None:
        """Return the number of the layer that set this; None if no layer did."""
        return self._values[name][1] if name in self._values else None

    def maxpriority(self) -> int:
        """Return the number of the highest layer that has set something; 0 if none has."""
        return max((layer for _, layer in self._values.values()), default=0)

    def set(self, name: str, value: Any, priority: int | str = "project") -> None:
        """Set one value, unless a higher layer has set it."""
        self._check_not_frozen()
        number = priority_number(priority)
        if name not in self._values or number >= self._values[name][1]:
            self._values[name] = (value, number)

    def setdefault(self, name: str, default: Any = None, priority: int | str = "project") -> Any:
        """Set a value unless it has one; returns the value that the setting has now."""
        if self[name] is None:
            self.set(name, default, priority)
        return self[name]

    def setdict(self, values: Mapping[str, Any], priority: int | str = "project") -> None:
        """Set many values of one layer.

        Raises:
            ConfigError: this is not a dict of setting -> value.
        """
        if not isinstance(values, Mapping) or not all(isinstance(name, str) for name in values):
            raise ConfigError(f"settings are a dict of NAME -> value, not {readable(values)}")
        for name, value in values.items():
            self.set(name, value, priority)

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
        own = self.getdict(name)
        every = self.getdict(f"{name}_BASE") | own
        same = self._same(every, old_cls)
        if not same or all(every[component] is None for component in same):
            raise KeyError(f"{old_cls} not found in the {name} setting ({every!r}).")
        order = every[same[0]] if priority is None else priority
        base = self.getdict(f"{name}_BASE")
        for component in same:
            own.pop(component, None)
            if component in base:
                own[component] = None
        self.set(name, {**own, new_cls: order}, self.getpriority(name) or 0)

    @staticmethod
    def _same(components: Mapping[Any, Any], cls: Any) -> list[Any]:
        """Return the keys of a component dict that mean this class or path."""
        return [component for component in components if component_path(component) == component_path(cls)]

    def delete(self, name: str, priority: int | str = "project") -> None:
        """Delete a setting, unless a higher layer has set it.

        Raises:
            KeyError: there is no such setting.
        """
        self._check_not_frozen()
        if priority_number(priority) >= self._values[name][1]:
            del self._values[name]

    # Scrapy's signature, with a layer.
    def update(self, values: Any, priority: int | str = "project") -> None:  # type: ignore[override]
        """Set many values of one layer; of other settings each with its own layer.

        The values may also be pairs, or a text with a JSON object.
        """
        if isinstance(values, str):
            values = self._from_json("update()", values, dict)
        if isinstance(values, BaseSettings):
            for name, (value, layer) in values._values.items():
                self.set(name, value, layer)
        else:
            self.setdict(values if isinstance(values, Mapping) else dict(values), priority)

    def setmodule(self, module: ModuleType | str, priority: int | str = "project") -> None:
        """Set every UPPER_CASE name of a module or of the module with this dotted path."""
        if isinstance(module, str):
            module = importlib.import_module(module)
        for name in dir(module):
            if name.isupper():
                self.set(name, getattr(module, name), priority)

    def copy(self) -> Self:
        """Return a copy that can be changed; dicts and lists in it are copies, too."""
        copy = type(self).__new__(type(self))
        copy._values = {name: (_own(value), layer) for name, (value, layer) in self._values.items()}
        copy.frozen = False
        return copy

    def freeze(self) -> None:
        """Refuse later changes."""
        self.frozen = True

    def frozencopy(self) -> Self:
        """Return a copy that can't be changed."""
        copy = self.copy()
        copy.frozen = True
        return copy

    def copy_to_dict(self) -> dict[str, Any]:
        """Return name -> value without the layers."""
        return {name: value for name, (value, _) in self._values.items()}

    def _check_not_frozen(self) -> None:
        if self.frozen:
            raise FrozenSettingsError(
                "the crawl has begun, its settings can't change any more: use the settings module, or "
                "custom_settings or update_settings of the spider"
            )

    @staticmethod
    def _from_json(name: str, text: str, kind: type) -> Any:
        try:
            value = json.loads(text)
        except ValueError as exc:
            raise SettingError(name, f"not valid JSON ({exc})") from None
        if not isinstance(value, kind):
            raise SettingError(name, f"JSON of type {type(value).__name__} is not a {kind.__name__}")
        return value


def _own(value: Any) -> Any:
    """Return a copy of a dict or a list, with those in it; another value itself."""
    if type(value) is dict:
        return {key: _own(part) for key, part in value.items()}
    return [_own(part) for part in value] if type(value) is list else value
