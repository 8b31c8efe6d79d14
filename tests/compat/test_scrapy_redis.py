"""Projects of scrapy-redis: their spiders, settings and keys on the shared frontier."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from aioscrapy.exceptions import ConfigError
from aioscrapy.scrapy_redis.spiders import RedisSpider
from aioscrapy.scrapy_redis_settings import understand_scrapy_redis
from aioscrapy.settings import Settings
from support import child_environment
from support.commands import aioscrapy
from support.crawling import Crawled, crawl
from support.redis import RedisServer
from support.site import Site

LONGEST_S = 40.0


@pytest.fixture
def redis(redis_server: RedisServer, redis_url: str) -> Any:
    with redis_server.client(decode_responses=True) as client:
        yield client


def settings_of(url: str, **settings: Any) -> dict[str, Any]:
    """Return settings as a project of scrapy-redis has them."""
    return {
        "SCHEDULER": "scrapy_redis.scheduler.Scheduler",
        "DUPEFILTER_CLASS": "scrapy_redis.dupefilter.RFPDupeFilter",
        "REDIS_URL": url,
        "MAX_IDLE_TIME_BEFORE_CLOSE": 0.5,
        "SCHEDULER_HEARTBEAT": 0.2,
        **settings,
    }


class Paths(RedisSpider):
    name = "paths"

    def parse(self, response: Any) -> Any:
        return {"url": response.url, "method": response.request.method, "meta": response.meta.get("n")}


async def crawl_paths(url: str, spider_class: type = Paths, **settings: Any) -> Crawled:
    return await crawl(spider_class, settings_of(url, **settings))


@pytest.mark.parametrize("kind", ["list", "set", "zset"])
async def test_urls_and_json_in_a_key_of_any_kind_are_crawled(
    kind: str, redis: Any, redis_url: str, site: Site
) -> None:
    form = json.dumps({"url": f"{site.url}/echo", "method": "post", "meta": {"n": 3}, "a": "1"})
    data = [f"{site.url}/page/1", f"{site.url}/page/1", form]
    if kind == "list":
        redis.lpush("paths:start_urls", *data)
    elif kind == "set":
        redis.sadd("paths:start_urls", *data)
    else:
        redis.zadd("paths:start_urls", {datum: len(datum) for datum in data})
    crawled = await crawl_paths(redis_url)
    assert crawled.reason == "finished"
    pages = Counter(
        (item["url"].removeprefix(site.url), item["method"], item["meta"]) for item in crawled.items
    )
    assert pages == {("/page/1", "GET", None): 2 if kind == "list" else 1, ("/echo", "POST", 3): 1}
    assert redis.exists("paths:start_urls") == 0


async def test_more_urls_may_come_while_the_crawl_runs(redis: Any, redis_url: str, site: Site) -> None:
    class Growing(Paths):
        redis_key = "%(name)s:more"

        async def parse(self, response: Any) -> Any:
            if response.url.endswith("/page/1"):
                redis.rpush("paths:more", f"{site.url}/page/2")
            yield {"url": response.url}

    redis.lpush("paths:more", f"{site.url}/page/1")
    crawled = await crawl_paths(redis_url, Growing)
    assert [item["url"] for item in crawled.items] == [f"{site.url}/page/{n}" for n in (1, 2)]


async def test_a_bad_datum_becomes_a_dead_letter_and_the_others_go_on(
    redis: Any, redis_url: str, site: Site, tmp_path: Path
) -> None:
    redis.rpush("paths:start_urls", "no url", '{"id": 1}', f"{site.url}/page/1")
    crawled = await crawl_paths(redis_url)
    assert [item["url"] for item in crawled.items] == [f"{site.url}/page/1"]
    assert crawled.stat("scrapy_redis/start_data_failed") == 2
    failed = aioscrapy(tmp_path, "failed", "paths", "--redis", redis_url).stdout
    assert "start datum: no url" in failed
    assert 'start datum: {"id": 1}' in failed


async def test_a_key_of_another_type_is_not_a_finished_crawl(redis: Any, redis_url: str) -> None:
    redis.set("paths:start_urls", "http://127.0.0.1:9/")
    crawled = await crawl_paths(redis_url, MAX_IDLE_TIME_BEFORE_CLOSE=0)
    assert (crawled.reason, crawled.crawler.end and crawled.crawler.end.exit_status) == ("start_failed", 1)
    assert "'paths:start_urls' is a string, not a list" in str(crawled.crawler.end)


async def test_a_spider_makes_its_own_requests(redis: Any, redis_url: str, site: Site) -> None:
    class Own(Paths):
        def make_request_from_data(self, data: bytes) -> Any:
            number = int(data)
            urls = [f"{site.url}/page/{n}" for n in range(number)]
            return [super(Own, self).make_request_from_data(url.encode()) for url in urls[1:]] or None

    redis.rpush("paths:start_urls", 0, 3)
    crawled = await crawl_paths(redis_url, Own)
    assert sorted(item["url"] for item in crawled.items) == [f"{site.url}/page/{n}" for n in (1, 2)]
    assert crawled.spider.server.ping()


async def test_items_go_to_the_list_that_other_programs_read(redis: Any, redis_url: str, site: Site) -> None:
    redis.lpush("paths:start_urls", f"{site.url}/page/1")
    pipelines = {"aioscrapy.scrapy_redis.pipelines.RedisPipeline": 300}
    await crawl_paths(redis_url, ITEM_PIPELINES=pipelines)
    assert [json.loads(item)["url"] for item in redis.lrange("paths:items", 0, -1)] == [f"{site.url}/page/1"]


async def test_what_is_not_called_here_is_refused(redis_url: str) -> None:
    class Old(Paths):
        def next_requests(self) -> Any:
            return []

    with pytest.raises(ConfigError, match=r"Old\.next_requests is not called here"):
        await crawl_paths(redis_url, Old)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"SCHEDULER": "scrapy_redis.scheduler.Scheduler"}, ("SpiderPriorityQueue", None)),
        (
            {
                "SCHEDULER": "scrapy_redis.scheduler.Scheduler",
                "SCHEDULER_QUEUE_CLASS": "scrapy_redis.queue.LifoQueue",
                "DUPEFILTER_CLASS": "scrapy_redis.dupefilter.RFPDupeFilter",
            },
            ("SpiderStack", "RFPDupeFilter"),
        ),
        (
            {"DUPEFILTER_CLASS": "aioscrapy_redis.dupefilter.RFPDupeFilter"},
            ("SpiderPriorityQueue", "RFPDupeFilter"),
        ),
        (
            {
                "SCHEDULER": "scrapy_redis_bloomfilter.scheduler.Scheduler",
                "DUPEFILTER_CLASS": "scrapy.dupefilters.BaseDupeFilter",
                "SCHEDULER_QUEUE_CLASS": "scrapy_redis.queue.SpiderQueue",
            },
            ("SpiderQueue", "BaseDupeFilter"),
        ),
    ],
)
def test_its_settings_choose_the_shared_frontier(
    given: dict[str, Any], expected: tuple[str, str | None]
) -> None:
    params = {"password": "x", "decode_responses": True}
    settings = Settings({**given, "REDIS_HOST": "h", "REDIS_PARAMS": params, "SCHEDULER_PERSIST": True})
    understand_scrapy_redis(settings)
    settings.check()
    queue, dupefilter = expected
    assert settings["SCHEDULER_QUEUE_CLASS"] == f"aioscrapy.queue.redis.{queue}"
    assert settings["DUPEFILTER_CLASS"] == (dupefilter and f"aioscrapy.dupefilters.redis.{dupefilter}")
    assert settings["REDIS_ARGS"] == {"queue": {"password": "x", "host": "h", "port": 6379}}
    assert settings["KEEP_DUPEFILTER_DATA_ON_CLOSE"] is True


def test_redis_args_win_and_other_projects_are_left_alone() -> None:
    settings = Settings({"REDIS_ARGS": {"queue": {"url": "redis://a"}}, "REDIS_URL": "redis://b"})
    understand_scrapy_redis(settings)
    assert settings["REDIS_ARGS"] == {"queue": {"url": "redis://a"}}
    assert settings["SCHEDULER_QUEUE_CLASS"] == "aioscrapy.queue.memory.SpiderPriorityQueue"


PROJECT = """
import logging
from {scrapy}.linkextractors import LinkExtractor
from {scrapy}.spiders import Rule
from {scrapy}_redis.spiders import RedisCrawlSpider
import {scrapy}


