"""Faults of the machine under a running node: full disks, locks, limits, kills, a clock that is set."""

import contextlib
import os
import resource
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import requests

from node.conftest import APPLICATION
from node.test_jobs import SPIDERS, deploy, end_of, log_has, schedule, until
from plugin.jobs import make_egg
from support.scrapyd import ScrapydServer
from support.site import Site

pytestmark = pytest.mark.server

TESTS = Path(__file__).resolve().parents[1]
SLOTS = 8
QUICK = """
import os
from aioscrapy import Spider


class Quick(Spider):
    name = "quick"

    async def start_requests(self):
        return
        yield


class Dies(Quick):
    name = "dies"

    async def start_requests(self):
        os.kill(os.getpid(), 9)
        yield


class Eats(Quick):
    name = "eats"

    async def start_requests(self):
        rows = []
        while True:
            rows.append(bytearray(os.urandom(1 << 20)))
        yield
"""
EGG = make_egg({"spiders/a.py": SPIDERS, "spiders/b.py": QUICK})


def conf(**keys: str) -> dict[str, str | None]:
    return {"application": APPLICATION, "max_proc": str(SLOTS), **keys}


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ScrapydServer]:
    with ScrapydServer(tmp_path_factory.mktemp("faults") / "node", conf=conf()) as server:
        assert deploy(server, egg=EGG)["status"] == "ok"
        yield server


def is_good_again(node: ScrapydServer) -> None:
    """All slots are free, and the next good job starts within 2 s."""
    until(node, lambda: node.api("daemonstatus")["running"] == 0)
    began = time.time()
    ended = end_of(node, schedule(node, "quick"))
    assert (ended["state"], ended["started"] - began < 2) == ("finished", True), ended["reason"]
    until(node, lambda: node.api("daemonstatus")["running"] == 0)
    status = node.api("daemonstatus")
    assert (status["pending"], status["slots"], status["problems"]) == (0, SLOTS, [])
    assert node.api("status", job=ended["job"])["currstate"] == "finished"


def failed(node: ScrapydServer, job: str, reason: str) -> None:
    ended = end_of(node, job)
    assert (ended["state"], reason in ended["reason"], "\n" in ended["reason"]) == ("failed", True, False), (
        ended["reason"]
    )


@contextlib.contextmanager
def limited(pid: int, kind: int, limit: int) -> Iterator[None]:
    before = resource.prlimit(pid, kind)
    resource.prlimit(pid, kind, (limit, before[1]))
    try:
        yield
    finally:
        resource.prlimit(pid, kind, before)


# A process of the superuser has no limit of processes: another user needs only the right to read our files.
AS_ANOTHER = (
    *("setpriv", "--reuid=54321", "--clear-groups"),
    *("--inh-caps=+dac_override,+dac_read_search", "--ambient-caps=+dac_override,+dac_read_search"),
)


@contextlib.contextmanager
def no_processes(node: ScrapydServer) -> Iterator[None]:
    """Let the daemon start no process and no thread; only its own user may set its limits."""
    program = "import resource, sys; resource.prlimit(int(sys.argv[1]), resource.RLIMIT_NPROC, "
    command = [*(AS_ANOTHER if os.geteuid() == 0 else ()), sys.executable, "-c"]
    before = resource.prlimit(os.getpid(), resource.RLIMIT_NPROC)
    for limits in ((1, before[1]), before):
        subprocess.run([*command, f"{program}{limits})", str(node.pid)], check=True)
        if limits != before:
            yield


def descriptors(node: ScrapydServer) -> int:
    return len(list(Path(f"/proc/{node.pid}/fd").iterdir()))


