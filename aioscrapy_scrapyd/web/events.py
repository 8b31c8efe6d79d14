"""The stream of events: what changes on the node, for pages and programs, as server-sent events.

An event has an id (START-NUMBER: when the daemon started, in milliseconds, and a counter), a kind and JSON:

    job       the state of a job has changed, or it is new: what /api/v1 knows of it
    stats     a running job has counted: project, job, spider, pages, items, errors, waiting, rss
    egg       a version was deployed, activated or deleted: project, version
    crawl     a crawl in Redis has changed: {}
    node      read the state of the node again: {}, each 6 seconds
    reset     events are missing: read again what you show. First event of a client without a last id

Changes of FLUSH_S are sent together. A client that reads slowly gets nothing while its connection is full,
then what the history still has, else `reset`: it costs one buffer of the connection.
"""

import json
import time
from collections import deque
from collections.abc import Callable
from itertools import islice
from typing import Any

from twisted.internet.interfaces import IPushProducer
from twisted.internet.task import LoopingCall
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET
from typing_extensions import override
from zope.interface import implementer

from aioscrapy_scrapyd.jobview import about
from aioscrapy_scrapyd.numbers import whole
from aioscrapy_scrapyd.state.job import Job

# Events that a client can ask for when it comes back.
HISTORY = 4096
# Seconds between two writes to the clients, and between two comment lines on a silent stream.
FLUSH_S = 0.25
COMMENT_S = 15.0
# Milliseconds after which a browser connects again.
RETRY_MS = 2000
# Streams of one node at once; one more gets 503.
CLIENTS_LIMIT = 1000

Event = tuple[int, str, bytes]  # number, project ("" concerns everybody), the bytes on the wire


class Events:
    """All events of a node and the clients that wait for them.

    Args:
        reactor: Twisted's.
    """

    def __init__(self, reactor: Any) -> None:
        self.start = f"{int(time.time() * 1000)}"
        self.number = 0
        self.clients: set[Client] = set()
        self._history: deque[Event] = deque(maxlen=HISTORY)
        self._states: dict[tuple[str, str], str] = {}
        self._stats: dict[tuple[str, str], Job] = {}
        self._reactor = reactor
        self._flush_call: Any = None
        self._comments = LoopingCall(self._comment)
        self._comments.clock = reactor

    def job_changed(self, job: Job) -> None:
        """Note a change of a job; changes of its counts are sent once for each flush."""
        if self._states.get(job.key) == job.state:
            self._stats[job.key] = job
        else:
            self._states[job.key] = job.state
            self._stats.pop(job.key, None)
            self.add("job", job.project, _job_event(job))
        if job.ended:
            self._states.pop(job.key, None)
        self._flush_soon()

    def version_changed(self, project: str, version: str) -> None:
        """Note a deploy, an activation or a deletion."""
        self.add("egg", project, {"project": project, "version": version})

    def add(self, kind: str, project: str, data: dict[str, Any]) -> None:
        """Send an event to all clients that see the project; "" for everybody."""
        self.number += 1
        text = f"id: {self.start}-{self.number}\nevent: {kind}\ndata: {json.dumps(data)}\n\n"
        self._history.append((self.number, project, text.encode()))
        self._flush_soon()

    def reset(self) -> bytes:
        """Return the event that says: read again what you show."""
        return f"id: {self.position}\nevent: reset\ndata: {{}}\n\n".encode()

    @property
    def position(self) -> str:
        """The id of the latest event."""
        return f"{self.start}-{self.number}"

    def behind(self, number: int) -> list[Event] | None:
        """Return the events behind this number; None if the history does not have them all."""
        missing = self.number - number
        if missing < 0 or missing > len(self._history):
            return None
        return list(islice(self._history, len(self._history) - missing, None))

    def connect(self, client: "Client") -> None:
        """Add a client."""
        self.clients.add(client)
        if not self._comments.running:
            self._comments.start(COMMENT_S, now=False)

    def disconnect(self, client: "Client") -> None:
        """Forget a client."""
        self.clients.discard(client)
        if not self.clients and self._comments.running:
            self._comments.stop()

    def _flush_soon(self) -> None:
        if self._flush_call is None:
            self._flush_call = self._reactor.callLater(FLUSH_S, self._flush)

    def _flush(self) -> None:
        self._flush_call = None
        stats, self._stats = self._stats, {}
        for job in stats.values():
            self.add("stats", job.project, _stats_event(job))
        if self._flush_call is not None:
            self._flush_call.cancel()
            self._flush_call = None
        wire: dict[tuple[int, Any], bytes] = {}
        for client in list(self.clients):
            client.catch_up(wire)

    def _comment(self) -> None:
        for client in list(self.clients):
            client.comment()


