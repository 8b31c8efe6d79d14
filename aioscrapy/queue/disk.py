"""Requests in a file of JOBDIR: a crawl in one process that continues after a stop or a kill."""

import asyncio
import sqlite3
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, ClassVar

from aioscrapy.context import CrawlContext
from aioscrapy.dupefilters.base import DupeFilter
from aioscrapy.exceptions import ConfigError, SerializeError
from aioscrapy.feeds.store import FeedProgress
from aioscrapy.frontier_settings import serializer_of
from aioscrapy.log import logger
from aioscrapy.queue import disk_cookies
from aioscrapy.queue.base import SEED, Entry, HostLimits, Lease, Order, Page, Reply, State, Store, sort_key
from aioscrapy.queue.disk_feeds import (
    SCHEMA,
    DiskFeeds,
    commit_records,
    leave_to_earlier,
    save_progress,
    store_error,
)
from aioscrapy.queue.request_codec import RequestCodec
from aioscrapy.shared_cookies import Change

FILE = "frontier.sqlite"

_SCHEMA = """
CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value INTEGER) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS requests (
    id INTEGER PRIMARY KEY, key INTEGER, host TEXT, payload BLOB,
    leased INTEGER DEFAULT 0, due REAL DEFAULT 0);
CREATE INDEX IF NOT EXISTS waiting ON requests (leased, key);
CREATE TABLE IF NOT EXISTS seen (fingerprint BLOB PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS failed (id INTEGER PRIMARY KEY, reason TEXT, payload BLOB);
"""


