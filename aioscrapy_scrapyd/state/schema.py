"""The tables of `node.db`, how the file is opened, and the rows of jobs."""

import contextlib
import json
import re
import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from aioscrapy_scrapyd.state.job import Job, State

VERSION = 1
# Seconds that a writer waits for a lock that another program has on the file.
LOCK_S = 1.0

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
    words TEXT NOT NULL,
    PRIMARY KEY (project, job)
) STRICT, WITHOUT ROWID;
CREATE INDEX job_live ON job (seq) WHERE ended = 0;
CREATE INDEX job_ended ON job (ended DESC, seq DESC) WHERE ended > 0;
CREATE INDEX job_by_state ON job (state, ended DESC, seq DESC) WHERE ended > 0;
CREATE INDEX job_by_spider ON job (project, spider, ended DESC, seq DESC) WHERE ended > 0;
CREATE TABLE sample (
    project TEXT NOT NULL, job TEXT NOT NULL, time REAL NOT NULL, pages INTEGER NOT NULL,
    items INTEGER NOT NULL, errors INTEGER NOT NULL, waiting INTEGER NOT NULL, rss INTEGER NOT NULL,
    PRIMARY KEY (project, job, time)
) STRICT, WITHOUT ROWID;
CREATE TABLE total (
    project TEXT NOT NULL, spider TEXT NOT NULL, state TEXT NOT NULL, jobs INTEGER NOT NULL,
    pages INTEGER NOT NULL, items INTEGER NOT NULL, errors INTEGER NOT NULL, seconds REAL NOT NULL,
    PRIMARY KEY (project, spider, state)
) STRICT, WITHOUT ROWID;
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
TABLES = tuple(re.findall(r"CREATE TABLE (\w+)", _SCHEMA))
# Columns in the order of the table; the name of a field of Job, but for `job`, its `id`.
_COLUMNS = tuple(re.findall(r"(\w+) (?:TEXT|REAL|INTEGER)", _SCHEMA.partition("PRIMARY KEY")[0]))
_JSON = frozenset({"args", "settings", "counts"})
# Columns of a job that are read; `words` is only searched.
_READ = tuple(name for name in _COLUMNS if name != "words")
SELECT = f"SELECT {', '.join(_READ)} FROM job"  # noqa: S608 no user text
_SAVE = f"INSERT OR REPLACE INTO job ({', '.join(_COLUMNS)}) VALUES ({', '.join('?' * len(_COLUMNS))})"  # noqa: S608 no user text
_ADD = """
INSERT INTO total VALUES (?, ?, ?, 1, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET jobs = jobs + 1,
pages = pages + excluded.pages, items = items + excluded.items, errors = errors + excluded.errors,
seconds = seconds + excluded.seconds
"""

Statement = tuple[str, Sequence[Any]]


class StoreError(Exception):
    """The file can't be read or written; one line for a person."""


class DamagedError(StoreError):
    """The file is not a database of this program, or SQLite finds it damaged."""

    def __init__(self, path: Path, problem: str) -> None:
        super().__init__(
            f"{path} is damaged: {problem}. "
            "`aioscrapy node recover` sets it aside and makes a new one of what can be read"
        )


@contextlib.contextmanager
def open_database(path: Path) -> Iterator[sqlite3.Connection]:
    """Open the file for one change beside a daemon that may be running; it is made if there is none.

    Raises:
        StoreError: the file can't be opened.
    """
    connection = connect(path)
    try:
        yield connection
    finally:
        connection.close()


def connect(path: Path) -> sqlite3.Connection:
    """Open the file, or make it with all tables.

    Raises:
        DamagedError: it is not a database, or SQLite finds it damaged; it is left as it is.
        StoreError: it can't be opened, or it is of a newer version.
    """
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _keep_private(path)
        connection = sqlite3.connect(path, timeout=LOCK_S, isolation_level=None, check_same_thread=False)
        try:
            _prepare(connection, path)
        except BaseException:
            connection.close()
            raise
    except sqlite3.OperationalError as exc:
        raise StoreError(f"{path} can't be opened: {exc}") from exc
    except sqlite3.DatabaseError as exc:
        raise DamagedError(path, str(exc)) from exc
    except OSError as exc:
        raise StoreError(f"{path} can't be opened: {exc.strerror}") from exc
    return connection


def check(connection: sqlite3.Connection, path: Path) -> None:
    """Read the whole file once.

    Raises:
        DamagedError: SQLite finds it damaged.
    """
    try:
        (verdict,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    except sqlite3.DatabaseError as exc:
        raise DamagedError(path, str(exc)) from exc
    if verdict != "ok":
        raise DamagedError(path, " ".join(str(verdict).split()))


def save(job: Job) -> Statement:
    """Return the statement that writes a job as it is now."""
    values = (getattr(job, "id" if name == "job" else name) for name in _COLUMNS)
    return _SAVE, [
        json.dumps(value) if name in _JSON else value for name, value in zip(_COLUMNS, values, strict=True)
    ]


def add_to_total(job: Job) -> Statement:
    """Return the statement that adds an ended job to the totals of its spider."""
    counts = [job.counts.get(name) or 0 for name in ("pages", "items", "errors")]
    seconds = max(0.0, job.ended - job.started) if job.started else 0.0
    return _ADD, [job.project, job.spider, job.state, *counts, seconds]


def job_of(row: Sequence[Any]) -> Job:
    """Return the job in a row of `SELECT`."""
    values = {
        "id" if name == "job" else name: json.loads(value) if name in _JSON else value
        for name, value in zip(_READ, row, strict=True)
    }
    return Job(**{**values, "state": State(values["state"])})


def _keep_private(path: Path) -> None:
    """Let nobody but the owner read the file: arguments of jobs can be secrets.

    SQLite gives its other files the mode of this one. It is not opened here: to close it would drop the locks
    of another connection of this process.
    """
    for name in (path.name, f"{path.name}-wal", f"{path.name}-shm"):
        with contextlib.suppress(
            FileNotFoundError, PermissionError
        ):  # PermissionError: it belongs to another user
            path.with_name(name).chmod(0o600)
    if not path.exists():
        path.touch(mode=0o600)


def _prepare(connection: sqlite3.Connection, path: Path) -> None:
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version == 0:
        connection.executescript(f"BEGIN IMMEDIATE; {_SCHEMA} PRAGMA user_version = {VERSION}; COMMIT;")
    elif version != VERSION:
        raise StoreError(
            f"{path} is of a newer version of this program ({version}, this one knows {VERSION})"
        )
