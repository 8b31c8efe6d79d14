"""Crawls as processes: scripts, signals, several spiders at once, and JOBDIR over stops and kills."""

import asyncio
import os
import signal
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from aioscrapy.crawler import Crawler
from aioscrapy.exceptions import ConfigError, SettingError
from aioscrapy.process import CrawlerProcess
from aioscrapy.runners import AsyncCrawlerProcess
from support.crawling import LONGEST_S, QUIET, Script, SiteSpider, json_lines
from support.redis import RedisServer
from support.site import Site

EVERYTHING = """
from aioscrapy import Request, Spider

class Everything(Spider):
    name = "everything"
    start_urls = [START]
    custom_settings = SETTINGS

    async def parse(self, response):
        yield {"url": response.url}
        for href in response.css("a::attr(href)"):
            yield Request(response.urljoin(href), callback=self.parse)

Everything.start()
"""
BLOCKED = """
import time
from aioscrapy import Spider

class Blocked(Spider):
    name = "blocked"
    start_urls = [START]

    async def parse(self, response):
        self.logger.info("now it blocks")
        time.sleep(60)

Blocked.start()
"""
DOUBLE = """
from aioscrapy import CrawlerProcess, Spider

class One(Spider):
    name = "one"
    start_urls = [START + "/page/1", START + "/slow/0.5"]
    async def parse(self, response):
        yield {"from": self.name, "url": response.url}

class Two(Spider):
    name = "two"
    start_urls = [START + "/page/2"]
    async def parse(self, response):
        yield {"from": self.name, "url": response.url}

process = CrawlerProcess(SETTINGS)
process.crawl(One)
process.crawl(Two)
process.start()
"""


def everything(folder: Path, site: Site, path: str = "/", **settings: Any) -> Script:
    feeds = {str(folder / "items.jl"): {"format": "jsonlines"}}
    return Script(folder, EVERYTHING, START=site.url + path, SETTINGS={"FEEDS": feeds, **settings})


def until(true: Callable[[], object], what: str) -> None:
    """Wait for another process to get somewhere."""
    deadline = time.monotonic() + LONGEST_S
    while not true():
        assert time.monotonic() < deadline, f"{what} did not happen"
        time.sleep(0.02)


def test_a_script_crawls_and_ends_with_status_0(tmp_path: Path, site: Site) -> None:
    script = everything(tmp_path, site)
    assert script.run() == 0
    assert site.counts() == dict.fromkeys((url.removeprefix(site.url) for url in site.urls), 1)
    assert {item["url"] for item in json_lines(tmp_path / "items.jl")} == site.urls
    assert "Spider closed (finished)" in script.log
    assert "'item_scraped_count': 61" in script.log


def test_a_setting_that_can_not_be_used_ends_a_script_with_one_line(tmp_path: Path, site: Site) -> None:
    script = everything(tmp_path, site, SCHEDULER_QUEUE_CLASS="no.such.Queue", LOG_ENABLED=False)
    assert script.run() == 1
    assert script.log.count("\n") == 1
    assert "SCHEDULER_QUEUE_CLASS" in script.log


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_one_signal_ends_a_crawl_although_a_page_hangs(
    tmp_path: Path, site: Site, number: signal.Signals
) -> None:
    with everything(tmp_path, site, "/hang", SHUTDOWN_TIMEOUT=0.5) as script:
        until(lambda: site.counts().get("/hang"), "the first request")
        began = time.monotonic()
        script.send(number)
        assert script.wait() == 0
        assert time.monotonic() - began < 2.5
        assert f"Received {number.name}, shutting down gracefully" in script.log
        assert "Spider closed (shutdown)" in script.log


def test_one_signal_ends_a_crawl_within_ten_seconds_by_default(tmp_path: Path, site: Site) -> None:
    with everything(tmp_path, site, "/hang") as script:
        until(lambda: site.counts().get("/hang"), "the first request")
        began = time.monotonic()
        script.send(signal.SIGINT)
        assert script.wait() == 0
        assert time.monotonic() - began < 10


