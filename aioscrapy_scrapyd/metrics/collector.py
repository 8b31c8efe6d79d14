"""The metrics that are read from the node when somebody asks for them."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator

from prometheus_client import Metric
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector
from typing_extensions import override

from aioscrapy_scrapyd.facts import Machine
from aioscrapy_scrapyd.node import Node
from aioscrapy_scrapyd.state.history import Total
from aioscrapy_scrapyd.state.job import State

_COUNTS = ("pages", "items", "errors")
_STATES = (State.PENDING, State.STARTING, State.RUNNING, State.STOPPING)

Key = tuple[str, str, str]  # project, spider, count
Gauge = tuple[str, str, str, dict[str, float]]  # name, help, label, value of the label -> number


class NodeCollector(Collector):
    """Jobs, slots and sums of a node, and its machine; no label has the id of a job.

    Attributes:
        totals: of the ended jobs, as they were read last.
        machine: as it was looked at last.

    Args:
        node: the node.
        name: of the node, the value of the label `node`.
        projects: returns the names of all projects.
        gauges: returns further gauges.
    """

    def __init__(
        self,
        node: Node,
        name: str,
        projects: Callable[[], Iterable[str]],
        gauges: Callable[[], Iterable[Gauge]],
    ) -> None:
        self._node = node
        self._name = name
        self._projects = projects
        self._gauges = gauges
        self._highest: dict[Key, float] = {}
        self.totals: list[Total] = []
        self.machine: Machine | None = None

    def describe(self) -> list[Metric]:
        """Return nothing: a registry must not ask for values before the node has started."""
        return []

    @override
    def collect(self) -> Iterator[Metric]:
        yield self._jobs()
        yield self._ended()
        yield from self._counts()
        name, slots, live = self._name, self._node.jobs.limits.slots, len(self._node.jobs.live())
        yield _gauge("scrapyd_slots", "Jobs that may run at once (max_proc).", "node", {name: slots})
        yield _gauge("scrapyd_slots_free", "Slots without a job.", "node", {name: slots - live})
        yield _gauge("scrapyd_node_alive", "1: the node answers.", "node", {name: 1})
        for gauge in (*self._machine(), *self._gauges()):
            yield _gauge(*gauge)

    def _machine(self) -> Iterator[Gauge]:
        name, machine = self._name, self.machine
        if machine is None:
            return
        yield "scrapyd_cpus", "CPUs of the machine.", "node", {name: machine.cpus}
        yield "scrapyd_load5", "Load of the machine over 5 minutes.", "node", {name: machine.load[1]}
        yield "scrapyd_memory_bytes", "Memory of the machine.", "node", {name: machine.memory}
        text = "Memory that processes can get without swapping."
        yield "scrapyd_memory_available_bytes", text, "node", {name: machine.available}
        totals, free = (
            {disk.folders[0]: float(getattr(disk, part)) for disk in machine.disks}
            for part in ("total", "free")
        )
        yield "scrapyd_disk_bytes", "Size of the disk that has this folder.", "folder", totals
        yield "scrapyd_disk_free_bytes", "Free bytes of the disk that has this folder.", "folder", free

    def _jobs(self) -> Metric:
        gauge = GaugeMetricFamily("scrapyd_jobs", "Jobs that have not ended.", labels=["state", "project"])
        count = Counter((job.state, job.project) for job in self._node.jobs)
        projects = sorted({project for _, project in count} | set(self._projects()))
        for project in projects:
            for state in _STATES:
                gauge.add_metric([state, project], count[state, project])
        return gauge

    def _ended(self) -> Metric:
        counter = CounterMetricFamily(
            "scrapyd_jobs_ended",
            "Jobs that have ended, since the first start of the node.",
            labels=["project", "spider", "state"],
        )
        for total in self.totals:
            counter.add_metric([total.project, total.spider, total.state], total.jobs)
        return counter

    def _counts(self) -> Iterator[Metric]:
        """Yield the sums of ended and running jobs; a sum never falls, also if a job is tried again."""
        sums: dict[Key, float] = defaultdict(float)
        for total in self.totals:
            for name in _COUNTS:
                sums[total.project, total.spider, name] += getattr(total, name)
        for job in self._node.jobs.live():
            for name in _COUNTS:
                sums[job.project, job.spider, name] += job.counts.get(name) or 0
        for key, value in sums.items():
            self._highest[key] = max(value, self._highest.get(key, 0))
        for name in _COUNTS:
            counter = CounterMetricFamily(
                f"scrapyd_job_{name}",
                f"{name.capitalize()} of ended and running jobs, since the first start of the node.",
                labels=["project", "spider"],
            )
            for (project, spider, kind), value in self._highest.items():
                if kind == name:
                    counter.add_metric([project, spider], value)
            yield counter


def _gauge(name: str, text: str, label: str, values: dict[str, float]) -> Metric:
    gauge = GaugeMetricFamily(name, text, labels=[label])
    for value, number in values.items():
        gauge.add_metric([value], number)
    return gauge