def test_without_file_descriptors_jobs_fail_and_the_slots_stay(node: ScrapydServer) -> None:
    is_good_again(node)  # what the daemon opens at the first job is open
    open_files = descriptors(node)
    jobs: list[str] = []
    for spare in range(6):
        with limited(node.pid, resource.RLIMIT_NOFILE, open_files + spare):
            answers = [node.api("schedule", "POST", project="p", spider="quick") for _ in range(2)]
            accepted = [answer["jobid"] for answer in answers if answer["status"] == "ok"]
            for job in accepted:
                until(node, lambda job=job: node.api("status", job=job)["currstate"] == "finished")
            jobs += accepted
        for answer in answers:
            assert answer["status"] == "ok" or "Too many open files" in answer["message"]
    ends = [end_of(node, job) for job in jobs]
    reasons = {row["reason"] for row in ends if row["state"] == "failed"}
    assert any(reason.startswith("could not be started: ") for reason in reasons), reasons
    assert all("Too many open files" in reason for reason in reasons), reasons
    is_good_again(node)
    until(node, lambda: descriptors(node) <= open_files)


def test_without_processes_jobs_fail_and_the_slots_stay(tmp_path: Path) -> None:
    wrapper = AS_ANOTHER if os.geteuid() == 0 else ()
    with ScrapydServer(tmp_path / "node", conf=conf(items_dir=""), wrapper=wrapper) as node:
        deploy(node, egg=EGG)
        is_good_again(node)
        with no_processes(node):
            jobs = [schedule(node, "quick") for _ in range(SLOTS + 1)]
            for job in jobs:
                failed(node, job, "could not be started: ")
            refused = deploy(node, "2", EGG)
            assert (refused["status"], "could not be started" in refused["message"]) == ("error", True)
        is_good_again(node)


def test_a_locked_file_refuses_jobs_and_forgets_none(node: ScrapydServer, site: Site, tmp_path: Path) -> None:
    go = tmp_path / "go"
    job = schedule(node, "waits", url=f"{site.url}/headers", file=str(go))
    until(node, log_has(node, "waits", job, "in the callback"))
    with sqlite3.connect(node.folder / "dbs" / "node.db", isolation_level=None) as other:
        other.execute("BEGIN EXCLUSIVE")
        for _ in range(3):
            refused = node.api("schedule", "POST", project="p", spider="quick")
            assert (refused["status"], "locked" in refused["message"]) == ("error", True)
        began = time.monotonic()
        assert "locked" in node.api("daemonstatus")["problems"][0]
        assert time.monotonic() - began < 0.5
        go.touch()
        until(node, lambda: job in node.jobs("finished"))
        assert node.api("status", job=job)["state"] == "finished"  # although the file still says "running"
        assert node.api("schedule", "POST", project="p", spider="waits", jobid=job)["existing"] is True
        other.execute("ROLLBACK")
    assert end_of(node, job)["state"] == "finished"
    is_good_again(node)


SMALL_DISKS = 'for d in eggs dbs logs; do mount -t tmpfs -o size=4m none "$d" || exit 1; done; exec "$@"'


@pytest.fixture
def on_small_disks(tmp_path: Path) -> Iterator[ScrapydServer]:
    for name in ("eggs", "dbs", "logs", "tmp"):
        (tmp_path / name).mkdir()
    wrapper = ("unshare", "-rm", "sh", "-c", SMALL_DISKS, "sh")
    with ScrapydServer(tmp_path, conf=conf(items_dir=""), wrapper=wrapper) as node:
        node.seen = Path(f"/proc/{node.pid}/root{tmp_path.resolve()}")  # type: ignore[attr-defined]
        assert deploy(node, egg=EGG)["status"] == "ok"
        yield node


@contextlib.contextmanager
def full(node: Any, name: str) -> Iterator[None]:
    filler = node.seen / name / "filler"
    with filler.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while file.write(bytes(65536)):
            pass
    yield
    filler.unlink()


small_disks = pytest.mark.skipif(
    subprocess.run(["unshare", "-rm", "true"], capture_output=True).returncode != 0,
    reason="makes small disks, which is not allowed here",
)