def test_a_second_signal_ends_it_within_a_second(tmp_path: Path, site: Site) -> None:
    with everything(tmp_path, site, "/hang") as script:
        until(lambda: site.counts().get("/hang"), "the first request")
        script.send(signal.SIGINT)
        until(lambda: "Received SIGINT, " in script.log, "the first signal")
        began = time.monotonic()
        script.send(signal.SIGINT)
        script.wait()
        assert time.monotonic() - began < 1
        assert "Received SIGINT twice, forcing unclean shutdown" in script.log


def test_a_second_signal_ends_even_a_callback_that_blocks(tmp_path: Path, site: Site) -> None:
    with Script(tmp_path, BLOCKED, START=f"{site.url}/page/1") as script:
        until(lambda: "now it blocks" in script.log, "the callback")
        script.send(signal.SIGINT)
        time.sleep(0.2)
        began = time.monotonic()
        script.send(signal.SIGINT)
        assert script.wait(5) == 1
        assert time.monotonic() - began < 1.2


def test_a_signal_ends_a_crawl_whose_redis_is_away(tmp_path: Path, site: Site) -> None:
    with RedisServer(tmp_path / "redis") as server:
        queue = {"url": server.url}
        settings = {
            "SCHEDULER_QUEUE_CLASS": "aioscrapy.queue.redis.SpiderPriorityQueue",
            "SHUTDOWN_TIMEOUT": 1.0,
            "REDIS_ARGS": {"queue": queue},
        }
        with everything(tmp_path, site, "/hang", **settings) as script:
            until(lambda: site.counts().get("/hang"), "the first request")
            server.kill()
            until(lambda: "Waiting for the frontier" in script.log, "the loss of Redis")
            began = time.monotonic()
            script.send(signal.SIGINT)
            assert script.wait() == 0
            assert time.monotonic() - began < 10


@pytest.mark.parametrize("backend", ["memory", "redis"])
def test_two_spiders_crawl_in_one_process(tmp_path: Path, site: Site, backend: str, redis_url: str) -> None:
    settings: dict[str, Any] = {"FEEDS": {str(tmp_path / "%(name)s.jl"): {"format": "jsonlines"}}}
    if backend == "redis":
        settings["SCHEDULER_QUEUE_CLASS"] = "aioscrapy.queue.redis.SpiderPriorityQueue"
        settings["REDIS_ARGS"] = {"queue": {"url": redis_url}}
    script = Script(tmp_path, DOUBLE, START=site.url, SETTINGS=settings)
    assert script.run() == 0
    assert len(json_lines(tmp_path / "one.jl")) == 2
    assert len(json_lines(tmp_path / "two.jl")) == 1
    assert script.log.count("Spider closed (finished)") == 2
    assert "ERROR" not in script.log
    assert "Waiting for the frontier" not in script.log


# -- CRAWL_PROCESSES: two worker processes, or one line that says why not

PARTS = """
import os
from aioscrapy import Crawler, CrawlerProcess, Request, Spider
from aioscrapy.process import single_process_run
from aioscrapy.settings import Settings

class Everything(Spider):
    name = "everything"
    start_urls = [START + "/"]

    async def parse(self, response):
        yield {"url": response.url, "pid": os.getpid()}
        for href in response.css("a::attr(href)"):
            yield Request(response.urljoin(href), callback=self.parse)

process = CrawlerProcess(SETTINGS)
"""
STARTS = {
    "Spider.start": "Everything.custom_settings = SETTINGS\nEverything.start()",
    "CrawlerProcess": "process.crawl(Everything)\nprocess.start()",
    "single_process_run": "single_process_run((Everything, Settings(SETTINGS)))",
}
REFUSED = {
    "two crawls": "process.crawl(Everything)\nprocess.crawl(Everything)\nprocess.start()",
    "a Crawler": "process.crawl(Crawler(Everything, SETTINGS))",
    "positional arguments": "process.crawl(Everything, 'name')",
}


def in_two_processes(folder: Path, site: Site, lines: str) -> Script:
    feeds = {str(folder / "items.jl"): {"format": "jsonlines"}}
    settings = {"CRAWL_PROCESSES": 2, "FEEDS": feeds}
    return Script(folder, PARTS + lines, START=site.url, SETTINGS=settings)