class Page({scrapy}.Item):
    url = {scrapy}.Field()


class Rules(RedisCrawlSpider):
    name = "rules"
    redis_key = "rules:start_urls"
    rules = (Rule(LinkExtractor(allow=r"/page/\\d+$"), callback="parse_page", follow=True),)

    def parse_page(self, response):
        yield Page(url=response.url)
"""
SETTINGS = """
BOT_NAME = "rules"
SPIDER_MODULES = ["rules.spiders"]
SCHEDULER = "{scrapy}_redis.scheduler.Scheduler"
DUPEFILTER_CLASS = "{scrapy}_redis.dupefilter.RFPDupeFilter"
REDIS_URL = "{url}"
MAX_IDLE_TIME_BEFORE_CLOSE = 1
SCHEDULER_HEARTBEAT = 0.2
SCHEDULER_LEASE = 1.0
ITEMS_IN_REDIS = True
CONCURRENT_REQUESTS = 4
DOWNLOAD_DELAY = 0.05
"""


def write_project(folder: Path, scrapy: str, url: str) -> None:
    package = folder / "rules"
    package.mkdir()
    (folder / f"{scrapy}.cfg").write_text("[settings]\ndefault = rules.settings\n")
    (package / "__init__.py").touch()
    (package / "settings.py").write_text(SETTINGS.format(scrapy=scrapy, url=url))
    (package / "spiders.py").write_text(PROJECT.format(scrapy=scrapy))


def start_worker(folder: Path, number: int) -> "subprocess.Popen[bytes]":
    with (folder / f"{number}.log").open("wb") as log:
        command = [sys.executable, "-m", "aioscrapy", "crawl", "rules"]
        return subprocess.Popen(command, cwd=folder, env=child_environment(), stdout=log, stderr=log)


@pytest.mark.server
@pytest.mark.parametrize("scrapy", ["scrapy", "aioscrapy"])
async def test_each_item_is_there_once_though_a_worker_is_killed(
    scrapy: str, tmp_path: Path, redis: Any, redis_url: str, site: Site
) -> None:
    write_project(tmp_path, scrapy, redis_url)
    workers = [start_worker(tmp_path, number) for number in range(2)]
    redis.lpush("rules:start_urls", f"{site.url}/")
    await until(lambda: len(redis.keys("aioscrapy:{rules/rules}:*:items")) > 0)
    os.kill(workers[0].pid, signal.SIGKILL)
    workers[0].wait()
    assert await asyncio.to_thread(workers[1].wait, LONGEST_S) == 0, (tmp_path / "1.log").read_text()
    items = aioscrapy(tmp_path, "items", "rules").stdout.splitlines()
    urls = Counter(json.loads(line)["url"] for line in items)
    assert urls == Counter(site.urls - {f"{site.url}/"})


async def until(condition: Any) -> None:
    deadline = time.monotonic() + LONGEST_S
    while not condition():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.02)
