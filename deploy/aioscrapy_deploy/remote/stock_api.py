"""The JSON services of Scrapyd, which every daemon has."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from aioscrapy_deploy.errors import NoAnswerError, ServerError
from aioscrapy_deploy.remote.connection import LISTING_S, Connection
from aioscrapy_deploy.remote.form import Sent, egg_form
from aioscrapy_deploy.remote.models import Answer, DaemonStatus, Job, Versions

# The counts of jobs in a daemon's status.
COUNTS = ("pending", "running", "finished")


class StockApi:
    """Calls of a Scrapyd's services; `ScrapydClient` describes them."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def daemonstatus(self) -> DaemonStatus:
        """Return the numbers of jobs."""
        data = self._get("daemonstatus.json")
        with reading(self._connection, "daemonstatus.json"):
            return DaemonStatus(str(data.get("node_name", "")), **counts_in(data, COUNTS))

    def listprojects(self) -> list[str]:
        """Return the names of the projects."""
        return self._names("projects", "listprojects.json")

    def versions(self, project: str) -> Versions:
        """Return the stored versions."""
        return Versions(self._names("versions", "listversions.json", project=project))

    def listspiders(self, project: str, version: str | None) -> list[str]:
        """Return the names of the spiders of a version."""
        params = {"project": project, "_version": version}
        return self._names("spiders", "listspiders.json", LISTING_S, **params)

    def listjobs(self, project: str | None) -> list[Job]:
        """Return the jobs that the daemon has in memory."""
        data = self._get("listjobs.json", project=project)
        with reading(self._connection, "listjobs.json"):
            return [
                Job.read(state, {"project": project or "", **entry})
                for state in ("pending", "running", "finished")
                for entry in data.get(state, [])
            ]

    def find(self, words: Sequence[str], project: str | None) -> list[Job]:
        """Return all jobs: Scrapyd can't search."""
        return self.listjobs(project)

    def status(self, job: str, project: str | None) -> str | None:
        """Return the state of a job."""
        state = self._get("status.json", job=job, project=project).get("currstate")
        return None if state is None else str(state)

    def schedule(
        self,
        job: Job,
        priority: float | None,
        instances: int = 1,
    ) -> list[str]:
        """Start `job`; returns its id. `instances` is 1: Scrapyd starts one job a call."""
        fields: dict[str, Any] = {**job.arguments, "project": job.project, "spider": job.spider}
        fields |= {"jobid": job.id, "setting": [f"{name}={value}" for name, value in job.settings.items()]}
        fields |= {"_version": job.version, "priority": priority}
        self._post("schedule.json", fields, LISTING_S)
        return [job.id]

    def cancel(self, project: str, job: str, signal: str | None) -> str | None:
        """Cancel a job; returns its state before."""
        state = self._post("cancel.json", {"project": project, "job": job, "signal": signal}).get("prevstate")
        return None if state is None else str(state)

    def upload_page(self, project: str, version: str) -> str:
        """Return the page to which an egg goes."""
        return "addversion.json"

    def addversion(self, project: str, version: str, egg: bytes, on_sent: Sent | None) -> Answer:
        """Upload an egg."""
        # a file is sent in blocks, and the time limit applies to every block; for bytes it applies to the
        # whole
        form, content_type = egg_form({"project": project, "version": version}, egg, on_sent)
        with broken_off(form):
            response = self._connection.ask(
                "POST",
                self.upload_page(project, version),
                answer_s=LISTING_S,
                data=form,
                headers={"Content-Type": content_type},
            )
        return self._answer(response)

    def activate(self, project: str, version: str) -> str | None:
        """Raise: a Scrapyd has no active version."""
        raise ServerError(
            f"{self._connection.url} is a stock Scrapyd: its jobs use the latest version. "
            "`aioscrapy deploy --rollback` deletes the latest one"
        )

    def delversion(self, project: str, version: str) -> None:
        """Delete a version."""
        self._post("delversion.json", {"project": project, "version": version})

    def delproject(self, project: str) -> None:
        """Delete a project."""
        self._post("delproject.json", {"project": project})

    def _names(self, key: str, page: str, answer_s: float | None = None, **params: Any) -> list[str]:
        data = self._get(page, answer_s, **params)
        with reading(self._connection, page):
            return names_in(data.get(key, []))

    def _get(self, page: str, answer_s: float | None = None, **params: Any) -> dict[str, Any]:
        return self._checked(page, self._connection.ask("GET", page, answer_s=answer_s, params=params))

    def _post(self, page: str, fields: Mapping[str, Any], answer_s: float | None = None) -> dict[str, Any]:
        return self._checked(page, self._connection.ask("POST", page, answer_s=answer_s, data=fields))

    def _checked(self, page: str, response: Any) -> dict[str, Any]:
        return self._answer(response).checked(f"{self._connection.url}/{page}")

    def _answer(self, response: Any) -> Answer:
        return Answer(response.status_code, response.text, self._connection.proxy)


@contextmanager
def reading(connection: Connection, page: str) -> Iterator[None]:
    """Turn errors of an answer with unexpected fields into a ServerError."""
    try:
        yield
    except (KeyError, TypeError, ValueError, AttributeError):
        raise ServerError(f"{connection.url}/{page}: the answer is not from a Scrapyd") from None


def counts_in(data: Mapping[str, Any], names: Sequence[str]) -> dict[str, Any]:
    """Return name -> whole number, 0 for a missing one.

    Raises:
        ValueError: a value is not a number.
    """
    return {name: int(data.get(name, 0)) for name in names}


def names_in(names: Any) -> list[str]:
    """Return names of an answer as a list of texts.

    Raises:
        TypeError: it is not a list.
    """
    if not isinstance(names, list):
        raise TypeError
    return [str(name) for name in names]


@contextmanager
def broken_off(body: Any) -> Iterator[None]:
    """Add to a missing answer how much of an upload was sent."""
    try:
        yield
    except NoAnswerError as exc:
        if exc.timed_out or not 0 < body.sent < len(body):
            raise
        raise NoAnswerError(
            f"{exc}, after {body.sent:,} of {len(body):,} bytes: is the egg larger than the server, or a "
            "proxy before it, takes, or its disk full?",
            timed_out=False,
        ) from exc
