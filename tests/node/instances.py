"""P6: four jobs of one call share one crawl in a Redis; each item is there once, and they end together."""

import tempfile
from pathlib import Path
from typing import Any

import requests

from node.conftest import APPLICATION
from plugin.jobs import make_egg
from support.redis import RedisServer
from support.scrapyd import ScrapydServer

JOBS = 4
PAGES, ITEMS_A_PAGE = 400, 5
SPIDER = """
from aioscrapy import Spider


class Many(Spider):
    name = "many"

    def __init__(self, url="", **arguments):
        super().__init__(**arguments)
        self.start_urls = [f"{url}/{number}" for number in range(%d)]

    async def parse(self, response):
        for number in range(%d):
            yield {"item": f"{response.url}#{number}"}
"""
SETTINGS = """
BOT_NAME = "bot"
SPIDER_MODULES = ["bot.spiders"]
SCHEDULER_QUEUE_CLASS = "aioscrapy.queue.redis.SpiderPriorityQueue"
REDIS_ARGS = {"queue": {"url": %r}}
REDIS_CHECK = "off"
"""


def instances(url: str) -> tuple[float, float]:
    """Return how many items are missing or there twice, and the seconds from the first end to the last.

    Args:
        url: of a site that answers any path.
    """
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        folder = Path(name)
        conf: dict[str, str | None] = {"application": APPLICATION, "max_proc": str(JOBS)}
        with RedisServer(folder / "redis") as redis, ScrapydServer(folder / "node", conf=conf) as node:
            egg = make_egg(
                {"spiders/a.py": SPIDER % (PAGES, ITEMS_A_PAGE), "settings.py": SETTINGS % redis.url}
            )
            fields = {"project": "p", "version": "1"}
            answer = requests.post(f"{node.url}addversion.json", data=fields, files={"egg": egg}, timeout=60)
            assert answer.json()["status"] == "ok", answer.text
            return _run(node, url)


def _run(node: ScrapydServer, url: str) -> tuple[float, float]:
    answer = node.api("schedule", "POST", project="p", spider="many", url=url, instances=JOBS)
    jobs = answer["jobids"]
    assert len(set(jobs)) == JOBS, answer
    ends = [_end(node, job, answer["crawl"]) for job in jobs]
    items = [row["item"] for job in jobs for row in node.items("p", "many", job)]
    wrong = len(items) - len(set(items)) + abs(PAGES * ITEMS_A_PAGE - len(set(items)))
    return wrong, max(ends) - min(ends)


def _end(node: ScrapydServer, job: str, crawl: str) -> float:
    """Wait for the end of a job of the crawl; returns its time."""
    node.wait_job(job, 120)
    ended: dict[str, Any] = requests.get(f"{node.url}api/v1/jobs/p/{job}", timeout=60).json()
    assert (ended["state"], ended["args"]["crawl"]) == ("finished", crawl), ended
    return float(ended["ended"])
