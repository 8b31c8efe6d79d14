"""/api/v1 of a node; what has no route there is asked of Scrapyd's services, which a node has as well."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime
from typing import Any
from urllib.parse import quote

from aioscrapy_deploy.errors import RefusedError, ScrapydError
from aioscrapy_deploy.remote.connection import LISTING_S, node_message
from aioscrapy_deploy.remote.form import Body, Sent
from aioscrapy_deploy.remote.models import Answer, Counts, DaemonStatus, Job, NodeAnswer, Versions
from aioscrapy_deploy.remote.stock_api import COUNTS, StockApi, broken_off, counts_in, names_in, reading

STATUS_PAGE = "api/v1/status"
# Ended jobs that a search looks at, the newest first.
_SEARCHED = 1000
# The statuses of an error that a node reports itself.
_NODE_ERRORS = {400, 404, 409, 503}
_STOCK_STATE = {"pending": "pending", **dict.fromkeys(("finished", "failed", "cancelled"), "finished")}


class NodeApi(StockApi):
    """Calls of /api/v1; `ScrapydClient` describes them."""

    def daemonstatus(self) -> DaemonStatus:
        data = self._read(STATUS_PAGE)
        with reading(self._connection, STATUS_PAGE):
            counts = counts_in(data, (*COUNTS, "slots", "free"))
            problems = tuple(names_in(data["problems"]))
            return DaemonStatus(str(data.get("node_name", "")), **counts, problems=problems)

    def listprojects(self) -> list[str]:
        page = "api/v1/projects"
        data = self._read(page)
        with reading(self._connection, page):
            return names_in(data["projects"])

    def versions(self, project: str) -> Versions:
        page = f"{_of(project)}/versions"
        try:
            data = self._read(page)
        except ScrapydError as exc:
            if "not found" in str(exc):  # as Scrapyd: a project without an egg has no versions
                return Versions([])
            raise
        with reading(self._connection, page):
            stored = data["versions"]
            deployed = {str(one["version"]): float(one.get("deployed") or 0) for one in stored}
            return Versions([str(one["version"]) for one in stored], data["active"], deployed)

    def listspiders(self, project: str, version: str | None) -> list[str]:
        page = f"{_of(project)}/spiders"
        data = self._read(page, LISTING_S, version=version)
        with reading(self._connection, page):
            return names_in(data["spiders"])

    def listjobs(self, project: str | None) -> list[Job]:
        jobs = self._jobs(project=project)
        if project and not jobs and project not in self.listprojects():
            raise ScrapydError(f"{self._connection.url}/api/v1/jobs: project '{project}' not found")
        return jobs

    def find(self, words: Sequence[str], project: str | None) -> list[Job]:
        lists = (self._jobs(project=project, text=word, limit=_SEARCHED) for word in words)
        return list({(job.project, job.id): job for jobs in lists for job in jobs}.values())

    def status(self, job: str, project: str | None) -> str | None:
        if project is None:
            return super().status(job, project)
        entry = self.job(project, job)
        return None if entry is None else entry.state

    def job(self, project: str, job: str) -> Job | None:
        """Return a job with its counts; None if the node does not know it."""
        page = f"api/v1/jobs/{_quoted(project)}/{_quoted(job)}"
        try:
            data = self._read(page)
        except ScrapydError as exc:
            if "not found" in str(exc):
                return None
            raise
        with reading(self._connection, page):
            return _job(data)

    def schedule(self, job: Job, priority: float | None, instances: int = 1) -> list[str]:
        fields: dict[str, Any] = {"project": job.project, "spider": job.spider, "job": job.id}
        fields |= {"args": dict(job.arguments), "settings": dict(job.settings)}
        optional = {"version": job.version, "priority": priority, "instances": instances}
        fields |= {name: value for name, value in optional.items() if value is not None}
        page = "api/v1/jobs"
        data = self._change("POST", page, LISTING_S, json=fields)
        with reading(self._connection, page):
            return [str(one["job"]) for one in data["jobs"]]

    def cancel(self, project: str, job: str, signal: str | None) -> str | None:
        if signal is not None:
            return super().cancel(project, job, signal)
        page = f"api/v1/jobs/{_quoted(project)}/{_quoted(job)}/cancel"
        try:
            data = self._change("POST", page)
        except ScrapydError as exc:
            if str(exc).endswith(f"job '{job}' not found"):
                return None
            raise
        with reading(self._connection, page):
            states = {str(state) for state in data["jobs"].values()}
        if not states:
            return None
        return "pending" if states == {"pending"} else "running"

    def upload_page(self, project: str, version: str) -> str:
        return f"{_of(project)}/versions/{_quoted(version)}"

    def addversion(self, project: str, version: str, egg: bytes, on_sent: Sent | None) -> Answer:
        body = Body([egg], on_sent)
        headers = {"Content-Type": "application/octet-stream"}
        page = self.upload_page(project, version)
        with broken_off(body), self._errors(page):
            response = self._connection.ask("PUT", page, answer_s=LISTING_S, data=body, headers=headers)
        return NodeAnswer(response.status_code, response.text, self._connection.proxy)

    def activate(self, project: str, version: str) -> str | None:
        data = self._change("POST", f"{self.upload_page(project, version)}/activate", LISTING_S)
        previous = data.get("previous")
        return None if previous is None else str(previous)

    def delversion(self, project: str, version: str) -> None:
        self._change("DELETE", self.upload_page(project, version))

    def delproject(self, project: str) -> None:
        self._change("DELETE", _of(project))

    def _jobs(self, **params: Any) -> list[Job]:
        page = "api/v1/jobs"
        data = self._read(page, **params)
        with reading(self._connection, page):
            return [_job(entry) for part in ("pending", "running", "ended") for entry in data[part]]

    def _read(self, page: str, answer_s: float | None = None, **params: Any) -> dict[str, Any]:
        with self._errors(page):
            response = self._connection.ask("GET", page, answer_s=answer_s, params=params)
        return self._data(page, response)

    def _change(self, method: str, page: str, answer_s: float | None = None, **body: Any) -> dict[str, Any]:
        with self._errors(page):
            response = self._connection.ask(method, page, answer_s=answer_s, **body)
        return self._data(page, response)

    def _data(self, page: str, response: Any) -> dict[str, Any]:
        answer = NodeAnswer(response.status_code, response.text, self._connection.proxy)
        return answer.checked(f"{self._connection.url}/{page}")

    def _errors(self, page: str) -> AbstractContextManager[None]:
        return _node_errors(f"{self._connection.url}/{page}")


@contextmanager
def _node_errors(endpoint: str) -> Iterator[None]:
    """Turn a refusal in which the node says what is wrong into a ScrapydError."""
    try:
        yield
    except RefusedError as exc:
        if exc.status not in _NODE_ERRORS or (message := node_message(exc.body)) is None:
            raise
        raise ScrapydError(f"{endpoint}: {message}") from exc


def _of(project: str) -> str:
    return f"api/v1/projects/{_quoted(project)}"


def _quoted(name: str) -> str:
    """Return a name as one part of a path; the dots of a name that is only dots, too."""
    return quote(name, safe="") if name.strip(".") else name.replace(".", "%2E")


def _job(entry: Mapping[str, Any]) -> Job:
    return Job(
        str(entry["job"]),
        str(entry["project"]),
        str(entry["spider"]),
        _STOCK_STATE.get(str(entry["state"]), "running"),
        pid=entry["pid"] if not entry["ended"] else None,
        start_time=_local(entry["started"]),
        end_time=_local(entry["ended"]),
        log_url=entry.get("log_url"),
        items_url=entry.get("items_url"),
        version=entry["version"],
        settings=entry["settings"],
        arguments=entry["args"],
        node_state=str(entry["state"]),
        reason=entry["reason"] if entry["ended"] else None,
        exit_status=entry["exit_status"],
        signal=entry["signal"],
        crawl=entry["crawl"],
        attempt=entry["attempt"],
        seconds=entry.get("seconds"),
        counts=Counts(**{name: entry.get(name) for name in Counts.__annotations__}),
    )


def _local(seconds: float | None) -> str | None:
    return str(datetime.fromtimestamp(seconds)) if seconds else None  # noqa: DTZ006 as Scrapyd writes them
