"""What tests of the deploy tooling share: a small web server with answers that a test sets, and types."""

import json
import threading
from base64 import b64decode
from collections.abc import Callable
from dataclasses import dataclass, field
from email.parser import BytesParser
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import NamedTuple
from urllib.parse import parse_qsl

SPIDER = """
class One:
    name = "one"
    from_crawler = update_settings = classmethod(lambda cls: None)
"""

PROGRAM = "import sys; from aioscrapy_deploy.cli import main; sys.exit(main())"

OK = b'{"node_name": "here", "status": "ok", "project": "shop", "version": "7", "spiders": 1}\n'

Write = Callable[[dict[str, str]], Path]
Run = Callable[..., "Done"]
Both = Callable[..., tuple["Done", "Done"]]


@dataclass
class Seen:
    """One request that the server got."""

    path: str
    authorization: str | None
    fields: dict[str, bytes]
    file_name: str | None


class Server(ThreadingHTTPServer):
    """Answers every request with `status`, `body` and `headers`; remembers what came.

    `next_statuses` go before `status`, one request each; with 0 it hangs up. What versions there are
    (`versions`) it tells apart from that, or refuses with the status `refuses_versions`, and deletes them;
    `deleted` are those. A page of `answers` has its own body, with status 200.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.status = 200
        self.next_statuses: list[int] = []
        self.body = OK
        self.headers: dict[str, str] = {"Content-Type": "application/json"}
        self.seen: list[Seen] = []
        self.versions: list[str] = []
        self.refuses_versions = 0
        self.deleted: list[str] = []
        self.answers: dict[str, bytes] = {}
        self.arrived = threading.Event()
        self.answer_now = threading.Event()
        self.answer_now.set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that has gone away is what some tests are about."""


@dataclass
class Done:
    """What one command left: exit status and what it printed.

    `packed` is the line about the egg's size, which scrapyd-client does not have; it is not in `err`.
    """

    status: int
    out: str
    err: str
    packed: str = field(default="", compare=False)

    @classmethod
    def printed(cls, status: int, out: str, err: str) -> "Done":
        lines = err.splitlines(keepends=True)
        about_size = [line for line in lines if line.startswith("Packed ")]
        rest = [line for line in lines if line not in about_size]
        return cls(status, out, "".join(rest), "".join(about_size))


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers.get_content_type() == "application/x-www-form-urlencoded":
            self._answer({name.decode(): value for name, value in parse_qsl(body)}, None)
            return
        message = BytesParser().parsebytes(
            b"Content-Type: " + self.headers["Content-Type"].encode() + b"\n\n" + body
        )
        fields: dict[str, bytes] = {}
        file_name = None
        for part in message.walk():
            content = part.get_payload(decode=True)
            if isinstance(content, bytes):
                fields[str(part.get_param("name", header="content-disposition"))] = content
            file_name = part.get_filename() or file_name
        self._answer(fields, file_name)

    def do_GET(self) -> None:
        self._answer({}, None)

    do_HEAD = do_GET  # noqa: N815 the name is http.server's

    def _answer(self, fields: dict[str, bytes], file_name: str | None) -> None:
        if "/api/v1/" in self.path:  # as a stock Scrapyd
            self._write(404, b"")
            return
        page = self.path.partition("?")[0].rpartition("/")[2]
        version = fields.get("version", b"").decode()
        deletes = page == "delversion.json" and version in self.server.versions
        if deletes:
            self.server.versions.remove(version)
            self.server.deleted.append(version)
        if self.server.refuses_versions and page == "listversions.json":
            self._write(self.server.refuses_versions, b"")
            return
        if deletes or page == "listversions.json":
            self._write(200, json.dumps({"status": "ok", "versions": self.server.versions}).encode())
            return
        if page in self.server.answers:
            self._write(200, self.server.answers[page])
            return
        self._answer_as_set(fields, file_name)

    def _answer_as_set(self, fields: dict[str, bytes], file_name: str | None) -> None:
        self.server.seen.append(Seen(self.path, self.headers["Authorization"], fields, file_name))
        self.server.arrived.set()
        self.server.answer_now.wait(30)
        status = self.server.next_statuses.pop(0) if self.server.next_statuses else self.server.status
        if not status:
            self.close_connection = True
            return
        self._write(status, self.server.body)

    def _write(self, status: int, body: bytes) -> None:
        self.send_response(status)
        for name, value in self.server.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Keep standard error for what is tested."""


class Sent(NamedTuple):
    """What arrived at the server, but for the egg."""

    path: str
    project: str
    version: str
    credentials: str | None

    @classmethod
    def of(cls, seen: Seen) -> "Sent":
        fields = {name: value.decode() for name, value in seen.fields.items() if name != "egg"}
        assert fields.keys() == {"project", "version"}
        assert seen.file_name == "project.egg"
        sent = seen.authorization
        return cls(seen.path, **fields, credentials=sent and b64decode(sent.removeprefix("Basic ")).decode())


def same(server: Server, theirs: Done, ours: Done) -> Sent:
    """Check that both succeeded alike and sent the same; returns it.

    Only theirs lets git's own complaints through: what it describes where there is no tag.
    """
    assert (ours.status, ours.out) == (theirs.status, theirs.out)
    assert ours.status == 0, ours.err
    git, *words = theirs.err.partition("Packing version")
    assert ours.err == "".join(words)
    assert not git or git.startswith("fatal: ")
    first, second = map(Sent.of, server.seen)
    assert first == second
    return second
