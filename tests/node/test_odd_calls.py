"""Names, ids, arguments and numbers of every odd kind: one line says why, no slot is lost, nothing starts."""

import json
import socket
import time
import zipfile
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
import requests

from node.conftest import APPLICATION
from node.test_jobs import deploy, end_of, until
from plugin.jobs import make_egg
from support.scrapyd import ScrapydServer

pytestmark = pytest.mark.server

SPIDERS = """
import json
from aioscrapy import Spider


class Says(Spider):
    name = "says"

    def __init__(self, **arguments):
        super().__init__(**{})
        self.arguments = arguments

    async def start_requests(self):
        self.logger.info("ARGUMENTS %s", json.dumps(self.arguments))
        return
        yield


class Ubung(Says):
    name = "Übung 蜘蛛 <b>&"
"""
SLOTS = 8


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ScrapydServer]:
    conf = {"application": APPLICATION, "max_proc": str(SLOTS), "egg_max_mb": "4"}
    with ScrapydServer(tmp_path_factory.mktemp("odd"), conf=conf) as server:
        assert deploy(server, egg=make_egg({"spiders/a.py": SPIDERS}))["status"] == "ok"
        yield server


@pytest.fixture(autouse=True)
def calm(node: ScrapydServer) -> Iterator[None]:
    """After each test: all slots are free, nothing waits, and no error was left to a traceback."""
    yield
    until(node, lambda: node.api("daemonstatus")["running"] == 0)
    status = node.api("daemonstatus")
    assert (status["pending"], status["slots"], status["problems"]) == (0, SLOTS, [])
    assert "Traceback" not in node.daemon_text()
    assert "Unhandled" not in node.daemon_text()


def post(node: ScrapydServer, fields: Any, name: str = "schedule") -> dict[str, Any]:
    """Post a form whose names and values may be bytes."""
    body = urlencode(fields, doseq=True)
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = requests.post(f"{node.url}{name}.json", data=body, headers=headers, timeout=60)
    decoded: dict[str, Any] = answer.json()
    return decoded


def refused(answer: dict[str, Any]) -> str:
    assert answer["status"] == "error", answer
    message = str(answer["message"])
    assert "\n" not in message
    assert len(message) < 300
    return message


GOOD = {"project": "p", "spider": "says"}


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"jobid": "../../x"}, "jobid"),
        ({"jobid": ""}, "jobid"),
        ({"jobid": "-a"}, "jobid"),
        ({"jobid": "a\nb"}, "jobid"),
        ({"jobid": "a\0b"}, "jobid"),
        ({"jobid": "Übung"}, "jobid"),
        ({"jobid": "x" * 129}, "jobid"),
        ({"jobid": b"\xed\xa0\x80"}, "jobid is invalid"),
        ({"project": "none"}, "not found"),
        ({"project": "../p"}, "not found"),
        ({"project": "p\0"}, "not found"),
        ({"project": b"\xff"}, "project is invalid"),
        ({"spider": "none"}, "not found"),
        ({"spider": ""}, "spider"),
        ({"spider": "a/b"}, "spider"),
        ({"spider": "says\n"}, "spider"),
        ({"spider": b"\xed\xa0\x80"}, "spider is invalid"),
        ({"_version": "7"}, "not found"),
        ({"_version": "../1"}, "is not a name"),
        ({"priority": "nan"}, "priority"),
        ({"priority": "-inf"}, "priority"),
        ({"priority": "1e999"}, "priority"),
        ({"priority": "high"}, "priority"),
        ({"timeout": "-1"}, "timeout"),
        ({"timeout": "inf"}, "timeout"),
        ({"retries": "-1"}, "retries"),
        ({"retries": str(10**30)}, "retries"),
        ({"retries": "1.5"}, "retries"),
        ({"instances": "0"}, "instances"),
        ({"instances": "257"}, "instances"),
        ({"instances": str(10**30)}, "instances"),
        ({"instances": "many"}, "instances"),
        ({"instances": "2", "jobid": "x" * 127}, "jobid"),
        ({"setting": "NOTHING"}, "NAME=VALUE"),
        ({"setting": "=1"}, "is not empty"),
        ({"setting": "A=\0"}, "NUL"),
        ({"setting": b"\xff=1"}, "setting is invalid"),
        ({"_job": "x"}, "reserved"),
        ({"name": "x"}, "reserved"),
        ({"settings": "x"}, "reserved"),
        ({"_project": "x"}, "reserved"),
        ({"_spider": "x"}, "reserved"),
        ({"a": "\0"}, "NUL"),
        ({"a\0": "x"}, "NUL"),
        ({"": "x"}, "is not empty"),
        ({"-a": "x"}, "does not begin"),
        ({"setting": "-a=x"}, "does not begin"),
        ({"a=b": "x"}, "has no ="),
        ({b"\xff": "x"}, "UTF-8"),
        ({"a": b"\xed\xa0\x80"}, "UTF-8"),
        ({"a": "x" * 200_000}, "is the limit of one argument"),
        ({f"a{number}": "x" * 99_000 for number in range(11)}, "is the limit of one job"),
    ],
    ids=lambda value: str(value)[:40] if isinstance(value, dict) else "",
)
def test_what_cannot_be_a_job_is_refused(node: ScrapydServer, fields: dict[Any, Any], text: str) -> None:
    assert text in refused(post(node, {**GOOD, **fields}))


