"""Jobs of a node: from schedule to end, over a killed daemon, with deadlines, without a lost slot."""

import os
import signal
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests

from node.conftest import APPLICATION
from plugin.jobs import make_egg
from support.scrapyd import ScrapydServer
from support.site import Site

SPIDERS = """
import asyncio, os, signal, subprocess, sys, time
from aioscrapy import Spider


class Page(Spider):
    name = "page"

    def __init__(self, url="", **arguments):
        super().__init__(**arguments)
        self.start_urls = [url]

    async def parse(self, response):
        yield {"url": response.url, "job": self._job}


class Waits(Page):
    name = "waits"

    async def parse(self, response):
        self.logger.info("in the callback")
        while not os.path.exists(self.file):
            await asyncio.sleep(0.05)
        yield {"url": response.url}


class Deaf(Page):
    name = "deaf"

    async def parse(self, response):
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        child = subprocess.Popen(["sleep", "300"])
        self.logger.info("child %d", child.pid)
        time.sleep(300)


class Exits(Page):
    name = "exits"

    async def parse(self, response):
        os._exit(7)
"""


def deploy(node: ScrapydServer, version: str = "1", egg: bytes | None = None) -> dict[str, Any]:
    answer: dict[str, Any] = requests.post(
        f"{node.url}addversion.json",
        data={"project": "p", "version": version},
        files={"egg": make_egg({"spiders/a.py": SPIDERS}) if egg is None else egg},
        timeout=60,
    ).json()
    return answer


def schedule(node: ScrapydServer, spider: str, **fields: Any) -> str:
    answer = node.api("schedule", "POST", project="p", spider=spider, **fields)
    assert answer["status"] == "ok", answer
    return str(answer["jobid"])


def until(node: ScrapydServer, condition: Callable[[], Any], timeout_s: float = 20.0) -> Any:
    """Return the first true value of the condition."""
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        value = condition()
        if value:
            return value
        time.sleep(0.05)  # the daemon tells nobody what it does
    raise AssertionError(node.daemon_text()[-4000:])


def end_of(node: ScrapydServer, job: str) -> dict[str, Any]:
    """Return what node.db says of a job, once the job has ended."""
    return dict(until(node, lambda: _row(node, job)))


def _row(node: ScrapydServer, job: str) -> Any:
    with sqlite3.connect(f"file:{node.folder}/dbs/node.db?mode=ro", uri=True) as connection:
        connection.row_factory = sqlite3.Row
        return connection.execute("SELECT * FROM job WHERE job = ? AND ended > 0", [job]).fetchone()


def log_has(node: ScrapydServer, spider: str, job: str, text: str) -> Callable[[], bool]:
    path = node.log_path("p", spider, job)
    return lambda: path.exists() and text in path.read_text()


def test_a_job_from_schedule_to_end(node: ScrapydServer, site: Site) -> None:
    deploy(node)
    job = schedule(node, "page", url=f"{site.url}/headers")
    entry = node.wait_job(job)
    assert entry["log_url"] == f"/logs/p/page/{job}.log"
    assert [item["job"] for item in node.items("p", "page", job)] == [job]
    ended = end_of(node, job)
    assert (ended["state"], ended["exit_status"]) == ("finished", 0)


def test_running_jobs_survive_the_daemon(node: ScrapydServer, site: Site, tmp_path: Path) -> None:
    deploy(node)
    go = tmp_path / "go"
    jobs = [schedule(node, "waits", url=f"{site.url}/headers", file=str(go)) for _ in range(3)]
    pids = {job: node.wait_running(job)["pid"] for job in jobs}
    starts = {job: node.wait_running(job)["start_time"] for job in jobs}
    for job in jobs:
        until(node, log_has(node, "waits", job, "in the callback"))
    node.kill()
    node.start()
    running = node.jobs("running")
    assert {job: entry["pid"] for job, entry in running.items()} == pids
    assert {job: entry["start_time"] for job, entry in running.items()} == starts
    assert node.api("cancel", "POST", project="p", job=jobs[0])["prevstate"] == "running"
    node.wait_job(jobs[0], 15)
    go.touch()
    for job in jobs[1:]:
        node.wait_job(job)
    assert [end_of(node, job)["state"] for job in jobs] == ["cancelled", "finished", "finished"]
    assert [end_of(node, job)["exit_status"] for job in jobs[1:]] == [0, 0]


def test_a_job_that_ends_while_no_daemon_runs_has_its_end(
    node: ScrapydServer, site: Site, tmp_path: Path
) -> None:
    deploy(node)
    go = tmp_path / "go"
    job = schedule(node, "waits", url=f"{site.url}/headers", file=str(go))
    until(node, log_has(node, "waits", job, "in the callback"))
    pid = node.wait_running(job)["pid"]
    node.kill()
    go.touch()
    until(node, lambda: not Path(f"/proc/{pid}/environ").exists() or not _environment(pid))
    node.start()
    node.wait_job(job)
    assert end_of(node, job)["pid"] == pid
    assert end_of(node, job)["state"] in {"finished", "failed"}  # without an end record nobody saw how


