"""The cookies of a crawl in the file of JOBDIR: a crawl that is resumed has its sessions."""

import sqlite3
from collections.abc import Sequence

from aioscrapy.shared_cookies import Change

SCHEMA = """
CREATE TABLE IF NOT EXISTS cookies (
    jar TEXT, name TEXT, value BLOB, PRIMARY KEY (jar, name)) WITHOUT ROWID;
"""
# A limit against endless names; the middleware keeps fewer in a jar.
_OF_A_JAR = 500


def has_cookies(db: sqlite3.Connection) -> bool:
    """Return True if the crawl has set any."""
    return db.execute("SELECT 1 FROM cookies LIMIT 1").fetchone() is not None


def commit_cookies(db: sqlite3.Connection, changes: Sequence[Change]) -> None:
    """Write the changes of cookies; part of a transaction."""
    for jar, name, value in changes:
        if not value:
            db.execute("DELETE FROM cookies WHERE jar = ? AND name = ?", (jar, name))
        else:
            db.execute(
                "INSERT OR REPLACE INTO cookies SELECT ?1, ?2, ?3 "
                "WHERE (SELECT count(*) FROM cookies WHERE jar = ?1 AND name != ?2) < ?4",
                (jar, name, value, _OF_A_JAR),
            )


def read_cookies(db: sqlite3.Connection, jars: Sequence[str]) -> dict[str, dict[str, bytes]]:
    """Return jar -> cookie -> value of these jars."""
    return {
        jar: dict(db.execute("SELECT name, value FROM cookies WHERE jar = ?", (jar,)).fetchall())
        for jar in jars
    }