def test_all_text_that_can_be_an_argument_arrives(node: ScrapydServer) -> None:
    values = {
        "lines": "a\nb\r\n\tc",
        "a-": "--help",
        "Übung": "蜘蛛 \U0001f577 \u202e \x07\x1b[31m",
        "quotes": "'\"`$(touch x)`\\",
        "percent": "%(x)s {} {0}",
        "equal": "a=b=c",
        "empty": "",
        "space ": " ",
        "markup": '"><img src=x onerror=alert(1)>',
        **{f"long{number}": "x" * 99_000 for number in range(9)},
    }
    fields = {**GOOD, "spider": "Übung 蜘蛛 <b>&", "jobid": "A.b_c:1-2", **values}
    assert post(node, fields)["jobid"] == "A.b_c:1-2"
    ended = end_of(node, "A.b_c:1-2")
    assert (ended["state"], ended["reason"]) == ("finished", "finished")
    log = node.log("p", fields["spider"], "A.b_c:1-2")
    line = next(line for line in log.splitlines() if "ARGUMENTS" in line)
    arguments = json.loads(line.partition("ARGUMENTS ")[2])
    assert {name: arguments[name] for name in values} == values
    page = requests.get(f"{node.url}jobs", timeout=10).text
    assert "<img" not in page
    assert "<b>&" not in page


def test_of_repeated_parameters_the_first_counts_as_in_scrapyd(node: ScrapydServer) -> None:
    fields = [*GOOD.items(), ("jobid", "first"), ("jobid", "second"), ("a", "1"), ("a", "2")]
    fields += [("setting", "A=1"), ("setting", "B=2"), ("setting", "B=3")]
    assert post(node, fields)["jobid"] == "first"
    ended = end_of(node, "first")
    assert (json.loads(ended["args"]), json.loads(ended["settings"])) == ({"a": "1"}, {"A": "1", "B": "3"})


def test_an_id_is_one_job_of_one_spider(node: ScrapydServer) -> None:
    assert "existing" not in post(node, {**GOOD, "jobid": "once"})
    assert post(node, {**GOOD, "jobid": "once"})["existing"] is True
    other = post(node, {**GOOD, "spider": "Übung 蜘蛛 <b>&", "jobid": "once"})
    assert "spider 'says'" in refused(other)
    assert "existing" not in post(node, {**GOOD, "jobid": "twins-2"})
    assert "'twins-2'" in refused(post(node, {**GOOD, "jobid": "twins", "instances": "2"}))
    for job in ("once", "twins-2"):
        assert end_of(node, job)["state"] == "finished"


@pytest.mark.parametrize(
    ("name", "fields", "text"),
    [
        ("cancel", {"project": "p", "job": "none", "signal": "HUGE"}, "there is no signal"),
        ("cancel", {"project": "none", "job": "x"}, "not found"),
        ("cancel", {"project": "p"}, "'job' parameter is required"),
        ("activate", {"project": "p", "version": "9"}, "not found"),
        ("delversion", {"project": "p", "version": "../9"}, "not found"),
        ("delproject", {"project": ".."}, ""),
    ],
)
def test_other_calls_refuse_in_one_line(
    node: ScrapydServer, name: str, fields: dict[str, str], text: str
) -> None:
    assert text in refused(post(node, fields, name))


@pytest.mark.parametrize(
    "query", ["limit=-5", "limit=many", f"limit={10**30}", "before=x", "before=1-x", "project=none"]
)
def test_a_list_refuses_in_one_line(node: ScrapydServer, query: str) -> None:
    refused(requests.get(f"{node.url}listjobs.json?{query}", timeout=10).json())


