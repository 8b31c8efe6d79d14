"""What a person or a server gets wrong: one clear line, exit status 1, and nothing left behind.

Input that is refused before the first request has more rows in test_deploy_cli.py and test_targets.py.
"""

import re
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest

from aioscrapy_deploy.eggs.format import egg_bytes
from aioscrapy_deploy.remote import connection, stock_api
from support.deploying import Run, Server, Write

SETTINGS = "[settings]\ndefault = shop.settings\n"
TARGET = "[deploy:local]\nurl = {url}\nproject = shop\n"


class Row(NamedTuple):
    """What is wrong, and the line that a person sees; `expected` is a pattern for the whole of it."""

    expected: str
    cfg: str = SETTINGS + TARGET
    status: int = 200
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()


def _url(url: str) -> str:
    return f"{SETTINGS}[deploy:local]\nurl = {url}\nproject = shop\n"


ROWS = {
    "no url": Row("Error: Missing url for project", "[deploy:local]\nproject = shop\n"),
    "no project": Row("Error: Missing project", "[deploy:local]\nurl = {url}\n"),
    "no settings": Row(
        "Error: no [settings] default = PACKAGE.settings in the aioscrapy.cfg of .*/shop", TARGET
    ),
    "no such settings": Row(
        "Error: [settings] default = market.settings, but there is no market in .*/shop",
        SETTINGS.replace("shop", "market") + TARGET,
    ),
    "no section": Row(
        "Error: .*/aioscrapy.cfg, line 1: a [section] is missing before this line", "url = {url}\n"
    ),
    "no scheme": Row("Error: the url must begin with http:// or https:// and a host: h:1", _url("h:1")),
    "another scheme": Row(
        "Error: the url must begin with http:// or https:// and a host: ftp://h/", _url("ftp://h/")
    ),
    "no port": Row("Error: not a url: http://h:port/", _url("http://h:port/")),
    "a percent sign": Row("Error: [deploy:local] password can't be read: .*%%.*", TARGET + "password = 1%\n"),
    "no variable": Row(
        "Error: the password of target local is in NOT_SET, which is not set",
        TARGET + "username = me\npassword = $NOT_SET\n",
    ),
    "https where http is": Row(
        "Deploy failed: https://.*: the server does not speak https: does the url begin with http://?",
        SETTINGS + TARGET.replace("{url}", "https://{host}"),
    ),
    "nobody there": Row(
        "Deploy failed: http://127.0.0.1:1/.*: Connection refused: is a Scrapyd running there?",
        _url("http://127.0.0.1:1"),
    ),
    "no such host": Row(
        "Deploy failed: http://scrapyd.invalid/listversions.json: .*", _url("http://scrapyd.invalid")
    ),
    "a page of html": Row(
        "Deploy failed: the answer is not from a Scrapyd: <html>Welcome</html>",
        body=b"\n<html>Welcome</html>\n",
    ),
    "an answer in words": Row(
        "Deploy failed: the server says: OSError: no",
        body=b'{"status": "error", "message": "a\\nOSError: no"}',
    ),
    "nothing at all": Row("Deploy failed: the answer is not from a Scrapyd: (empty)"),
    "401": Row(
        "The server requires a username and a password, or a token of a node: in .* SCRAPYD_TOKEN",
        status=401,
    ),
    "403": Row("The server, or a proxy before it, forbids this request", status=403),
    "404": Row("There is no Scrapyd at this url: .* belongs in the target's url", status=404),
    "413": Row("The egg is larger than the server, or a proxy before it, takes", status=413),
    "500": Row("The server has failed: its log has the reason", status=500),
    "502": Row("A proxy answers, but the Scrapyd behind it does not: is it running?", status=502),
    "a redirect": Row(
        "The server redirects to https://there/: name that address if it is right",
        status=301,
        headers=(("Location", "https://there/"),),
    ),
    "hanging up": Row(
        "Deploy failed: http.*/addversion.json: the server has closed the connection without an answer",
        status=0,
    ),
}


def pattern(expected: str) -> str:
    """Make a regular expression of a line in which only `.*` is special."""
    return ".*".join(map(re.escape, expected.split(".*")))


@pytest.mark.usefixtures("litter")
@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
def test_a_mistake_is_one_line(project: Path, deploy: Run, server: Server, row: Row) -> None:
    host = server.url.removeprefix("http://")
    (project / "aioscrapy.cfg").write_text(row.cfg.replace("{url}", server.url).replace("{host}", host))
    server.status, server.body, server.headers = row.status, row.body, dict(row.headers)
    server.versions = ["1"]
    done = deploy("local", "-v", "2")
    assert done.status == 1
    lines = [line for line in done.err.splitlines() if re.fullmatch(pattern(row.expected), line)]
    assert len(lines) == 1, done.err
    assert "Traceback" not in done.err
    assert server.versions == ["1"]
    assert (row.cfg == Row("").cfg) == any(seen.path == "/addversion.json" for seen in server.seen)


