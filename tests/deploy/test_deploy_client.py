"""The client: addresses, passwords, and what a server may answer."""

import base64
import json
import socket
import threading
from pathlib import Path

import pytest

from aioscrapy_deploy.errors import NoAnswerError, RefusedError, ServerError, TargetError
from aioscrapy_deploy.remote import connection, stock_api
from aioscrapy_deploy.remote.client import ScrapydClient
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
def test_another_url_than_http_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(TargetError) as caught:
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
        (b'{"status": "error"}', "the server reports an error without a message"),
        (b"{}", "the server reports an error without a message"),
        (b"Traceback (most recent call last):\n  x\nKeyError: 1\n", "the server has failed: KeyError: 1"),
        (b"<html>\nWelcome</html>\n", "the answer is not from a Scrapyd: Welcome</html>"),
        (b"", "the answer is not from a Scrapyd: (empty)"),
        (b"[]", "the answer is not from a Scrapyd: []"),
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


def test_a_redirect_is_reported_and_not_followed(server: Server) -> None:
    server.status, server.headers = 308, {"Location": f"{server.url}/there".replace("//", "//me:hush@")}
    with pytest.raises(RefusedError) as caught:
        ScrapydClient(server.url).addversion("p", "1", b"")
    assert f"{server.url}/there" in caught.value.hint
    assert len(server.seen) == 1


def test_projects_are_listed(server: Server) -> None:
    server.body = b'{"status": "ok", "projects": ["a", "b"]}'
    assert ScrapydClient(server.url + "/pre").listprojects() == ["a", "b"]
    assert server.seen[0].path == "/pre/listprojects.json"


@pytest.mark.server
def test_a_closed_port_is_one_line() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://me:hush@127.0.0.1:{free.getsockname()[1]}"
        with pytest.raises(
            ServerError,
            match=r"^http://127\.0\.0\.1:\d+/addversion\.json: .* refused: is a Scrapyd running there\?$",
        ):
            ScrapydClient(url).addversion("p", "1", b"")


def test_a_server_that_never_answers_is_given_up(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:

    monkeypatch.setattr(stock_api, "LISTING_S", 0.1)
    server.answer_now.clear()
    with pytest.raises(ServerError, match=r"addversion\.json: no answer within 0\.1 seconds$"):
        ScrapydClient(server.url).addversion("p", "1", b"")


@pytest.mark.server
def test_a_closed_connection_is_reported() -> None:
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


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "PAUSES_S", (0.0, 0.0))


@pytest.mark.usefixtures("at_once")
@pytest.mark.parametrize("statuses", [[0, 0], [503, 502], [504, 0]])
def test_what_only_reads_is_asked_again(server: Server, statuses: list[int]) -> None:
    server.next_statuses, server.body = statuses, b'{"status": "ok", "projects": ["a"]}'
    assert ScrapydClient(server.url).listprojects() == ["a"]
    assert len(server.seen) == 3


@pytest.mark.usefixtures("at_once")
def test_after_three_times_it_is_given_up(server: Server) -> None:
    server.status = 503
    with pytest.raises(RefusedError):
        ScrapydClient(server.url).listprojects()
    assert len(server.seen) == 3


@pytest.mark.usefixtures("at_once")
@pytest.mark.parametrize("status", [0, 503])
def test_what_changes_something_is_asked_once(server: Server, status: int) -> None:
    server.next_statuses = [status]
    with pytest.raises(ServerError):
        ScrapydClient(server.url).cancel("shop", "1")
    server.next_statuses = [status]
    with pytest.raises(ServerError):
        ScrapydClient(server.url).delversion("shop", "1")
    assert [seen.path for seen in server.seen] == ["/cancel.json", "/delversion.json"]


def test_a_schedule_without_an_answer_is_looked_up_not_repeated(server: Server) -> None:
    server.next_statuses, server.body = [0], b'{"status": "ok", "currstate": "pending"}'
    assert ScrapydClient(server.url).schedule("shop", "one", job="7") == "7"
    assert [seen.path for seen in server.seen] == ["/schedule.json", "/status.json?job=7"]


def test_a_schedule_that_did_not_arrive_fails(server: Server) -> None:
    server.next_statuses, server.body = [0], b'{"status": "ok", "currstate": null}'
    with pytest.raises(NoAnswerError, match=r"/schedule\.json: "):
        ScrapydClient(server.url).schedule("shop", "one")
    assert len(server.seen) == 2


