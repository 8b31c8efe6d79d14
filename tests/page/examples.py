"""A node with jobs of all kinds, some of them hostile."""

import itertools
import json
import time
from pathlib import Path

import requests

from aioscrapy_scrapyd.state.job import Job, State
from aioscrapy_scrapyd.state.store import Store
from plugin.jobs import make_egg
from support.scrapyd import ScrapydServer

# What a name, an argument, a log line or an item may hold.
MARKUP = "\"'><img src=x onerror=\"document.title='pwned'\"><script>document.title='pwned'</script>{{7*7}}"
CONTROLS = "\x1b[31mred\x1b[0m \u202egnp.exe \ud83d\ufffd \x07"
PROJECT = "shop"
# The project of whoever attacks: a name that Scrapyd takes.
HOSTILE_PROJECT = "<b onclick=alert(1)>&\"'"

SPIDERS = '''
import logging
from aioscrapy import Request, Spider

MARKUP, CONTROLS = {markup!r}, {controls!r}


class Quick(Spider):
    """Crawls some pages and ends."""

    name = "quick"

    async def start_requests(self):
        for number in range(int(getattr(self, "pages", "30"))):
            yield Request(self.site + f"page/{{number % 50}}?n={{number}}", dont_filter=True)

    def parse(self, response):
        self.logger.info("parsed %s", response.url)
        yield {{"url": response.url, "status": response.status, "title": response.css("title::text").get()}}


class Slow(Quick):
    """Crawls until it is stopped."""

    name = "slow"
    custom_settings = {{"DOWNLOAD_DELAY": 0.1, "CONCURRENT_REQUESTS": 2}}

    async def start_requests(self):
        for number in range(100_000):
            yield Request(self.site + f"page/{{number % 50}}?n={{number}}", dont_filter=True)


class Boom(Quick):
    """Ends with an error."""

    name = "boom"

    def parse(self, response):
        raise RuntimeError("the price " + MARKUP)


class Hostile(Quick):
    """Writes what a hostile site sent into its log and its items."""

    name = "hostile"

    def parse(self, response):
        self.logger.error("bad %s %s", MARKUP, CONTROLS)
        self.logger.warning("long %s", "x" * 1_000_000)
        yield {{MARKUP: MARKUP, "controls": CONTROLS, "nested": {{"a": [MARKUP]}}, "long": "y" * 500_000}}
'''


def deploy(server: ScrapydServer, project: str = PROJECT) -> None:
    """Deploy the project with the spiders."""
    egg = make_egg({"spiders/all.py": SPIDERS.format(markup=MARKUP, controls=CONTROLS[:-4])})
    fields = {"project": project, "version": "1.0"}
    reply = requests.post(f"{server.url}addversion.json", data=fields, files={"egg": egg}, timeout=60).json()
    assert reply["status"] == "ok", reply


def run(
    server: ScrapydServer, spider: str, job: str, site: str, project: str = PROJECT, **arguments: str
) -> None:
    """Schedule a job."""
    reply = server.api(
        "schedule",
        "POST",
        project=project,
        spider=spider,
        jobid=job,
        site=f"{site.rstrip('/')}/",
        **arguments,
    )
    assert reply["status"] == "ok", reply


def fill_history(folder: Path, count: int) -> None:
    """Write ended jobs into the file of a node that does not run yet."""
    store = Store(folder / "dbs" / "node.db")
    now = time.time()
    ends = itertools.cycle(
        [
            (State.FINISHED, "finished"),
            (State.FINISHED, "finished"),
            (State.FAILED, "all_failed: 3 of 3 requests failed"),
            (State.CANCELLED, "cancelled by ann"),
        ]
    )
    for begin in range(0, count, 1000):
        jobs = []
        for number in range(begin, min(count, begin + 1000)):
            state, reason = next(ends)
            ended = now - number * 40
            jobs.append(
                Job(
                    PROJECT,
                    ("quick", "slow", "books")[number % 3],
                    f"old-{number}",
                    version="1.0",
                    seq=number + 1,
                    args={"category": str(number % 7)},
                    state=state,
                    reason=reason,
                    created=ended - 70,
                    started=ended - 61,
                    ended=ended,
                    counts={"pages": number % 900, "items": number % 800, "errors": number % 3},
                )
            )
        store.save(*jobs).result()
    store.close()


def forge(folder: Path) -> None:
    """Write ended jobs with hostile names, as a stock Scrapyd or another program may have left them."""
    store = Store(folder / "dbs" / "node.db")
    now = time.time()
    names = {"a": MARKUP, "api_key": "hunter2", MARKUP: "b"}
    for number, job in enumerate((MARKUP, "../../etc/passwd", "x.json", "a b?c#d%2F&e", "-")):
        store.save(
            Job(
                HOSTILE_PROJECT,
                MARKUP,
                job,
                version=MARKUP,
                crawl=MARKUP,
                seq=900_000 + number,
                args=names,
                settings=names,
                user=MARKUP,
                state=State.FAILED,
                reason=json.dumps(MARKUP) + CONTROLS.encode("utf-8", "replace").decode(),
                created=now - 9,
                started=now - 8,
                ended=now - 1,
            )
        ).result()
    store.close()