@pytest.mark.parametrize(
    "body",
    [
        b'{"project": "p", "spider": "says", "args": {"a": "\\ud800"}}',
        b'{"project": "p", "spider": "says\\ud800"}',
        b'{"project": "\\ud800", "spider": "says"}',
        b'{"project": "p", "spider": "says", "job": "\\ud800"}',
        b'{"project": "p", "spider": "says", "version": "\\ud800"}',
        b'{"project": "p", "spider": "says", "args": {"": "x"}}',
        b'{"project": "p", "spider": "says", "args": {"a": null}}',
        b'{"project": "p", "spider": "says", "args": [1]}',
        b'{"project": "p", "spider": "says", "retries": 1e3}',
        b'{"project": "p", "spider": "says", "retries": 99999999999999999999}',
        b'{"project": "p", "spider": "says", "timeout": 1e999}',
        b'{"project": "p", "spider": "says", "priority": 1' + b"0" * 400 + b"}",
        b'{"project": null, "spider": "says"}',
        b"[" * 100_000,
        b"\xff\xfe",
        b"",
    ],
    ids=lambda body: repr(body[:60]),
)
def test_a_body_of_the_api_is_refused_with_400_or_404(node: ScrapydServer, body: bytes) -> None:
    answer = requests.post(f"{node.url}api/v1/jobs", data=body, timeout=10)
    assert answer.status_code in {400, 404}, answer.text
    assert len(answer.json()["error"]["message"]) < 300


def bomb(files: int, size: int) -> bytes:
    data = BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(files):
            archive.writestr(f"{number}", bytes(size))
    return data.getvalue()


def damaged(position: float, byte: int) -> bytes:
    egg = bytearray(make_egg({"spiders/a.py": SPIDERS}))
    egg[int(len(egg) * position)] ^= byte
    return bytes(egg)


@pytest.mark.parametrize(
    ("egg", "text"),
    [
        (bomb(8, 50_000_000), "unpacks to"),
        (bomb(20_000, 0) + b"", "egg"),
        (b"", "ZIP"),
        (b"PK\x05\x06" + bytes(18), ""),
        (make_egg({"spiders/a.py": SPIDERS})[:-30], "ZIP"),
        (damaged(0.5, 0x10), ""),
        (make_egg(entry_points=None), "settings"),
    ],
    ids=["bomb", "files", "empty", "no-file", "half", "flipped", "no-settings"],
)
def test_an_egg_that_is_none_changes_nothing(node: ScrapydServer, egg: bytes, text: str) -> None:
    assert text in refused(deploy(node, "2", egg))
    assert node.api("listversions", project="p")["versions"] == ["1"]
    assert [path.name for path in (node.folder / "eggs").rglob("*.egg*")] == ["1.egg"]


UPLOAD = (
    b"POST /addversion.json HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n"
    b"Content-Type: multipart/form-data; boundary=B\r\n\r\n--B\r\n"
)


def test_half_an_upload_changes_nothing(node: ScrapydServer) -> None:
    for sent in (b"", b"x" * 1000, b"x" * 200_000):
        with socket.create_connection(("127.0.0.1", node.port), timeout=10) as client:
            client.sendall(UPLOAD % 1_000_000 + sent)
    with socket.create_connection(("127.0.0.1", node.port), timeout=10) as client:  # the form ends in the egg
        part = b'Content-Disposition: form-data; name="egg"; filename="x"\r\n\r\nPK'
        client.sendall(UPLOAD % (5 + len(part)) + part)
        assert b"error" in client.recv(65536) or b"400" in client.recv(65536)
    assert node.api("listversions", project="p")["versions"] == ["1"]


def test_a_client_that_hangs_up_or_reads_nothing_disturbs_nobody(node: ScrapydServer) -> None:
    asks = [
        b"GET /listjobs.json?limit=100 HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET /listspiders.json?project=p&_version=1 HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET /api/v1/jobs HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"POST /schedule.json HTTP/1.1\r\nHost: localhost\r\nContent-Length: 60\r\n\r\nproject=p",
        b"GET / HT",
    ]
    for ask in asks * 10:
        with socket.create_connection(("127.0.0.1", node.port), timeout=10) as client:
            client.setsockopt(
                socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0"
            )  # a reset, not a close
            client.sendall(ask)
    slow = [socket.create_connection(("127.0.0.1", node.port), timeout=10) for _ in range(200)]
    for client in slow:
        client.sendall(b"GET /daemonstatus.json HTTP/1.1\r\nHo")
    began = time.monotonic()
    for _ in range(20):
        assert node.api("daemonstatus")["status"] == "ok"
    assert time.monotonic() - began < 2
    for client in slow:
        client.close()


def test_the_records_of_odd_eggs_are_not_trusted(node: ScrapydServer, tmp_path: Path) -> None:
    data = BytesIO(make_egg({"spiders/a.py": SPIDERS}))
    with zipfile.ZipFile(data, "a") as archive:
        archive.writestr("EGG-INFO/aioscrapy.json", '{"spiders": ["none", "../x", 7]}')
    assert deploy(node, "3", data.getvalue())["spiders"] == 2
    try:
        assert "not found" in refused(post(node, {**GOOD, "spider": "none"}))
        assert "spider" in refused(post(node, {**GOOD, "spider": "../x"}))
    finally:
        assert post(node, {"project": "p", "version": "3"}, "delversion")["status"] == "ok"