@pytest.mark.parametrize("name", ["project", "setting", "_job", "name"])
def test_an_argument_may_not_have_a_name_of_scrapyd_s_own(name: str) -> None:
    with pytest.raises(ValueError, match=f"Scrapyd reserves {name}"):
        ScrapydClient("http://localhost").schedule("shop", "one", arguments={name: "x"})


def test_https_to_a_server_of_http_is_reported(server: Server) -> None:
    with pytest.raises(NoAnswerError, match="does the url begin with http://"):
        ScrapydClient(server.url.replace("http", "https")).listprojects()


@pytest.mark.parametrize(
    ("url", "exposed"),
    [
        ("http://me:word@scrapyd.example", True),
        ("http://me@scrapyd.example", False),
        ("http://scrapyd.example", False),
        ("http://netrc.example", True),
        ("https://me:word@scrapyd.example", False),
        *((f"http://me:word@{host}", False) for host in ("localhost", "127.0.0.7:6800", "[::1]:6800")),
        ("http://me:word@10.0.0.1", True),
    ],
)
def test_a_password_is_exposed_by_http_to_another_machine(url: str, exposed: bool, home: Path) -> None:
    (home / ".netrc").write_text("machine netrc.example login me password word\n")
    assert ScrapydClient(url).exposes_password is exposed


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"http_proxy": "http://me:hush@127.0.0.1:9"}, "the proxy http://127.0.0.1:9 of http_proxy"),
        ({"HTTP_PROXY": "http://127.0.0.1:9"}, "the proxy http://127.0.0.1:9 of HTTP_PROXY"),
        ({"ALL_PROXY": "127.0.0.1:9"}, "the proxy 127.0.0.1:9 of ALL_PROXY"),
        ({"http_proxy": "http://127.0.0.1:9", "no_proxy": "localhost,127.0.0.1"}, None),
        ({"https_proxy": "http://127.0.0.1:9"}, None),
    ],
)
def test_a_proxy_of_the_environment_is_named_where_it_fails(
    server: Server, monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], expected: str | None
) -> None:
    monkeypatch.setattr(connection, "PAUSES_S", ())
    for name in ("no_proxy", "NO_PROXY", "https_proxy", "HTTPS_PROXY"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    client = ScrapydClient(server.url)
    if expected is None:
        assert client.listversions("shop") == []
        return
    with pytest.raises(NoAnswerError) as caught:
        client.listversions("shop")
    assert f"Connection refused, through {expected} (no_proxy=127.0.0.1 avoids it)" in str(caught.value)
    assert "hush" not in str(caught.value)


@pytest.mark.parametrize("status", [200, 404, 407, 418, 502, 503])
def test_an_answer_that_a_proxy_may_have_given_names_it(
    server: Server, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    monkeypatch.setattr(connection, "PAUSES_S", ())
    monkeypatch.setenv("http_proxy", server.url)
    server.status, server.body = status, b"<html>"
    with pytest.raises(ServerError, match=f"through the proxy {server.url} of http_proxy"):
        ScrapydClient("http://scrapyd.invalid:6800").listprojects()


@pytest.mark.parametrize(
    ("page", "body", "method"),
    [
        ("listprojects.json", {"projects": "abc"}, "listprojects"),
        ("listjobs.json", {"running": [1]}, "listjobs"),
        ("listjobs.json", {"running": [{}]}, "listjobs"),
        ("daemonstatus.json", {"pending": "x"}, "daemonstatus"),
    ],
)
def test_an_answer_with_other_fields_is_not_a_scrapyd_s(
    server: Server, page: str, body: dict[str, object], method: str
) -> None:
    server.answers[page] = json.dumps({"status": "ok", **body}).encode()
    with pytest.raises(ServerError, match="the answer is not from a Scrapyd"):
        getattr(ScrapydClient(server.url), method)()


@pytest.mark.parametrize("status", [200, 500, 502, 0])
def test_a_job_that_has_arrived_is_scheduled_whatever_the_answer(server: Server, status: int) -> None:
    server.status, server.body = status, b"<html>"
    server.answers["status.json"] = b'{"status": "ok", "currstate": "pending"}'
    assert ScrapydClient(server.url).schedule("shop", "one", job="a") == "a"
    server.answers["status.json"] = b'{"status": "ok", "currstate": null}'
    with pytest.raises(ServerError):
        ScrapydClient(server.url).schedule("shop", "one", job="a")
