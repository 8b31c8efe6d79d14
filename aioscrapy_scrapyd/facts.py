"""The machine of a node: load, memory, disks, and what is wrong with them in words."""

import os
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from aioscrapy_scrapyd.users import User

# Below this share of a disk or of the memory, and below this number of bytes of a disk, jobs are in danger.
LOW_SHARE = 0.05
LOW_BYTES = 1_000_000_000
# Load of a CPU from which jobs wait for each other most of the time.
HIGH_LOAD = 3.0


@dataclass(frozen=True)
class Problem:
    """Something that a person should look at: a sentence with {names}, and their values."""

    text: str
    values: dict[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.text.format_map(self.values)


@dataclass(frozen=True)
class Disk:
    """A file system: the folders of the node on it, and its bytes."""

    folders: tuple[str, ...]
    total: int
    free: int

    @property
    def used_share(self) -> float:
        """From 0 to 1."""
        return 1 - self.free / self.total if self.total else 0.0


@dataclass(frozen=True)
class Machine:
    """The machine at one moment; sizes in bytes.

    Attributes:
        load: of the last 1, 5 and 15 minutes, of all CPUs together.
        available: memory that processes can get without swapping.
    """

    cpus: int
    load: tuple[float, float, float]
    memory: int
    available: int
    disks: tuple[Disk, ...]
    booted: float

    def problems(self) -> list[Problem]:
        """Return what endangers jobs, the worst first."""
        problems = [_full(disk) for disk in self.disks if _is_low(disk.free, disk.total)]
        if self.available < self.memory * LOW_SHARE:
            text = "Only {free} of memory are free: the system may kill jobs. Lower max_proc"
            problems.append(Problem(text, {"free": size(self.available)}))
        if self.load[1] > HIGH_LOAD * self.cpus:
            text = (
                "The load was {load} on {cpus} CPUs for 5 minutes: jobs slow each other down. Lower max_proc"
            )
            problems.append(Problem(text, {"load": f"{self.load[1]:.1f}", "cpus": str(self.cpus)}))
        return problems


def read_machine(folders: Iterable[Path]) -> Machine:
    """Look at the machine; a disk may be slow: for a thread.

    Args:
        folders: of the node; for one that does not exist yet its parent is used.
    """
    memory = psutil.virtual_memory()
    return Machine(
        cpus=os.cpu_count() or 1,
        load=os.getloadavg(),
        memory=memory.total,
        available=memory.available,
        disks=_disks(folders),
        booted=psutil.boot_time(),
    )


def size(number: float) -> str:
    """Return bytes for a person: 1.5 GB."""
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if number < 1000 or unit == "TB":
            break
        number /= 1000
    return f"{number:.0f} {unit}" if unit == "B" or number >= 100 else f"{number:.1f} {unit}"


class MachineFacts:
    """The latest look at the machine, at most `age_s` seconds old."""

    def __init__(self, folders: Iterable[Path], age_s: float = 2.0) -> None:
        self._folders = list(folders)
        self._age_s = age_s
        self._seen = 0.0
        self._machine: Machine | None = None

    def read(self) -> Machine:
        """Return the machine; may look at disks: for a thread."""
        now = time.monotonic()
        if self._machine is None or now - self._seen > self._age_s:
            self._machine, self._seen = read_machine(self._folders), now
        return self._machine


@dataclass(frozen=True)
class NodeFacts:
    """What does not change while a node runs, and its machine.

    Attributes:
        machine: the machine, looked at when it is asked for.
        users: name -> user of scrapyd.conf; {} where everybody is an admin.
        url: of the node as its users know it, with a slash at the end.
        started: of the daemon, in seconds since 1970.
    """

    machine: MachineFacts
    users: Mapping[str, User]
    url: str
    started: float = field(default_factory=time.time)


def _disks(folders: Iterable[Path]) -> tuple[Disk, ...]:
    on_device: dict[int, list[str]] = {}
    for folder in folders:
        device = _existing(folder).stat().st_dev
        on_device.setdefault(device, []).append(str(folder))
    disks = []
    for named in on_device.values():
        usage = psutil.disk_usage(str(_existing(Path(named[0]))))
        disks.append(Disk(tuple(named), usage.total, usage.free))
    return tuple(disks)


def _existing(folder: Path) -> Path:
    return next(path for path in (folder, *folder.parents) if path.exists())


def _is_low(free: int, total: int) -> bool:
    return free < total * LOW_SHARE or free < min(LOW_BYTES, total / 2)


def _full(disk: Disk) -> Problem:
    text = "{folder} has only {free} left: jobs fail when it is full. See keep_logs_gb and keep_logs_days"
    return Problem(text, {"folder": disk.folders[0], "free": size(disk.free)})
