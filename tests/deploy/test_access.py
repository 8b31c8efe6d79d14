"""Passwords: where they come from, and the warning before one is seen by strangers."""

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from aioscrapy_deploy.errors import TargetError
from aioscrapy_deploy.remote.login import open_clients
from aioscrapy_deploy.targets import Target
from support import child_environment
from support.deploying import Server

NETRC = "machine 127.0.0.1 login me password from-netrc\n"


def password_sent(server: Server, target: Target) -> str | None:
    """Ask the server for its projects, and return the warnings."""
    import base64

    warnings: list[str] = []
    server.body = b'{"status": "ok", "projects": []}'
    (client,) = open_clients(target, warnings.append)
    client.listprojects()
    assert warnings == []
    sent = server.seen[-1].authorization
    return sent and base64.b64decode(sent.removeprefix("Basic ")).decode()


def test_the_target_s_password_goes_first(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCRAPYD_PASSWORD", "other")
    assert password_sent(server, Target("t", server.url, username="me", password="word")) == "me:word"


def test_then_netrc_for_the_same_user(server: Server, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (home / ".netrc").write_text(NETRC)
    monkeypatch.setenv("SCRAPYD_PASSWORD", "from-variable")
    assert password_sent(server, Target("t", server.url, username="me")) == "me:from-netrc"
    assert password_sent(server, Target("t", server.url, username="you")) == "you:from-variable"


def test_then_the_variable_also_for_a_user_in_the_url(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SCRAPYD_PASSWORD", "from-variable")
    url = server.url.replace("//", "//me@")
    assert password_sent(server, Target("t", url)) == "me:from-variable"
    assert password_sent(server, Target("t", server.url)) is None


def test_without_a_terminal_it_is_empty(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SCRAPYD_PASSWORD", raising=False)
    assert password_sent(server, Target("t", server.url, username="me")) == "me:"


@pytest.mark.parametrize("password", ["$NOT_SET", "${NOT_SET}"])
def test_an_unset_variable_is_not_a_password(server: Server, password: str) -> None:
    with pytest.raises(TargetError, match="the password of target t is in NOT_SET, which is not set"):
        open_clients(Target("t", server.url, username="me", password=password), print)


def answer_on_terminal(target: Target, typed: bytes) -> tuple[int, bytes]:
    """Open the clients of a target at a terminal where a person types; returns exit status and screen."""
    script = (
        "import sys\n"
        "from aioscrapy_deploy.remote.login import open_clients\n"
        "from aioscrapy_deploy.errors import TargetError\n"
        "from aioscrapy_deploy.targets import Target\n"
        "try:\n"
        f"    clients = open_clients({target!r}, print)\n"
        "except TargetError as exc:\n"
        "    sys.exit(str(exc))\n"
        "print([client.has_password for client in clients])"
    )
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-c", script],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env=child_environment(),
        start_new_session=True,
    ) as process:
        os.close(theirs)
        printed = b""
        while b": " not in printed:
            printed += os.read(ours, 1000)
        os.write(ours, typed)
        status = process.wait(30)
        printed += os.read(ours, 1000)
    os.close(ours)
    return status, printed


def test_a_person_is_asked_once_for_all_scrapyds(server: Server) -> None:
    """On a terminal of its own; typed text is not printed."""
    urls = f"{server.url} {server.url}/second"
    status, printed = answer_on_terminal(Target("t", urls, username="me"), b"hush\n")
    assert status == 0
    assert printed.count(b"Password of me at") == 1
    assert b"[True, True]" in printed
    assert b"hush" not in printed


def test_ctrl_d_instead_of_a_password_is_one_line(server: Server) -> None:
    status, printed = answer_on_terminal(Target("t", server.url, username="me"), b"\x04")
    assert status == 1
    assert printed.endswith(f": no password was typed for me at {server.url}\r\n".encode())
    assert b"Traceback" not in printed


def test_a_password_in_plain_text_is_warned_of_without_it() -> None:
    warnings: list[str] = []
    open_clients(
        Target("t", "http://a.example https://b.example", username="me", password="hush"), warnings.append
    )
    assert warnings == [
        "Warning: the password for http://a.example goes over the net as plain text: "
        "use https, or a tunnel to a port of this machine"
    ]