def _environment(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:
        return b""


def test_waiting_jobs_survive_the_daemon(tmp_path: Path, site: Site) -> None:
    conf = {"application": APPLICATION, "max_proc": "1"}
    with ScrapydServer(tmp_path / "node", conf=conf) as node:
        deploy(node)
        go = tmp_path / "go"
        first = schedule(node, "waits", url=f"{site.url}/headers", file=str(go))
        low = schedule(node, "page", url=f"{site.url}/headers", priority="-1")
        high = schedule(node, "page", url=f"{site.url}/headers", priority="5")
        until(node, log_has(node, "waits", first, "in the callback"))
        node.kill()
        node.start()
        assert list(node.jobs("pending")) == [high, low]
        go.touch()
        for job in (first, high, low):
            node.wait_job(job)
        assert end_of(node, high)["started"] < end_of(node, low)["started"]


def test_a_deaf_job_is_killed_with_its_children(tmp_path: Path, site: Site) -> None:
    conf = {"application": APPLICATION, "cancel_deadline": "1"}
    with ScrapydServer(tmp_path / "node", conf=conf) as node:
        deploy(node)
        job = schedule(node, "deaf", url=f"{site.url}/headers")
        until(node, log_has(node, "deaf", job, "child "))
        child = int(node.log("p", "deaf", job).partition("child ")[2].split()[0])
        began = time.monotonic()
        assert node.api("cancel", "POST", project="p", job=job)["prevstate"] == "running"
        node.wait_job(job, 10)
        assert time.monotonic() - began < 1 + 3 + 1
        until(node, lambda: not _environment(child))
        assert end_of(node, job)["state"] == "cancelled"


def test_a_stopped_process_ends_and_a_second_cancel_is_quick(
    node: ScrapydServer, site: Site, tmp_path: Path
) -> None:
    deploy(node)
    job = schedule(
        node, "waits", url=f"{site.url}/headers", file=str(tmp_path / "never"), setting="SHUTDOWN_TIMEOUT=100"
    )
    until(node, log_has(node, "waits", job, "in the callback"))
    os.kill(node.wait_running(job)["pid"], signal.SIGSTOP)
    node.api("cancel", "POST", project="p", job=job)
    until(node, log_has(node, "waits", job, "shutting down gracefully"))
    began = time.monotonic()
    node.api("cancel", "POST", project="p", job=job)
    node.wait_job(job, 10)
    assert time.monotonic() - began < 3
    assert end_of(node, job)["state"] == "cancelled"


def test_what_cant_start_is_failed_and_costs_no_slot(tmp_path: Path, site: Site) -> None:
    conf = {"application": APPLICATION, "max_proc": "1"}
    with ScrapydServer(tmp_path / "node", conf=conf) as node:
        deploy(node)
        exits = schedule(node, "exits", url=f"{site.url}/headers")
        node.wait_job(exits)
        assert (end_of(node, exits)["state"], end_of(node, exits)["exit_status"]) == ("failed", 7)
        assert end_of(node, exits)["reason"] == "exit status 7"
        crashes = schedule(node, "page", url=f"{site.url}/headers", setting="ITEM_PIPELINES={")
        node.wait_job(crashes)
        assert end_of(node, crashes)["state"] == "failed"
        assert end_of(node, crashes)["reason"]
        blocked = node.folder / "logs" / "p" / "page"
        blocked.rename(f"{blocked}.aside")
        blocked.touch()  # a file where the folder of logs should be
        unstartable = schedule(node, "page", url=f"{site.url}/headers")
        node.wait_job(unstartable)
        assert end_of(node, unstartable)["state"] == "failed"
        assert end_of(node, unstartable)["reason"].startswith("could not be started: ")
        blocked.unlink()
        good = schedule(node, "page", url=f"{site.url}/headers")
        node.wait_job(good)
        assert end_of(node, good)["state"] == "finished"


def test_the_waiting_jobs_of_a_stock_scrapyd_are_taken_over(tmp_path: Path, site: Site) -> None:
    stock = {"max_proc": "1"}
    with ScrapydServer(tmp_path / "node", conf=stock) as server:
        deploy(server)
        busy = schedule(server, "waits", url=f"{site.url}/headers", file=str(tmp_path / "go"))
        server.wait_running(busy)
        jobs = [schedule(server, "page", url=f"{site.url}/headers", priority=str(n)) for n in (1, 3, 2)]
        port = server.port
        os.kill(server.wait_running(busy)["pid"], signal.SIGKILL)
        server.kill()
    with ScrapydServer(tmp_path / "node", port=port, conf={"application": APPLICATION}) as node:
        for job in jobs:
            node.wait_job(job)
        assert [end_of(node, job)["state"] for job in jobs] == ["finished"] * 3
        assert (node.folder / "dbs" / "p.db.imported").exists()


def test_two_daemons_in_one_folder_are_refused(node: ScrapydServer) -> None:
    other = ScrapydServer(node.folder, conf={"application": APPLICATION})
    with pytest.raises(AssertionError, match="another daemon"):
        other.start()


def test_a_running_job_shows_its_counts(node: ScrapydServer, site: Site, tmp_path: Path) -> None:
    deploy(node)
    job = schedule(node, "waits", url=f"{site.url}/headers", file=str(tmp_path / "go"))
    counted = until(node, lambda: node.jobs("running").get(job, {}).get("pages"))
    assert counted == 1
    running = node.jobs("running")[job]
    assert (running["state"], running["items"], running["errors"]) == ("running", 0, 0)
    assert running["rss"] > 1_000_000
    (tmp_path / "go").touch()
    assert end_of(node, job)["reason"] == "finished"
    assert node.jobs("finished")[job]["items"] == 1
