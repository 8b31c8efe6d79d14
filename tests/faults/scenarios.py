"""What is done to a crawl, and what has to come out: a scenario raises AssertionError or returns figures."""

import os
import random
import signal
import time
from pathlib import Path
from typing import Any

from faults.crawls import Crawl
from support.redis import RedisServer
from support.site import Site


def kill_a_random_worker(folder: Path, site: Site, redis: RedisServer, rng: random.Random) -> dict[str, Any]:
    """Kill -9 one of two workers at a random moment, and start another in its place."""
    with Crawl(folder, site, redis) as crawl:
        workers = [crawl.worker(), crawl.worker()]
        crawl.wait_fetched(rng.randrange(1, site.pages))
        victim = rng.choice(workers)
        victim.kill()
        victim.wait()
        crawl.worker()
        statuses = crawl.wait_end()
        assert sorted(statuses) == [-signal.SIGKILL, 0, 0], crawl.log()
        crawl.assert_each_page_once()
        return {"items": sum(crawl.items().values()), "fetches": crawl.fetched()}


def kill_the_seeding_worker(
    folder: Path, site: Site, redis: RedisServer, rng: random.Random
) -> dict[str, Any]:
    """Kill the worker that runs the start requests before it has committed one."""
    with Crawl(folder, site, redis) as crawl:
        text = (folder / "spider.py").read_text()
        slow = "    async def start_requests(self):\n        import asyncio, pathlib\n"
        slow += (
            "        if not pathlib.Path('killed').exists():\n            pathlib.Path('seeding').touch()\n"
        )
        slow += "            await asyncio.sleep(600)\n"
        slow += "        for url in self.start_urls:\n            yield Request(url)\n\n"
        (folder / "spider.py").write_text(text.replace("    async def parse", slow + "    async def parse"))
        first = crawl.worker()
        deadline = time.monotonic() + 30
        while not (folder / "seeding").exists():
            assert time.monotonic() < deadline, crawl.log()
            time.sleep(0.01)
        (folder / "killed").touch()
        first.kill()
        first.wait()
        crawl.worker()
        crawl.wait_end()
        crawl.assert_each_page_once()
        return {"items": sum(crawl.items().values()), "fetches": crawl.fetched()}


def kill_all_workers(folder: Path, site: Site, redis: RedisServer, rng: random.Random) -> dict[str, Any]:
    """Kill all workers at once, then start a new one."""
    with Crawl(folder, site, redis) as crawl:
        workers = [crawl.worker(), crawl.worker()]
        crawl.wait_fetched(rng.randrange(site.pages // 4, site.pages // 2))
        for worker in workers:
            worker.kill()
        for worker in workers:
            worker.wait()
        crawl.worker()
        assert sorted(crawl.wait_end()) == [-signal.SIGKILL, -signal.SIGKILL, 0], crawl.log()
        crawl.assert_each_page_once()
        return {"items": sum(crawl.items().values()), "fetches": crawl.fetched()}


def freeze_a_worker(folder: Path, site: Site, redis: RedisServer, rng: random.Random) -> dict[str, Any]:
    """SIGSTOP a worker for longer than its lease, then SIGCONT."""
    with Crawl(folder, site, redis) as crawl:
        sleeper, _ = crawl.worker(), crawl.worker()
        crawl.wait_fetched(site.pages // 4)
        os.kill(sleeper.pid, signal.SIGSTOP)
        time.sleep(3.0)  # twice the lease: the time itself is the fault
        os.kill(sleeper.pid, signal.SIGCONT)
        assert crawl.wait_end() == [0, 0], crawl.log()
        crawl.assert_each_page_once()
        meta = crawl.meta()
        assert int(meta["workers_lost"]) >= 1
        return {"items": sum(crawl.items().values()), "refused": int(meta.get("refused", 0))}


def kill_redis(folder: Path, site: Site, redis: RedisServer, rng: random.Random) -> dict[str, Any]:
    """Kill -9 the Redis in mid-crawl and start it again after 5 seconds; it persists every write."""
    with Crawl(folder, site, redis) as crawl:
        crawl.worker()
        crawl.worker()
        crawl.wait_fetched(rng.randrange(site.pages // 4, site.pages // 2))
        redis.kill()
        time.sleep(5.0)  # the outage
        assert [worker.poll() for worker in crawl.workers] == [None, None], crawl.log()
        redis.start()
        assert crawl.wait_end() == [0, 0], crawl.log()
        crawl.assert_each_page_once()
        return {"items": sum(crawl.items().values()), "fetches": crawl.fetched()}


def interrupt_and_resume(folder: Path, site: Site, redis: RedisServer, rng: random.Random) -> dict[str, Any]:
    """SIGINT a worker, then start another: what was given back is there at once."""
    with Crawl(folder, site, redis) as crawl:
        worker = crawl.worker()
        crawl.wait_fetched(site.pages // 3)
        began = time.monotonic()
        worker.send_signal(signal.SIGINT)
        assert worker.wait(12) == 0, crawl.log()
        stopped_s = time.monotonic() - began
        crawl.worker()
        assert crawl.wait_end() == [0, 0], crawl.log()
        crawl.assert_each_page_once()
        return {"items": sum(crawl.items().values()), "stopped_s": round(stopped_s, 2)}


ALL = (
    kill_a_random_worker,
    kill_the_seeding_worker,
    kill_all_workers,
    freeze_a_worker,
    kill_redis,
    interrupt_and_resume,
)