@implementer(IPushProducer)
class Client:
    """One open stream.

    Args:
        events: of the node.
        request: of the client.
        sees: returns True for the projects that it may see.
        group: clients of one group see the same.
    """

    def __init__(self, events: Events, request: Any, sees: Callable[[str], bool], group: Any) -> None:
        self._events = events
        self._request = request
        self._sees = sees
        self._group = group
        self._sent = events.number
        self._paused = False

    def start(self, last: str) -> None:
        """Begin with what came behind the id `last`; "" for a new client."""
        request = self._request
        for name, value in (
            ("Content-Type", "text/event-stream; charset=utf-8"),
            ("X-Accel-Buffering", "no"),
        ):
            request.setHeader(name, value)
        request.setHeader("Cache-Control", "no-store")
        request.notifyFinish().addBoth(lambda _: self._events.disconnect(self))
        request.registerProducer(self, True)
        request.write(f"retry: {RETRY_MS}\n\n".encode())
        start, _, number = last.rpartition("-")
        sent = whole(number)
        if start == self._events.start and sent is not None:
            self._sent = sent
        else:
            request.write(self._events.reset())
        self._events.connect(self)
        self.catch_up({})

    def catch_up(self, wire: dict[tuple[int, Any], bytes]) -> None:
        """Write what this client has not got; `wire` keeps the bytes for the others of its group."""
        if self._paused or self._sent == self._events.number:
            return
        key = self._sent, self._group
        if key not in wire:
            events = self._events.behind(self._sent)
            wire[key] = (
                self._events.reset()
                if events is None
                else b"".join(data for _, project, data in events if not project or self._sees(project))
            )
        self._sent = self._events.number
        if wire[key]:
            self._request.write(wire[key])

    def comment(self) -> None:
        """Write a comment line: proxies close a silent connection."""
        if not self._paused:
            self._request.write(b":\n\n")

    def pauseProducing(self) -> None:  # noqa: N802 Twisted's name
        """Write nothing: the connection is full."""
        self._paused = True

    def resumeProducing(self) -> None:  # noqa: N802 Twisted's name
        """Write what came meanwhile."""
        self._paused = False
        self.catch_up({})

    def stopProducing(self) -> None:  # noqa: N802 Twisted's name
        """Forget the client: it is gone."""
        self._events.disconnect(self)


class Stream(Resource):
    """GET /events, with the parameters `project` and `last` (as Last-Event-ID)."""

    isLeaf = True  # noqa: N815 Twisted's name

    def __init__(self, events: Events) -> None:
        super().__init__()
        self._events = events

    def render_GET(self, request: Any) -> Any:  # noqa: N802 Twisted's name
        """Open a stream."""
        if len(self._events.clients) >= CLIENTS_LIMIT:
            request.setResponseCode(503)
            return b"too many streams\n"
        user = getattr(request, "node_user", None)
        only = request.args.get(b"project", [b""])[-1].decode("utf-8", "replace")

        def sees(project: str) -> bool:
            return only in {"", project} and (user is None or user.may_use(project))

        last = request.getHeader("last-event-id") or request.args.get(b"last", [b""])[-1].decode("latin-1")
        group = only, user.projects if user is not None else None
        Client(self._events, request, sees, group).start(last)
        return NOT_DONE_YET

    @override
    def render_HEAD(self, request: Any) -> Any:
        request.setHeader("Content-Type", "text/event-stream; charset=utf-8")
        return b""


def _job_event(job: Job) -> dict[str, Any]:
    times = {name: getattr(job, name) or None for name in ("created", "started", "ended")}
    return {"project": job.project, "job": job.id, "spider": job.spider, **times, **about(job)}


def _stats_event(job: Job) -> dict[str, Any]:
    counts = {name: job.counts.get(name) for name in ("pages", "items", "errors", "waiting", "rss")}
    return {"project": job.project, "job": job.id, "spider": job.spider, **counts}
