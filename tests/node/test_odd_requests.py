"""Requests of every odd kind: each gets an answer, no other request waits, no fault is logged."""

import http.client
import threading
import time
from collections.abc import Iterator

import pytest
import requests

from aioscrapy_scrapyd.bodies import FIELDS_LIMIT, FormError, body_limit, form_of
from node.conftest import APPLICATION
from node.test_jobs import deploy
from plugin.jobs import make_egg, spider
from support.scrapyd import ScrapydServer

HUGE = ("9" * 30, "9" * 5000, "1.0-" + "9" * 30, "nan-1", "\u0663", "\u00b2", "-1", "1_0", " ", "\0")
NUMBERS = [
    ("/listjobs.json", ("limit", "before")),
    ("/api/v1/jobs", ("limit", "before", "since", "until")),
    ("/api/v1/jobs/p/one/log", ("tail", "after")),
    ("/index.json", ("begin",)),
    ("/node/audit.json", ("before",)),
    ("/job/p/one/log.json", ("before", "after", "at")),
]
NAMES = [
    ("/listversions.json", ("project",)),
    ("/listspiders.json", ("project", "_version")),
    ("/status.json", ("project", "job")),
    ("/api/v1/projects/p/spiders", ("version",)),
    ("/run.json", ("project", "version", "spider")),
    ("/deploy.json", ("project",)),
    ("/index.json", ("project", "q", "since", "state")),
]
ODD_NAMES = ("\0", "x" * 5000, "..", "\ud800".encode("utf-8", "surrogatepass"), b"\xff", "\u202e", "<b>")
# Paths whose readers look at headers.
PATHS = ("/", "/metrics", "/daemonstatus.json", "/api/v1/jobs", "/jobs", "/logs/p/one/one.log", "/nothing")


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ScrapydServer]:
    folder = tmp_path_factory.mktemp("odd")
    with ScrapydServer(folder, conf={"application": APPLICATION, "egg_max_mb": "32"}) as server:
        assert deploy(server, egg=make_egg({"spiders/a.py": spider("one")}))["status"] == "ok"
        server.api("schedule", "POST", project="p", spider="one", jobid="one")
        server.wait_job("one")
        yield server
        text = server.daemon_text()
        assert "Traceback" not in text, text[text.index("Traceback") - 300 :][:3000]


def ask(node: ScrapydServer, method: str, path: str, headers: dict[str, bytes | str]) -> tuple[int, bytes]:
    """Send a request whose header values may be any bytes."""
    client = http.client.HTTPConnection("127.0.0.1", node.port, timeout=10)
    try:
        client.putrequest(method, path, skip_host="Host" in headers, skip_accept_encoding=True)
        for name, value in headers.items():
            client.putheader(name, value)
        if method == "POST" and "Content-Length" not in headers:
            client.putheader("Content-Length", "0")
        client.endheaders()
        answer = client.getresponse()
        return answer.status, answer.read()
    finally:
        client.close()


@pytest.mark.server
@pytest.mark.parametrize(("path", "parameters"), [*NUMBERS, *NAMES])
def test_odd_values_of_a_query_are_refused_in_one_line(
    node: ScrapydServer, path: str, parameters: tuple[str, ...]
) -> None:
    values: tuple[str | bytes, ...] = HUGE if (path, parameters) in NUMBERS else ODD_NAMES
    for name in parameters:
        for value in values:
            answer = requests.get(f"{node.url.rstrip('/')}{path}", params={name: value}, timeout=10)
            assert answer.status_code < 500, (name, value, answer.text)
            assert "Error: " not in answer.text.replace("TraversalError: ", ""), (name, value, answer.text)


@pytest.mark.server
@pytest.mark.parametrize(
    "headers",
    [
        *({name: b"\xff"} for name in ("Accept", "Accept-Language", "Accept-Encoding", "Last-Event-ID")),
        *({name: b"\xff"} for name in ("X-Forwarded-Prefix", "Cookie", "Range", "If-Modified-Since")),
        {"Accept-Language": "zh;q=nan, *;q=1e400,;;"},
        {"Range": "bytes=" + "0-1," * 500 + "0-1"},
        {"Range": "bytes=0-0,-1"},
        {"Cookie": "aioscrapy_message=AAAA; language=\u00e9; =;"},
        {"X-HTTP-Method-Override": "DELETE"},
    ],
    ids=str,
)
def test_odd_headers_change_no_answer(node: ScrapydServer, headers: dict[str, bytes | str]) -> None:
    for path in PATHS:
        usual, _ = ask(node, "GET", path, {})
        status, _ = ask(node, "GET", path, headers)
        assert status == usual, path


@pytest.mark.server
@pytest.mark.parametrize("origin", [b"http://[", b"http://[::1", b"\xff", b"null", b"http://a@[", b"//"])
def test_an_origin_that_is_none_is_foreign(node: ScrapydServer, origin: bytes) -> None:
    for method, path in (("GET", "/daemonstatus.json"), ("POST", "/schedule.json"), ("POST", "/")):
        assert ask(node, method, path, {"Origin": origin})[0] == 403