@pytest.mark.parametrize("start", STARTS.values(), ids=STARTS)
def test_every_way_to_start_a_crawl_honours_crawl_processes(tmp_path: Path, site: Site, start: str) -> None:
    script = in_two_processes(tmp_path, site, start)
    assert script.run() == 0, script.log
    items = json_lines(tmp_path / "items.jl")
    assert Counter(item["url"] for item in items) == Counter(site.urls)
    assert "2 worker processes" in script.log
    assert script.pid not in {item["pid"] for item in items}


@pytest.mark.parametrize("start", REFUSED.values(), ids=REFUSED)
def test_a_crawl_that_several_processes_can_not_do_is_refused(tmp_path: Path, site: Site, start: str) -> None:
    script = in_two_processes(tmp_path, site, start)
    assert script.run() == 1
    assert "ConfigError: CRAWL_PROCESSES is above 1" in script.log
    assert not site.counts()


FORKED = """
import os
import signal
from pathlib import Path
from aioscrapy import Spider
from aioscrapy.process import multi_process_run

class One(Spider):
    name = "one"
    start_urls = [START]
    custom_settings = SETTINGS

    async def parse(self, response):
        pass

if __name__ == "__main__":
    before = signal.getsignal(signal.SIGTERM)
    multi_process_run((One, None))
    assert signal.getsignal(signal.SIGTERM) is before
    os.kill(os.getpid(), signal.SIGTERM)
    print("still alive after SIGTERM")
"""


def test_a_script_gets_sigterm_back_from_multi_process_run(tmp_path: Path, site: Site) -> None:
    script = Script(tmp_path, FORKED, START=f"{site.url}/page/1", SETTINGS=QUIET)
    assert script.run() == -signal.SIGTERM, script.log


# -- CrawlerProcess in this process


def test_a_process_gives_its_crawlers_back(site: Site) -> None:
    process = CrawlerProcess({**QUIET, "LOG_ENABLED": False})
    made = process.crawl(SiteSpider, site=site.url)
    process.crawl(Crawler(SiteSpider, {**QUIET}), site=site.url, paths=("/page/1",))
    process.start()
    assert process.crawlers[0] is made
    assert [crawler.stats.get_value("item_scraped_count") for crawler in process.crawlers] == [1, 1]
    assert [crawler.reason for crawler in process.crawlers] == ["finished", "finished"]


@pytest.mark.parametrize("cls", [CrawlerProcess, AsyncCrawlerProcess])
def test_a_process_leaves_the_log_to_the_program(cls: Any, site: Site, capsys: Any) -> None:
    process = cls(QUIET, install_root_handler=False)
    process.crawl(SiteSpider, site=site.url)
    process.start()
    assert "Spider closed" not in capsys.readouterr().err
    assert process.crawlers[0].reason == "finished"


CHAINED = """
import sys
from aioscrapy.doors.scrapy import serve_scrapy
serve_scrapy()
if TWISTED:
    from twisted.internet import defer
import scrapy
from scrapy.crawler import CrawlerProcess

class A(scrapy.Spider):
    name = "a"
    start_urls = ["data:,x"]
    def parse(self, response):
        print("parse", self.name)

class B(A):
    name = "b"

class C(A):
    name = "c"

def chain(spiders):
    print("plan", spiders[0].name)
    planned = process.crawl(spiders[0])
    if len(spiders) > 1:
        planned.addCallback(lambda result, left: chain(left), spiders[1:])
        planned.addBoth(print, "behind all")
    return planned

def fail(result):
    raise ValueError("of the callback")

process = CrawlerProcess({"LOG_LEVEL": "CRITICAL"}, install_root_handler=False)
if TWISTED:
    @defer.inlineCallbacks
    def one_by_one():
        for spider in (A, B):
            yield process.crawl(spider)
        yield chain([B, C])
        print("end of the generator")
    one_by_one()
else:
    chain([A, B, C])
    process.crawl(B).addCallback(fail).addErrback(lambda failure: print(failure.getErrorMessage()))
process.start()
print(len(process.crawlers), process.bootstrap_failed)
"""
PLAIN = """plan a
parse a
parse b
of the callback
plan b
parse b
plan c
parse c
None behind all
None behind all
4 False
"""
WITH_TWISTED = """parse a
parse b
plan b
parse b
plan c
parse c
None behind all
end of the generator
4 False
"""


