"""Many short jobs of one real Scrapyd, one after the other, and a count of what they leave."""

import time
from collections import Counter
from pathlib import Path

import requests

from faults.soak_site import SoakSite
from plugin.jobs import SETTINGS, make_egg
from support.memory import children_of, rss_of
from support.redis import RedisServer
from support.scrapyd import ScrapydServer

LONGEST_S = 7200.0  # seconds that all jobs may take at most
KEEP_S = 2  # CRAWL_KEEP of the jobs: seconds after which Redis has forgotten the keys of a crawl
LEASE_S = 2
FORGOTTEN_S = KEEP_S + 10 * LEASE_S  # seconds after which the next crawl forgets the id of a crawl
SPIDER = """

from aioscrapy import Request, Spider

class Short(Spider):
    name = "short"

    async def parse(self, response):
        yield {"url": response.url}
        for href in response.css("a::attr(href)").getall():
            yield Request(response.urljoin(href))

    def closed(self, reason):
        pages = self.crawler.stats.get_value("item_scraped_count")
        with open("ends", "a") as file:
            file.write(f"{reason} {pages}\\n")
"""


def run_jobs(folder: Path, count: int) -> tuple[dict[str, object], list[str]]:
    """Run the jobs; returns figures and faults."""
    temporary, cache = folder / "tmp", folder / "cache"
    temporary.mkdir()
    environment = {"TMPDIR": str(temporary), "AIOSCRAPY_EGG_CACHE": str(cache), "HOME": str(folder)}
    conf: dict[str, str | None] = {
        "poll_interval": "0.1",
        "max_proc": "1",
        "finished_to_keep": "20",
        "jobs_to_keep": "5",
    }
    with (
        SoakSite(7) as site,
        RedisServer(folder / "redis") as redis,
        ScrapydServer(folder / "scrapyd", conf=conf, environment=environment) as scrapyd,
    ):
        deploy(scrapyd, site.url, redis.url)
        began = time.monotonic()
        before = None
        for number in range(1, count + 1):
            scrapyd.api("schedule", "POST", project="p", spider="short")
            wait_until_idle(scrapyd)
            if number == max(count // 10, 3):
                before = open_files(scrapyd.pid), rss_of(scrapyd.pid)
        seconds = time.monotonic() - began
        assert before is not None
        files, rss = open_files(scrapyd.pid) - before[0], rss_of(scrapyd.pid) - before[1]
        time.sleep(FORGOTTEN_S + 1)
        scrapyd.api("schedule", "POST", project="p", spider="short")
        wait_until_idle(scrapyd)
        keys = keys_left(redis)
        ends = Counter((scrapyd.folder / "ends").read_text().splitlines())
        left = {
            "jobs that did not finish": count + 1 - ends["finished 7"],
            "keys in Redis": keys,
            "connections to Redis": connections(redis),
            "processes": len(children_of(scrapyd.pid)),
            "temporary files": len(list(temporary.iterdir())),
            "unpacked eggs": len(list(cache.iterdir())) - 1,
            "logs": max(0, len(list((scrapyd.folder / "logs" / "p" / "short").iterdir())) - 6),
            "end records": max(
                0, len(list((scrapyd.folder / "logs" / "p" / ".ends" / "short").iterdir())) - 100
            ),
            "open files of the daemon": max(0, files - 2),
        }
    faults = [f"{what}: {number} too many" for what, number in left.items() if number]
    if rss > 30 << 20:
        faults.append(f"the daemon has grown by {rss >> 20} MB")
    figures: dict[str, object] = {
        "jobs": count,
        "seconds": round(seconds, 1),
        "seconds a job": round(seconds / count, 2),
        "MB that the daemon has grown": rss >> 20,
    }
    return figures, faults


def deploy(scrapyd: ScrapydServer, site: str, redis: str) -> None:
    """Upload the egg of the short spider."""
    settings = (
        f"{SETTINGS}SCHEDULER_QUEUE_CLASS = 'aioscrapy.queue.redis.SpiderPriorityQueue'\n"
        f"REDIS_ARGS = {{'queue': {{'url': {redis!r}}}}}\n"
        f"CRAWL_KEEP = {KEEP_S}\nCRAWL_JOIN_WINDOW = 0\n"
        f"SCHEDULER_LEASE = {LEASE_S}\nSCHEDULER_HEARTBEAT = 0.4\n"
    )
    spider = SPIDER.replace('name = "short"', f'name = "short"\n    start_urls = ["{site}/tree/1"]')
    egg = make_egg({"settings.py": settings, "spiders/short.py": spider})
    reply = requests.post(
        f"{scrapyd.url}addversion.json",
        data={"project": "p", "version": "1"},
        files={"egg": ("p.egg", egg)},
        timeout=60,
    ).json()
    assert reply["status"] == "ok", reply


def wait_until_idle(scrapyd: ScrapydServer) -> None:
    """Return when no job waits or runs."""
    deadline = time.monotonic() + LONGEST_S
    while True:
        status = scrapyd.api("daemonstatus")
        if not status["pending"] and not status["running"]:
            return
        assert time.monotonic() < deadline, "a job does not end"
        time.sleep(0.05)  # Scrapyd announces nothing


def keys_left(redis: RedisServer) -> int:
    """Return the keys that are left of expired crawls: not the two of the spider with the last id."""
    time.sleep(KEEP_S + 1)
    with redis.client() as client:
        crawls = sum(client.zcard(key) for key in client.scan_iter("*:crawls"))
        return max(0, int(client.dbsize()) - 2) + max(0, int(crawls) - 1)


def connections(redis: RedisServer) -> int:
    """Return the connections besides the one that asks."""
    with redis.client() as client:
        return len(client.client_list()) - 1


def open_files(pid: int) -> int:
    """Return how many files a process has open."""
    return sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir())
