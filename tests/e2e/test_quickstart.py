"""`aioscrapy quickstart` as a newcomer runs it: in a process, on a free port, to its end or to Ctrl-C."""

import json
import os
import pty
import re
import signal
import socket
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from aioscrapy.db.embedded import free_port
from support import child_environment

MARK = "AIOSCRAPY_TEST_QUICKSTART"


class Quickstart:
    """Runs the command with a mark in the environment, by which whatever it started is found again."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.folder = folder
        self._mark = uuid.uuid4().hex
        self._environment = child_environment(**{MARK: self._mark})

    def start(self, *options: str, stdout: int = subprocess.PIPE) -> "subprocess.Popen[str]":
        command = [sys.executable, "-m", "aioscrapy", "quickstart", "--pages", "80"]
        return subprocess.Popen(
            [*command, "--port", str(self.port), "--folder", str(self.folder), *options],
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self, *options: str) -> tuple[int, str]:
        process = self.start(*options)
        output, _ = process.communicate(timeout=90)
        return process.returncode, output

    def left_running(self) -> list[str]:
        """Return the command lines of all processes that have our mark."""
        mark = f"{MARK}={self._mark}".encode()
        found = []
        for entry in Path("/proc").iterdir():
            try:
                if entry.name.isdigit() and mark in (entry / "environ").read_bytes().split(b"\0"):
                    found.append((entry / "cmdline").read_text().replace("\0", " "))
            except OSError:
                continue
        return found

    def kill_all(self) -> None:
        mark = f"{MARK}={self._mark}".encode()
        for entry in Path("/proc").iterdir():
            try:
                if entry.name.isdigit() and mark in (entry / "environ").read_bytes().split(b"\0"):
                    os.kill(int(entry.name), signal.SIGKILL)
            except OSError:
                continue


@pytest.fixture
def quickstart(tmp_path: Path) -> Iterator[Quickstart]:
    quickstart = Quickstart(tmp_path / "work")
    yield quickstart
    quickstart.kill_all()


def read_until(process: "subprocess.Popen[str]", words: str) -> str:
    assert process.stdout is not None
    read = ""
    for line in process.stdout:
        read += line
        if words in line:
            return read
    raise AssertionError(f"{words!r} did not come:\n{read}")


def test_it_does_the_main_job_and_leaves_nothing_running(quickstart: Quickstart) -> None:
    status, output = quickstart.run()

    assert status == 0, output
    items = [
        json.loads(line)
        for feed in sorted((quickstart.folder / "scrapyd" / "items" / "quotes" / "quotes").glob("*.jl"))
        for line in feed.read_text(encoding="utf-8").splitlines()
    ]
    pages = int(re.findall(r"total: (\d+) pages", output)[0])
    assert f"total: {pages} pages, {len(items)} items, {len(items)} different items" in output
    assert f"the site counted {pages} requests for {pages} of its {pages} pages" in output
    assert len({item["url"] for item in items}) == len(items) > 60
    for log in re.findall(r"log +(/\S+)", output):
        assert "Spider closed (finished)" in Path(log).read_text(encoding="utf-8")
    assert output.count("Spider closed") == 0, "the output has no log lines"
    assert f"Open http://127.0.0.1:{quickstart.port}/ in a browser" in output.splitlines()[1]
    assert "All programs are stopped." in output
    assert quickstart.left_running() == []


def test_keep_leaves_it_up_until_ctrl_c_also_in_the_folder_of_an_earlier_run(quickstart: Quickstart) -> None:
    first, output = quickstart.run("--jobs", "1")
    assert first == 0, output

    process = quickstart.start("--keep", "--jobs", "3")
    output = read_until(process, "Press Ctrl-C to stop everything")
    assert f"http://127.0.0.1:{quickstart.port}/" in output
    page = requests.get(f"http://127.0.0.1:{quickstart.port}/api/v1/jobs", timeout=30).json()
    assert [(job["state"], job["reason"]) for job in page["ended"]] == [("finished", "finished")] * 3
    process.send_signal(signal.SIGINT)
    rest, _ = process.communicate(timeout=30)

    assert process.returncode == 0, rest
    assert len(list((quickstart.folder / "scrapyd" / "logs" / "quotes" / "quotes").iterdir())) == 3
    assert quickstart.left_running() == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_in_the_middle_stops_everything(quickstart: Quickstart, number: signal.Signals) -> None:
    process = quickstart.start("--pages", "1000")
    read_until(process, "6. The progress of the jobs")
    read_until(process, "pages, ")
    process.send_signal(number)
    process.send_signal(number)  # an impatient second one changes nothing
    rest, _ = process.communicate(timeout=30)

    assert process.returncode == 130, rest
    assert "Traceback" not in rest
    assert "Interrupted" in rest
    assert quickstart.left_running() == []


def test_a_taken_port_is_one_line_that_says_what_to_do(quickstart: Quickstart) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", quickstart.port))
        taken.listen()
        status, output = quickstart.run()

    assert status == 1
    assert output.count("\n") == 1
    assert f"port {quickstart.port}" in output
    assert "--port" in output
    assert not quickstart.folder.exists()


def test_a_folder_of_somebody_else_is_left_as_it_is(quickstart: Quickstart) -> None:
    quickstart.folder.mkdir()
    (quickstart.folder / "README.txt").write_text("mine", encoding="utf-8")

    status, output = quickstart.run()

    assert status == 1
    assert output.count("\n") == 1
    assert "is not empty" in output
    assert [path.name for path in quickstart.folder.iterdir()] == ["README.txt"]


def test_on_a_terminal_the_progress_stays_on_one_line(quickstart: Quickstart) -> None:
    ours, theirs = pty.openpty()
    process = quickstart.start(stdout=theirs)
    os.close(theirs)
    shown = b""
    try:
        while chunk := os.read(ours, 65536):
            shown += chunk
    except OSError:  # how Linux tells that the other end of a terminal was closed
        pass
    finally:
        os.close(ours)

    assert process.wait(30) == 0, shown
    assert b"\x1b[2K" in shown, "a line was drawn anew"
    assert b"total: " in shown
    assert quickstart.left_running() == []