@pytest.mark.server
@pytest.mark.parametrize(("twisted", "output"), [(False, PLAIN), (True, WITH_TWISTED)])
def test_a_script_plans_crawls_one_behind_the_other(tmp_path: Path, twisted: bool, output: str) -> None:
    script = Script(tmp_path, CHAINED, TWISTED=twisted)
    assert script.run() == 0
    assert sorted(script.log.splitlines()) == sorted(output.splitlines())
    assert script.log.splitlines()[-4:] == output.splitlines()[-4:]


def test_the_error_of_a_callback_ends_a_process(site: Site) -> None:
    def fail(result: Any) -> None:
        raise ValueError("of the callback")

    process = CrawlerProcess({**QUIET, "LOG_ENABLED": False})
    process.crawl(SiteSpider, site=site.url).addCallback(fail)
    with pytest.raises(ValueError, match="of the callback"):
        process.start()
    assert process.crawlers[0].reason == "finished"


def test_the_first_error_of_a_process_is_raised(site: Site) -> None:
    process = CrawlerProcess({**QUIET, "LOG_ENABLED": False})
    process.crawl(SiteSpider, site=site.url)
    process.crawl(Crawler(SiteSpider, {**QUIET, "DUPEFILTER_CLASS": "no.such.Filter"}), site=site.url)
    with pytest.raises(SettingError, match="DUPEFILTER_CLASS"):
        process.start()
    assert process.crawlers[0].reason == "finished"


def test_a_crawl_that_can_not_begin_leaves_nothing_open(site: Site, tmp_path: Path) -> None:
    settings = {**QUIET, "LOG_ENABLED": False, "JOBDIR": str(tmp_path / "job")}
    process = CrawlerProcess({**settings, "ITEM_PIPELINES": {"no.such.Pipeline": 1}})
    process.crawl(SiteSpider, site=site.url)
    with pytest.raises(ConfigError, match="ITEM_PIPELINES"):
        process.start()
    again = CrawlerProcess(settings)  # its JOBDIR is free
    again.crawl(SiteSpider, site=site.url)
    again.start()
    assert again.crawlers[0].reason == "finished"


def test_a_process_waits_for_further_crawls_until_it_is_stopped(site: Site) -> None:
    class First(SiteSpider):
        def parse(self, response: Any) -> Any:
            process.crawl(Second, site=site.url)

    class Second(SiteSpider):
        def parse(self, response: Any) -> Any:
            asyncio.get_running_loop().call_later(0.05, process.stop)

    process = CrawlerProcess({**QUIET, "LOG_ENABLED": False})
    process.crawl(First, site=site.url)
    process.start(stop_after_crawl=False)
    assert [crawler.reason for crawler in process.crawlers] == ["finished", "finished"]


# -- what is loaded


FROZEN = """
import asyncio, gc
from aioscrapy import CrawlerProcess, Spider
from aioscrapy.runners import AsyncCrawlerRunner

class Frozen(Spider):
    name = "frozen"
    start_urls = [START]
    async def parse(self, response):
        yield {"frozen": gc.get_freeze_count() > 10_000 and gc.get_threshold() == before}

before = gc.get_threshold()

async def in_a_loop_of_the_program():
    await AsyncCrawlerRunner(SETTINGS).crawl(Frozen)

asyncio.run(in_a_loop_of_the_program())
for _ in range(2):
    process = CrawlerProcess(SETTINGS)
    process.crawl(Frozen)
    process.start()
    frozen = gc.get_freeze_count()
assert gc.get_freeze_count() == frozen
assert gc.get_threshold() == before
"""


def test_the_collector_passes_over_what_is_loaded_in_a_process_of_ours(tmp_path: Path, site: Site) -> None:
    feeds = {str(tmp_path / "items.jl"): {"format": "jsonlines"}}
    script = Script(tmp_path, FROZEN, START=f"{site.url}/page/1", SETTINGS={**QUIET, "FEEDS": feeds})
    assert script.run() == 0, script.log
    assert [item["frozen"] for item in json_lines(tmp_path / "items.jl")] == [False, True, True]


SHARED_IMPORTS = """
import os, sys
from aioscrapy import CrawlerProcess, Spider

loaded = set()
os.register_at_fork(before=lambda: loaded.update(sys.modules))

class Late(Spider):
    name = "late"
    start_urls = [START]
    async def parse(self, response):
        response.css("a::attr(href)").get()
        yield {"late": sorted(set(sys.modules) - loaded)}

process = CrawlerProcess(SETTINGS)
process.crawl(Late)
process.start()
"""


