"""The file that keeps the jobs of a node: SQLite, written by one thread that commits for all who wait."""

import contextlib
import json
import queue
import re
import sqlite3
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aioscrapy_scrapyd.state.job import Job, State

VERSION = 1
# Seconds that the writer waits for a lock that another program has on the file.
LOCK_S = 1.0
# Seconds between two tries to write what must not be lost: that a job has started or ended.
RETRY_S = 1.0

_SCHEMA = """
CREATE TABLE job (
    project TEXT NOT NULL, job TEXT NOT NULL, spider TEXT NOT NULL, version TEXT, crawl TEXT NOT NULL,
    priority REAL NOT NULL, seq INTEGER NOT NULL, args TEXT NOT NULL, settings TEXT NOT NULL,
    user TEXT NOT NULL, timeout_s REAL NOT NULL, retries INTEGER NOT NULL,
    state TEXT NOT NULL, reason TEXT NOT NULL, exit_status INTEGER, signal INTEGER NOT NULL,
    created REAL NOT NULL, started REAL NOT NULL, ended REAL NOT NULL,
    stop_asked REAL NOT NULL, kill_at REAL NOT NULL, stage INTEGER NOT NULL,
    slot INTEGER NOT NULL, pid INTEGER NOT NULL, ticks INTEGER NOT NULL, boot_id TEXT NOT NULL,
    attempt INTEGER NOT NULL, counts TEXT NOT NULL, log TEXT NOT NULL, items TEXT NOT NULL,
    PRIMARY KEY (project, job)
) STRICT, WITHOUT ROWID;
CREATE INDEX job_live ON job (seq) WHERE ended = 0;
CREATE INDEX job_ended ON job (ended DESC, seq DESC) WHERE ended > 0;
CREATE TABLE egg (
    project TEXT NOT NULL, version TEXT NOT NULL, deployed REAL NOT NULL, active INTEGER NOT NULL,
    user TEXT NOT NULL, sha256 TEXT NOT NULL, size INTEGER NOT NULL, spiders TEXT NOT NULL,
    PRIMARY KEY (project, version)
) STRICT, WITHOUT ROWID;
CREATE TABLE audit (
    time REAL NOT NULL, user TEXT NOT NULL, address TEXT NOT NULL, action TEXT NOT NULL,
    object TEXT NOT NULL, result TEXT NOT NULL
) STRICT;
CREATE TABLE token (
    id TEXT NOT NULL PRIMARY KEY, name TEXT NOT NULL, role TEXT NOT NULL, projects TEXT NOT NULL,
    sha256 BLOB NOT NULL, created REAL NOT NULL, expires REAL NOT NULL
) STRICT;
"""
# Columns in the order of the table; the name of a field of Job, but for `job`, its `id`.
_COLUMNS = tuple(re.findall(r"(\w+) (?:TEXT|REAL|INTEGER)", _SCHEMA.partition("PRIMARY KEY")[0]))
_JSON = frozenset({"args", "settings", "counts"})
_SAVE = f"INSERT OR REPLACE INTO job ({', '.join(_COLUMNS)}) VALUES ({', '.join('?' * len(_COLUMNS))})"  # noqa: S608 no user text

Statement = tuple[str, Sequence[Any]]


class StoreError(Exception):
    """The file can't be read or written; one line for a person."""


class DamagedError(StoreError):
    """The file is not a database of this program, or SQLite finds it damaged."""


@dataclass
class _Write:
    statements: list[Statement]
    done: "Future[None]"
    must: bool  # try again until it succeeds