@pytest.mark.server
def test_every_method_of_every_path_has_an_answer(node: ScrapydServer) -> None:
    paths = (*PATHS, "/api", "/api/", "/api/v2/jobs", "/schedule.json", "/addversion.json", "/events/x")
    for method in ("HEAD", "OPTIONS", "PUT", "DELETE", "PATCH", "TRACE", "POST", "BREW"):
        for path in paths:
            if (method, path) != ("GET", "/events/x"):
                assert ask(node, method, path, {})[0] != 500, (method, path)
    assert ask(node, "GET", "/api", {})[0] == 404
    assert ask(node, "HEAD", "/api", {})[0] == 404


@pytest.mark.server
@pytest.mark.parametrize(
    ("kind", "body", "status"),
    [
        ("application/x-www-form-urlencoded", b"a&" * 1_900_000, 400),
        ("application/x-www-form-urlencoded", b"a=1;" * 900_000, 400),
        ("application/x-www-form-urlencoded", b"a=" + b"%41" * 1_300_000, 200),
        ("application/x-www-form-urlencoded", b"a&" * 5_000_000, 413),
        ("application/json", b"[" + b"{}," * 5_000_000, 413),
        ("multipart/form-data; boundary=B", b"--B\r\n\r\nx\r\n" * 200_000 + b"--B--", 400),
    ],
    ids=["fields", "semicolons", "quoted", "form", "json", "parts"],
)
def test_a_body_that_is_too_large_or_has_too_many_fields_is_refused(
    node: ScrapydServer, kind: str, body: bytes, status: int
) -> None:
    answer = requests.post(f"{node.url}schedule.json", data=body, headers={"Content-Type": kind}, timeout=60)
    assert answer.status_code == status, answer.text


@pytest.mark.server
def test_a_form_that_takes_long_to_parse_keeps_no_other_request_waiting(node: ScrapydServer) -> None:
    part = b'--B\r\nContent-Disposition: form-data; name="egg"\r\n\r\n'
    body = part + b"\n" * 5_000_000 + b"\r\n--B--\r\n"
    seconds: list[float] = []
    ended = threading.Event()

    def watch() -> None:
        with requests.Session() as session:
            while not ended.is_set():
                began = time.monotonic()
                session.get(f"{node.url}daemonstatus.json", timeout=30)
                seconds.append(time.monotonic() - began)

    watching = threading.Thread(target=watch)
    watching.start()
    began = time.monotonic()
    kind = {"Content-Type": "multipart/form-data; boundary=B"}
    answer = requests.post(f"{node.url}addversion.json", data=body, headers=kind, timeout=60)
    took = time.monotonic() - began
    ended.set()
    watching.join()
    assert "'project' parameter is required" in answer.text
    assert max(seconds) < took / 2


@pytest.mark.parametrize(
    ("kind", "body", "fields"),
    [
        ("application/x-www-form-urlencoded", b"a=1&a=2&c=%ff+x", {b"a": [b"1", b"2"], b"c": [b"\xff x"]}),
        ("APPLICATION/X-WWW-FORM-URLENCODED ; charset=utf-16", b"a=1", {b"a": [b"1"]}),
        ("application/json", b"a=1", {}),
        ("", b"a=1", {}),
        (
            'multipart/form-data; boundary="B"',
            b'--B\r\nContent-Disposition: form-data; name="a"; filename="x"\r\n\r\n\0\xff\r\n1\r\n--B--',
            {b"a": [b"\0\xff\r\n1"]},
        ),
        (
            "multipart/form-data; boundary=B",
            b"--B\r\nContent-Disposition: form-data; name*=utf-8''%C3%BC\r\n\r\n1\r\n--B--",
            {"\u00fc".encode(): [b"1"]},
        ),
        ("multipart/form-data; boundary=B", b"--B\r\nX: y\r\n\r\n1\r\n--B--", {}),
        (
            "multipart/form-data; boundary=B",
            b'--B\r\nContent-Disposition: form-data; name="a"\r\nContent-Type: multipart/x; boundary=C\r\n\n'
            b"--C\r\n\r\n1\r\n--C--\r\n--B--",
            {},
        ),
    ],
)  # fmt: skip
def test_the_fields_of_a_form(kind: str, body: bytes, fields: dict[bytes, list[bytes]]) -> None:
    assert form_of(body, kind) == fields


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("multipart/form-data", b"--B\r\n"),
        ("multipart/form-data; boundary=", b"--B\r\n"),
        ("multipart/form-data; boundary=B", b"a=1"),
        ("multipart/form-data; boundary=\xff", b"--\xff\r\n"),
        ("multipart/form-data; boundary=B", b"--B\r\n\r\n" * (FIELDS_LIMIT + 1)),
        ("application/x-www-form-urlencoded", b"&" * FIELDS_LIMIT),
    ],
)
def test_what_says_that_it_is_a_form_and_is_none(kind: str, body: bytes) -> None:
    with pytest.raises(FormError):
        form_of(body, kind)


def test_only_a_body_that_can_hold_an_egg_may_be_large() -> None:
    assert body_limit("PUT", "", 64_000_000) == 64_000_000
    assert body_limit("POST", "Multipart/Form-Data; boundary=B", 64_000_000) == 64_000_000
    assert body_limit("POST", "application/json", 64_000_000) == 4_000_000
    assert body_limit("POST", "", 1_000_000) == 1_000_000
