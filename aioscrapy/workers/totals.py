"""The stats of all workers as one table."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from aioscrapy.stats import StatsCollector

_RULES: dict[str, Callable[[Any, Any], Any]] = {"max": max, "min": min}
_ONES_OWN = {"start_time", "finish_time", "finish_reason", "elapsed_time_seconds"}  # the crawl has its own


@dataclass(frozen=True, slots=True)
class Figures:
    """What one worker has counted.

    Attributes:
        stats: name -> figure.
        rules: name -> "max", "min" or "set" for what is not to be added up.
        waiting: requests that it knows to wait.
    """

    stats: dict[str, Any] = field(default_factory=dict)
    rules: dict[str, str] = field(default_factory=dict)
    waiting: int = 0


class Remembered(StatsCollector):
    """A collector that remembers how each figure came about, so that those of several can be put together."""

    def __init__(self) -> None:
        super().__init__()
        self.rules: dict[str, str] = {}
        self._given: dict[str, Any] = {}

    def set_value(self, key: str, value: Any, spider: object = None) -> None:
        super().set_value(key, value)
        self.rules[key] = "set"
        self._given[key] = value

    def max_value(self, key: str, value: Any, spider: object = None) -> None:
        super().max_value(key, value)
        self.rules[key] = "max"

    def min_value(self, key: str, value: Any, spider: object = None) -> None:
        super().min_value(key, value)
        self.rules[key] = "min"

    def figures(self, waiting: int) -> Figures:
        """Return what was counted so far."""
        rules = {
            key: rule
            for key, rule in self.rules.items()
            if rule != "set" or self._stats.get(key) == self._given[key]  # else: set, then counted on
        }
        stats = {key: value for key, value in self._stats.items() if key not in _ONES_OWN}
        return Figures(stats, rules, waiting)


class Totals(StatsCollector):
    """What the parent counts itself, and the figures of the workers put together with it."""

    def __init__(self) -> None:
        super().__init__()
        self._workers: dict[int, Figures] = {}

    def take(self, number: int, figures: Figures) -> None:
        """Put the newest figures of a worker in the place of its earlier ones."""
        self._workers[number] = figures

    def waiting(self) -> int:
        """Return the requests that are known to wait: the workers see one frontier."""
        return max((figures.waiting for figures in self._workers.values()), default=0)

    def get_value(self, key: str, default: Any = None, spider: object = None) -> Any:
        return self.get_stats().get(key, default)

    def get_stats(self, spider: object = None) -> dict[str, Any]:
        merged: dict[str, Any] = {}
        for figures in self._workers.values():
            for key, value in figures.stats.items():
                merged[key] = _merge(merged, key, value, figures.rules)
        for key, value in self._stats.items():
            merged[key] = _merge(merged, key, value, {})
        return merged

    def dump(self) -> None:
        own, self._stats = self._stats, self.get_stats()
        super().dump()
        self._stats = own


def _merge(merged: Mapping[str, Any], key: str, value: Any, rules: Mapping[str, str]) -> Any:
    """Return a figure together with that of the same name: the larger, the smaller, the last or the sum."""
    if key not in merged:
        return value
    rule = rules.get(key)
    if rule in _RULES:
        return _RULES[rule](merged[key], value)
    if rule == "set" or not (_is_number(value) and _is_number(merged[key])):
        return value
    return merged[key] + value


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
