"""Text from a server reaches a terminal without control characters, and JSON means the same."""

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from aioscrapy_deploy import ScrapydError
from aioscrapy_deploy.terminal.messages import report
from aioscrapy_deploy.terminal.table import json_text, table
from aioscrapy_deploy.terminal.text import one_line, printable, redacted
from support import child_environment
from support.deploying import Run, Server

EVIL = "a\x1b[2J\x1b]0;title\x07b\rc\x9bd\u202ee\u2028f"


@pytest.mark.parametrize(
    "character", ["\x00", "\x1b", "\r", "\x7f", "\x80", "\x9b", "\u202e", "\u2066", "\ud800"]
)
def test_a_control_character_is_printed_as_its_escape(character: str) -> None:
    assert character not in printable(f"a{character}b")
    assert printable(f"a{character}b") == f"a{character.encode('unicode_escape').decode()}b"
    assert json.loads(json_text([f"a{character}b"])) == [f"a{character}b"]
    assert character not in json_text([f"a{character}b"])


def test_text_of_people_stays_as_it_is() -> None:
    text = "Größe\t價格 100 % 🛒\nnext"
    assert printable(text) == text
    assert json_text({"a": "Größe 價格 🛒"}) == '{"a": "Größe 價格 🛒"}'


def test_a_cell_and_a_message_are_one_safe_line(capsys: pytest.CaptureFixture[str]) -> None:
    line = one_line(f"{EVIL}\n{EVIL}")
    assert table([{"job": f"{EVIL}\n{EVIL}"}], ["job"]) == ["job", line]
    report(f"Error: {EVIL}", program="aioscrapy")
    err = capsys.readouterr().err
    assert err == f"aioscrapy: Error: {printable(EVIL)}\n"
    assert not set(err) & set("\x1b\r\x07\x9b\u202e")


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://me:secret@h:1/", "http://h:1/"),
        ("http://me:se@cret@h/", "http://h/"),
        ("me:secret@h", "h"),
        ("http://h/", "http://h/"),
    ],
)
def test_a_url_is_printed_without_its_login(url: str, expected: str) -> None:
    assert redacted(url) == expected


def test_what_a_server_says_is_printed_with_escapes(project: Path, deploy: Run, server: Server) -> None:
    for status, body in [
        (200, json.dumps({"status": "error", "message": EVIL})),
        (200, f"<html>{EVIL}"),
        (500, EVIL),
        (500, json.dumps({"status": "error", "message": EVIL})),
    ]:
        server.status, server.body = status, body.encode()
        done = deploy("local", "-v", "7")
        assert done.status == 1
        assert not set(done.out + done.err) & set("\x1b\r\x07\x9b\u202e"), (status, body)
        assert "title" in done.out + done.err


def written_to_a_terminal(argv: list[str], folder: Path) -> bytes:
    """Run a command whose standard output is a terminal; returns what it wrote there."""
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "aioscrapy", *argv],
        cwd=folder,
        env=child_environment(),
        stdin=subprocess.DEVNULL,
        stdout=theirs,
        stderr=subprocess.DEVNULL,
    ):
        os.close(theirs)
        written = b""
        try:
            while block := os.read(ours, 4096):
                written += block
        except OSError:  # the end of a terminal on Linux
            pass
    os.close(ours)
    return written


def test_a_log_has_its_bytes_in_a_pipe_and_escapes_on_a_terminal(project: Path, server: Server) -> None:
    server.body = f"page {EVIL} größer\n".encode()
    server.headers = {"Content-Type": "text/plain"}
    listed = {"status": "ok", "finished": [{"id": "j", "project": "shop", "spider": "one"}]}
    server.answers["listjobs.json"] = json.dumps(listed).encode()
    argv = ["log", "j", "-t", "local"]
    done = subprocess.run(
        [sys.executable, "-m", "aioscrapy", *argv], cwd=project, env=child_environment(), capture_output=True
    )
    assert done.stdout == server.body
    on_terminal = written_to_a_terminal(argv, project).decode()
    assert "größer" in on_terminal
    assert not set(on_terminal) & set("\x1b\x07\x9b\u202e")


def test_an_error_of_scrapyd_has_no_line_breaks_of_its_own() -> None:
    assert "\n" not in one_line(str(ScrapydError(EVIL + "\n")))
