"""Values in layers: name -> value with the number of its layer; a higher layer wins."""

import importlib
import json
from collections.abc import Iterator, Mapping, MutableMapping
from pprint import pformat
from types import ModuleType
from typing import Any, Self

from aioscrapy.exceptions import ConfigError, FrozenSettingsError, SettingError
from aioscrapy.setting_types import FALSE, TRUE, readable

PRIORITIES = {"default": 0, "command": 10, "addon": 15, "project": 20, "spider": 30, "cmdline": 40}

_MISSING = object()


def priority_number(priority: int | str) -> int:
    """Turn the name of a layer into its number."""
    return PRIORITIES[priority] if isinstance(priority, str) else priority


class SettingsAttribute:
    """The value of one setting, with the number of its layer."""

    def __init__(self, value: Any, priority: int) -> None:
        self.value = value
        self.priority = max(value.maxpriority(), priority) if _has_layers(value) else priority

    def set(self, value: Any, priority: int) -> None:
        """Replace the value, unless a higher layer has set it.

        A value that has layers of its own keeps having them: a dict becomes the same kind of value.
        """
        if priority >= self.priority:
            self.value = self.value.from_value(value, priority) if _has_layers(self.value) else value
            self.priority = priority

    def __repr__(self) -> str:
        return f"<SettingsAttribute value={self.value!r} priority={self.priority}>"


def _has_layers(value: Any) -> bool:
    """Return True for a LayeredValues; isinstance is slow for a class that derives from an abstract one."""
    return getattr(value, "has_layers", False) is True


class LayeredValues(MutableMapping[str, Any]):
    """Name -> value, each with the layer that it came from; a higher layer wins.

    `frozen`: nothing can be changed. Values from the command line are strings. The `get…` methods convert
    them, or raise SettingError with the name of the setting.
    """

    has_layers = True

    def __init__(self, values: Any = None, priority: int | str = "project") -> None:
        self.attributes: dict[str, SettingsAttribute] = {}
        self.frozen = False
        self.update(values or {}, priority)

    @classmethod
    def from_value(cls, value: Any, layer: int) -> Any:
        """Return values of one layer from a dict or JSON of one; another value itself."""
        if isinstance(value, str) and value.lstrip().startswith("{"):
            try:
                value = json.loads(value)
            except ValueError:
                return value  # the check of the settings names it
        return cls(value, layer) if isinstance(value, Mapping) else value

    def __getitem__(self, name: str) -> Any:
        return self.attributes[name].value if name in self.attributes else None

    def __setitem__(self, name: str, value: Any) -> None:
        self.set(name, value)

    def __delitem__(self, name: str) -> None:
        self._check_not_frozen()
        del self.attributes[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.attributes)

    def __len__(self) -> int:
        return len(self.attributes)

    def __contains__(self, name: object) -> bool:
        return name in self.attributes

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

    def getpriority(self, name: str) -> int | None:
        """Return the number of the layer that set this; None if no layer did."""
        return self.attributes[name].priority if name in self.attributes else None

    def maxpriority(self) -> int:
        """Return the number of the highest layer that has set something; 0 if none has."""
        return max((setting.priority for setting in self.attributes.values()), default=0)

    def set(self, name: str, value: Any, priority: int | str = "project") -> None:
        """Set one value, unless a higher layer has set it."""
        self._check_not_frozen()
        number = priority_number(priority)
        if name in self.attributes:
            self.attributes[name].set(value, number)
        elif isinstance(value, SettingsAttribute):
            self.attributes[name] = value
        else:
            self.attributes[name] = SettingsAttribute(value, number)

    def pop(self, name: str, default: Any = _MISSING) -> Any:
        """Remove a setting and return its value.

        Raises:
            KeyError: there is no such setting, and no default.
        """
        if name not in self.attributes and default is not _MISSING:
            return default
        value = self[name]
        del self[name]
        return value

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
        if not isinstance(values, Mapping):
            raise ConfigError(f"settings are a dict of NAME -> value, not {readable(values)}")
        for name, value in values.items():
            self.set(name, value, priority)

    def delete(self, name: str, priority: int | str = "project") -> None:
        """Delete a setting, unless a higher layer has set it.

        Raises:
            KeyError: there is no such setting.
        """
        self._check_not_frozen()
        if priority_number(priority) >= self.attributes[name].priority:
            del self.attributes[name]

    # Scrapy's signature, with a layer.
    def update(self, values: Any, priority: int | str = "project") -> None:  # type: ignore[override]
        """Set many values of one layer; of other settings each with its own layer.

        The values may also be pairs, or a text with a JSON object.
        """
        if isinstance(values, str):
            values = self._from_json("update()", values, dict)
        if isinstance(values, LayeredValues):
            for name, setting in values.attributes.items():
                self.set(name, setting.value, setting.priority)
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
        copy.attributes = {
            name: SettingsAttribute(_own(setting.value), setting.priority)
            for name, setting in self.attributes.items()
        }
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
        return {
            name: setting.value.copy_to_dict() if _has_layers(setting.value) else setting.value
            for name, setting in self.attributes.items()
        }

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        """Print the values at the prompt of IPython."""
        printer.text(repr(self) if cycle else pformat(self.copy_to_dict()))

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
    if type(value) is list:
        return [_own(part) for part in value]
    return value.copy() if _has_layers(value) else value