@pytest.mark.parametrize("path", ["", "/", "/pre", "/pre/", "/a/pre//"])
def test_a_url_is_right_with_and_without_slash_and_path(
    project: Path, deploy: Run, server: Server, path: str
) -> None:
    (project / "aioscrapy.cfg").write_text(SETTINGS + TARGET.format(url=server.url + path))
    assert deploy("local").status == 0
    assert server.seen[0].path == f"{path.rstrip('/')}/addversion.json"


def test_differences_of_two_cfgs_are_reported_and_ours_wins(
    project: Path, write: Write, deploy: Run, server: Server
) -> None:
    write(
        {
            "scrapy.cfg": f"""
                [settings]
                default = shop.settings

                [deploy:local]
                url = http://127.0.0.1:1/
                username = me
                password = hush

                [deploy:other]
                url = {server.url}/other
                project = other
            """
        }
    )
    done = deploy("local")
    assert done.status == 0, done.err
    assert done.err.splitlines()[0] == (
        "Note: aioscrapy.cfg and scrapy.cfg differ in [deploy:local] url: aioscrapy.cfg wins"
    )
    assert "hush" not in done.err
    assert server.seen[0].authorization is not None  # what only one of them says counts too
    assert deploy("other").status == 0
    (project / "scrapy.cfg").write_text((project / "aioscrapy.cfg").read_text())
    assert "Note" not in deploy("local").err


@contextmanager
def answering(*answers: bytes, read: int = 65536) -> Iterator[str]:
    """Serve one connection for each answer: read up to `read` bytes, answer, hang up; gives the url.

    The question whether it is a node gets a 404 before that.
    """
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            for answer in (NO_NODE, *answers):
                line, _ = listener.accept()
                with line:
                    line.recv(read)
                    line.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        thread.join()


NO_NODE = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
NONE_THERE = b'HTTP/1.1 200 OK\r\nContent-Length: 32\r\n\r\n{"status": "ok", "versions": []}'
TOO_LARGE = b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (
            b"",
            "Deploy failed: .*: the server has closed the connection without an answer, after .* bytes: is "
            "the egg larger than the server, or a proxy before it, takes, or its disk full?",
        ),
        (TOO_LARGE, "The egg is larger than the server, or a proxy before it, takes"),
    ],
    ids=["without a word", "413"],
)
def test_a_server_that_closes_in_mid_upload_is_one_line(
    project: Path, deploy: Run, answer: bytes, expected: str
) -> None:
    (project / "large.egg").write_bytes(egg_bytes({"data": bytes(30_000_000)}))
    with answering(NONE_THERE, answer, NONE_THERE) as url:
        (project / "aioscrapy.cfg").write_text(SETTINGS + TARGET.format(url=url))
        done = deploy("local", "--egg", "large.egg", "-v", "2")
    assert (done.status, done.out.strip()) == (1, "")
    matches = [line for line in done.err.splitlines() if re.fullmatch(pattern(expected), line)]
    assert len(matches) == 1, done.err
    assert done.err.endswith("Version 2 is not on the server; the project has no version there\n")


@pytest.mark.usefixtures("litter")
def test_a_port_without_a_web_server_is_one_line(
    project: Path, deploy: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "PAUSES_S", (0.0, 0.0))
    with answering(*[b"-ERR unknown command\r\n"] * 3) as url:
        (project / "aioscrapy.cfg").write_text(SETTINGS + TARGET.format(url=url))
        done = deploy("local")
    assert done.status == 1
    assert "Deploy failed: " in done.err
    assert done.err.endswith("what answers there does not speak http: is it the port of a Scrapyd?\n")


@pytest.mark.usefixtures("litter")
def test_a_server_that_never_answers_is_one_line(
    project: Path, deploy: Run, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stock_api, "LISTING_S", 0.2)
    server.answer_now.clear()
    done = deploy("local", "-v", "2")
    assert done.status == 1
    assert done.err.splitlines()[-2].endswith("/addversion.json: no answer within 0.2 seconds")
    assert done.err.splitlines()[-1] == "Version 2 is not on the server; the project has no version there"


def test_a_version_that_was_there_stays_where_no_answer_comes(
    project: Path, deploy: Run, server: Server
) -> None:
    server.versions, server.status = ["1", "2"], 0
    done = deploy("local", "-v", "2")
    assert (done.status, server.versions) == (1, ["1", "2"])
    assert done.err.endswith("Warning: version 2 may be the old or the new egg; deploy again to be sure\n")


@pytest.mark.parametrize("status", [401, 404, 500])
def test_a_dry_run_reports_the_answer_of_the_server(
    project: Path, deploy: Run, server: Server, status: int
) -> None:
    server.refuses_versions = status
    done = deploy("local", "-v", "2", "--dry-run")
    assert (done.status, server.seen) == (1, [])
    assert f"the server answers with status {status}" in done.err.splitlines()[-1]
