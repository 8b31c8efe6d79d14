"""The way back to a stock Scrapyd: the waiting jobs of a node become its queues, PROJECT.db."""

import contextlib
import json
import sqlite3
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from scrapyd.sqlite import JsonSqlitePriorityQueue

from aioscrapy_deploy.eggs.versions import latest
from aioscrapy_scrapyd import processes
from aioscrapy_scrapyd.eggs import EggRecords
from aioscrapy_scrapyd.jobview import message_of
from aioscrapy_scrapyd.state.folder import StateFolder
from aioscrapy_scrapyd.state.job import Job, State
from aioscrapy_scrapyd.state.jobs import starting_order
from aioscrapy_scrapyd.state.schema import StoreError
from aioscrapy_scrapyd.state.store import Store

# The table of scrapyd.spiderqueue.SqliteSpiderQueue.
_TABLE = "spider_queue"


@dataclass
class Handback:
    """What was done.

    Attributes:
        moved: project -> number of jobs that wait in PROJECT.db now.
        running: jobs whose process runs on; a stock Scrapyd does not know them.
        limited: jobs that had a time limit or retries, which Scrapyd has not.
        versions: project -> (the active version, the one that Scrapyd uses), where they differ.
    """

    moved: Counter[str] = field(default_factory=Counter)
    running: list[str] = field(default_factory=list)
    limited: list[str] = field(default_factory=list)
    versions: dict[str, tuple[str, str]] = field(default_factory=dict)


def hand_back(dbs_dir: Path, eggs_dir: Path) -> Handback:
    """Move the waiting jobs from node.db to the queues of a stock Scrapyd; the history stays in node.db.

    A job without a version gets the active one, if Scrapyd would use another. Interrupted at any moment, it
    can be repeated: a job is written before it is deleted, and is not written twice.

    Raises:
        StoreError: there is no node.db, its daemon runs, or a file can't be written.
    """
    database = dbs_dir / "node.db"
    if not database.exists():
        raise StoreError(f"there is no {database}: nothing to hand back")
    folder = StateFolder(dbs_dir)  # locks: no daemon works in it, and none begins to
    store = Store(database)
    try:
        return _hand_back(store, folder.folder, eggs_dir)
    finally:
        store.close()


def _hand_back(store: Store, dbs_dir: Path, eggs_dir: Path) -> Handback:
    done = Handback()
    waiting: dict[str, list[Job]] = {}
    for job in sorted(store.live(), key=starting_order):
        if _runs(job):
            done.running.append(f"{job.project}/{job.spider}/{job.id}")
        elif job.state in {State.PENDING, State.STARTING}:
            waiting.setdefault(job.project, []).append(job)
    records = EggRecords(store)
    for project in {*waiting, *(path.name for path in eggs_dir.glob("*/"))}:
        stored = [path.stem for path in (eggs_dir / project).glob("*.egg")]
        active, newest = records.active(project, stored), latest(stored)
        if active and newest and active != newest:
            done.versions[project] = active, newest
    for project, jobs in waiting.items():
        for job in jobs:
            if job.version is None and project in done.versions:
                job.version = done.versions[project][0]
        _queue(dbs_dir / f"{project}.db", jobs)
        store.write([("DELETE FROM job WHERE project = ? AND job = ?", job.key) for job in jobs]).result()
        done.moved[project] = len(jobs)
        done.limited += [job.id for job in jobs if job.timeout_s or job.retries]
    return done


def _runs(job: Job) -> bool:
    """Return True if the job has a process: also one that a killed daemon could not write down."""
    if job.state is State.PENDING:
        return False
    process = processes.adopt(job.pid, job.ticks) if job.pid else processes.find_marked(job.mark)
    if process is None:
        return False
    process.close()
    return True


def _queue(path: Path, jobs: Iterable[Job]) -> None:
    """Add jobs to a queue of Scrapyd, without those that it has already."""
    try:
        queue = JsonSqlitePriorityQueue(str(path), _TABLE)
        with contextlib.closing(queue.conn) as connection:
            rows = connection.execute(f"SELECT message FROM {_TABLE}").fetchall()  # noqa: S608 no user text
            known = {json.loads(bytes(message)).get("_job") for (message,) in rows}
            for job in jobs:
                if job.id not in known:
                    queue.put(message_of(job), job.priority)
    except (sqlite3.Error, ValueError) as exc:
        raise StoreError(f"{path} can't be written: {exc}") from exc
