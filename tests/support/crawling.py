"""Crawls as tests run them: in this process, or as a script in a process of its own."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any, Self

from aioscrapy import signals
from aioscrapy.crawler import Crawler
from aioscrapy.http import Request
from aioscrapy.spiders import Spider
from support import child_environment

LONGEST_S = 30.0  # seconds that a crawl of a test may take at the most
QUIET = {"LOGSTATS_INTERVAL": 0, "STATS_DUMP": False}


class SiteSpider(Spider):
    """Starts at `paths` of `site`, and gives each response's path as an item."""

    name = "tested"
    site: str
    paths: tuple[str, ...] = ("/",)

    async def start_requests(self) -> Any:
        for path in self.paths:
            yield self.request(path)

    def request(self, path: str, **arguments: Any) -> Request:
        return Request(self.site + path, **arguments)

    def parse(self, response: Any) -> Any:
        yield {"path": self.path_of(response.url)}

    def path_of(self, url: str) -> str:
        return url.removeprefix(self.site)


class Everything(SiteSpider):
    """Follows every link."""

    def parse(self, response: Any) -> Any:
        yield {"path": self.path_of(response.url), "title": response.css("title::text").get()}
        for href in response.css("a::attr(href)"):
            yield Request(response.urljoin(href), callback=self.parse)


class Crawled:
    """What came of a crawl."""

    def __init__(self, crawler: Crawler) -> None:
        self.crawler = crawler
        self.items: list[Any] = []
        crawler.signals.connect(self._scraped, signals.item_scraped)

    def _scraped(self, item: Any) -> None:
        self.items.append(item)

    @property
    def reason(self) -> str:
        return self.crawler.reason

    @property
    def spider(self) -> Any:
        return self.crawler.spider

    def stat(self, name: str) -> Any:
        return self.crawler.stats.get_value(name, 0)


async def crawl(spider_class: Any, settings: dict[str, Any] | None = None, **arguments: Any) -> Crawled:
    """Crawl in this process, to the end."""
    crawled = Crawled(Crawler(spider_class, {**QUIET, **(settings or {})}))
    async with asyncio.timeout(LONGEST_S):
        await crawled.crawler.crawl(**arguments)
    return crawled


class Script:
    """A spider's script in a process of its own, whose log is a file.

    `source` may use NAME for each of `names`; it imports what it needs.
    """

    def __init__(self, folder: Path, source: str, **names: Any) -> None:
        self.log_file = folder / "crawl.log"
        self.folder = folder
        self._path = folder / "script.py"
        values = "".join(f"{name} = {value!r}\n" for name, value in names.items())
        self._path.write_text(values + source, encoding="utf-8")
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def log(self) -> str:
        return self.log_file.read_text(encoding="utf-8")

    def start(self) -> Self:
        with self.log_file.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, str(self._path)],
                cwd=self.folder,
                env=child_environment(PYTHONUNBUFFERED="1"),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        return self

    def send(self, number: signal.Signals) -> None:
        os.kill(self.pid, number)

    def wait(self, timeout_s: float = LONGEST_S) -> int:
        """Return the exit status."""
        assert self._process is not None
        return self._process.wait(timeout_s)

    def run(self) -> int:
        return self.start().wait()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *ignored: object) -> None:
        assert self._process is not None
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()


def json_lines(path: Path) -> list[Any]:
    """Return what stands in a feed of JSON lines; [] where there is no file."""
    if not path.exists():
        return []
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line]
