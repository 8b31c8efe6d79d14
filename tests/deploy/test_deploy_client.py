"""The client: addresses, passwords, and what a server may answer."""

import base64
import socket
import threading
from pathlib import Path

import pytest

from aioscrapy_deploy import client
from aioscrapy_deploy.client import ScrapydClient
from aioscrapy_deploy.errors import RefusedError, ServerError, TargetError
from support.deploying import Server

PAGE = "addversion.json"


def basic(text: str) -> str:
    return f"Basic {base64.b64encode(text.encode()).decode()}"


@pytest.mark.parametrize(
    ("url", "page"),
    [
        ("http://host:6800", "http://host:6800/addversion.json"),
        ("http://host:6800/", "http://host:6800/addversion.json"),
        ("http://host:6800//", "http://host:6800/addversion.json"),
        ("https://host/scrapyd", "https://host/scrapyd/addversion.json"),
        ("https://host/a/scrapyd/", "https://host/a/scrapyd/addversion.json"),
        (" http://host ", "http://host/addversion.json"),
        ("http://host/?a=1#b", "http://host/addversion.json"),
        ("http://[::1]:6800/", "http://[::1]:6800/addversion.json"),
        ("HTTP://me:hush@host:6800", "http://host:6800/addversion.json"),
    ],
)
def test_a_page_lies_below_the_url_as_users_write_it(url: str, page: str) -> None:
    assert ScrapydClient(url).endpoint(PAGE) == page


@pytest.mark.parametrize(
    "url",
    [
        *(
            "host:6800",
            "localhost:6800/",
            "ftp://me:hush@host/",
            "//host",
            "http://",
            "http:///path",
            "",
            "http://[::1",
        ),
        *(
            "http://host:port/",
            "http://me:hu/hush@host/",
            "http://me:1/hush@host/",
            "http://me:1#hush@host",
            "me:hush@host",
        ),
    ],
)
def test_what_is_no_http_url_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(TargetError, match=r"^Error: ") as caught:
        ScrapydClient(url)
    assert "hush" not in str(caught.value)


def test_an_upload_has_the_form_that_scrapyd_reads(server: Server) -> None:
    answer = ScrapydClient(server.url).addversion("shop ü", "1.0", b"PK\0\r\n")
    assert (answer.status, answer.failure) == (200, None)
    (seen,) = server.seen
    assert (seen.path, seen.authorization, seen.file_name) == ("/addversion.json", None, "project.egg")
    assert seen.fields == {"project": "shop ü".encode(), "version": b"1.0", "egg": b"PK\0\r\n"}


def test_a_large_egg_arrives_whole(server: Server) -> None:
    egg = bytes(range(256)) * 40_000
    ScrapydClient(server.url).addversion("shop", "1", egg)
    assert server.seen[0].fields["egg"] == egg


def test_a_username_of_the_target_goes_first(server: Server, home: Path) -> None:
    (home / ".netrc").write_text("machine 127.0.0.1 login other password other\n")
    url = server.url.replace("//", "//also:other@")
    ScrapydClient(url, "mé", "p:%ü").addversion("p", "1", b"")
    assert server.seen[0].authorization == basic("mé:p:%ü")


def test_then_the_one_in_the_url(server: Server) -> None:
    ScrapydClient(server.url.replace("//", "//me:p%40%3A@")).addversion("p", "1", b"")
    assert server.seen[0].authorization == basic("me:p@:")


def test_then_the_one_in_netrc(server: Server, home: Path) -> None:
    (home / ".netrc").write_text("machine 127.0.0.1 login me password word\n")
    ScrapydClient(server.url).addversion("p", "1", b"")
    assert server.seen[0].authorization == basic("me:word")


@pytest.mark.parametrize(
    ("body", "failure"),
    [
        (b'{"status": "error", "message": "Traceback:\\n  File\\nKeyError: 1\\n"}', "KeyError: 1"),
        (b'{"status": "error"}', "the server says no more than an error"),
        (b"{}", "the server says no more than an error"),
        (b"<html>\nWelcome</html>\n", "the answer is not that of a Scrapyd: Welcome</html>"),
        (b"", "the answer is not that of a Scrapyd: (empty)"),
        (b"[]", "the answer is not that of a Scrapyd: []"),
    ],
)
def test_a_status_of_200_alone_is_not_enough(server: Server, body: bytes, failure: str) -> None:
    server.body = body
    assert ScrapydClient(server.url).addversion("p", "1", b"").failure == failure


@pytest.mark.parametrize("status", [301, 400, 401, 403, 404, 413, 500, 503])
def test_another_status_is_a_refusal(server: Server, status: int) -> None:
    server.status, server.body = status, b"text"
    with pytest.raises(RefusedError) as caught:
        ScrapydClient(server.url).addversion("p", "1", b"")
    assert (caught.value.status, caught.value.body) == (status, "text")


def test_a_redirect_is_named_not_followed(server: Server) -> None:
    server.status, server.headers = 308, {"Location": f"{server.url}/there".replace("//", "//me:hush@")}
    with pytest.raises(RefusedError) as caught:
        ScrapydClient(server.url).addversion("p", "1", b"")
    assert f"{server.url}/there" in caught.value.hint
    assert len(server.seen) == 1


def test_projects_are_listed(server: Server) -> None:
    server.body = b'{"status": "ok", "projects": ["a", "b"]}'
    assert ScrapydClient(server.url + "/pre").listprojects() == ["a", "b"]
    assert server.seen[0].path == "/pre/listprojects.json"


def test_nobody_there_is_one_line() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://me:hush@127.0.0.1:{free.getsockname()[1]}"
        with pytest.raises(
            ServerError, match=r"^http://127\.0\.0\.1:\d+/addversion\.json: Connection refused$"
        ):
            ScrapydClient(url).addversion("p", "1", b"")


def test_a_server_that_never_answers_is_given_up(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "TIMEOUT_S", (1, 0.1))
    server.answer_now.clear()
    with pytest.raises(ServerError, match=r"addversion\.json: no answer within 0\.1 seconds$"):
        ScrapydClient(server.url).addversion("p", "1", b"")


def test_a_server_that_hangs_up_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def hang_up() -> None:
            connection, _ = listener.accept()
            connection.recv(1000)
            connection.close()

        thread = threading.Thread(target=hang_up)
        thread.start()
        with pytest.raises(ServerError, match=r"addversion\.json: ."):
            ScrapydClient(f"http://127.0.0.1:{listener.getsockname()[1]}").addversion(
                "p", "1", b"x" * 10_000_000
            )
        thread.join()