@small_disks
def test_a_full_disk_at_each_write(on_small_disks: ScrapydServer, site: Site, tmp_path: Path) -> None:
    node = on_small_disks
    go = tmp_path / "go"
    running = schedule(node, "waits", url=f"{site.url}/headers", file=str(go))
    until(node, lambda: node.jobs("running").get(running, {}).get("pages"))
    with full(node, "dbs"):
        refused = node.api("schedule", "POST", project="p", spider="quick", note="x" * 50_000)
        assert (refused["status"], "full" in refused["message"]) == ("error", True)
        assert "full" in node.api("daemonstatus")["problems"][0]
        go.touch()
        until(node, lambda: running in node.jobs("finished"))
        assert node.api("status", job=running)["state"] == "finished"
    until(node, lambda: node.api("daemonstatus")["problems"] == [])
    assert ended(node, running) == ("finished", "finished")
    with full(node, "eggs"):
        refused = deploy(
            node, "2", make_egg({"spiders/a.py": QUICK, "data.py": "#" + os.urandom(300_000).hex()})
        )
        assert (refused["status"], "No space left" in refused["message"]) == ("error", True)
        assert node.api("listversions", project="p")["versions"] == ["1"]
    with full(node, "logs"):
        job = schedule(node, "quick")
        until(node, lambda: job in node.jobs("finished"))
    state, reason = ended(node, job)  # without a place for its log a job that has no items can still finish
    assert state == "finished" or "No space left" in reason, reason
    assert deploy(node, "2", EGG)["status"] == "ok"
    began = time.time()
    good = schedule(node, "quick")
    until(node, lambda: good in node.jobs("finished"))
    assert ended(node, good) == ("finished", "finished")
    started = datetime.fromisoformat(node.jobs("finished")[good]["start_time"])
    assert started.timestamp() < began + 2
    assert node.api("daemonstatus")["running"] == 0
    assert "Traceback" not in node.daemon_text()


def ended(node: Any, job: str) -> tuple[str, str]:
    """Return state and reason in node.db, which is on a disk that only the daemon sees."""
    node = node.api("status", job=job)
    return node["state"], node["reason"]


@small_disks
def test_an_upload_that_cannot_be_kept_is_answered(tmp_path: Path) -> None:
    (tmp_path / "tmp").mkdir()
    small = 'mount -t tmpfs -o size=256k none tmp || exit 1; exec "$@"'
    wrapper = ("unshare", "-rm", "sh", "-c", small, "sh")
    environment = {"TMPDIR": str(tmp_path / "tmp")}
    with ScrapydServer(tmp_path, conf=conf(), wrapper=wrapper, environment=environment) as node:
        answer = requests.post(
            f"{node.url}addversion.json",
            data={"project": "p", "version": "1"},
            files={"egg": os.urandom(2_000_000)},
            timeout=30,
        )
        assert (answer.status_code, "No space left" in answer.text) == (503, True)
        assert node.api("listprojects")["projects"] == []
        assert "Traceback" not in node.daemon_text()


@pytest.mark.parametrize("point", ["after_claim", "after_spawn", "after_end"])
def test_a_daemon_that_dies_at_a_point_loses_nothing_and_repeats_nothing(tmp_path: Path, point: str) -> None:
    killed = tmp_path / "killed"
    environment = {"NODE_KILL": point, "NODE_KILLED": str(killed), "PYTHONPATH": str(TESTS)}
    keys = conf(application="node.fault_points.application", max_proc="2")
    with ScrapydServer(tmp_path / "node", conf=keys, environment=environment) as node:
        deploy(node, egg=EGG)
        jobs = []
        with contextlib.suppress(requests.ConnectionError):
            for number in range(4):
                jobs.append(f"job-{number}")
                schedule(node, "quick", jobid=jobs[-1])
        until(node, killed.exists)
        node.kill()
        node.start()
        for job in jobs:
            schedule(
                node, "quick", jobid=job
            )  # the answer to the last one may be lost; the same id is one job
        rows = [end_of(node, job) for job in jobs]
        assert [(row["state"], row["reason"], row["attempt"]) for row in rows] == [
            ("finished", "finished", 1)
        ] * len(jobs)
        for job in jobs:
            assert node.log("p", "quick", job).count("Spider opened") == 1
        assert node.api("daemonstatus")["running"] == 0


