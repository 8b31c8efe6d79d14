"""Workers whose items go to file feeds; what is counted is what is in the files."""

import bz2
import csv
import gzip
import io
import json
import lzma
import os
import random
import resource
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

from redis.exceptions import RedisError

from faults.fleet import CRAWL, META, Fleet, Outcome
from support import child_environment

FORMATS = ("jl", "csv", "json", "xml")
COMPRESSED: dict[str, tuple[str, Callable[..., Any]]] = {
    ".gz": ("Gzip", gzip.open),
    ".bz2": ("Bz2", bz2.open),
    ".xz": ("LZMA", lzma.open),
}


class FeedFleet(Fleet):
    """A fleet whose workers write feeds.

    Args:
        redis: the crawl is in Redis; else in the folder of JOBDIR.
        settings: more settings of the workers.
    """

    def __init__(self, folder: Path, *, redis: bool = True, **options: Any) -> None:
        settings = {"ITEMS_IN_REDIS": False, "LOG_LEVEL": "INFO", **(options.pop("settings", None) or {})}
        if not redis:
            settings |= {"SCHEDULER_QUEUE_CLASS": "aioscrapy.queue.memory.SpiderPriorityQueue"}
            settings |= {"JOBDIR": str(folder / "job"), "CRAWL_ID": None}
        super().__init__(folder, settings=settings, **options)
        self.in_redis = redis

    def run(self, *arguments: str, file_limit: int = 0) -> "subprocess.Popen[bytes]":
        """Start one worker, or one command with --processes.

        Args:
            arguments: of runspider.
            file_limit: bytes at which no file grows any more, as on a full disk; 0: no limit.
        """
        self._number += 1
        log = self.folder / f"worker-{self._number}.log"
        with log.open("wb") as output:
            worker = subprocess.Popen(
                [sys.executable, "-m", "aioscrapy", "runspider", "spider.py", *arguments],
                cwd=self.folder,
                env=child_environment(),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )
        if file_limit:
            resource.prlimit(worker.pid, resource.RLIMIT_FSIZE, (file_limit, file_limit))
        self._logs[worker.pid] = log
        self.workers.append(worker)
        return worker

    def files(self) -> list[Path]:
        """Return the feeds."""
        endings = [f"{form}{packed}" for form in FORMATS for packed in ("", *COMPRESSED)]
        return [path for ending in endings for path in sorted(self.folder.glob(f"items*.{ending}"))]

    def count(self) -> int:
        """Return how many items there are, about: a document may be incomplete."""
        if any(path.suffix in COMPRESSED for path in self.files()):
            return sum(self.site.counts().values())  # they are in the files a member later
        return sum(path.read_bytes().count(b"http:") for path in self.files())

    def items(self) -> list[str]:
        return [url for path in self.files() for url in read_feed(path)]

    def state(self) -> str:
        """Return the state of the crawl in Redis."""
        try:
            with self.redis.client(decode_responses=True) as client:
                return client.hget(META, "state") or ""
        except RedisError:
            return ""

    def kill_sometime(self, worker: "subprocess.Popen[bytes]", chance: random.Random, most: int) -> None:
        """Kill a worker after some more items, at a random moment, or let it end before."""
        until = self.count() + chance.randrange(1, most)
        self.until(lambda: worker.poll() is not None or self.count() >= until, f"item {until}")
        time.sleep(chance.uniform(0, 0.02))
        if worker.poll() is None:
            self.kill(worker)

    def outcome(self, name: str) -> Outcome:
        """Count the items in the files, once all workers have ended."""
        if self.in_redis:
            outcome = super().outcome(name)
            left = self._left()
            assert not left, f"records are left in Redis: {left}"
            return outcome
        self.join()
        items = Counter(self.items())
        return Outcome(
            name=name,
            pages=len(self.site.urls),
            items=items.total(),
            distinct=len(items),
            foreign=len(items.keys() - self.site.urls),
            fetched=sum(self.site.counts().values()),
            refused=0,
            workers_lost=0,
            seconds=time.monotonic() - self._began,
            ended=self._ended,
        )

    def _left(self) -> dict[str, int]:
        with self.redis.client(decode_responses=True) as client:
            keys = client.keys(f"*:{CRAWL}:*:items")
            return {key: client.llen(key) for key in keys}


def read_feed(path: Path) -> list[str]:
    """Return the URLs of the items in a feed, which must be a complete document."""
    if not path.stat().st_size:
        return []  # of a process that was killed before it could begin
    _, opened = COMPRESSED.get(path.suffix, ("", open))
    with opened(path, "rb") as file:
        text = file.read().decode()
    form = path.suffixes[-2] if path.suffix in COMPRESSED else path.suffix
    if form == ".jl":
        return [json.loads(line)["url"] for line in text.splitlines()]
    if form == ".json":
        return [item["url"] for item in json.loads(text)]
    if form == ".csv":
        return [row["url"] for row in csv.DictReader(io.StringIO(text, newline=""))]
    return [item.findtext("url") or "" for item in ET.fromstring(text)]


def compressed(form: str, ending: str) -> dict[str, Any]:
    """Return the setting FEEDS for one compressed file."""
    plugin = f"aioscrapy.extensions.postprocessing.{COMPRESSED[ending][0]}Plugin"
    return {"FEEDS": {f"items.{form}{ending}": {"format": form, "postprocessing": [plugin]}}}


def in_batches(form: str, size: int, ending: str = "") -> dict[str, Any]:
    """Return the setting FEEDS for files of some items each; compressed if an ending is named."""
    [options] = (compressed(form, ending)["FEEDS"] if ending else {"": {"format": form}}).values()
    return {"FEEDS": {f"items-%(batch_id)05d.{form}{ending}": {**options, "batch_item_count": size}}}


def children_of(pid: int) -> list[int]:
    """Return the processes that a process has started, and theirs."""
    path = Path(f"/proc/{pid}/task/{pid}/children")
    own = [int(child) for child in path.read_text().split()] if path.exists() else []
    return [*own, *(far for child in own for far in children_of(child))]


def kill_child(pid: int, chance: random.Random) -> None:
    """Kill -9 one of the worker processes of a command, if there is one; not the Redis of the test."""
    if workers := children_of(pid):
        os.kill(chance.choice(workers), signal.SIGKILL)
