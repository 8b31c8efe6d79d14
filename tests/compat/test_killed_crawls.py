"""A CrawlSpider and a FilesPipeline of a Scrapy project whose process is killed: what is there afterwards."""

import asyncio
import hashlib
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from support import child_environment
from support.commands import aioscrapy
from support.crawling import json_lines
from support.redis import RedisServer
from support.site import Site

LONGEST_S = 60.0

SPIDER = """
import scrapy
from scrapy.linkextractors import LinkExtractor
from scrapy.spiders import CrawlSpider, Rule


class Page(scrapy.Item):
    url = scrapy.Field()
    file_urls = scrapy.Field()
    files = scrapy.Field()


class Rules(CrawlSpider):
    name = "rules"
    start_urls = ["SITE/"]
    rules = [Rule(LinkExtractor(allow=r"/page/\\d+$"), callback="parse_page", follow=True)]

    def parse_page(self, response):
        yield Page(url=response.url, file_urls=[response.url] if FILES else [])
"""
SETTINGS = """
BOT_NAME = "rules"
SPIDER_MODULES = ["rules.spiders"]
CONCURRENT_REQUESTS = 4
DOWNLOAD_DELAY = 0.03
LOG_LEVEL = "INFO"
"""
IN_REDIS = """
SCHEDULER_QUEUE_CLASS = "aioscrapy.queue.redis.SpiderPriorityQueue"
REDIS_ARGS = {{"queue": {{"url": "{url}"}}}}
SCHEDULER_LEASE = 1.0
SCHEDULER_HEARTBEAT = 0.2
ITEMS_IN_REDIS = True
"""
ON_DISK = """
JOBDIR = "job"
FEEDS = {"items.jl": {"format": "jsonlines"}}
"""
WITH_FILES = """
ITEM_PIPELINES = {"scrapy.pipelines.files.FilesPipeline": 1}
FILES_STORE = "files"
"""


def write_project(folder: Path, site: Site, settings: str, *, files: bool = False) -> None:
    site.reset()
    package = folder / "rules"
    package.mkdir()
    (folder / "scrapy.cfg").write_text("[settings]\ndefault = rules.settings\n")
    (package / "__init__.py").touch()
    (package / "settings.py").write_text(SETTINGS + settings)
    (package / "spiders.py").write_text(SPIDER.replace("SITE", site.url).replace("FILES", str(files)))


def start(folder: Path, number: int) -> "subprocess.Popen[bytes]":
    with (folder / f"{number}.log").open("wb") as log:
        command = [sys.executable, "-m", "aioscrapy", "crawl", "rules"]
        return subprocess.Popen(command, cwd=folder, env=child_environment(), stdout=log, stderr=log)


async def until(condition: Callable[[], Any]) -> None:
    deadline = time.monotonic() + LONGEST_S
    while not condition():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.02)


async def kill(process: "subprocess.Popen[bytes]", when: Callable[[], Any]) -> None:
    """Kill a process in the middle of its crawl."""
    await until(when)
    assert process.poll() is None
    os.kill(process.pid, signal.SIGKILL)
    process.wait()


def pages(site: Site) -> Counter[str]:
    return Counter(site.urls - {f"{site.url}/"})


@pytest.mark.server
async def test_a_crawl_spider_of_two_workers_has_each_item_once_though_one_is_killed(
    tmp_path: Path, redis_server: RedisServer, redis_url: str, site: Site
) -> None:
    write_project(tmp_path, site, IN_REDIS.format(url=redis_url))
    workers = [start(tmp_path, number) for number in range(2)]
    await kill(workers[0], lambda: len(site.counts()) > 15)
    assert await asyncio.to_thread(workers[1].wait, LONGEST_S) == 0, (tmp_path / "1.log").read_text()
    lines = aioscrapy(tmp_path, "items", "rules", "-o", "items.jl")
    assert lines.returncode == 0, lines.stderr
    assert Counter(item["url"] for item in json_lines(tmp_path / "items.jl")) == pages(site)


@pytest.mark.server
@pytest.mark.parametrize("files", [False, True])
async def test_a_killed_crawl_continues_from_its_jobdir_with_each_item_and_file_once(
    files: bool, tmp_path: Path, site: Site
) -> None:
    write_project(tmp_path, site, ON_DISK + (WITH_FILES if files else ""), files=files)
    stored = tmp_path / "files" / "full"
    enough = (lambda: stored.exists() and len([*stored.iterdir()]) > 5) if files else None
    await kill(start(tmp_path, 0), enough or (lambda: len(site.counts()) > 15))
    assert (tmp_path / "items.jl").read_text().count("\n") < len(pages(site))
    second = start(tmp_path, 1)
    assert await asyncio.to_thread(second.wait, LONGEST_S) == 0, (tmp_path / "1.log").read_text()
    items = json_lines(tmp_path / "items.jl")
    assert Counter(item["url"] for item in items) == pages(site)
    for item in items if files else ():
        (file,) = item["files"]
        content = (tmp_path / "files" / file["path"]).read_bytes()
        assert hashlib.md5(content).hexdigest() == file["checksum"]
        assert file["status"] in ("downloaded", "uptodate")
    if files:
        expected = {hashlib.sha1(url.encode()).hexdigest() for url in pages(site)}
        assert {path.stem for path in stored.iterdir()} == expected