def test_a_clock_that_is_set_ends_no_job_early_and_none_late(tmp_path: Path, site: Site) -> None:
    clock = tmp_path / "clock"
    clock.write_text("0")
    environment = {"NODE_CLOCK": str(clock), "PYTHONPATH": str(TESTS)}
    keys = conf(application="node.fault_points.application", cancel_deadline="1")
    with ScrapydServer(tmp_path / "node", conf=keys, environment=environment) as node:
        deploy(node, egg=EGG)
        never = {"url": f"{site.url}/headers", "file": str(tmp_path / "never")}
        limited_job = schedule(node, "waits", timeout=600, **never)
        deaf = schedule(node, "deaf", url=f"{site.url}/headers")
        until(node, log_has(node, "waits", limited_job, "in the callback"))
        until(node, log_has(node, "deaf", deaf, "child "))
        clock.write_text("86400")
        until(node, lambda: node.jobs("running")[limited_job]["state"] == "running")
        began = time.monotonic()
        node.api("cancel", "POST", project="p", job=deaf)
        clock.write_text("-86400")
        node.wait_job(deaf, 15)
        assert 2 < time.monotonic() - began < 1 + 3 + 1  # SIGINT again after 1 s, SIGKILL 2 s later
        assert node.jobs("running")[limited_job]["state"] == "running"
        clock.write_text("0")
        node.api("cancel", "POST", project="p", job=limited_job)
        assert end_of(node, limited_job)["state"] == "cancelled"
        is_good_again(node)


def test_a_job_that_is_killed_has_its_signal_as_reason(node: ScrapydServer) -> None:
    failed(node, schedule(node, "dies"), "killed by signal 9")
    is_good_again(node)


def test_a_job_that_is_cancelled_at_once_has_a_reason_and_a_log(node: ScrapydServer) -> None:
    jobs = []
    for _ in range(3):
        jobs.append(schedule(node, "quick", jobid=f"early-{len(jobs)}"))
        node.wait_running(jobs[-1])
        node.api("cancel", "POST", project="p", job=jobs[-1])
    for job in jobs:
        row = end_of(node, job)
        assert (row["state"], row["reason"]) == ("cancelled", "cancelled"), row["reason"]
        assert node.log("p", "quick", job).strip()
    is_good_again(node)


def test_ten_thousand_jobs_wait_and_the_node_answers(tmp_path: Path, site: Site) -> None:
    with ScrapydServer(tmp_path / "node", conf=conf(max_proc="1")) as node:
        deploy(node, egg=EGG)
        go = tmp_path / "go"
        first = schedule(node, "waits", url=f"{site.url}/headers", file=str(go), priority=9)
        crawls = [node.api("schedule", "POST", project="p", spider="quick", instances=250) for _ in range(40)]
        assert node.api("daemonstatus")["pending"] == 10_000
        urgent = schedule(node, "quick", priority=5)
        for start in range(2):
            if start:
                node.kill()
                node.start()
            slowest = 0.0
            for _ in range(20):
                began = time.monotonic()
                assert node.api("daemonstatus")["pending"] == 10_001
                slowest = max(slowest, time.monotonic() - began)
            assert slowest < 0.2
        assert len(node.jobs("pending")) == 10_001
        assert next(iter(node.jobs("pending"))) == urgent
        go.touch()
        assert end_of(node, first)["state"] == "finished"
        assert end_of(node, urgent)["state"] == "finished"
        for crawl in crawls:
            node.api("cancel", "POST", project="p", job=crawl["crawl"])
        until(node, lambda: node.api("daemonstatus")["running"] == 0)
        assert node.api("daemonstatus")["pending"] == 0


@pytest.mark.parametrize("number", [signal.SIGINT])
def test_a_daemon_that_is_ended_leaves_its_jobs(tmp_path: Path, site: Site, number: int) -> None:
    with ScrapydServer(tmp_path / "node", conf=conf()) as node:
        deploy(node, egg=EGG)
        go = tmp_path / "go"
        job = schedule(node, "waits", url=f"{site.url}/headers", file=str(go))
        until(node, log_has(node, "waits", job, "in the callback"))
        node.end(number)
        node.start()
        assert node.jobs("running")[job]["state"] == "running"
        go.touch()
        assert end_of(node, job)["exit_status"] == 0
        is_good_again(node)