class Store:
    """The file `node.db`.

    Args:
        path: of the file; it is made if there is none.

    Raises:
        DamagedError: the file can't be used; it is left as it is.
        StoreError: the file can't be opened.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._queue: queue.SimpleQueue[_Write | None] = queue.SimpleQueue()
        self._closing = threading.Event()
        self.problem = ""
        with _open_errors(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            self._writer = _connect(path)
            self._reader = _connect(path)
        self._reading = threading.Lock()
        self._thread = threading.Thread(target=self._write_all, name="node.db", daemon=True)
        self._thread.start()

    def write(self, statements: Iterable[Statement], *, must: bool = False) -> "Future[None]":
        """Run the statements in one transaction with everything else that waits.

        Args:
            statements: SQL and its parameters.
            must: what it says has happened already; it is tried again until the file takes it.

        Returns:
            done when the transaction is on the disk; StoreError if it could not be written.
        """
        done: Future[None] = Future()
        self._queue.put(_Write(list(statements), done, must))
        return done

    def save(self, *jobs: Job, must: bool = False) -> "Future[None]":
        """Write the jobs as they are now."""
        return self.write([(_SAVE, _row(job)) for job in jobs], must=must)

    def audit(self, user: str, address: str, action: str, what: str, status: int) -> None:
        """Note that somebody changed something, or tried to."""
        row = [time.time(), user, address, action, what[:500], str(status)]
        self.write([("INSERT INTO audit VALUES (?, ?, ?, ?, ?, ?)", row)])

    def live(self) -> list[Job]:
        """Return all jobs that have not ended, the oldest first."""
        return self._jobs("WHERE ended = 0 ORDER BY seq")

    def find(self, project: str | None, job: str) -> Job | None:
        """Return the job with this id, the newest if several projects have one."""
        clause, values = ("project = ? AND ", [project]) if project is not None else ("", [])
        jobs = self._jobs(f"WHERE {clause}job = ? ORDER BY created DESC LIMIT 1", [*values, job])
        return jobs[0] if jobs else None

    def ended(
        self,
        limit: int,
        *,
        project: str | None = None,
        spider: str | None = None,
        state: str | None = None,
        before: tuple[float, int] | None = None,
    ) -> list[Job]:
        """Return ended jobs, the newest first, behind the job with the (ended, seq) of `before`."""
        clauses, values = ["ended > 0"], list[Any]()
        for column, value in (("project", project), ("spider", spider), ("state", state)):
            if value is not None:
                clauses.append(f"{column} = ?")
                values.append(value)
        if before is not None:
            clauses.append("(ended, seq) < (?, ?)")
            values.extend(before)
        return self._jobs(
            f"WHERE {' AND '.join(clauses)} ORDER BY ended DESC, seq DESC LIMIT ?", [*values, limit]
        )

    def count_ended(self) -> int:
        """Return how many jobs have ended."""
        return int(self.query("SELECT COUNT(*) FROM job WHERE ended > 0")[0][0])

    def query(self, sql: str, values: Sequence[Any] = ()) -> list[Any]:
        """Run a SELECT.

        Raises:
            StoreError: the file can't be read.
        """
        with self._reading:
            try:
                return self._reader.execute(sql, values).fetchall()
            except sqlite3.Error as exc:
                raise StoreError(f"{self.path.name} can't be read: {exc}") from exc

    def close(self) -> None:
        """Write what waits, then close the file."""
        self._closing.set()
        self._queue.put(None)
        self._thread.join()
        self._reader.close()

    def _jobs(self, clause: str, values: Sequence[Any] = ()) -> list[Job]:
        sql = f"SELECT {', '.join(_COLUMNS)} FROM job {clause}"  # noqa: S608 no user text
        return [_job(row) for row in self.query(sql, values)]

    def _write_all(self) -> None:
        while (write := self._queue.get()) is not None:
            group = [write]
            with contextlib.suppress(queue.Empty):
                while (more := self._queue.get_nowait()) is not None:
                    group.append(more)
                self._queue.put(None)
            self._commit(group)
        self._writer.close()

    def _commit(self, group: list[_Write]) -> None:
        while True:
            error = self._try(group)
            if error is None:
                self.problem = ""
                for write in group:
                    write.done.set_result(None)
                return
            self.problem = f"{self.path.name} can't be written: {error}"
            if len(group) > 1:  # one bad statement must not fail the others
                for write in group:
                    self._commit([write])
                return
            if not group[0].must or self._closing.wait(RETRY_S):
                group[0].done.set_exception(StoreError(self.problem))
                return

    def _try(self, group: list[_Write]) -> sqlite3.Error | None:
        try:
            with self._writer:
                self._writer.execute("BEGIN IMMEDIATE")
                for write in group:
                    for statement in write.statements:
                        self._writer.execute(*statement)
        except sqlite3.Error as exc:
            return exc
        return None


@contextlib.contextmanager
def open_database(path: Path) -> Iterator[sqlite3.Connection]:
    """Open the file for one change beside a daemon that may be running; it is made if there is none.

    Raises:
        StoreError: the file can't be opened.
    """
    with _open_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        connection = _connect(path)
    try:
        yield connection
    finally:
        connection.close()


@contextlib.contextmanager
def _open_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.DatabaseError as exc:
        if isinstance(exc, sqlite3.OperationalError):
            raise StoreError(f"{path} can't be opened: {exc}") from exc
        raise DamagedError(f"{path} is damaged: {exc}. Move it away to start with an empty history") from exc
    except OSError as exc:
        raise StoreError(f"{path} can't be opened: {exc.strerror}") from exc


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=LOCK_S, isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version == 0:
        connection.executescript(f"BEGIN IMMEDIATE; {_SCHEMA} PRAGMA user_version = {VERSION}; COMMIT;")
    elif version != VERSION:
        connection.close()
        raise StoreError(
            f"{path} is of a newer version of this program ({version}, this one knows {VERSION})"
        )
    elif connection.execute("PRAGMA quick_check(1)").fetchone()[0] != "ok":
        connection.close()
        raise DamagedError(f"{path} is damaged. Move it away to start with an empty history")
    return connection


def _row(job: Job) -> tuple[Any, ...]:
    values = (getattr(job, "id" if name == "job" else name) for name in _COLUMNS)
    return tuple(
        json.dumps(value) if name in _JSON else value for name, value in zip(_COLUMNS, values, strict=True)
    )


def _job(row: Sequence[Any]) -> Job:
    values = {
        "id" if name == "job" else name: json.loads(value) if name in _JSON else value
        for name, value in zip(_COLUMNS, row, strict=True)
    }
    return Job(**{**values, "state": State(values["state"])})
