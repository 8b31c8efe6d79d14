"""Whatever answers at the address of a target: one clear line, and exit status 1."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from aioscrapy.cmdline import main
from aioscrapy_deploy.remote import connection

pytestmark = pytest.mark.server

VERBS = (
    "jobs",
    "status",
    "status x",
    "projects",
    "spiders",
    "versions",
    "activate 1",
    "schedule one",
    "schedule one --jobs 3",
    "schedule one --wait",
    "cancel x",
    "cancel --all",
    "log x",
)
NODE = {"pending": 0, "running": 0, "finished": 0, "slots": 4, "free": 4, "problems": [], "node_name": "n"}
EVIL = "\x1b[2Jevil\x07\u202e"
Answer = Callable[[str], tuple[int, str, str]]


def everywhere(status: int, kind: str, body: str) -> Answer:
    return lambda path: (status, kind, body)


def broken_node(path: str) -> tuple[int, str, str]:
    """Return the status of a node, and no other object of one."""
    return 200, "application/json", json.dumps(NODE if path.endswith("/status") else {"jobs": 7, "x": None})


def refusing_node(path: str) -> tuple[int, str, str]:
    if path.endswith("/status"):
        return 200, "application/json", json.dumps(NODE)
    return 503, "application/json", json.dumps({"error": {"code": 503, "message": f"node.db is full {EVIL}"}})


def restarting_node(path: str) -> tuple[int, str, str]:
    """Return the status of a node, then what a proxy says while the node starts again."""
    if path.endswith("/status"):
        return 200, "application/json", json.dumps(NODE)
    return 502, "text/html", f"<html>{EVIL}</html>"


ANSWERS: dict[str, tuple[Answer, str]] = {
    "a page of something else": (
        everywhere(200, "text/html", f"<html>{EVIL}</html>"),
        "is not from a Scrapyd",
    ),
    "an empty answer": (everywhere(200, "text/plain", ""), "is not from a Scrapyd"),
    "a list": (everywhere(200, "application/json", "[1, 2]"), "is not from a Scrapyd"),
    "a proxy without a server": (everywhere(502, "text/html", EVIL), "A proxy answers, but the Scrapyd"),
    "a door that is closed": (
        everywhere(401, "text/plain", "Unauthorized"),
        "requires a username and a pass",
    ),
    "a guard": (everywhere(421, "text/plain", f"Host h is not allowed {EVIL}"), "Host h is not allowed"),
    "a login page": (everywhere(302, "text/html", ""), "status 302"),
    "a node with odd objects": (broken_node, "is not from a Scrapyd"),
    "a node that refuses": (refusing_node, "node.db is full"),
    "a node behind a proxy": (restarting_node, "A proxy answers, but the Scrapyd"),
}


class _Server(ThreadingHTTPServer):
    # its end waits for the handlers: a late one would write its broken pipe into the output of the next test
    daemon_threads = False


@contextmanager
def serving(answer: Answer) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, kind, body = answer(self.path)
            self.send_response(status)
            content = body.encode()
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self.do_GET()

        def log_message(self, *_: Any) -> None:
            pass

    with _Server(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("name", ANSWERS)
def test_an_odd_server_is_one_line(
    name: str, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(connection, "PAUSES_S", ())
    answer, expected = ANSWERS[name]
    with serving(answer) as url:
        for verb in VERBS:
            if verb == "status" and "a node " in name:
                continue  # that answer is right
            words = [*verb.split(), "-t", url, *(["-p", "shop"] if verb != "projects" else [])]
            status = main(words)
            printed = capsys.readouterr()
            lines = printed.err.splitlines()
            assert status == 1, (verb, printed)
            assert expected in lines[0], (verb, lines)
            assert len(lines) == 1, (verb, lines)
            assert not set(printed.out + printed.err) & set("\x1b\x07\u202e"), verb


def test_a_server_that_hangs_is_given_up_after_one_time_limit(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(connection, "ANSWER_S", 0.3)
    wait = threading.Event()

    def hang(path: str) -> tuple[int, str, str]:
        wait.wait(5)
        return 200, "text/plain", ""

    with serving(hang) as url:
        for verb in ("jobs", "versions", "activate 1"):
            assert main([*verb.split(), "-t", url, "-p", "shop"]) == 1
            assert "no answer within 0.3 seconds" in capsys.readouterr().err
        wait.set()


@pytest.mark.parametrize(
    ("cfg", "words", "problem"),
    [
        ("[deploy:a]\nurl = htp://x\n", "jobs", "the url must begin with http:// or https://"),
        ("[deploy:a]\nproject = p\n", "jobs", "target a has no url"),
        ("[deploy:a]\nurl = http://127.0.0.1:9/\n", "versions", "target a names no project: use -p PROJECT"),
        ("[deploy:a]\nurl = http://127.0.0.1:9/\ntoken = x%y\n", "jobs", "a literal % is written %%"),
        (
            "[deploy:a]\nurl = http://u@127.0.0.1:9/\ntoken = aio_hush\n",
            "jobs",
            "two logins; keep one of them",
        ),
        ("[deploy:a]\nurl = http://127.0.0.1:9/\nproject = p\n", "activate 1", "Connection refused"),
        ("[deploy:a]\nurl = http://127.0.0.1:9/\nproject = p\n", "schedule x", "Connection refused"),
        ("[deploy:a\n", "jobs", "a [section] is missing before this line"),
    ],
)
def test_an_odd_target_is_one_line(
    cfg: str,
    words: str,
    problem: str,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(connection, "PAUSES_S", ())
    (folder / "aioscrapy.cfg").write_text(cfg)
    assert main(words.split()) == 1
    err = capsys.readouterr().err
    assert (problem in err, err.count("\n")) == (True, 1), err
    assert "hush" not in err
