"""A disk that is full, here or at the server, and Ctrl-C: what was there stays, and nothing else."""

import os
import resource
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from support import child_environment
from support.deploying import PROGRAM, Run, Server, Write
from support.processes import family, has_ended, watch
from support.scrapyd import ScrapydServer


def limited(folder: Path, bytes_: int, *argv: str) -> "subprocess.CompletedProcess[str]":
    """Run the program where no file may grow beyond so many bytes: the error is a full disk's, but one."""
    program = f"import resource; resource.setrlimit(resource.RLIMIT_FSIZE, ({bytes_}, {bytes_})); {PROGRAM}"
    return subprocess.run(
        [sys.executable, "-B", "-c", program, *argv],
        cwd=folder,
        env=child_environment(),
        capture_output=True,
        text=True,
        timeout=60,
    )


@pytest.mark.parametrize("argv", [["local"], ["--build-egg", "it.egg"]], ids=" ".join)
@pytest.mark.parametrize("setup", [False, True], ids=["direct", "setup.py"])
@pytest.mark.parametrize("size", [20, 2000])
def test_a_full_disk_here_is_one_line(
    project: Path, write: Write, server: Server, tmp_path: Path, argv: list[str], setup: bool, size: int
) -> None:
    write({"shop/data.txt": "x" * 3000})
    if setup:
        write({"setup.py": "from setuptools import *\nsetup(name='shop', packages=find_packages())\n"})
    before = sorted(project.rglob("*"))
    done = limited(project, size, *argv)
    assert (done.returncode, done.stdout) == (1, "")
    assert "File too large" in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr
    assert server.seen == []
    assert sorted(project.rglob("*")) == before
    assert list((tmp_path / "tmp").iterdir()) == []


SMALL_DISK = (
    'mount -t tmpfs -o size=64k none disk && cp small.egg disk/it.egg && "$@"; echo $?; cat disk/it.egg'
)


@pytest.mark.parametrize("argv", ["jobs", "jobs --json", "jobs --watch", "status", "versions", "targets"])
def test_an_answer_that_does_not_fit_is_one_line(project: Path, server: Server, argv: str) -> None:
    server.body = b"""{"status": "ok", "projects": [], "pending": [{"id": "1", "spider": "one"}]}"""
    if argv == "status":
        server.body = b'{"status": "ok"}'
    if argv == "versions":
        server.versions = ["1"]
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [sys.executable, "-m", "aioscrapy", *argv.split()],
            cwd=project,
            env=child_environment(),
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=30,
        )
    assert (done.returncode, done.stderr) == (1, "aioscrapy: No space left on device: standard output\n")


@pytest.mark.skipif(
    subprocess.run(["unshare", "-rm", "true"], capture_output=True).returncode != 0,
    reason="makes a small disk, which is not allowed here",
)
def test_an_egg_that_does_not_fit_leaves_the_one_before(project: Path, write: Write) -> None:
    (project / "disk").mkdir()
    (project / "small.egg").write_bytes(b"the one before")
    write({"shop/data.txt": "x" * 100_000})
    done = subprocess.run(
        [
            *("unshare", "-rm", "sh", "-c", SMALL_DISK, "sh"),
            *(sys.executable, "-c", PROGRAM, "--build-egg", "disk/it.egg"),
        ],
        cwd=project,
        env=child_environment(),
        capture_output=True,
        text=True,
    )
    assert done.stdout == "1\nthe one before"
    assert done.stderr.splitlines()[-1] == "Error: No space left on device: disk/it.egg"


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ScrapydServer]:
    with ScrapydServer(tmp_path_factory.mktemp("scrapyd")) as server:
        yield server


@pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="limits another process, as Linux can")
@pytest.mark.parametrize("size", [60_000, 300_000])
def test_a_full_disk_there_leaves_the_old_version(
    project: Path, daemon: ScrapydServer, deploy: Run, size: int
) -> None:
    """Twisted keeps a form of 100,000 bytes and more in a file: it, not Scrapyd, fails then."""
    (project / "shop/spiders/one.py").write_text(
        "from aioscrapy import Spider\n\n\nclass One(Spider):\n    name = 'one'\n"
    )
    (project / "aioscrapy.cfg").write_text(
        f"[settings]\ndefault = shop.settings\n[deploy:local]\nurl = {daemon.url}\nproject = shop\n"
    )
    assert deploy("local", "-v", "1").status == 0
    egg = daemon.folder / "eggs" / "shop" / "1.egg"
    whole = egg.read_bytes()
    (project / "shop/data.txt").write_text("x" * size)
    log = daemon.daemon_log.stat().st_size
    before = resource.prlimit(daemon.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(daemon.pid, resource.RLIMIT_FSIZE, (max(30_000, log + 20_000), before[1]))
    try:
        done = deploy("local", "-v", "2")
    finally:
        resource.prlimit(daemon.pid, resource.RLIMIT_FSIZE, before)
    assert done.status == 1
    failed, last = done.err.splitlines()[-2:]
    assert failed.startswith("Deploy failed: ")
    assert ("File too large" in failed) == (size < 100_000)
    assert last.endswith("; the latest there is 1")
    assert (daemon.api("listversions", project="shop")["versions"], egg.read_bytes()) == (["1"], whole)
    assert [path.name for path in egg.parent.iterdir()] == ["1.egg"]
    daemon.api("delproject", "POST", project="shop")


@pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="watches processes as Linux can")
@pytest.mark.parametrize("phase", ["setup.py", "listing"])
@pytest.mark.parametrize(
    ("number", "everybody", "status"),
    [(signal.SIGINT, True, 130), (signal.SIGINT, False, 130), (signal.SIGTERM, False, 143)],
    ids=["Ctrl-C", "SIGINT", "SIGTERM"],
)
def test_a_signal_in_the_build_ends_its_programs_and_leaves_nothing(
    project: Path, write: Write, server: Server, tmp_path: Path, phase: str, number: int, everybody: bool,
    status: int,
) -> None:  # fmt: skip
    """Ctrl-C goes to all programs of a terminal, what `kill` sends to the deploy alone."""
    waits = f"import urllib.request as r\nr.urlopen('{server.url}').read()\n"
    if phase == "setup.py":
        write(
            {"setup.py": f"{waits}from setuptools import *\nsetup(name='shop', packages=find_packages())\n"}
        )
    else:
        write({"shop/settings.py": waits + (project / "shop/settings.py").read_text()})
    before = sorted(project.rglob("*"))
    server.answer_now.clear()
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM, "local"],
        cwd=project,
        env=child_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        assert server.arrived.wait(30)
        (started,) = (watch(child.pid) for child in family(process.pid)[1:])
        (os.killpg if everybody else os.kill)(process.pid, number)
        out, err = process.communicate(timeout=30)
    assert (process.returncode, out) == (status, "")
    assert err.splitlines()[-1] == "Interrupted: nothing more is sent"
    assert "Traceback" not in err
    assert has_ended(started)
    assert sorted(project.rglob("*")) == before
    assert list((tmp_path / "tmp").iterdir()) == []
