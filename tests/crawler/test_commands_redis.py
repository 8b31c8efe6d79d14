"""`aioscrapy redis`: a server of one's own, in the foreground."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from redis import Redis

from aioscrapy.db.embedded import free_port
from support import child_environment
from support.commands import aioscrapy, fails

pytestmark = pytest.mark.server


def started(folder: Path, *arguments: str) -> "tuple[subprocess.Popen[str], list[str]]":
    """Start the command; returns it and its lines when the server takes connections."""
    process = subprocess.Popen(
        [sys.executable, "-m", "aioscrapy", "redis", *arguments],
        cwd=folder,
        env=child_environment(XDG_STATE_HOME=str(folder / "state")),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    lines: list[str] = []
    for line in process.stdout:
        lines.append(line.rstrip("\n"))
        if "Ctrl-C" in line:
            return process, lines
    raise AssertionError(lines)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_serves_until_a_signal_and_keeps_its_data(tmp_path: Path, number: signal.Signals) -> None:
    port = free_port()
    url = f"redis://127.0.0.1:{port}/0"
    for turn in range(2):
        process, lines = started(tmp_path, "--port", str(port))
        with process:
            assert f'REDIS_ARGS = {{"queue": {{"url": "{url}"}}}}' in lines
            with Redis.from_url(url) as client:
                assert client.incr("turns") == turn + 1
            os.kill(process.pid, number)
            rest, _ = process.communicate(timeout=30)
            assert (rest, process.returncode) == ("Redis is stopped\n", 0)
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", port)) != 0
    assert (tmp_path / "state" / "aioscrapy" / f"redis-{port}" / "appendonlydir").is_dir()


def test_a_server_that_ends_by_itself_is_told(tmp_path: Path) -> None:
    process, _ = started(tmp_path, "--port", str(free_port()), "--dir", "data", "--bind", "localhost")
    with process:
        [child] = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        os.kill(int(child), signal.SIGKILL)
        rest, _ = process.communicate(timeout=30)
        assert rest.startswith("aioscrapy: the Redis has ended by itself (log: ")
        assert process.returncode == 1


def test_one_folder_holds_the_data_of_one_server(tmp_path: Path) -> None:
    process, _ = started(tmp_path, "--port", str(free_port()), "--dir", "data")
    with process:
        done = aioscrapy(tmp_path, "redis", "--port", str(free_port()), "--dir", "data")
        fails(done, f"another Redis keeps its data in {tmp_path / 'data'}", "--dir")
        process.terminate()
        assert process.wait(30) == 0


def test_all_addresses_are_a_choice_with_a_warning(tmp_path: Path) -> None:
    port = free_port()
    process, lines = started(tmp_path, "--port", str(port), "--dir", "data", "--bind", "0.0.0.0")
    with process:
        assert any("It has no password" in line for line in lines)
        with Redis.from_url(f"redis://127.0.0.1:{port}/0") as client:
            assert client.ping()
        process.terminate()
        assert process.wait(30) == 0


def test_what_cannot_serve_is_one_line(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        fails(aioscrapy(tmp_path, "redis", "--port", port), f"port {port} of 127.0.0.1", "--port")
    port = str(free_port())
    (tmp_path / "file").touch()
    fails(aioscrapy(tmp_path, "redis", "--port", port, "--dir", "file"), "file can't be used")
    fails(aioscrapy(tmp_path, "redis", "--port", port, "--bind", "here"), "--bind here: an address is needed")
    hidden = "import sys, importlib.metadata as m\nm.files = lambda name: None\n"
    script = hidden + "from aioscrapy import cmdline\nsys.exit(cmdline.main(['redis']))"
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=tmp_path,
        env=child_environment(),
        capture_output=True,
        text=True,
    )
    fails(done, "there is no embedded Redis here", "REDIS_ARGS")
