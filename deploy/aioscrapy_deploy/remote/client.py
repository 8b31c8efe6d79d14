"""The client of a Scrapyd or a node: the verbs of its API, the logs and the items of its jobs."""

import uuid
from collections.abc import Iterator, Mapping, Sequence
from copy import copy
from dataclasses import replace
from typing import Any
from urllib.parse import quote

from aioscrapy_deploy.errors import NoAnswerError, RefusedError, ScrapydError, ServerError
from aioscrapy_deploy.remote.connection import ANSWER_S, CONNECT_S, Connection, no_answer
from aioscrapy_deploy.remote.form import Sent
from aioscrapy_deploy.remote.models import RESERVED, Answer, DaemonStatus, Job, NodeAnswer, Versions
from aioscrapy_deploy.remote.node_api import STATUS_PAGE, NodeApi
from aioscrapy_deploy.remote.stock_api import StockApi

_BLOCK = 1 << 16  # bytes of a feed at once
_RANGE_IS_GIVEN, _RANGE_BEGINS_AT_END = 206, 416
# statuses of a server or a proxy that lets nobody in, whatever is asked
_CLOSED = {401, 407, 429}


class ScrapydClient:
    """A client of one Scrapyd, or of one node, which speaks /api/v1 then.

    Every method is one round trip unless its text differs; the first one has another round trip, which asks
    what the server is. `token` is one of a node, in the place of username and password.

    `timeout_s` are the seconds for an answer, or a pair: to connect and to answer. A request that only reads
    is repeated if the connection failed; a request that changes something is not (see `Connection`). Threads
    may share a client.

    Raises (every method):
        ScrapydError: an error of Scrapyd: an unknown project, version, spider.
        RefusedError: an HTTP status of 300 or more.
        NoAnswerError: no connection, no answer in time.
        ServerError: the base of these three; also an answer that is not from a Scrapyd.

    Raises (the constructor):
        TargetError: the url is not http or https; or there are a token and a username.
    """

    def __init__(
        self,
        url: str,
        username: str | None = None,
        password: str = "",
        *,
        token: str = "",
        timeout_s: float | tuple[float, float] | None = None,
    ) -> None:
        self._connection = Connection(url, username, password, timeout_s, token=token)
        self._timeout_s: Any = timeout_s or (CONNECT_S, ANSWER_S)
        self._is_node: bool | None = None
        self.url = self._connection.url
        self.username = self._connection.username
        self.has_password = self._connection.has_password

    @property
    def exposes_password(self) -> bool:
        """Whether a password or a token would travel as plain text: by http, to another machine."""
        return self._connection.exposes_password

    @property
    def is_node(self) -> bool:
        """Whether the server has /api/v1; False also if it does not answer. One round trip, once.

        Raises:
            RefusedError: the server lets nobody in with this login.
            NoAnswerError: no answer in time.
        """
        if self._is_node is None:
            self._is_node = self._look_for_node()
        return bool(self._is_node)

    def endpoint(self, action: str) -> str:
        """Return the address of one page of the API, without a password."""
        return f"{self.url}/{action}"

    def upload_endpoint(self, project: str, version: str) -> str:
        """Return the address to which `addversion` sends an egg; that of a Scrapyd if nobody answers."""
        try:
            api = self._api
        except ServerError:
            api = StockApi(self._connection)
        return self.endpoint(api.upload_page(project, version))

    def with_timeout(self, timeout_s: float) -> "ScrapydClient":
        """Return a client of the same Scrapyd with this time limit for everything."""
        client = copy(self)
        client._timeout_s = timeout_s
        client._connection = self._connection.with_timeout(timeout_s)
        return client

    def daemonstatus(self) -> DaemonStatus:
        """Return the numbers of jobs that the daemon has; from a node also its slots and problems."""
        return self._api.daemonstatus()

    def listprojects(self) -> list[str]:
        """Return the names of the projects that have an egg."""
        return self._api.listprojects()

    def listversions(self, project: str) -> list[str]:
        """Return the versions of a project, the latest last; [] if there is no such project."""
        return self.versions(project).names

    def versions(self, project: str) -> Versions:
        """Return the versions of a project, and from a node which one is active."""
        return self._api.versions(project)

    def listspiders(self, project: str, version: str | None = None) -> list[str]:
        """Return the names of the spiders of a version, by default of the one that jobs use.

        Scrapyd may have to start a process to list them.
        """
        return self._api.listspiders(project, version)

    def listjobs(self, project: str | None = None) -> list[Job]:
        """Return the jobs that are pending, running, or ended lately; by default of all projects.

        A Scrapyd keeps the last `finished_to_keep` ended jobs in memory, until it ends. A node keeps all of
        them and returns the last 100; `find` looks further back.
        """
        return self._api.listjobs(project)

    def find(self, words: Sequence[str], project: str | None = None) -> list[Job]:
        """Return at least all known jobs with these ids, or of crawls with these ids; a round trip a word."""
        return self._api.find(words, project)

    def job(self, project: str, job: str) -> Job | None:
        """Return one job; None if the daemon does not know it."""
        api = self._api
        if isinstance(api, NodeApi):
            return api.job(project, job)
        return next((entry for entry in api.listjobs(project) if entry.id == job), None)

    def status(self, job: str, project: str | None = None) -> str | None:
        """Return pending, running or finished; None if the daemon does not know the job."""
        return self._api.status(job, project)

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
        another one asks if the job exists.

        Raises:
            ValueError: an argument has a name that Scrapyd reserves, one of RESERVED.
        """
        if taken := RESERVED & set(arguments or {}):
            raise ValueError(
                f"Scrapyd reserves {', '.join(sorted(taken))}: not a name for a spider's argument"
            )
        model = Job(job or uuid.uuid1().hex, project, spider, "pending", version=version)
        model = replace(model, settings=settings or {}, arguments=arguments or {})
        try:
            return self._api.schedule(model, priority)[0]
        except ScrapydError:
            raise
        except ServerError:
            if not self._has(model):
                raise
        return model.id

    def schedule_instances(self, job: Job, instances: int, priority: float | None = None) -> list[str]:
        """Start several jobs like `job` that share one crawl on a node, all or none; return their ids.

        The first one has the id of `job`; the others have ids that begin with it.

        Raises:
            ServerError: also if the server is not a node.
        """
        if not self.is_node:
            raise ServerError(f"{self.url} is not a node: a Scrapyd starts one job with each call")
        try:
            return self._api.schedule(job, priority, instances)
        except ScrapydError:
            raise
        except ServerError:
            if not self._has(job):
                raise
        return [job.id, *(f"{job.id}-{number}" for number in range(2, instances + 1))]

    def cancel(self, project: str, job: str, signal: str | None = None) -> str | None:
        """Remove a pending job from the queue, or send a signal to a running one (default INT).

        Return the state before; None if the job is unknown or has ended. The first INT or TERM ends a job of
        this package gracefully, the second at once. For a node, `job` may be the id of a crawl: all its jobs.
        """
        return self._api.cancel(project, job, signal)

    def addversion(self, project: str, version: str, egg: bytes, on_sent: Sent | None = None) -> Answer:
        """Upload an egg; the answer may be an error of Scrapyd: look at its `failure`.

        `on_sent` is called repeatedly with the number of sent bytes of the request, which may be a little
        larger than the egg.

        Raises:
            ScrapydError: a node refuses the egg; nothing has changed there.
            RefusedError: an HTTP status of 300 or more.
            NoAnswerError: no answer.
        """
        return self._api.addversion(project, version, egg, on_sent)

    def activate(self, project: str, version: str) -> str | None:
        """Make a stored version of a node the one that jobs use; return the one before.

        Raises:
            ServerError: also if the server is not a node.
        """
        return self._api.activate(project, version)

    def delversion(self, project: str, version: str) -> None:
        """Delete the egg of a version; without an egg the project no longer exists."""
        self._api.delversion(project, version)

    def delproject(self, project: str) -> None:
        """Delete all eggs of a project."""
        self._api.delproject(project)

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

    @property
    def _api(self) -> StockApi:
        return NodeApi(self._connection) if self.is_node else StockApi(self._connection)

    def _look_for_node(self) -> bool | None:
        """Return whether the server has /api/v1; None if it can't be said now."""
        try:
            response = self._connection.ask("GET", STATUS_PAGE, pauses_s=())
        except NoAnswerError as exc:
            if exc.timed_out:
                raise
            return None  # the call that follows says why
        except RefusedError as exc:
            if exc.status in _CLOSED:
                raise
            return False if exc.status < 500 else None
        return "slots" in (NodeAnswer(response.status_code, response.text).data or {})

    def _has(self, job: Job) -> bool:
        try:
            return self._api.status(job.id, job.project if self.is_node else None) is not None
        except ServerError:
            return False


def _page(path: str | None) -> str:
    """Return the unquoted path of an answer as a quoted path below the target's url; "" without a path."""
    return quote(path.lstrip("/")) if path else ""
