"""`aioscrapy redis`: a server of one's own, in the foreground."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from redis import Redis
from redis.exceptions import AuthenticationError

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


def url_of(lines: list[str]) -> str:
    """Return the URL of the line that is for the settings."""
    settings: dict[str, Any] = {}
    exec(next(line for line in lines if line.startswith("REDIS_ARGS = ")), settings)
    url: str = settings["REDIS_ARGS"]["queue"]["url"]
    return url


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_serves_until_a_signal_and_keeps_its_data(tmp_path: Path, number: signal.Signals) -> None:
    port = free_port()
    for turn in range(2):
        process, lines = started(tmp_path, "--port", str(port))
        with process:
            with Redis.from_url(url_of(lines)) as client:
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


@pytest.mark.parametrize("address", ["127.0.0.1", "0.0.0.0"])
def test_only_who_has_the_password_can_use_it(tmp_path: Path, address: str) -> None:
    port = free_port()
    folder = tmp_path / "state" / "aioscrapy" / f"redis-{port}"
    folder.mkdir(parents=True, mode=0o755)  # as an earlier version left it
    process, lines = started(tmp_path, "--port", str(port), "--bind", address)
    with process:
        url = url_of(lines)
        with Redis.from_url(url) as client:
            assert client.set("key", "value")
        for wrong in (f"redis://127.0.0.1:{port}/0", url.replace("redis://:", "redis://:x")):
            with Redis.from_url(wrong) as client, pytest.raises(AuthenticationError):
                client.get("key")
        without = f"redis://127.0.0.1:{port}/0"
        fails(aioscrapy(tmp_path, "crawls", "--redis", without), "write it into the URL, redis://:PASSWORD@")
        commands = [path.read_bytes() for path in Path("/proc").glob("[0-9]*/cmdline") if path.exists()]
        password = url.partition("redis://:")[2].partition("@")[0].encode()
        assert not any(password in command for command in commands)
        process.terminate()
        assert process.wait(30) == 0
    assert folder.stat().st_mode & 0o777 == 0o700
    assert all(path.stat().st_mode & 0o077 == 0 for path in folder.rglob("*"))


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
