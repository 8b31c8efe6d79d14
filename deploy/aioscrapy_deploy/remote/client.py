"""The client of a Scrapyd: the verbs of its JSON API, the logs and the items of its jobs."""

import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from copy import copy
from typing import Any
from urllib.parse import quote

from aioscrapy_deploy.errors import NoAnswerError, RefusedError, ScrapydError, ServerError
from aioscrapy_deploy.remote.connection import ANSWER_S, CONNECT_S, LISTING_S, Connection, no_answer
from aioscrapy_deploy.remote.form import EggForm, Sent
from aioscrapy_deploy.remote.models import RESERVED, Answer, DaemonStatus, Job

_BLOCK = 1 << 16  # bytes of a feed at once
_RANGE_IS_GIVEN, _RANGE_BEGINS_AT_END = 206, 416


class ScrapydClient:
    """A client of one Scrapyd; every method is one round trip unless its text differs.

    `timeout_s` are the seconds for an answer, or a pair: to connect and to answer. A request that only reads
    is repeated if the connection failed; a request that changes something is not (see `Connection`). Threads
    may share a client.

    Raises (every method):
        ScrapydError: an error of Scrapyd: an unknown project, version, spider.
        RefusedError: an HTTP status of 300 or more.
        NoAnswerError: no connection, no answer in time.
        ServerError: the base of these three; also an answer that is not from a Scrapyd.

    Raises (the constructor):
        TargetError: the url is not http or https.
    """

    def __init__(
        self,
        url: str,
        username: str | None = None,
        password: str = "",
        *,
        timeout_s: float | tuple[float, float] | None = None,
    ) -> None:
        self._connection = Connection(url, username, password, timeout_s)
        self._timeout_s: Any = timeout_s or (CONNECT_S, ANSWER_S)
        self.url = self._connection.url
        self.username = self._connection.username
        self.has_password = self._connection.has_password

    @property
    def exposes_password(self) -> bool:
        """Whether a password would travel as plain text: by http, to another machine."""
        return self._connection.exposes_password

    def endpoint(self, action: str) -> str:
        """Return the address of one page of the API, without a password."""
        return f"{self.url}/{action}"

    def with_timeout(self, timeout_s: float) -> "ScrapydClient":
        """Return a client of the same Scrapyd with this time limit for everything."""
        client = copy(self)
        client._timeout_s = timeout_s
        client._connection = self._connection.with_timeout(timeout_s)
        return client

    def daemonstatus(self) -> DaemonStatus:
        """Return the numbers of jobs that the daemon has."""
        data = self._get("daemonstatus.json")
        with self._reading("daemonstatus.json"):
            counts = [int(data.get(name, 0)) for name in ("pending", "running", "finished")]
            return DaemonStatus(str(data.get("node_name", "")), *counts)

    def listprojects(self) -> list[str]:
        """Return the names of the projects that have an egg."""
        return self._names("projects", "listprojects.json")

    def listversions(self, project: str) -> list[str]:
        """Return the versions of a project, the latest last; [] if there is no such project."""
        return self._names("versions", "listversions.json", project=project)

    def listspiders(self, project: str, version: str | None = None) -> list[str]:
        """Return the names of the spiders of a version, by default the latest.

        Scrapyd may have to start a process to list them.
        """
        params = {"project": project, "_version": version}
        return self._names("spiders", "listspiders.json", LISTING_S, **params)

    def listjobs(self, project: str | None = None) -> list[Job]:
        """Return the jobs that the daemon knows: pending, running, finished; by default of all projects.

        The daemon keeps the last `finished_to_keep` finished jobs in memory, until it ends.
        """
        data = self._get("listjobs.json", project=project)
        with self._reading("listjobs.json"):
            return [
                Job.read(state, {"project": project or "", **entry})
                for state in ("pending", "running", "finished")
                for entry in data.get(state, [])
            ]

    def status(self, job: str, project: str | None = None) -> str | None:
        """Return pending, running or finished; None if the daemon does not know the job."""
        state = self._get("status.json", job=job, project=project).get("currstate")
        return None if state is None else str(state)

    def schedule(
        self,
        project: str,
        spider: str,
        *,
        arguments: Mapping[str, str] | None = None,
        settings: Mapping[str, str] | None = None,
        version: str | None = None,
        priority: float | None = None,
        job: str | None = None,
    ) -> str:
        """Put a job into the daemon's queue; return its id: `job`, or a new one.

        Scrapyd accepts the same job twice. So after an unclear answer the request is not repeated;
        status.json shows if the job exists.

        Raises:
            ValueError: an argument has a name that Scrapyd reserves, one of RESERVED.
        """
        if taken := RESERVED & set(arguments or {}):
            raise ValueError(
                f"Scrapyd reserves {', '.join(sorted(taken))}: not a name for a spider's argument"
            )
        job = job or uuid.uuid1().hex
        fields: dict[str, Any] = {**(arguments or {}), "project": project, "spider": spider, "jobid": job}
        fields["setting"] = [f"{name}={value}" for name, value in (settings or {}).items()]
        fields |= {"_version": version, "priority": priority}
        try:
            self._post("schedule.json", fields, LISTING_S)
        except ScrapydError:
            raise
        except ServerError:
            if not self._has(job):
                raise
        return job

    def cancel(self, project: str, job: str, signal: str | None = None) -> str | None:
        """Remove a pending job from the queue, or send a signal to a running one (default INT).

        Return the state before; None if the job is unknown or has ended. The first INT or TERM ends a job of
        this package gracefully, the second at once.
        """
        state = self._post("cancel.json", {"project": project, "job": job, "signal": signal}).get("prevstate")
        return None if state is None else str(state)

    def addversion(self, project: str, version: str, egg: bytes, on_sent: Sent | None = None) -> Answer:
        """Upload an egg; the answer may be an error of Scrapyd: look at its `failure`.

        `on_sent` is called repeatedly with the number of sent bytes of the form, which is a little larger
        than the egg.

        Raises:
            RefusedError: an HTTP status of 300 or more.
            NoAnswerError: no answer.
        """
        # a file is sent in blocks, and the time limit applies to every block; for bytes it applies to the
        # whole
        form = EggForm({"project": project, "version": version}, egg, on_sent)
        try:
            response = self._connection.ask(
                "POST",
                "addversion.json",
                answer_s=LISTING_S,
                data=form,
                headers={"Content-Type": form.content_type},
            )
        except NoAnswerError as exc:
            if exc.timed_out or not 0 < form.sent < len(form):
                raise
            raise NoAnswerError(
                f"{exc}, after {form.sent:,} of {len(form):,} bytes: is the egg larger than the server, or a "
                "proxy before it, takes, or its disk full?",
                timed_out=False,
            ) from exc
        return self._answer(response)

    def delversion(self, project: str, version: str) -> None:
        """Delete the egg of a version; without an egg the project no longer exists."""
        self._post("delversion.json", {"project": project, "version": version})

    def delproject(self, project: str) -> None:
        """Delete all eggs of a project."""
        self._post("delproject.json", {"project": project})

    def log(self, job: Job, start: int = 0, size: int | None = None) -> bytes | None:
        """Return up to `size` bytes of a job's log from byte `start` on; None if there is no log.

        With a negative `start` from that many bytes before its end, in two round trips.
        """
        page = _page(job.log_url) or _page(f"/logs/{job.project}/{job.spider}/{job.id}.log")
        if start < 0:  # Twisted's server fails if a range of last bytes is longer than the file
            head = self._file(page, method="HEAD", headers={"Accept-Encoding": "identity"})
            if head is None:
                return None
            start = max(0, int(head.headers.get("Content-Length", 0)) + start)
        span = f"{start}-{'' if size is None else start + size - 1}"
        # not compressed, else the bytes asked for would be those of the compressed file
        headers = {"Range": f"bytes={span}", "Accept-Encoding": "identity"}
        response = self._file(page, expected=(_RANGE_BEGINS_AT_END,), headers=headers)
        if response is None:
            return None
        with response:
            if response.status_code == _RANGE_BEGINS_AT_END:
                return b""
            content = bytes(response.content)
        if response.status_code == _RANGE_IS_GIVEN:
            return content
        return content[start:][:size]

    def end_record(self, job: Job) -> dict[str, Any] | None:
        """Return the end record that our runner writes for a job; None if there is none.

        Source: docs/scrapyd.md, "How a job ended".
        """
        logs, project, spider = "/logs", job.project, job.spider
        if job.log_url and job.log_url.count("/") > 2:
            logs, project, spider, _ = job.log_url.rsplit("/", 3)
        response = self._file(_page(f"{logs}/{project}/.ends/{spider}/{job.id}.json"))
        if response is None:
            return None
        with response:
            data = Answer(response.status_code, response.text).data
        return data if data is not None and "reason" in data else None

    def items(self, job: Job) -> Iterator[bytes] | None:
        """Yield a job's feed, blocks of JSON lines; None if Scrapyd keeps no feed (`items_dir` is empty)."""
        page = _page(job.items_url) or _page(f"/items/{job.project}/{job.spider}/{job.id}.jl")
        response = self._file(page, stream=True)
        return None if response is None else self._blocks(response, page)

    def _blocks(self, response: Any, page: str) -> Iterator[bytes]:
        import requests

        try:
            with response:
                yield from response.iter_content(_BLOCK)
        except requests.RequestException as exc:
            raise no_answer(self.endpoint(page), exc, self._timeout_s) from exc

    def _file(self, page: str, method: str = "GET", **kwargs: Any) -> Any:
        try:
            return self._connection.ask(method, page, **kwargs)
        except RefusedError as exc:
            if exc.status == 404:
                return None
            raise

    def _has(self, job: str) -> bool:
        try:
            return self.status(job) is not None
        except ServerError:
            return False

    def _names(self, key: str, page: str, answer_s: float | None = None, **params: Any) -> list[str]:
        data = self._get(page, answer_s, **params)
        with self._reading(page):
            names = data.get(key, [])
            if not isinstance(names, list):
                raise TypeError
            return [str(name) for name in names]

    @contextmanager
    def _reading(self, page: str) -> Iterator[None]:
        """Turn errors of an answer with unexpected fields into a ServerError."""
        try:
            yield
        except (KeyError, TypeError, ValueError, AttributeError):
            raise ServerError(f"{self.endpoint(page)}: the answer is not from a Scrapyd") from None

    def _get(self, page: str, answer_s: float | None = None, **params: Any) -> dict[str, Any]:
        return self._checked(page, self._connection.ask("GET", page, answer_s=answer_s, params=params))

    def _post(self, page: str, fields: dict[str, Any], answer_s: float | None = None) -> dict[str, Any]:
        return self._checked(page, self._connection.ask("POST", page, answer_s=answer_s, data=fields))

    def _checked(self, page: str, response: Any) -> dict[str, Any]:
        return self._answer(response).checked(self.endpoint(page))

    def _answer(self, response: Any) -> Answer:
        return Answer(response.status_code, response.text, self._connection.proxy)


def _page(path: str | None) -> str:
    """Return the unquoted path of an answer as a quoted path below the target's url; "" without a path."""
    return quote(path.lstrip("/")) if path else ""
