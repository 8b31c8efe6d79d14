"""The stats of all worker processes as one table."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from aioscrapy.stats import StatsCollector

_RULES: dict[str, Callable[[Any, Any], Any]] = {"max": max, "min": min}
# the pool has its own
_PER_CRAWL = {"start_time", "finish_time", "finish_reason", "elapsed_time_seconds"}


@dataclass(frozen=True, slots=True)
class WorkerStats:
    """The stats of one worker process.

    Attributes:
        stats: name -> value.
        rules: name -> "max", "min" or "set" for values that are not added up.
        waiting: requests that are known to wait.
    """

    stats: dict[str, Any] = field(default_factory=dict)
    rules: dict[str, str] = field(default_factory=dict)
    waiting: int = 0


class MergeableStats(StatsCollector):
    """A collector that records how each value came about, so that several collectors can be merged."""

    def __init__(self) -> None:
        super().__init__()
        self.rules: dict[str, str] = {}
        self._set_values: dict[str, Any] = {}

    def set_value(self, key: str, value: Any, spider: object = None) -> None:
        super().set_value(key, value)
        self.rules[key] = "set"
        self._set_values[key] = value

    def max_value(self, key: str, value: Any, spider: object = None) -> None:
        super().max_value(key, value)
        self.rules[key] = "max"

    def min_value(self, key: str, value: Any, spider: object = None) -> None:
        super().min_value(key, value)
        self.rules[key] = "min"

    def snapshot(self, waiting: int) -> WorkerStats:
        """Return the stats so far; `waiting` is the number of requests that are known to wait."""
        rules = {
            key: rule
            for key, rule in self.rules.items()
            if rule != "set" or self._stats.get(key) == self._set_values[key]  # else: set, then counted on
        }
        stats = {key: value for key, value in self._stats.items() if key not in _PER_CRAWL}
        return WorkerStats(stats, rules, waiting)


class PoolStats(StatsCollector):
    """The parent's own stats, merged with those of the worker processes."""

    def __init__(self, crawler: Any = None) -> None:
        super().__init__(crawler)
        self._workers: dict[int, WorkerStats] = {}

    def update(self, number: int, stats: WorkerStats) -> None:
        """Replace the stats of a worker by its newest ones."""
        self._workers[number] = stats

    def waiting(self) -> int:
        """Return the requests that are known to wait: all workers see one frontier."""
        return max((stats.waiting for stats in self._workers.values()), default=0)

    def get_value(self, key: str, default: Any = None, spider: object = None) -> Any:
        return self.get_stats().get(key, default)

    def get_stats(self, spider: object = None) -> dict[str, Any]:
        merged: dict[str, Any] = {}
        for worker in self._workers.values():
            for key, value in worker.stats.items():
                merged[key] = _merge(merged, key, value, worker.rules)
        for key, value in self._stats.items():
            merged[key] = _merge(merged, key, value, {})
        return merged

    def dump(self) -> None:
        own, self._stats = self._stats, self.get_stats()
        super().dump()
        self._stats = own


def _merge(merged: Mapping[str, Any], key: str, value: Any, rules: Mapping[str, str]) -> Any:
    """Merge a value into the one of the same name: the larger, the smaller, the last, or the sum."""
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
