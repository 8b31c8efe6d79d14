"""`scripts/screenshots`: pictures of every screen for docs/images, made from a real run.

A real node, Redis, web site and Chromium; a project that is deployed twice by `aioscrapy deploy`. Needs Git,
and a font with Chinese characters (Debian: fonts-wqy-microhei).
"""

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import requests

from node.conftest import APPLICATION
from support import REPOSITORY, child_environment
from support.browser import Visitor, chromium
from support.redis import RedisServer
from support.scrapyd import ScrapydServer
from support.site import Site

IMAGES = REPOSITORY / "docs" / "images"
# Bytes of one picture at most.
LIMIT = 150_000
WIDTH = 1280
# Pixels; a longer page is cut at the window.
HEIGHT_LIMIT = 1250

CFG = """[settings]
default = shop.settings

[deploy]
url = URL
project = shop
"""
SETTINGS = """BOT_NAME = "shop"
SPIDER_MODULES = ["shop.spiders"]
REDIS_ARGS = {"queue": {"url": "URL"}}
RETRY_ENABLED = False
"""
BOOKS = """import random

from aioscrapy import Spider


class Books(Spider):
    \"\"\"Every book of the shop, by any number of workers.\"\"\"

    name = "books"
    custom_settings = {
        "SCHEDULER_QUEUE_CLASS": "aioscrapy.queue.redis.SpiderPriorityQueue",
        "DOWNLOAD_DELAY": 0.25,
        "CONCURRENT_REQUESTS": 4,
    }

    def __init__(self, shop="", **arguments):
        super().__init__(**arguments)
        self.start_urls = [f"http://127.0.0.1:9/book/{number}" for number in (17, 230, 231)]
        self.start_urls += [f"{shop}/page/{number}" for number in range(1, 1900)]

    async def parse(self, response):
        title = response.css("title::text").get()
        yield {"title": title, "price": random.choice([9.5, 12.0, 30.25]), "url": response.url}
"""
PRICES = """from aioscrapy import Spider


class Prices(Spider):
    name = "prices"
    custom_settings = {"DOWNLOAD_DELAY": 0.05, "CONCURRENT_REQUESTS": 2}

    def __init__(self, shop="", pages="60", **arguments):
        super().__init__(**arguments)
        self.start_urls = [f"{shop}/page/{number}" for number in range(1, int(pages))]

    async def parse(self, response):
        if response.url.endswith("7"):
            self.logger.warning("No price on %s", response.url)
        yield {"url": response.url, "price": None if response.url.endswith("7") else 12.5, "currency": "EUR"}
"""
BROKEN = """from aioscrapy import Spider


class Reviews(Spider):
    name = "reviews"

    def __init__(self, shop="", **arguments):
        super().__init__(**arguments)
        self.start_urls = [f"{shop}/page/1"]

    def start_requests(self):
        raise KeyError("reviews: the login of the shop has changed")
"""


def main() -> int:
    IMAGES.mkdir(exist_ok=True)
    with (
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name,
        RedisServer(Path(name) / "redis", appendonly=True) as redis,
        Site(pages=2000) as site,
        ScrapydServer(
            Path(name) / "node",
            conf={"application": APPLICATION, "node_name": "crawler-1", "max_proc": "6"},
        ) as node,
    ):
        project = Path(name) / "shop"
        write_project(project, node.url, redis.url)
        deploy(project, "1.9.0")
        (project / "shop" / "spiders" / "reviews.py").write_text(BROKEN)
        run_jobs(node, site.url)
        deploy(project, "1.10.0")
        call(node, "activate.json", project="shop", version="1_9_0")
        with chromium() as browser:
            take_pictures(lambda **options: Visitor(browser, node.url, **options), node)
    large = [path.name for path in IMAGES.glob("*.png") if path.stat().st_size > LIMIT]
    if large:
        sys.stderr.write(f"larger than {LIMIT} bytes: {', '.join(large)}\n")
    return 1 if large else 0


def write_project(folder: Path, url: str, redis: str) -> None:
    spiders = folder / "shop" / "spiders"
    spiders.mkdir(parents=True)
    for package in (spiders, spiders.parent):
        (package / "__init__.py").touch()
    (folder / "aioscrapy.cfg").write_text(CFG.replace("URL", url))
    (folder / "shop" / "settings.py").write_text(SETTINGS.replace("URL", redis))
    (spiders / "books.py").write_text(BOOKS)
    (spiders / "prices.py").write_text(PRICES)


