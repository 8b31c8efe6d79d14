"""Bearer tokens of programs: kept in node.db as hashes, printed once."""

import hashlib
import hmac
import secrets
import sqlite3
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from aioscrapy_scrapyd.state.schema import Statement, StoreError, open_database
from aioscrapy_scrapyd.state.store import Store
from aioscrapy_scrapyd.users import Role, User, projects_of

PREFIX = "aio_"
# Seconds that a token is remembered: a removed one works no longer than this.
REMEMBERED_S = 5.0


@dataclass(frozen=True)
class Token:
    """One token, without its secret. Times are seconds since 1970; `expires` 0 is never."""

    id: str
    name: str
    role: Role
    projects: frozenset[str]
    created: float
    expires: float


class Tokens:
    """The tokens that a running node accepts."""

    def __init__(self, store: Store, clock: Callable[[], float] = time.monotonic) -> None:
        self._store = store
        self._clock = clock
        self._known: dict[str, tuple[float, User | None]] = {}

    def user(self, header: str) -> User | None:
        """Return whom an Authorization header stands for; None if it is not a valid token. Reads the file."""
        scheme, _, token = header.partition(" ")
        if scheme.lower() != "bearer":
            return None
        token = token.strip()
        now = self._clock()
        until, user = self._known.get(token, (0.0, None))
        if until < now:
            user = self._look_up(token, time.time())
            if len(self._known) > 1000:
                self._known.clear()
            self._known[token] = now + REMEMBERED_S, user
        return user

    def exist(self) -> bool:
        """Return True if there is any token."""
        return bool(self._store.query("SELECT 1 FROM token LIMIT 1"))

    def _look_up(self, token: str, now: float) -> User | None:
        token_id, _, secret = token.removeprefix(PREFIX).partition("_")
        rows = self._store.query(
            "SELECT name, role, projects, sha256, expires FROM token WHERE id = ?", [token_id]
        )
        if not rows:
            return None
        name, role, projects, digest, expires = rows[0]
        matches = hmac.compare_digest(hashlib.sha256(secret.encode()).digest(), digest)
        if not matches or (expires and expires < now):
            return None
        return User(f"token {name}", Role[role.upper()], "", projects_of(projects))


def add_token(database: Path, name: str, role: Role, projects: str, days: float) -> str:
    """Make a token and return it: it can't be printed again.

    Args:
        database: `node.db`.
        name: for people.
        role: what it may do.
        projects: names with commas; "" for all.
        days: until it expires; 0 for never.

    Raises:
        StoreError: the file can't be written.
    """
    token_id, secret = secrets.token_hex(4), secrets.token_urlsafe(32)
    now = time.time()
    digest = hashlib.sha256(secret.encode()).digest()
    row = [token_id, name, role.name.lower(), projects, digest, now, now + days * 86_400 if days else 0.0]
    _change(database, ("INSERT INTO token VALUES (?, ?, ?, ?, ?, ?, ?)", row))
    return f"{PREFIX}{token_id}_{secret}"


def list_tokens(database: Path) -> list[Token]:
    """Return all tokens, the oldest first.

    Raises:
        StoreError: the file can't be read.
    """
    with open_database(database) as connection:
        rows = connection.execute(
            "SELECT id, name, role, projects, created, expires FROM token ORDER BY created"
        ).fetchall()
    return [Token(row[0], row[1], Role[row[2].upper()], projects_of(row[3]), row[4], row[5]) for row in rows]


def remove_token(database: Path, token_id: str) -> bool:
    """Remove a token; False if there is none of this id.

    Raises:
        StoreError: the file can't be written.
    """
    return _change(database, ("DELETE FROM token WHERE id = ?", [token_id])) > 0


def _change(database: Path, statement: Statement) -> int:
    try:
        with open_database(database) as connection:
            return connection.execute(*statement).rowcount
    except sqlite3.Error as exc:
        raise StoreError(f"{database} can't be written: {exc}") from exc
