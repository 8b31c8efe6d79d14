"""What projects do with Twisted's reactor: a database in threads, a timer, a call in a thread."""

import json
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from support import child_environment
from support.site import Site

_SPIDER = """
import os
import threading

import scrapy
from scrapy import signals
from scrapy.utils.defer import maybe_deferred_to_future
from twisted.enterprise import adbapi
from twisted.internet import reactor, task, threads


class Database:
    '''The way of most projects with MySQL: nobody waits for the insert.'''

    def __init__(self):
        self.pool = adbapi.ConnectionPool("sqlite3", "items.db", check_same_thread=False, cp_max=1)

    def process_item(self, item, spider):
        query = self.pool.runInteraction(self.insert, item["url"])
        query.addErrback(lambda failure: spider.logger.error("insert: %s", failure))
        return item

    def insert(self, cursor, url):
        cursor.execute("INSERT INTO items VALUES (?)", (url,))


class Waiting:
    '''Waits for a thread.'''

    def process_item(self, item, spider):
        return threads.deferToThread(self.work, item)

    def work(self, item):
        item["thread"] = threading.current_thread() is not threading.main_thread()
        return item


class Ticks:
    '''An extension with a timer, as Scrapy's own were written.'''

    @classmethod
    def from_crawler(cls, crawler):
        ticks = cls()
        ticks.stats = crawler.stats
        crawler.signals.connect(ticks.opened, signals.spider_opened)
        crawler.signals.connect(ticks.closed, signals.spider_closed)
        return ticks

    def opened(self):
        self.task = task.LoopingCall(self.stats.inc_value, "ticks")
        self.task.start(0.02)

    def closed(self):
        self.task.stop()


reactor.callWhenRunning(print, "the reactor runs")


class Old(scrapy.Spider):
    name = "old"
    custom_settings = {
        "ITEM_PIPELINES": {Waiting: 100, Database: 200},
        "EXTENSIONS": {Ticks: 100},
    }

    async def start(self):
        for number in range(1, 7):
            yield scrapy.Request(f"{self.site}/page/{number}")

    async def parse(self, response):
        await maybe_deferred_to_future(task.deferLater(reactor, 0.05, lambda: None))
        yield {"url": response.url, "ticks": self.crawler.stats.get_value("ticks")}
"""


@pytest.mark.server
@pytest.mark.parametrize("processes", [1, 2])
def test_the_reactor_of_a_project_runs_in_the_crawl(processes: int, tmp_path: Path, site: Site) -> None:
    (tmp_path / "old.py").write_text(_SPIDER, "utf-8")
    with sqlite3.connect(tmp_path / "items.db") as database:
        database.execute("CREATE TABLE items (url)")
    command = ["runspider", "old.py", "-o", "items.jl", "-a", f"site={site.url}"]
    done = subprocess.run(
        [sys.executable, "-m", "aioscrapy", *command, *(["--processes", "2"] if processes > 1 else [])],
        cwd=tmp_path,
        env=child_environment(),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("the reactor runs") == processes
    items = [json.loads(line) for line in (tmp_path / "items.jl").read_text("utf-8").splitlines()]
    assert len(items) == 6
    assert all(item["thread"] for item in items)
    assert max(item["ticks"] for item in items) > 1
    with sqlite3.connect(tmp_path / "items.db") as database:
        rows = [url for (url,) in database.execute("SELECT url FROM items")]
    assert sorted(rows) == sorted(item["url"] for item in items)


_HELLO = """
from aioscrapy.doors.scrapy import serve_scrapy
serve_scrapy()
import scrapy
from scrapy.crawler import AsyncCrawlerRunner, CrawlerRunner
from scrapy.utils.defer import deferred_f_from_coro_f
from scrapy.utils.reactor import install_reactor


class Hello(scrapy.Spider):
    name = "hello"
    start_urls = ["data:,hello"]

    def parse(self, response):
        print(response.text)


"""
_RUN = """
from twisted.internet import reactor

CrawlerRunner({"LOG_LEVEL": "ERROR"}).crawl(Hello).addBoth(lambda _: reactor.stop())
reactor.run()
print("end")
"""
_REACT = """
from twisted.internet.task import react


@deferred_f_from_coro_f
async def main(reactor):
    await AsyncCrawlerRunner({"LOG_LEVEL": "ERROR"}).crawl(Hello)
    print("end")


install_reactor("twisted.internet.asyncioreactor.AsyncioSelectorReactor")
react(main)
"""


_INSTALLED = """
install_reactor("twisted.internet.asyncioreactor.AsyncioSelectorReactor", "asyncio.SelectorEventLoop")
settings = {"LOG_LEVEL": "ERROR", "ASYNCIO_EVENT_LOOP": "asyncio.SelectorEventLoop"}
crawl = CrawlerRunner(settings).crawl(Hello)

from twisted.internet import reactor

crawl.addBoth(lambda _: reactor.stop())
reactor.run()
print("end")
"""


@pytest.mark.server
@pytest.mark.parametrize("script", [_RUN, _REACT, _INSTALLED])
def test_a_script_may_run_the_reactor_itself(script: str, tmp_path: Path) -> None:
    (tmp_path / "script.py").write_text(_HELLO + script)
    command = [sys.executable, "script.py"]
    done = subprocess.run(
        command, cwd=tmp_path, env=child_environment(), capture_output=True, text=True, timeout=60
    )
    assert done.stdout == "hello\nend\n", done.stderr