def deploy(folder: Path, version: str) -> None:
    """Commit the folder and deploy it, as a developer does."""
    git = ["git", "-c", "user.name=ann", "-c", "user.email=ann@example.com"]
    for command in ([*git, "init", "-q"], [*git, "add", "-A"], [*git, "commit", "-qm", version]):
        subprocess.run(command, cwd=folder, check=True)
    command = [sys.executable, "-m", "aioscrapy", "deploy", "-v", version]
    subprocess.run(command, cwd=folder, env=child_environment(), check=True, stdout=subprocess.DEVNULL)


def run_jobs(node: ScrapydServer, shop: str) -> None:
    """Start jobs that finish, fail, are cancelled, run and wait; return when the charts have points."""
    for number, pages in enumerate((40, 60, 80)):
        node.wait_job(schedule(node, "prices", f"prices-{number + 1}", shop=shop, pages=str(pages)))
    stopped = schedule(node, "prices", "prices-4", shop=shop, pages="900")
    node.wait_running(stopped)
    call(node, "cancel.json", project="shop", job=stopped)
    node.wait_job(stopped)
    (log,) = [schedule(node, "prices", "prices-5", shop=shop, setting="LOG_LEVEL=NOPE")]
    node.wait_job(log)
    schedule(node, "books", "books", shop=shop, instances="3", api_token="secret")
    schedule(node, "prices", "prices-live", shop=shop, pages="1900")
    schedule(node, "prices", "prices-live-2", shop=shop, pages="1900", setting="DOWNLOAD_DELAY=0.2")
    for number in range(3):
        schedule(node, "prices", f"nightly-{number + 1}", shop=shop, priority=str(number))
    time.sleep(45)  # charts need some points, each 10 seconds


def schedule(node: ScrapydServer, spider: str, job: str, **fields: str) -> str:
    return str(call(node, "schedule.json", project="shop", spider=spider, jobid=job, **fields)["jobid"])


def call(node: ScrapydServer, path: str, **fields: str) -> dict[str, Any]:
    answer: dict[str, Any] = requests.post(f"{node.url}{path}", data=fields, timeout=60).json()
    assert answer["status"] == "ok", answer
    return answer


def take_pictures(visitor: Callable[..., Visitor], node: ScrapydServer) -> None:
    (crawl,) = requests.get(f"{node.url}crawls.json", timeout=10).json()["crawls"]
    place = f"/crawl/{crawl['server']}/shop/books/{crawl['crawl']}"
    run = "/run?project=shop&spider=books"
    pictures = {
        "jobs": "/",
        "job": "/job/shop/prices-live/overview",
        "job-log": "/job/shop/prices-3/log?level=INFO",
        "job-items": "/job/shop/prices-3/items",
        "crawls": "/crawls",
        "crawl": f"{place}/overview",
        "crawl-failed": f"{place}/failed",
        "run": run,
        "deploy": "/deploy",
        "version": "/project/shop/1_10_0/version",
        "versions": "/project/shop/versions",
        "node": "/node",
        "audit": "/node/audit",
        "access": "/node/access",
    }
    with visitor(width=WIDTH) as light:
        for name, path in pictures.items():
            shoot(light, name, path)
        page = light.open(run)
        page.get_by_label("name", exact=True).first.fill("shop")
        page.get_by_label("value", exact=True).first.fill("https://example.com")
        page.get_by_label("Workers on one crawl").fill("3")
        page.get_by_role("button", name="as curl").click()
        light.shoot(IMAGES / "run.png")
    with visitor(width=WIDTH, dark=True) as dark:
        shoot(dark, "jobs-dark", "/")
        shoot(dark, "crawl-dark", f"{place}/overview")
    with visitor(width=360, dark=True) as phone:
        shoot(phone, "job-phone", "/job/shop/prices-live/overview")


def shoot(visitor: Visitor, name: str, path: str) -> None:
    page = visitor.open(path)
    page.locator("[data-stream-state]:visible, footer").first.wait_for()
    page.wait_for_timeout(700)  # charts draw themselves after the page
    assert not page.title()[:3].isdigit(), f"{path}: {page.title()}"
    page.screenshot(path=IMAGES / f"{name}.png", full_page=is_short(page))


def is_short(page: Any) -> bool:
    """Return True for a page that a picture can have as a whole: long ones are cut at the window."""
    return bool(page.evaluate("document.documentElement.scrollHeight") < HEIGHT_LIMIT)


if __name__ == "__main__":
    sys.exit(main())
