"""Workers of one shared crawl, as real processes that may be killed, stopped and started again."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from redis.exceptions import RedisError

from support import child_environment
from support.redis import RedisServer
from support.site import Site

CRAWL = "fault"
ITEMS = f"aioscrapy:{{faults/everything}}:{CRAWL}:items"
META = f"aioscrapy:{{faults/everything}}:{CRAWL}:meta"
PUSH = "aioscrapy:{faults/everything}:push"
LONGEST_S = 120.0  # seconds that a crawl may take at the most, whatever happens to it
SPIDER = """
import asyncio
from aioscrapy import Request, Spider

class Everything(Spider):
    name = "everything"
    custom_settings = SETTINGS

    async def start_requests(self):
        self.logger.info("seeding begins")
        yield Request(START)
        await asyncio.sleep(SEEDING_S)
        yield Request(START + "page/1")

    async def parse(self, response):
        yield {"url": response.url}
        for href in response.css("a::attr(href)"):
            yield Request(response.urljoin(href), callback=self.parse)
"""


@dataclass
class Outcome:
    """What a crawl came to, counted in its final output."""

    name: str
    pages: int  # pages that the site has
    items: int  # items in the output, one is expected of each page
    distinct: int
    foreign: int  # items of no page of the site
    fetched: int  # downloads, counted by the site
    refused: int  # commits under a lease that had been taken
    workers_lost: int
    seconds: float
    ended: list[int]  # exit statuses of the workers that ended by themselves

    @property
    def lost(self) -> int:
        """Pages without an item."""
        return self.pages - (self.distinct - self.foreign)

    @property
    def doubled(self) -> int:
        """Items that were there before."""
        return self.items - self.distinct

    @property
    def is_honest(self) -> bool:
        """Nothing is lost, or a worker has said that the crawl is not complete."""
        return not self.lost or any(self.ended)

    @property
    def is_right(self) -> bool:
        """Every page once, and every worker ended in good order."""
        return not (self.lost or self.doubled or self.foreign or any(self.ended)) and bool(self.ended)

    @property
    def _verdict(self) -> str:
        if self.is_right:
            return "ok"
        return f"WRONG (exit statuses {self.ended}{'' if self.is_honest else ', called finished'})"

    def __str__(self) -> str:
        return (
            f"{self.name:<24} pages {self.pages}  items {self.items}  lost {self.lost}  "
            f"doubled {self.doubled}  fetched {self.fetched}  refused {self.refused}  "
            f"workers lost {self.workers_lost}  {self.seconds:.1f} s  {self._verdict}"
        )


class HonestOutcome(Outcome):
    """What a crawl came to whose Redis has lost keys: it may lack pages, but then it must say so.

    If the keys are lost just after the end, one worker has finished, and another says that they were deleted.
    """

    @property
    def is_right(self) -> bool:
        """Every page once, or every worker ended with an error."""
        is_complete = not (self.lost or self.doubled or self.foreign)
        return bool(self.ended) and (is_complete or all(self.ended))


class Fleet:
    """A site, a Redis, and workers of one crawl. Everything it started ends with it.

    Args:
        lease_s: SCHEDULER_LEASE of the workers, seconds.
        seeding_s: seconds that `start_requests` takes between its first and its last request.
        delay_s: seconds in which the site answers.
        durable: Redis writes everything to disk; else only what somebody makes it SAVE.
        longest_s: seconds that the crawl may take at most.
    """

    def __init__(
        self,
        folder: Path,
        *,
        pages: int = 2000,
        lease_s: float = 2.0,
        seeding_s: float = 0.0,
        delay_s: float = 0.05,
        durable: bool = True,
        longest_s: float = LONGEST_S,
        settings: dict[str, Any] | None = None,
    ) -> None:
        self.folder = folder
        self.site = Site(pages, delay_s=delay_s)
        self.redis = RedisServer(folder / "redis", appendonly=durable, options={"appendfsync": "always"})
        self.workers: list[subprocess.Popen[bytes]] = []
        self._seeding_s = seeding_s
        self._longest_s = longest_s
        self._settings = {
            "BOT_NAME": "faults",
            "SCHEDULER_QUEUE_CLASS": "aioscrapy.queue.redis.SpiderPriorityQueue",
            "CRAWL_ID": CRAWL,
            "ITEMS_IN_REDIS": True,
            "SCHEDULER_LEASE": lease_s,
            "SCHEDULER_HEARTBEAT": lease_s / 4,
            "CONCURRENT_REQUESTS": 16,
            "CONCURRENT_REQUESTS_PER_DOMAIN": 16,
            "LOG_LEVEL": "INFO",
            **(settings or {}),
        }
        self._began = 0.0
        self._number = 0
        self._logs: dict[int, Path] = {}  # pid -> log
        self._ended: list[int] = []

    def __enter__(self) -> Self:
        self.site.start()
        self.redis.start()
        self._settings["REDIS_ARGS"] = {"queue": {"url": self.redis.url}}
        names = (
            f"SETTINGS = {self._settings!r}\nSTART = {self.site.url + '/'!r}\nSEEDING_S = {self._seeding_s}\n"
        )
        (self.folder / "spider.py").write_text(names + SPIDER, encoding="utf-8")
        self._began = time.monotonic()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for worker in self.workers:
            if worker.poll() is None:
                worker.kill()
                worker.wait()
        self.redis.stop()
        self.site.stop()

    def start(self, count: int = 1) -> None:
        """Start workers."""
        for _ in range(count):
            self._number += 1
            log = self.folder / f"worker-{self._number}.log"
            with log.open("wb") as output:
                worker = subprocess.Popen(
                    [sys.executable, "-m", "aioscrapy", "runspider", "spider.py"],
                    cwd=self.folder,
                    env=child_environment(),
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=output,
                )
            self._logs[worker.pid] = log
            self.workers.append(worker)

    def log_of(self, worker: "subprocess.Popen[bytes]") -> str:
        """Return what a worker has logged so far."""
        return self._logs[worker.pid].read_text(encoding="utf-8", errors="replace")

    def logged(self, words: str) -> int:
        """Count the workers, also those that have ended, whose logs have these words."""
        logs = [
            path.read_text(encoding="utf-8", errors="replace") for path in self.folder.glob("worker-*.log")
        ]
        return sum(words in log for log in logs)

    def kill(self, worker: "subprocess.Popen[bytes]") -> None:
        """End a worker as a power cut would."""
        worker.kill()
        worker.wait()
        self.workers.remove(worker)

    def send(self, worker: "subprocess.Popen[bytes]", number: signal.Signals) -> None:
        """Send a signal."""
        os.kill(worker.pid, number)

    def living(self) -> "list[subprocess.Popen[bytes]]":
        """Return the workers that run."""
        return [worker for worker in self.workers if worker.poll() is None]

    def some_worker(self, chance: random.Random) -> "subprocess.Popen[bytes] | None":
        """Return a worker that runs, or None where all have ended."""
        living = self.living()
        return chance.choice(living) if living else None

    def items(self) -> list[str]:
        """Return the URLs of all items in the output."""
        with self.redis.client() as client:
            return [json.loads(item)["url"] for item in client.lrange(ITEMS, 0, -1)]

    def count(self) -> int:
        """Return how many items there are; 0 while Redis is away."""
        try:
            with self.redis.client() as client:
                return int(client.llen(ITEMS))
        except RedisError:
            return 0

    def until(self, true: Callable[[], object], what: str) -> None:
        """Wait until something is true."""
        deadline = time.monotonic() + self._longest_s
        while not true():
            assert time.monotonic() < deadline, f"{what} did not happen; see {self.folder}"
            time.sleep(0.02)

    def until_items(self, count: int) -> None:
        """Wait until there are that many items."""
        self.until(lambda: self.count() >= count, f"item {count}")

    def until_joined(self) -> None:
        """Wait until every worker is in the crawl: one that starts while Redis is away ends with an error."""
        self.until(lambda: all("Spider opened" in self.log_of(w) for w in self.living()), "the start")

    def join(self) -> None:
        """Wait until every worker has ended by itself."""
        for worker in self.workers:
            self._ended.append(worker.wait(self._longest_s))
        self.workers.clear()

    def outcome(self, name: str) -> Outcome:
        """Count the final output, once all workers have ended."""
        self.join()
        items = Counter(self.items())
        with self.redis.client(decode_responses=True) as client:
            meta: dict[str, str] = client.hgetall(META)
        return Outcome(
            name=name,
            pages=len(self.site.urls),
            items=items.total(),
            distinct=len(items),
            foreign=len(items.keys() - self.site.urls),
            fetched=sum(self.site.counts().values()),
            refused=int(meta.get("refused", 0)),
            workers_lost=int(meta.get("workers_lost", 0)),
            seconds=time.monotonic() - self._began,
            ended=self._ended,
        )
