"""All crawls in all known Redis servers: the list, one crawl, its dead letters, stop, resume, retry."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any, TypeVar

from twisted.internet.defer import Deferred

from aioscrapy.crawls.catalog import Crawl, Crawls, DeadLetter
from aioscrapy.crawls.progress import Progress, progress, workers_of
from aioscrapy.db.server_check import server_problems
from aioscrapy.exceptions import ConfigError
from aioscrapy_scrapyd.crawls.client import AwayError, CrawlClient
from aioscrapy_scrapyd.crawls.estimate import Pace, seconds_left
from aioscrapy_scrapyd.crawls.loop import LoopThread
from aioscrapy_scrapyd.crawls.servers import Server, Servers
from aioscrapy_scrapyd.state.job import Job

T = TypeVar("T")

# Crawls of one spider, and dead letters of one crawl, that one answer has.
CRAWLS_LIMIT = 50
LETTERS_LIMIT = 200
# Seconds that a listing is good for.
LISTING_S = 1.0
# Seconds between two scans of a server for spiders of other nodes, and seconds that a scan may take.
SCAN_PAUSE_S = 60.0
SCAN_S = 10.0
# Seconds that a first reader waits for a scan.
FIRST_SCAN_S = 0.5
# SCHEDULER_LEASE of a worker that did not set it, in seconds.
LEASE_S = 15.0


class UnknownCrawlError(Exception):
    """The server or the crawl does not exist; one line."""


@dataclass(frozen=True)
class CrawlName:
    """What names a crawl on a page: the server, BOT_NAME, the spider, the id."""

    server: str
    bot: str
    spider: str
    crawl: str


@dataclass(frozen=True)
class Listing:
    """The crawls that could be read, the newest first, and a problem for each server that is away."""

    crawls: list[dict[str, Any]]
    problems: list[AwayError]


class SharedCrawls:
    """What a node can see and do with shared crawls. Methods are called in the reactor's thread.

    Args:
        servers: the known ones.
        loop: runs everything that talks to Redis.
    """

    def __init__(self, servers: Servers, loop: LoopThread) -> None:
        self.servers = servers
        self._loop = loop
        self._clients: dict[str, CrawlClient] = {}
        # server -> (BOT_NAME, spider) -> the projects of its jobs here
        self._spiders: dict[str, dict[tuple[str, str], set[str]]] = {}
        self._scanned: dict[str, float] = {}
        self._scans: dict[str, asyncio.Task[None]] = {}
        self._pace = Pace()
        self._listing: asyncio.Task[Listing] | None = None
        self._listed = 0.0

    def job_changed(self, job: Job) -> None:
        """Note the crawl that a job works on."""
        if "shared" in job.counts:
            self.crawl_of(job)

    def crawl_of(self, job: Job) -> CrawlName | None:
        """Return the crawl in Redis that a job works on; None if there is none."""
        shared = job.counts.get("shared")
        server = self.servers.named(shared["redis"]) if shared else None
        if server is None or shared is None:
            return None
        spiders = self._spiders.setdefault(server.id, {})
        spiders.setdefault((shared["bot"], job.spider), set()).add(job.project)
        return CrawlName(server.id, shared["bot"], job.spider, shared["crawl"])

    def up(self) -> dict[str, float]:
        """Return address -> 1.0 or 0.0 for each server that was asked."""
        return {
            client.server.address: float(client.up)
            for client in list(self._clients.values())
            if client.up is not None
        }

    async def listing(self) -> Listing:
        """Return the crawls of all servers; a server that is away takes no longer than a second."""
        return await self._loop.call(self._latest)

    async def show(self, name: CrawlName) -> dict[str, Any]:
        """Return one crawl with its `workers` and the `problems` of its server.

        Raises:
            UnknownCrawlError: there is none.
            AwayError: the server does not answer.
        """
        server = self._server(name)
        return await self._loop.call(lambda: self._ask(name, partial(self._show, server)))

    async def letters(self, name: CrawlName) -> list[DeadLetter]:
        """Return dead letters, LETTERS_LIMIT at most.

        Raises:
            UnknownCrawlError, AwayError: as `show`.
        """
        return await self._loop.call(lambda: self._ask(name, _letters))

    async def stop(self, name: CrawlName) -> bool:
        """End all workers of a crawl; False if it was stopped before.

        Raises:
            UnknownCrawlError, AwayError: as `show`.
            ConfigError: it has finished.
        """
        return await self._loop.call(lambda: self._ask(name, lambda crawls, one: crawls.stop(one)))

    async def resume(self, name: CrawlName) -> bool:
        """Let workers join again; False if the crawl was not stopped. Raises as `stop`."""
        return await self._loop.call(lambda: self._ask(name, lambda crawls, one: crawls.resume(one)))

    async def retry(self, name: CrawlName) -> tuple[int, bool]:
        """Put the dead letters back: (how many, whether the crawl had finished). Raises as `show`."""
        return await self._loop.call(
            lambda: self._ask(name, lambda crawls, one: crawls.retry(one), patience_s=SCAN_S)
        )

    def close(self) -> "Deferred[None]":
        """Close the connections, then end the thread; nothing can be asked any more."""
        return self._loop.call(self._close).addCallback(lambda _: self._loop.close())

    # From here on everything is in the loop's thread.

    async def _close(self) -> None:
        for client in self._clients.values():
            await client.close()

    async def _latest(self) -> Listing:
        """Return a listing that is at most a second old: many people look at one page."""
        task = self._listing
        if task is None or (task.done() and time.monotonic() - self._listed > LISTING_S):
            task = self._listing = asyncio.create_task(self._read_all())
            self._listed = time.monotonic()
        return await asyncio.shield(task)

    async def _read_all(self) -> Listing:
        results = await asyncio.gather(
            *(self._of_server(server) for server in self.servers), return_exceptions=True
        )
        rows: list[dict[str, Any]] = []
        problems: list[AwayError] = []
        for result in results:
            if isinstance(result, AwayError):
                problems.append(result)
            elif isinstance(result, BaseException):
                raise result
            else:
                rows += result
        return Listing(sorted(rows, key=lambda row: -row["created"]), problems)

    async def _of_server(self, server: Server) -> list[dict[str, Any]]:
        await self._look_for_spiders(server)
        spiders = list(self._spiders.get(server.id, {}))

        async def read(crawls: Crawls) -> list[Progress]:
            named = [await crawls.of_spider(bot, spider, CRAWLS_LIMIT) for bot, spider in spiders]
            return await progress(crawls.redis, [crawl for some in named for crawl in some])

        return [self._row(server, row) for row in await self._client(server).ask(read)]

    async def _look_for_spiders(self, server: Server) -> None:
        """Scan the server now and then; only a first reader waits, and not for long."""
        last = self._scanned.get(server.id)
        if last is None or time.monotonic() - last > SCAN_PAUSE_S:
            self._scanned[server.id] = time.monotonic()
            task = self._scans[server.id] = asyncio.create_task(self._scan(server))
            if last is None:
                await asyncio.wait({task}, timeout=FIRST_SCAN_S)

    async def _scan(self, server: Server) -> None:
        scanner = CrawlClient(server)  # a second client: a slow scan does not make the server `away`
        try:
            for spider in await scanner.ask(lambda crawls: crawls.spiders(), SCAN_S):
                self._spiders.setdefault(server.id, {}).setdefault(spider, set())
        except AwayError:
            self._scanned.pop(server.id, None)
        finally:
            await scanner.close()

    async def _ask(
        self,
        name: CrawlName,
        question: Callable[[Crawls, Crawl], Awaitable[T]],
        patience_s: float | None = None,
    ) -> T:
        server = self._server(name)

        async def ask(crawls: Crawls) -> T | Exception:
            crawl = await crawls.named(name.bot, name.spider, name.crawl)
            if crawl is None:
                return UnknownCrawlError(f"{server.address} has no crawl {name.crawl[:80]!r} of this spider")
            try:
                return await question(crawls, crawl)
            except ConfigError as exc:  # an answer, not a server that is away
                return exc

        client = self._client(server)
        result = await (client.ask(ask) if patience_s is None else client.ask(ask, patience_s))
        if isinstance(result, Exception):
            raise result
        return result

    async def _show(self, server: Server, crawls: Crawls, crawl: Crawl) -> dict[str, Any]:
        rows = await progress(crawls.redis, [crawl])
        if not rows:
            raise ConfigError(f"crawl {crawl.id} has expired")
        workers = await workers_of(crawls.redis, crawl, LEASE_S)
        return {
            **self._row(server, rows[0]),
            "workers_alive": [worker for worker in workers if worker["alive"]],
            "problems": [asdict(problem) for problem in await server_problems(crawls.redis)],
        }

    def _row(self, server: Server, row: Progress) -> dict[str, Any]:
        waiting = row.ready + row.leased + row.delayed
        rate = self._pace.rate(f"{server.id}/{row.project}/{row.spider}/{row.crawl}", row.done, row.rate)
        is_open = row.state in {"open", "stopped"}
        return {
            **asdict(row),
            "server": server.id,
            "redis": server.address,
            "projects": sorted(self._spiders.get(server.id, {}).get((row.project, row.spider), ())),
            "waiting": waiting,
            "rate_now": round(rate, 1) if row.state == "open" else 0.0,
            "seconds_left": seconds_left(waiting, rate) if is_open else None,
        }

    def _server(self, name: CrawlName) -> Server:
        server = self.servers.get(name.server)
        if server is None:
            raise UnknownCrawlError(f"this node knows no Redis {name.server[:80]!r}")
        return server

    def _client(self, server: Server) -> CrawlClient:
        client = self._clients.get(server.id)
        if client is None:
            client = self._clients[server.id] = CrawlClient(server)
        return client


async def _letters(crawls: Crawls, crawl: Crawl) -> list[DeadLetter]:
    letters: list[DeadLetter] = []
    async for letter in crawls.failed(crawl):
        letters.append(letter)
        if len(letters) >= LETTERS_LIMIT:
            break
    return letters