class DiskQueue(Store):
    """The frontier in an SQLite file of JOBDIR; a page commit is a transaction."""

    shared: ClassVar[bool] = False
    dupefilter: ClassVar[str] = "aioscrapy.dupefilters.disk.RFPDupeFilter"

    def __init__(self, crawler: CrawlContext) -> None:
        settings = crawler.settings
        self._folder = Path(settings["JOBDIR"])
        self._fresh = settings.getbool("SCHEDULER_FLUSH_ON_START") or settings.getbool("CRAWL_FRESH")
        self._keep_filter = settings.getbool("KEEP_DUPEFILTER_DATA_ON_CLOSE")
        self._codec = RequestCodec(serializer_of(settings), crawler.spider)
        self._thread = ThreadPoolExecutor(1, "frontier")
        self._exchanging: asyncio.Future[Any] | None = None  # the exchange that has not returned yet
        self._db: sqlite3.Connection
        self._filtering = True
        self._seeding = False
        self._cookies_version = 0  # counts the exchanges of this process that changed cookies

    @classmethod
    async def from_crawler(cls, crawler: CrawlContext) -> "DiskQueue":
        if not crawler.settings["JOBDIR"]:
            raise ConfigError(
                f"{cls.__module__}.{cls.__name__} needs the setting JOBDIR: a folder for this crawl"
            )
        return cls(crawler)

    async def open(self, dupefilter: DupeFilter) -> State:
        self._filtering = dupefilter.remembers
        try:
            await self._in_thread(self._open)
        except (OSError, sqlite3.Error) as exc:
            raise ConfigError(f"JOBDIR {self._folder}: {exc} (is another crawl using it?)") from exc
        return State.OPEN

    def pack(self, entry: Entry) -> None:
        self._codec.pack(entry)

    async def exchange(
        self,
        pages: Sequence[Page],
        want: int,
        *,
        busy: Sequence[str] = (),
        cap: int = 0,
        may_finish: bool = True,
        limits: HostLimits | None = None,
        feeds: Sequence[FeedProgress] = (),
        cookies: Sequence[Change] = (),
    ) -> Reply:
        if self._exchanging is None:
            change = (pages, want, busy, cap, may_finish)
            self._exchanging = self._in_thread(self._exchange, change, feeds, cookies)
        try:
            # A cancelled call continues in its thread: the next call repeats it and gets its reply.
            reply: Reply = await asyncio.shield(self._exchanging)
        except sqlite3.Error as exc:
            self._exchanging = None
            raise store_error(exc, self._folder / FILE) from exc
        self._exchanging = None
        return reply

    async def read_cookies(self, jars: Sequence[str]) -> dict[str, dict[str, bytes]]:
        try:
            cookies: dict[str, dict[str, bytes]] = await self._in_thread(
                disk_cookies.read_cookies, self._db, jars
            )
        except sqlite3.Error as exc:
            raise store_error(exc, self._folder / FILE) from exc
        return cookies

    async def wait(self, cursor: int, timeout_s: float) -> None:
        await asyncio.sleep(timeout_s)  # no other process can change the file

    @property
    def feeds(self) -> DiskFeeds:
        return DiskFeeds(self._in_thread, lambda: self._db, self._folder / FILE)

    async def close(self) -> None:
        await self._in_thread(self._db.close)
        self._thread.shutdown(wait=False)

    def _in_thread(self, function: Any, *arguments: Any) -> asyncio.Future[Any]:
        return asyncio.get_running_loop().run_in_executor(self._thread, function, *arguments)

    def _open(self) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        self._db = sqlite3.connect(self._folder / FILE, timeout=1.0, isolation_level=None)
        try:
            self._begin(self._db)
        except BaseException:
            self._db.close()
            raise

    def _begin(self, db: sqlite3.Connection) -> None:
        """Lock the file for this process, and continue its crawl or start a new one."""
        db.execute("PRAGMA locking_mode=EXCLUSIVE")
        db.execute("PRAGMA journal_mode=WAL")
        db.execute("PRAGMA synchronous=NORMAL")
        db.executescript(_SCHEMA + SCHEMA + disk_cookies.SCHEMA)
        db.execute("BEGIN IMMEDIATE")
        finished = self._fact("finished")
        if self._fresh or finished:
            for table in (
                "facts",
                "requests",
                "failed",
                "cookies",
                *([] if self._keep_filter and finished else ["seen"]),
            ):
                db.execute(f"DELETE FROM {table}")  # noqa: S608 our own names
            leave_to_earlier(db)
            self._set("kept", int(self._keep_filter and bool(finished)))
        self._cookies_version = int(disk_cookies.has_cookies(db))
        waiting = db.execute("UPDATE requests SET leased = 0").rowcount
        db.execute("COMMIT")
        if waiting:
            logger.info("Resuming the crawl of %s (%d requests scheduled)", self._folder, waiting)

    def _exchange(
        self, change: tuple[Any, ...], feeds: Sequence[FeedProgress], cookies: Sequence[Change]
    ) -> Reply:
        db = self._db
        db.execute("BEGIN IMMEDIATE")
        try:
            reply = self._change(*change)
            save_progress(db, feeds)
            reply.feeds = commit_records(db, change[0], feeds)
            disk_cookies.commit_cookies(db, cookies)
            db.execute("COMMIT")
        except BaseException:
            db.rollback()  # a full disk may have done that
            raise
        self._cookies_version += bool(cookies)
        reply.cookies_version = self._cookies_version
        return reply

    def _change(
        self, pages: Sequence[Page], want: int, busy: Sequence[str], cap: int, may_finish: bool
    ) -> Reply:
        filtered = sum(self._commit(page) for page in pages)
        leases, broken = self._reserve(want, busy, cap) if want > 0 else ([], [])
        db = self._db
        ready, open_, due = db.execute(
            "SELECT total(leased = 0 AND due <= ?1), count(*), min(CASE WHEN due > ?1 THEN due END) "
            "FROM requests",
            (time.time(),),
        ).fetchone()
        state = State.OPEN
        if not open_ and self._fact("seeded"):
            state = State.FINISHED if may_finish else State.IDLE
            self._set("finished", int(may_finish))
        return Reply(
            accepted=[True] * len(pages),
            leases=leases,
            broken=broken,
            state=state,
            waiting=int(ready),
            filtered=filtered,
            next_due_s=max(0.0, due - time.time()) if due else None,
            handled=self._fact("handled"),
            fruitless=self._fact("fruitless"),
            seed_failure=self._seed_failure(),
        )

    def _commit(self, page: Page) -> int:
        """Write one page; return the number of duplicates among its requests."""
        db, lease, filtered = self._db, page.lease, 0
        if page.give_back and lease is not None:
            self._seeding = self._seeding and lease.id != SEED
            db.execute("UPDATE requests SET leased = 0 WHERE id = ?", (lease.id,))
            return 0
        unasked = lease is not None and lease.id == SEED and self._fact("kept")
        for entry in page.entries:
            if not self._is_new(entry) and not unasked:
                filtered += 1
                continue
            seq = self._fact("seq") + 1
            self._set("seq", seq)
            key = sort_key(self.order, entry.request.priority, seq)
            due = time.time() + entry.delay_s if entry.delay_s else 0
            db.execute(
                "INSERT INTO requests (id, key, host, payload, due) VALUES (?, ?, ?, ?, ?)",
                (seq, key, entry.host, entry.payload, due),
            )
        if page.final and lease is not None:
            self._count(page)
            self._finish(lease, page.failure.encode("utf-8", "backslashreplace").decode())
        return filtered

    def _count(self, page: Page) -> None:
        """Count what the page led to, for the proof of the end."""
        if page.handled:
            self._set("handled", self._fact("handled") + 1)
        if page.fruitless:
            self._set("fruitless", self._fact("fruitless") + 1)

    def _is_new(self, entry: Entry) -> bool:
        if entry.fingerprint is None or not self._filtering:
            return True
        return self._db.execute("INSERT OR IGNORE INTO seen VALUES (?)", (entry.fingerprint,)).rowcount == 1

    def _finish(self, lease: Lease, failure: str) -> None:
        if lease.id == SEED:
            self._set("seeded", 1)
            if failure:
                self._db.execute("INSERT OR REPLACE INTO failed VALUES (?, ?, NULL)", (SEED, failure))
            return
        if failure:
            self._db.execute(
                "INSERT OR REPLACE INTO failed SELECT id, ?, payload FROM requests WHERE id = ?",
                (failure, lease.id),
            )
        self._db.execute("DELETE FROM requests WHERE id = ?", (lease.id,))

    def _reserve(
        self, want: int, busy: Sequence[str], cap: int
    ) -> tuple[list[Lease], list[tuple[Lease, str]]]:
        leases: list[Lease] = []
        broken: list[tuple[Lease, str]] = []
        if not self._seeding and not self._fact("seeded"):
            self._seeding = True
            leases.append(Lease(None, SEED, 0, "", 0))
        skip, taken = set(busy), Counter[str]()
        while len(leases) + len(broken) < want:
            marks = ", ".join("?" * len(skip))
            rows = self._db.execute(
                "SELECT id, key, host, payload FROM requests "  # noqa: S608 only question marks
                f"WHERE leased = 0 AND due <= ? AND host NOT IN ({marks}) ORDER BY key LIMIT ?",
                (time.time(), *skip, want - len(leases) - len(broken)),
            ).fetchall()
            if not rows:
                break
            for id, key, host, payload in rows:
                if cap and taken[host] >= cap:
                    skip.add(host)
                    continue
                taken[host] += 1
                self._db.execute("UPDATE requests SET leased = 1 WHERE id = ?", (id,))
                self._read(Lease(None, id, 0, host, key), payload, leases, broken)
        return leases, broken

    def _read(self, lease: Lease, payload: bytes, good: list[Lease], broken: list[tuple[Lease, str]]) -> None:
        try:
            lease.request = self._codec.loads(payload)
        except SerializeError as exc:
            broken.append((lease, str(exc)))
        else:
            good.append(lease)

    def _seed_failure(self) -> str:
        row = self._db.execute("SELECT reason FROM failed WHERE id = ?", (SEED,)).fetchone()
        return str(row[0]) if row else ""

    def _fact(self, name: str) -> int:
        row = self._db.execute("SELECT value FROM facts WHERE name = ?", (name,)).fetchone()
        return int(row[0]) if row else 0

    def _set(self, name: str, value: int) -> None:
        self._db.execute("INSERT OR REPLACE INTO facts VALUES (?, ?)", (name, value))


class SpiderPriorityQueue(DiskQueue):
    """Higher priority first; the oldest first among equals."""


class SpiderQueue(DiskQueue):
    """First in, first out; priorities don't count."""

    order = Order.FIFO


class SpiderStack(DiskQueue):
    """Last in, first out: the crawl goes deep first; priorities don't count."""

    order = Order.LIFO
