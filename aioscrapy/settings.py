"""Settings in layers: defaults, command, project, spider, command line; the higher layer wins."""

import importlib
import json
from collections.abc import Iterable, Iterator, Mapping, MutableMapping
from types import ModuleType
from typing import Any

from aioscrapy import default_settings
from aioscrapy.exceptions import ConfigError, FrozenSettingsError, SettingError
from aioscrapy.setting_types import FALSE, TRUE, SettingType, readable

MIDDLEWARES = ("DOWNLOADER_MIDDLEWARES", "SPIDER_MIDDLEWARES")
PRIORITIES = {"default": 0, "command": 10, "project": 20, "spider": 30, "cmdline": 40}

# Settings that must not be more than another one.
_LIMITS = (("SCHEDULER_HEARTBEAT", "SCHEDULER_LEASE"), ("PROXY_MIN_COUNT", "PROXY_MAX_COUNT"))
# Attributes of a spider that override a setting, and have its type.
_SPIDER_ATTRIBUTES = {
    "download_delay": "DOWNLOAD_DELAY",
    "download_timeout": "DOWNLOAD_TIMEOUT",
    "max_concurrent_requests": "CONCURRENT_REQUESTS_PER_DOMAIN",
    "user_agent": "USER_AGENT",
}


def setting_type(name: str) -> SettingType | None:
    """Return what `default_settings.py` declares for a setting; None for a name that it does not have."""
    declared = default_settings.__annotations__.get(name)
    return declared.__metadata__[0] if declared is not None else None


def check_attributes(spider: Any) -> None:
    """Check the attributes of a spider that override a setting.

    Raises:
        ConfigError: one is not of the setting's type or out of its range.
    """
    for attribute, name in _SPIDER_ATTRIBUTES.items():
        value, declared = getattr(spider, attribute, None), setting_type(name)
        if value is not None and declared is not None:
            try:
                declared.check(value)
            except ValueError as exc:
                raise ConfigError(f"spider {spider.name}: {attribute}: {exc}") from None


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


class Settings(MutableMapping[str, Any]):
    """All settings of one crawl: name -> value, each with the layer that it came from.

    Values from the command line are strings. The `get…` methods convert them, or raise SettingError with the
    name of the setting.
    """

    def __init__(self, values: Mapping[str, Any] | None = None, priority: int | str = "project") -> None:
        self._values: dict[str, tuple[Any, int]] = {}
        self._frozen = False
        self.setmodule(default_settings, "default")
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

    def getwithbase(self, name: str) -> dict[Any, Any]:
        """Return the components of `NAME_BASE` overlaid by `NAME`; None as order removes one.

        A class is the same as its dotted path. A built-in component is also removed by its path in Scrapy, or
        by that path with `scrapy` replaced by `aioscrapy`: its class has the same name. One that is a
        downloader middleware and a spider middleware is then removed as both.
        """
        base, own = self.getdict(f"{name}_BASE"), self.getdict(name)
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

    def getpriority(self, name: str) -> int | None:
        """Return the number of the layer that set this; None if no layer did."""
        return self._values[name][1] if name in self._values else None

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

    # Scrapy's signature, with a layer.
    def update(self, values: Mapping[str, Any], priority: int | str = "project") -> None:  # type: ignore[override]
        """Set many values of one layer, as Scrapy's settings do."""
        self.setdict(values, priority)

    def setmodule(self, module: ModuleType | str, priority: int | str = "project") -> None:
        """Set every UPPER_CASE name of a module or of the module with this dotted path."""
        if isinstance(module, str):
            module = importlib.import_module(module)
        for name in dir(module):
            if name.isupper():
                self.set(name, getattr(module, name), priority)

    def copy(self) -> "Settings":
        """Return a copy that can be changed."""
        copy = Settings.__new__(Settings)
        copy._values = dict(self._values)
        copy._frozen = False
        return copy

    def copy_to_dict(self) -> dict[str, Any]:
        """Return name -> value without the layers."""
        return {name: value for name, (value, _) in self._values.items()}

    def check(self) -> None:
        """Check the values that some layer has set against the types in `default_settings.py`.

        Raises:
            SettingError: one is not of its type, out of its range, or more than its limit.
        """
        for name, (value, priority) in self._values.items():
            declared = setting_type(name) if priority else None
            if declared is not None:
                try:
                    declared.check(value)
                except ValueError as exc:
                    raise SettingError(name, exc) from None
        for name, limit in _LIMITS:
            if self.getfloat(name) > self.getfloat(limit):
                raise SettingError(
                    name, f"{readable(self[name])} is more than {limit}, {readable(self[limit])}"
                )

    def overridden(self) -> list[str]:
        """Return the names of the settings whose value is not the default, sorted."""
        defaults = vars(default_settings)
        return sorted(
            name
            for name, (value, priority) in self._values.items()
            if priority and name in defaults and value != defaults[name]
        )

    def freeze(self) -> None:
        """Check the values, and refuse later changes, because the crawl starts.

        Raises:
            SettingError: a value can't be used.
        """
        self.check()
        self._frozen = True

    def _check_not_frozen(self) -> None:
        if self._frozen:
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
