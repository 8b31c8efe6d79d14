"""An upload: its form, the memory that it takes, its bar on a terminal, and colours there alone."""

import os
import pty
import signal
import subprocess
import sys
import threading
import tracemalloc
from pathlib import Path

import pytest

from aioscrapy_deploy.eggs.format import egg_bytes
from aioscrapy_deploy.remote.client import ScrapydClient
from aioscrapy_deploy.remote.form import egg_form
from aioscrapy_deploy.terminal.upload_bar import LARGE
from support import child_environment
from support.deploying import PROGRAM, Server

ESCAPE = "\x1b["


def on_a_terminal(folder: Path, *argv: str, **variables: str) -> str:
    """Run the program with all its output on a terminal of its own; returns the output."""
    ours, theirs = pty.openpty()
    environment = child_environment(**{"TERM": "xterm", "COLUMNS": "100", "NO_COLOR": "", **variables})
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM, *argv],
        cwd=folder,
        env=environment,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    ) as process:
        os.close(theirs)
        output = b""
        try:
            while piece := os.read(ours, 65536):
                output += piece
        except OSError:  # Linux's way to say that the other end is closed
            pass
        process.wait(30)
    os.close(ours)
    return output.decode()


@pytest.fixture
def large(project: Path) -> Path:
    """The project with an egg of 3 MB beside it."""
    (project / "large.egg").write_bytes(egg_bytes({"data": bytes(3_000_000)}))
    return project


def test_a_form_can_be_read_in_pieces_of_any_size() -> None:
    counts: list[int] = []
    egg = bytes(range(256)) * 10
    form, _ = egg_form({"project": "shop ü", "version": "the egg"}, egg, counts.append)
    body = b"".join(form.read(size) or b"" for size in (1, 7, 5000, 10_000, 10_000, 10_000))
    assert (len(body), counts[-1], form.read(1)) == (len(form), len(form), b"")
    assert egg in body
    assert body.endswith(b"--\r\n")
    assert counts == sorted(counts)


@pytest.mark.server
def test_an_upload_keeps_no_second_copy_of_the_egg() -> None:
    """The server drops what it reads, so that nothing but the upload counts."""
    import http.server

    class Sink(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_error(404)  # it is not a node

        def do_POST(self) -> None:
            left = int(self.headers["Content-Length"])
            while left:
                left -= len(self.rfile.read(min(left, 65536)))
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b'{"status": "ok"}')

        def log_message(self, *_: object) -> None:
            pass

    egg = bytes(30_000_000)
    with http.server.HTTPServer(("127.0.0.1", 0), Sink) as sink:
        thread = threading.Thread(target=lambda: [sink.handle_request() for _ in range(2)])
        thread.start()
        client = ScrapydClient(f"http://127.0.0.1:{sink.server_port}")
        tracemalloc.start()
        answer = client.addversion("shop", "1", egg)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        thread.join()
    assert answer.failure is None
    assert peak < 10_000_000


def test_a_large_upload_has_a_bar_on_a_terminal(large: Path, server: Server) -> None:
    output = on_a_terminal(large, "local", "--egg", "large.egg")
    assert "Uploading" in output or "The server lists the spiders" in output
    assert "/3.0 MB" in output
    assert "Server response (200):" in output
    assert server.seen[0].fields["egg"] == (large / "large.egg").read_bytes()


def test_a_bar_goes_away_at_ctrl_c_and_gives_the_cursor_back(large: Path, server: Server) -> None:
    server.answer_now.clear()
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM, "local", "--egg", "large.egg"],
        cwd=large,
        env=child_environment(TERM="xterm"),
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    ) as process:
        os.close(theirs)
        output = b""
        assert server.arrived.wait(30)
        while b"spiders" not in output:
            output += os.read(ours, 65536)
        os.kill(process.pid, signal.SIGINT)
        try:
            while piece := os.read(ours, 65536):
                output += piece
        except OSError:
            pass
        assert process.wait(30) == 130
    os.close(ours)
    assert output.rindex(b"\x1b[?25h") > output.rindex(b"\x1b[?25l")
    assert b"Traceback" not in output
    assert output.decode().rstrip().endswith("Interrupted: nothing more is sent")


@pytest.mark.parametrize("egg", ["small", "no terminal", "dumb"])
def test_no_bar_is_drawn(large: Path, server: Server, egg: str) -> None:
    if egg == "small":
        (large / "large.egg").write_bytes(egg_bytes({"data": bytes(LARGE // 2)}))
    if egg == "no terminal":
        command = [sys.executable, "-c", PROGRAM, "local", "--egg", "large.egg"]
        done = subprocess.run(command, cwd=large, env=child_environment(), capture_output=True, text=True)
        output = done.stdout + done.stderr
    else:
        output = on_a_terminal(
            large, "local", "--egg", "large.egg", TERM="dumb" if egg == "dumb" else "xterm"
        )
    assert "Server response (200):" in output
    assert "MB" not in output
    assert ESCAPE not in output


def test_a_failure_is_red_on_a_terminal_and_plain_elsewhere(project: Path, server: Server) -> None:
    message = "Unknown target: nonesuch"
    assert f"\x1b[31m{message}" in on_a_terminal(project, "nonesuch")
    assert ESCAPE not in on_a_terminal(project, "nonesuch", NO_COLOR="1")
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, "nonesuch"],
        cwd=project,
        env=child_environment(),
        capture_output=True,
        text=True,
    )
    assert done.stderr == f"{message}\nKnown targets: local\n"


def test_rich_is_loaded_for_a_bar_alone(project: Path, server: Server) -> None:
    code = (
        "import sys; from aioscrapy_deploy.cli import main; main(['local']); sys.exit('rich' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=project, env=child_environment())
    assert done.returncode == 0
