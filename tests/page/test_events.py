"""The stream of events: what arrives, what a client gets that comes back, what slow and gone clients cost."""

import contextlib
import json
import socket
import time
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from aioscrapy_scrapyd.state.job import Job, State
from aioscrapy_scrapyd.web.events import COMMENT_S, FLUSH_S, HISTORY, Client, Events
from page.examples import deploy, run
from support.scrapyd import ScrapydServer
from support.site import Site


class Connection:
    """What a stream needs of a request."""

    def __init__(self) -> None:
        self.written = b""
        self.producer: Any = None

    def setHeader(self, name: str, value: str) -> None:  # noqa: N802 Twisted's name
        """Take a header."""

    def notifyFinish(self) -> Any:  # noqa: N802 Twisted's name
        return Deferred()

    def registerProducer(self, producer: Any, streaming: bool) -> None:  # noqa: N802 Twisted's name
        self.producer = producer

    def write(self, data: bytes) -> None:
        self.written += data

    def kinds(self) -> list[str]:
        return [line[7:] for line in self.written.decode().splitlines() if line.startswith("event: ")]


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def events(clock: Clock) -> Events:
    return Events(clock)


def connected(events: Events, last: str = "", project: str = "") -> Connection:
    connection = Connection()
    Client(events, connection, lambda name: project in {"", name}, project).start(last)
    return connection


def job(name: str = "a", state: State = State.RUNNING, project: str = "p", **counts: int) -> Job:
    return Job(project, "s", name, state=state, started=1.0, counts=dict(counts))


def test_changes_of_counts_are_sent_once_for_each_flush(events: Events, clock: Clock) -> None:
    connection = connected(events)
    one = job()
    for pages in range(100):
        one.counts["pages"] = pages
        events.job_changed(one)
    clock.advance(FLUSH_S)
    assert connection.kinds() == ["reset", "job", "stats"]
    assert '"pages": 99' in connection.written.decode()


def test_a_client_that_comes_back_gets_what_it_missed(events: Events, clock: Clock) -> None:
    for number in range(5):
        events.job_changed(job(f"j{number}"))
    clock.advance(FLUSH_S)
    assert connected(events, f"{events.start}-3").kinds() == ["job", "job"]
    assert connected(events, events.position).kinds() == []
    for unknown in ("", "x", f"{events.start}-99", "1-1", f"{events.start}-", "--"):
        assert connected(events, unknown).kinds() == ["reset"]
    for _ in range(HISTORY + 1):
        events.add("job", "p", {})
    clock.advance(FLUSH_S)
    assert connected(events, f"{events.start}-3").kinds() == ["reset"]


def test_a_slow_client_gets_nothing_until_it_reads(events: Events, clock: Clock) -> None:
    connection = connected(events)
    connection.producer.pauseProducing()
    before = connection.written
    for number in range(10):
        events.job_changed(job(f"j{number}"))
        clock.advance(FLUSH_S)
    clock.advance(COMMENT_S)
    assert connection.written == before
    connection.producer.resumeProducing()
    assert connection.kinds() == ["reset", *["job"] * 10]


def test_a_stream_of_one_project_has_no_other(events: Events, clock: Clock) -> None:
    mine, all_of_them = connected(events, project="p"), connected(events)
    events.job_changed(job(project="q"))
    events.version_changed("p", "1")
    clock.advance(FLUSH_S)
    assert mine.kinds() == ["reset", "egg"]
    assert all_of_them.kinds() == ["reset", "job", "egg"]


def test_a_silent_stream_has_comments(events: Events, clock: Clock) -> None:
    connection = connected(events)
    clock.advance(COMMENT_S)
    assert connection.written.endswith(b":\n\n")


def test_no_client_no_timer(events: Events, clock: Clock) -> None:
    connection = connected(events)
    connection.producer.stopProducing()
    assert not events.clients
    assert not clock.getDelayedCalls()


def read_events(reply: requests.Response) -> Iterator[tuple[str, dict[str, Any]]]:
    kind = ""
    for line in reply.iter_lines(decode_unicode=True, chunk_size=1):
        if line.startswith("event: "):
            kind = line[7:]
        elif line.startswith("data: "):
            yield kind, json.loads(line[6:])


def test_a_program_follows_a_job(node: ScrapydServer, site: Site) -> None:
    deploy(node)
    with requests.get(f"{node.url}events?project=shop", stream=True, timeout=30) as reply:
        run(node, "quick", "followed", site.url, pages="3", token="hunter2")
        states = []
        for kind, data in read_events(reply):
            if kind == "job" and data["job"] == "followed":
                states.append(data["state"])
                assert "hunter2" not in json.dumps(data)
            if states[-1:] == ["finished"]:
                break
    assert states[0] == "pending"
    assert [state for state in states if state != "starting"] == ["pending", "running", "finished"]


def test_clients_that_do_not_read_cost_nothing(node: ScrapydServer, site: Site) -> None:
    """Thirty of them stay connected, ten hang up in the middle, and the node answers at once."""
    clients = []
    for _ in range(40):
        client = socket.create_connection(("127.0.0.1", node.port))
        client.sendall(b"GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n")
        clients.append(client)
    for client in clients[:10]:
        client.close()
    run(node, "quick", "watched", site.url, pages="20")
    node.wait_job("watched")
    begin = time.monotonic()
    assert node.api("daemonstatus")["status"] == "ok"
    assert time.monotonic() - begin < 2
    for client in clients[10:]:
        with contextlib.suppress(OSError):
            client.close()