def test_a_worker_process_loads_no_library_again(tmp_path: Path, site: Site) -> None:
    feeds = {str(tmp_path / "items.jl"): {"format": "jsonlines"}}
    settings = {**QUIET, "FEEDS": feeds, "CRAWL_PROCESSES": 2}
    script = Script(tmp_path, SHARED_IMPORTS, START=f"{site.url}/page/1", SETTINGS=settings)
    assert script.run() == 0, script.log
    (item,) = json_lines(tmp_path / "items.jl")
    assert len(item["late"]) < 10, item


LEAN = """
import sys
from aioscrapy import Spider

LATE = {"aioscrapy.exporters.csv_items", "aioscrapy.exporters.python_items", "aioscrapy.exporters.xml_items"}

class Lean(Spider):
    name = "lean"
    start_urls = [START]
    custom_settings = SETTINGS
    async def parse(self, response):
        loaded = {name.partition(".")[0] for name in sys.modules} | LATE.intersection(sys.modules)
        yield {"unused": sorted(loaded & {"itemadapter", "itemloaders", "lxml", "parsel", "sqlite3", *LATE})}

Lean.start()
"""


def test_a_crawl_does_not_load_what_it_does_not_use(tmp_path: Path, site: Site) -> None:
    feeds = {str(tmp_path / "items.jl"): {"format": "jsonlines"}}
    script = Script(tmp_path, LEAN, START=f"{site.url}/page/1", SETTINGS={**QUIET, "FEEDS": feeds})
    assert script.run() == 0, script.log
    assert json_lines(tmp_path / "items.jl") == [{"unused": []}]


# -- JOBDIR


def test_a_crawl_goes_on_where_it_was_stopped(tmp_path: Path, site: Site) -> None:
    settings: dict[str, Any] = {
        "JOBDIR": str(tmp_path / "job"),
        "DOWNLOAD_DELAY": 0.02,
        "CONCURRENT_REQUESTS": 4,
    }
    feed = tmp_path / "items.jl"
    stops = 0
    while True:
        done = len(json_lines(feed))
        with everything(tmp_path, site, **settings) as script:
            if stops < 3:
                until(lambda: len(json_lines(feed)) >= done + 5, "five more items")  # noqa: B023 ended before the next
                script.send(signal.SIGINT)
                stops += 1
            assert script.wait() == 0
        if "Spider closed (finished)" in script.log:
            break
    assert stops == 3
    assert "Resuming the crawl" in script.log
    assert Counter(item["url"] for item in json_lines(feed)) == Counter(site.urls)
    assert set(site.counts().values()) == {1}


def test_a_crawl_goes_on_where_it_was_killed(tmp_path: Path, site: Site) -> None:
    settings: dict[str, Any] = {
        "JOBDIR": str(tmp_path / "job"),
        "DOWNLOAD_DELAY": 0.02,
        "CONCURRENT_REQUESTS": 4,
    }
    feed = tmp_path / "items.jl"
    kills = 3
    for _ in range(kills):
        done = len(json_lines(feed))
        with everything(tmp_path, site, **settings) as script:
            until(lambda: len(json_lines(feed)) >= done + 5, "five more items")  # noqa: B023 ended before the next
            script.send(signal.SIGKILL)
            assert script.wait() == -signal.SIGKILL
    assert everything(tmp_path, site, **settings).run() == 0
    assert Counter(item["url"] for item in json_lines(feed)) == Counter(site.urls)
    assert site.counts().keys() == {url.removeprefix(site.url) for url in site.urls}


def test_a_finished_jobdir_starts_anew(tmp_path: Path, site: Site) -> None:
    for run in (1, 2):
        assert everything(tmp_path, site, JOBDIR=str(tmp_path / "job")).run() == 0
        assert set(site.counts().values()) == {run}


def test_no_process_of_ours_is_left(tmp_path: Path, site: Site) -> None:
    script = everything(tmp_path, site)
    assert script.run() == 0
    with pytest.raises(ProcessLookupError):
        os.kill(script.pid, 0)
