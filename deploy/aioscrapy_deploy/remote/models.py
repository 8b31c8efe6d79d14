"""The data of a server's API: an answer as it came, a job, versions, the state of a daemon."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from aioscrapy_deploy.eggs.versions import latest
from aioscrapy_deploy.errors import ScrapydError, ServerError

# names that Scrapyd reserves; a spider's argument can't have them
RESERVED = frozenset(
    ("project", "spider", "jobid", "priority", "setting", "settings", "name", "_job", "_version")
)


@dataclass(frozen=True)
class Answer:
    """The answer of a server with a status of 200 to 299."""

    status: int
    text: str
    proxy: str = ""  # the proxy that it came through, for a message

    @property
    def data(self) -> dict[str, Any] | None:
        """Its JSON object; None if it is not one."""
        try:
            data = json.loads(self.text)
        except ValueError:
            return None
        return data if isinstance(data, dict) else None

    @property
    def failure(self) -> str | None:
        """Why the request failed, or the answer is not from a Scrapyd; None for a success."""
        data = self.data
        if data is None and self.text.lstrip().startswith("Traceback (most recent"):  # debug = on
            return f"the server has failed: {_last_line(self.text)}"
        if data is None:
            return self._from_elsewhere()
        if data.get("status") == "ok":
            return None
        return _last_line(str(data.get("message", ""))) or "the server reports an error without a message"

    def checked(self, endpoint: str) -> dict[str, Any]:
        """Return the JSON object of a success; `endpoint` is the address for the error.

        Raises:
            ScrapydError: Scrapyd reports an error.
            ServerError: the answer is not from a Scrapyd.
        """
        data, failure = self.data, self.failure
        if data is not None and failure is None:
            return data
        raise (ScrapydError if data and data.get("status") == "error" else ServerError)(
            f"{endpoint}: {failure}"
        )

    def _from_elsewhere(self) -> str:
        through = f" (through {self.proxy})" if self.proxy else ""
        return f"the answer is not from a Scrapyd{through}: {_last_line(self.text) or '(empty)'}"


class NodeAnswer(Answer):
    """The answer of /api/v1 of a node: its HTTP status says whether it is a success."""

    @property
    def failure(self) -> str | None:
        """None for a JSON object; else what came instead of it."""
        return self._from_elsewhere() if self.data is None else None


@dataclass(frozen=True)
class Counts:
    """What a node has counted of a job; None where it does not know.

    `cpu_s` are seconds of CPU time, `rss` is in bytes.
    """

    pages: int | None = None
    items: int | None = None
    errors: int | None = None
    waiting: int | None = None
    cpu_s: float | None = None
    rss: int | None = None


@dataclass(frozen=True)
class Job:
    """A job of a Scrapyd or a node; `state` is pending, running or finished.

    The times are local, without a zone: the daemon's zone from a Scrapyd, this machine's from a node
    ("2026-11-24 04:00:00.123456"). A finished job has no pid; a pending one has no pid, times and urls. From
    a Scrapyd, only a pending job has version, settings and arguments.

    The fields from `node_state` on are None from a Scrapyd. `node_state` is more precise than `state`:
    pending, starting, running, stopping, finished, failed or cancelled. `reason` says why the job ended, in
    one line; `seconds` is how long it ran, or has run so far.
    """

    id: str
    project: str
    spider: str
    state: str
    pid: int | None = None
    start_time: str | None = None
    end_time: str | None = None
    log_url: str | None = None
    items_url: str | None = None
    version: str | None = None
    settings: Mapping[str, str] = field(default_factory=dict)
    arguments: Mapping[str, str] = field(default_factory=dict)
    node_state: str | None = None
    reason: str | None = None
    exit_status: int | None = None
    signal: int | None = None
    crawl: str | None = None
    attempt: int | None = None
    seconds: float | None = None
    counts: Counts | None = None

    @classmethod
    def read(cls, state: str, entry: Mapping[str, Any]) -> Self:
        """Read one entry of listjobs.json; a field that an older Scrapyd does not send is None."""
        names = ("pid", "start_time", "end_time", "log_url", "items_url", "version")
        return cls(
            str(entry["id"]),
            str(entry.get("project", "")),
            str(entry["spider"]),
            state,
            **{name: entry.get(name) for name in names},
            settings=entry.get("settings") or {},
            arguments=entry.get("args") or {},
        )


@dataclass(frozen=True)
class Versions:
    """The stored versions of a project.

    Attributes:
        names: the latest last, as Scrapyd sorts them.
        active: the one that jobs without a version use; None from a Scrapyd, which uses the latest.
        deployed: version -> when it was deployed, in seconds since 1970; {} from a Scrapyd.
    """

    names: list[str]
    active: str | None = None
    deployed: Mapping[str, float] = field(default_factory=dict)

    @property
    def in_use(self) -> str | None:
        """The version that jobs without a version use; None if there is no version."""
        return self.active or latest(self.names)

    @property
    def before(self) -> str | None:
        """The version to roll back to: deployed before the active one, or the second latest."""
        if self.active is None:
            return latest(name for name in self.names if name != self.in_use)
        order = sorted(self.names, key=lambda name: self.deployed.get(name, 0.0))
        position = order.index(self.active)
        return order[position - 1] if position else None

    @property
    def summary(self) -> str:
        """The version in use, as the end of a sentence."""
        if not self.names:
            return "the project has no version there"
        return f"the {'active version' if self.active else 'latest'} there is {self.in_use}"


@dataclass(frozen=True)
class DaemonStatus:
    """The numbers of jobs of all projects of a daemon, and its own name.

    From a node also `slots` (jobs at once), `free` slots, and `problems` in words.
    """

    node_name: str
    pending: int
    running: int
    finished: int
    slots: int | None = None
    free: int | None = None
    problems: tuple[str, ...] = ()


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else ""
