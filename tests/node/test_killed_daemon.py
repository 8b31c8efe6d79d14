"""A node whose daemon dies: no job is lost, none runs twice, each has its end."""

import os
import random
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from node.killed_daemon import play
from node.test_jobs import deploy, end_of, schedule, until
from support.scrapyd import ScrapydServer
from support.site import Site


@pytest.mark.parametrize("seed", [11, 12])
def test_each_job_has_one_end_whenever_the_daemon_dies(tmp_path: Path, seed: int) -> None:
    assert play(tmp_path, random.Random(seed)) == []


def change(node: ScrapydServer, job: str, **columns: object) -> None:
    """Write into node.db what a daemon that died would have left there."""
    with sqlite3.connect(node.folder / "dbs" / "node.db") as connection:
        assignments = ", ".join(f"{name} = ?" for name in columns)
        connection.execute(f"UPDATE job SET {assignments} WHERE job = ?", [*columns.values(), job])


def test_a_job_that_was_claimed_but_not_started_runs(node: ScrapydServer, site: Site, tmp_path: Path) -> None:
    deploy(node)
    job = schedule(node, "page", url=f"{site.url}/headers")
    end_of(node, job)
    node.kill()
    change(node, job, state="starting", slot=0, pid=0, ticks=0, ended=0, reason="")
    (node.folder / "logs" / "p" / ".ends" / "page" / f"{job}.json").unlink()  # no process has left anything
    node.start()
    assert end_of(node, job)["state"] == "finished"
    assert len(node.items("p", "page", job)) == 2  # the second run appends


def test_a_process_whose_pid_was_not_written_is_found(
    node: ScrapydServer, site: Site, tmp_path: Path
) -> None:
    deploy(node)
    job = schedule(node, "page", url=f"{site.url}/headers")
    end_of(node, job)
    node.kill()
    change(node, job, state="starting", slot=0, pid=0, ticks=0, ended=0, attempt=2)
    marked = {**os.environ, "AIOSCRAPY_JOB": f"p/{job}/2"}
    process = subprocess.Popen(
        [sys.executable, "-c", "input()"], stdin=subprocess.PIPE, env=marked, start_new_session=True
    )
    try:
        node.start()
        assert node.jobs("running")[job]["pid"] == process.pid
        process.communicate(b"\n", timeout=10)
        until(node, lambda: job in node.jobs("finished"))
    finally:
        process.kill()
        process.wait()


def test_a_pid_that_belongs_to_another_program_is_not_taken(node: ScrapydServer, site: Site) -> None:
    deploy(node)
    job = schedule(node, "page", url=f"{site.url}/headers")
    ended = end_of(node, job)
    node.kill()
    change(node, job, state="running", slot=0, pid=os.getpid(), ticks=ended["ticks"], ended=0, reason="")
    node.start()
    assert end_of(node, job)["state"] == "finished"  # by its end record
    assert node.jobs("running") == {}


def test_after_a_boot_of_the_machine_no_process_is_looked_for(node: ScrapydServer, site: Site) -> None:
    deploy(node)
    job = schedule(node, "page", url=f"{site.url}/headers")
    end_of(node, job)
    (node.folder / "logs" / "p" / ".ends" / "page" / f"{job}.json").unlink()
    node.kill()
    change(node, job, state="running", slot=0, boot_id="another boot", ended=0, reason="")
    node.start()
    ended = end_of(node, job)
    assert (ended["state"], ended["reason"]) == ("failed", "the machine was started again while it ran")
