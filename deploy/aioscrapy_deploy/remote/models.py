"""The data of a Scrapyd's API: an answer as it came, a job, the state of a daemon."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

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
            through = f" (through {self.proxy})" if self.proxy else ""
            return f"the answer is not from a Scrapyd{through}: {_last_line(self.text) or '(empty)'}"
        if data.get("status") == "ok":
            return None
        return _last_line(str(data.get("message", ""))) or "the server reports an error without a message"

    def checked(self, endpoint: str) -> dict[str, Any]:
        """Return the JSON object of an answer with status ok; `endpoint` is the address for the error.

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


@dataclass(frozen=True)
class Job:
    """A job of listjobs.json; `state` is pending, running or finished.

    The times are the daemon's, of its own clock and zone: "2026-11-24 04:00:00.123456". A finished job has
    no pid; a pending one has no pid, times and urls, and only it has version, settings and arguments.
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
class DaemonStatus:
    """The numbers of jobs of all projects of a daemon, and its own name."""

    node_name: str
    pending: int
    running: int
    finished: int


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else ""
