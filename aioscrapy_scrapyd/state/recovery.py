"""Sets a damaged `node.db` aside and makes a new one of the rows that can be read."""

import contextlib
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

from aioscrapy_scrapyd.state.schema import TABLES, DamagedError, StoreError, check, connect

# node.db is one file while nobody has it open, and up to three after a crash.
_PARTS = ("", "-wal", "-shm")


def recover(path: Path) -> tuple[Path, dict[str, int]]:
    """Set the file aside and make a new one; the caller has locked the folder.

    Returns:
        where the damaged file is now, and table -> number of the rows in the new one.

    Raises:
        StoreError: there is no such file, it is not damaged, or the new one can't be written.
    """
    if not path.exists():
        raise StoreError(f"{path} does not exist: a node makes it at its start")
    if not _is_damaged(path):
        raise StoreError(f"{path} is not damaged; nothing has changed")
    aside = path.with_name(f"{path.name}.damaged-{time.strftime('%Y%m%d-%H%M%S')}")
    for part in _PARTS:
        with contextlib.suppress(FileNotFoundError):
            path.with_name(path.name + part).rename(aside.with_name(aside.name + part))
    with (
        contextlib.closing(connect(path)) as new,
        contextlib.closing(sqlite3.connect(f"{aside.absolute().as_uri()}?mode=ro", uri=True)) as old,
    ):
        return aside, {table: _copy(old, new, table) for table in TABLES}


def _is_damaged(path: Path) -> bool:
    try:
        with contextlib.closing(connect(path)) as connection:
            check(connection, path)
    except DamagedError:
        return True
    return False


def _copy(old: sqlite3.Connection, new: sqlite3.Connection, table: str) -> int:
    """Copy what can be read of a table, from both ends; returns the number of rows."""
    columns = [row[1] for row in new.execute(f"PRAGMA table_info({table})")]
    names = ", ".join(columns)
    order = ", ".join(row[1] for row in new.execute(f"PRAGMA table_info({table})") if row[5]) or "rowid"
    insert = f"INSERT OR IGNORE INTO {table} ({names}) VALUES ({', '.join('?' * len(columns))})"  # noqa: S608 our names
    directions = ("ASC", "DESC") if order != "rowid" else ("ASC",)  # without a key a row would be there twice
    new.execute("BEGIN IMMEDIATE")
    for direction in directions:
        keys = ", ".join(f"{key} {direction}" for key in order.split(", "))
        for row in _readable(old, f"SELECT {names} FROM {table} ORDER BY {keys}"):  # noqa: S608 our names
            with contextlib.suppress(sqlite3.IntegrityError):  # a damaged value
                new.execute(insert, row)
    new.execute("COMMIT")
    return int(new.execute(f"SELECT COUNT(*) FROM {table}").fetchone()[0])  # noqa: S608 our names


def _readable(connection: sqlite3.Connection, sql: str) -> Iterator[tuple[object, ...]]:
    """Yield rows up to the first one that can't be read."""
    with contextlib.suppress(sqlite3.DatabaseError):
        yield from connection.execute(sql)
