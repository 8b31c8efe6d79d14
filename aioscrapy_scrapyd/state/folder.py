"""The folder of a node's state: one daemon at a time, with the pending jobs of the Scrapyd that it was."""

import contextlib
import fcntl
import itertools
import json
import os
import sqlite3
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from twisted.logger import Logger

from aioscrapy_scrapyd.state.job import Job
from aioscrapy_scrapyd.state.schema import StoreError
from aioscrapy_scrapyd.state.store import Store

log = Logger()


class StateFolder:
    """`dbs_dir` of scrapyd.conf, locked by this process until it ends.

    Raises:
        StoreError: another daemon works in it, or it can't be written.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._lock = os.open(folder / "node.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StoreError(
                f"{folder} belongs to another daemon that runs: stop it first, or name another dbs_dir"
            ) from None
        except OSError as exc:
            raise StoreError(f"{folder} can't be used: {exc.strerror}") from exc

    def open(self) -> Store:
        """Open the store, with what a stock Scrapyd left waiting here.

        Raises:
            StoreError: a file can't be read or written.
        """
        store = Store(self.folder / "node.db")
        try:
            self._take_in_pending(store)
        except BaseException:
            store.close()
            raise
        return store

    def _take_in_pending(self, store: Store) -> None:
        """Take over the queues of Scrapyd, PROJECT.db; each becomes PROJECT.db.imported."""
        for path in sorted(self.folder.glob("*.db")):
            if path.name in {"node.db", "jobs.db"}:
                continue
            number = len(store.live())
            jobs = list(_new(store, _waiting(path)))
            for offset, job in enumerate(jobs, 1):
                job.seq = number + offset
            store.save(*jobs).result()
            with contextlib.suppress(FileNotFoundError):
                path.chmod(0o600)
                path.rename(path.with_name(f"{path.name}.imported"))


def _waiting(path: Path) -> Iterator[Job]:
    """Return the jobs in a queue of Scrapyd, the next one first.

    Source: scrapyd.sqlite.JsonSqlitePriorityQueue.
    """
    try:
        with contextlib.closing(sqlite3.connect(path)) as connection:
            rows = connection.execute(
                "SELECT priority, message FROM spider_queue ORDER BY priority DESC, id"
            ).fetchall()
    except sqlite3.Error as exc:
        raise StoreError(f"the waiting jobs in {path} can't be read: {exc}") from exc
    for priority, content in rows:
        try:
            message = json.loads(bytes(content))
            yield job_of(path.stem, float(priority or 0), message, created=time.time())
        except (ValueError, KeyError, TypeError, AttributeError):
            text = repr(bytes(content)[:200] if isinstance(content, bytes) else content)
            log.error(
                "A row of {path} is not a job; it stays in {path}.imported: {text}", path=str(path), text=text
            )


def _new(store: Store, jobs: Iterator[Job]) -> Iterator[Job]:
    """Return the jobs that the node does not have.

    A waiting job of the same id is the same job. An ended one, or another one of the same queue, is not:
    Scrapyd runs an id as often as it is scheduled. That job gets a new id.
    """
    ids: set[str] = set()
    for job in jobs:
        known = store.find(job.project, job.id)
        if known is not None and not known.ended and job.id not in ids:
            ids.add(job.id)
            continue
        base = job.id or uuid.uuid1().hex
        numbers = itertools.count(2)
        job.id = base
        while job.id in ids or store.find(job.project, job.id) is not None:
            job.id = f"{base}-{next(numbers)}"
        if job.id != base:
            log.warn(  # noqa: G010 Twisted's Logger
                "Job {base} of {project} waits as {job}: there is a job of that id",
                base=base,
                project=job.project,
                job=job.id,
            )
        ids.add(job.id)
        yield job


def job_of(project: str, priority: float, message: dict[str, Any], created: float) -> Job:
    """Return a job from a message of Scrapyd's queue: name, _job, _version, settings, arguments."""
    args = dict(message)
    spider, job, version = str(args.pop("name")), str(args.pop("_job", "")), args.pop("_version", None)
    settings = {str(name): str(value) for name, value in (args.pop("settings", None) or {}).items()}
    return Job(
        project,
        spider,
        job,
        version=version,
        priority=priority,
        args={str(name): str(value) for name, value in args.items()},
        settings=settings,
        created=created,
    )
