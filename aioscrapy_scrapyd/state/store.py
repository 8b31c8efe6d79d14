"""The file that keeps the jobs of a node: SQLite, written by one thread that commits for all who wait."""

import contextlib
import queue
import sqlite3
import threading
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aioscrapy_scrapyd.state import schema
from aioscrapy_scrapyd.state.history import EVERY_JOB, Filter, Sample, Total
from aioscrapy_scrapyd.state.job import Job, State
from aioscrapy_scrapyd.state.schema import Statement, StoreError

# Seconds between two tries to write what must not be lost: that a job has started or ended.
RETRY_S = 1.0
# Errors of a statement or its values; other errors of SQLite are about the file: locked, full, damaged.
_STATEMENT_ERRORS = (
    sqlite3.IntegrityError,
    sqlite3.ProgrammingError,
    sqlite3.DataError,
    sqlite3.NotSupportedError,
)


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
        self._writer = schema.connect(path)
        schema.check(self._writer, path)
        self._reader = schema.connect(path)
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
        return self.write([schema.save(job) for job in jobs], must=must)

    def end(self, job: Job) -> "Future[None]":
        """Write the end of a job and add it to the totals of its spider, both or none."""
        return self.write([schema.save(job), schema.add_to_total(job)], must=True)

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
        self, limit: int, only: Filter = EVERY_JOB, before: tuple[float, int] | None = None
    ) -> list[Job]:
        """Return ended jobs, the newest first, behind the job with the (ended, seq) of `before`."""
        clause, values = only.clause(before)
        return self._jobs(f"WHERE {clause} ORDER BY ended DESC, seq DESC LIMIT ?", [*values, limit])

    def ended_counts(self, only: Filter = EVERY_JOB) -> dict[str, int]:
        """Return state -> number of the ended jobs."""
        clause, values = only.clause()
        sql = f"SELECT state, COUNT(*) FROM job WHERE {clause} GROUP BY state"  # noqa: S608 no user text
        return dict(self.query(sql, values))

    def samples(self, project: str, job: str) -> list[Sample]:
        """Return the counters of a job over its time, the oldest first."""
        sql = "SELECT time, pages, items, errors, waiting, rss FROM sample"
        sql += " WHERE project = ? AND job = ? ORDER BY time"
        return [Sample(*row) for row in self.query(sql, [project, job])]

    def totals(self) -> list[Total]:
        """Return the sums over all jobs that ever ended, by project, spider and state."""
        rows = self.query("SELECT * FROM total ORDER BY project, spider, state")
        return [Total(project, spider, State(state), *sums) for project, spider, state, *sums in rows]

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
        return [schema.job_of(row) for row in self.query(f"{schema.SELECT} {clause}", values)]

    def _write_all(self) -> None:
        """Commit what comes, all that waits in one transaction; what must be written waits until it is."""
        must: list[_Write] = []
        while not self._closing.is_set():
            must = self._commit([*must, *self._next(RETRY_S if must else None)])
        for write in self._commit([*must, *self._next(0)]):
            write.done.set_exception(StoreError(self.problem))
        self._writer.close()

    def _next(self, timeout_s: float | None) -> list[_Write]:
        """Return all writes that wait; wait at most so many seconds for the first one, None for ever."""
        writes = []
        with contextlib.suppress(queue.Empty):
            writes.append(self._queue.get(timeout=timeout_s) if timeout_s != 0 else self._queue.get_nowait())
            while True:
                writes.append(self._queue.get_nowait())
        return [write for write in writes if write is not None]

    def _commit(self, group: list[_Write]) -> list[_Write]:
        """Write the group; returns those that must be written and could not be."""
        if not group:
            return []
        error = self._try(group)
        if error is None:
            self.problem = ""
            for write in group:
                write.done.set_result(None)
            return []
        if isinstance(error, sqlite3.DatabaseError) and not isinstance(error, _STATEMENT_ERRORS):
            self.problem = f"{self.path.name} can't be written: {error}"
            for write in group:
                if not write.must:
                    write.done.set_exception(StoreError(self.problem))
            return [write for write in group if write.must]
        if len(group) == 1:  # a value that SQLite does not take, now or ever
            group[0].done.set_exception(StoreError(f"{self.path.name} does not take it: {error}"))
            return []
        return [left for write in group for left in self._commit([write])]

    def _try(self, group: list[_Write]) -> Exception | None:
        try:
            with self._writer:
                self._writer.execute("BEGIN IMMEDIATE")
                for write in group:
                    for statement in write.statements:
                        self._writer.execute(*statement)
        except Exception as exc:  # noqa: BLE001 one bad value must not end the thread that writes for all
            return exc
        return None
