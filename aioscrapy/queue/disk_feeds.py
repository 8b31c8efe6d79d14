"""The records of feeds in the file of JOBDIR."""

import asyncio
import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from aioscrapy.exceptions import QueueError, StoreError
from aioscrapy.feeds.store import FeedProgress, FeedState, FeedStore
from aioscrapy.queue.base import Page

SCHEMA = """
CREATE TABLE IF NOT EXISTS feeds (
    number INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT, options BLOB, earlier INTEGER DEFAULT 0,
    total INTEGER DEFAULT 0, written INTEGER DEFAULT 0, length INTEGER, base INTEGER DEFAULT 0);
CREATE TABLE IF NOT EXISTS records (
    feed INTEGER, n INTEGER, record BLOB, PRIMARY KEY (feed, n)) WITHOUT ROWID;
"""

RunInThread = Callable[..., asyncio.Future[Any]]


class DiskFeeds(FeedStore):
    """The feeds of the crawl in the file, or those that earlier crawls have left there.

    Args:
        run: runs a function in the thread of the database.
        database: returns the connection.
        file: of the database, for messages.
        earlier: the feeds of earlier crawls.
    """

    shared = False
    lease_s = 0.0

    def __init__(
        self,
        run: RunInThread,
        database: Callable[[], sqlite3.Connection],
        file: Path,
        *,
        earlier: bool = False,
    ) -> None:
        self._run_in_thread = run
        self._database = database
        self._file = file
        self._earlier = int(earlier)

    async def register(self, name: str, options: bytes, saved: FeedState | None = None) -> FeedState:
        def find_or_create() -> FeedState:
            db = self._database()
            row = self._row(db, name)
            if row is None:
                values = (name, options, self._earlier)
                db.execute("INSERT INTO feeds (name, options, earlier) VALUES (?, ?, ?)", values)
                row = self._row(db, name)
            return FeedState(*row)

        state: FeedState = await self._run(find_or_create)
        return state

    async def states(self) -> list[FeedState]:
        def select() -> list[FeedState]:
            sql = f"SELECT {_COLUMNS} FROM feeds WHERE earlier = ? ORDER BY number"  # noqa: S608 our own names
            return [FeedState(*row) for row in self._database().execute(sql, (self._earlier,))]

        states: list[FeedState] = await self._run(select)
        return states

    async def earlier(self) -> list[tuple[FeedStore, bool]]:
        store = DiskFeeds(self._run_in_thread, self._database, self._file, earlier=True)
        return [(store, True)] if await store.states() else []

    async def records(self, number: int, first: int, last: int) -> Sequence[bytes]:
        def select() -> list[bytes]:
            sql = "SELECT record FROM records WHERE feed = ? AND n >= ? AND n < ? ORDER BY n"
            return [record for (record,) in self._database().execute(sql, (number, first, last))]

        records: list[bytes] = await self._run(select)
        return records

    async def save(
        self, progress: FeedProgress, base: int | None = None, options: bytes | None = None
    ) -> bool:
        def update() -> None:
            db = self._database()
            db.execute("BEGIN IMMEDIATE")
            try:
                save_progress(db, [progress])
                if base is not None:
                    db.execute("UPDATE feeds SET base = ? WHERE number = ?", (base, progress.number))
                if options is not None:
                    db.execute("UPDATE feeds SET options = ? WHERE number = ?", (options, progress.number))
                db.execute("COMMIT")
            except BaseException:
                db.rollback()
                raise

        await self._run(update)
        return True

    async def report_lost(self, count: int) -> None:
        """Do nothing: this process, the only one, ends with an error."""

    async def forget(self, number: int) -> None:
        sql = "DELETE FROM feeds WHERE number = ? AND written = total"
        await self._run(lambda: self._database().execute(sql, (number,)))

    async def _run(self, function: Callable[[], Any]) -> Any:
        try:
            return await self._run_in_thread(function)
        except sqlite3.Error as exc:
            raise store_error(exc, self._file) from exc

    def _row(self, db: sqlite3.Connection, name: str) -> Any:
        sql = f"SELECT {_COLUMNS} FROM feeds WHERE name = ? AND earlier = ?"  # noqa: S608 our own names
        return db.execute(sql, (name, self._earlier)).fetchone()


_COLUMNS = "name, number, total, written, length, base, options"  # as FeedState has them


def store_error(exc: sqlite3.Error, file: Path) -> QueueError:
    """Return the error of the database as ours; a locked file may be free soon, others stay as they are."""
    passing = getattr(exc, "sqlite_errorname", "") in {"SQLITE_BUSY", "SQLITE_LOCKED"}
    return (QueueError if passing else StoreError)(f"{file}: {exc}")


def commit_records(db: sqlite3.Connection, pages: Sequence[Page], feeds: Sequence[FeedProgress]) -> list[int]:
    """Insert the records of pages; return the number of records that each feed ever had."""
    for page in pages:
        if page.give_back:
            continue
        for position, record in page.records:
            if position >= len(feeds):
                continue  # standard output: no store keeps it
            number = feeds[position].number
            db.execute("UPDATE feeds SET total = total + 1 WHERE number = ?", (number,))
            sql = "INSERT INTO records SELECT number, total - 1, ? FROM feeds WHERE number = ?"
            db.execute(sql, (record, number))
    total = "SELECT total FROM feeds WHERE number = ?"
    return [db.execute(total, (feed.number,)).fetchone()[0] for feed in feeds]


def save_progress(db: sqlite3.Connection, feeds: Sequence[FeedProgress]) -> None:
    """Delete the records that are written, and store the lengths of the files."""
    for number, written, length in feeds:
        db.execute("DELETE FROM records WHERE feed = ? AND n < ?", (number, written))
        sql = "UPDATE feeds SET written = ?, length = ? WHERE number = ? AND written <= ?"
        db.execute(sql, (written, length, number, written))


def leave_to_earlier(db: sqlite3.Connection) -> None:
    """Note that the feeds are those of a crawl that is over."""
    db.execute("UPDATE feeds SET earlier = 1")
