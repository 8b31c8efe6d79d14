"""Shared crawls as a running node sees them: counts, dead letters, stop, a Redis that is away."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from redis import Redis
from twisted.internet.defer import Deferred

from aioscrapy.db.redis_url import address_of
from aioscrapy_scrapyd.crawls.client import AwayError
from aioscrapy_scrapyd.crawls.estimate import Pace, seconds_left
from aioscrapy_scrapyd.crawls.loop import LoopThread
from aioscrapy_scrapyd.crawls.servers import LIMIT, Servers
from aioscrapy_scrapyd.crawls.shared import CrawlName, SharedCrawls, UnknownCrawlError
from aioscrapy_scrapyd.state.job import Job
from node.conftest import APPLICATION
from plugin.jobs import make_egg
from support.redis import RedisServer
from support.scrapyd import ScrapydServer
from support.site import Site

SPIDER = """
from aioscrapy import Spider
class One(Spider):
    name = "one"
    custom_settings = {"RETRY_ENABLED": False, "DOWNLOAD_DELAY": 0.2, "CONCURRENT_REQUESTS": 2}
    def __init__(self, url="", **arguments):
        super().__init__(**arguments)
        self.start_urls = ["http://127.0.0.1:9/<b>nobody</b>"]
        self.start_urls += [f"{url}/page/{number}" for number in range(1, 60)]
    async def parse(self, response):
        yield {"url": response.url}
"""
SETTINGS = """
BOT_NAME = "bot"
SPIDER_MODULES = ["bot.spiders"]
SCHEDULER_QUEUE_CLASS = "aioscrapy.queue.redis.SpiderPriorityQueue"
REDIS_ARGS = {"queue": {"url": %r}}
REDIS_CHECK = "off"
"""


class Calls:
    """A reactor whose only thread is that of the loop: what `callFromThread` gets is called at once."""

    def callFromThread(self, function: Callable[[], Any]) -> None:  # noqa: N802 Twisted's name
        function()


def result_of(coroutine: Any, timeout_s: float = 10.0) -> Any:
    """Return what a coroutine of Twisted returns once another thread has answered."""
    results: list[Any] = []
    Deferred.fromCoroutine(coroutine).addBoth(results.append)
    deadline = time.monotonic() + timeout_s
    while not results:
        assert time.monotonic() < deadline, "no answer"
        time.sleep(0.005)
    if hasattr(results[0], "raiseException"):
        results[0].raiseException()
    return results[0]


@pytest.fixture
def crawls() -> Iterator[Callable[..., SharedCrawls]]:
    opened: list[SharedCrawls] = []

    def open_crawls(*urls: str) -> SharedCrawls:
        opened.append(SharedCrawls(Servers(urls), LoopThread(Calls())))
        return opened[-1]

    yield open_crawls
    for one in opened:
        one.close()
        wait_until(lambda: "crawls in Redis" not in {thread.name for thread in threading.enumerate()})


def joined(node: ScrapydServer, job: str) -> dict[str, Any] | None:
    """Return the entry of a running job once the node knows its crawl."""
    entry = node.jobs("running").get(job)
    return entry if entry and entry["crawl"] else None


def wait_until(question: Callable[[], Any], timeout_s: float = 30.0) -> Any:
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        answer = question()
        if answer:
            return answer
        time.sleep(0.1)
    raise AssertionError("it did not happen")


def test_a_crawl_is_seen_stopped_resumed_and_its_dead_letters_are_put_back(
    tmp_path: Path, site: Site, redis_url: str, crawls: Callable[..., SharedCrawls]
) -> None:
    shared = crawls()
    with ScrapydServer(tmp_path / "node", conf={"application": APPLICATION}) as node:
        egg = make_egg({"spiders/a.py": SPIDER, "settings.py": SETTINGS % redis_url})
        upload = {"project": "p", "version": "1"}
        answer = requests.post(f"{node.url}addversion.json", data=upload, files={"egg": egg}, timeout=60)
        assert answer.json()["status"] == "ok"
        job = node.api("schedule", "POST", project="p", spider="one", url=site.url)["jobid"]
        entry = wait_until(
            lambda: node.jobs("running").get(job, {}).get("crawl") and node.jobs("running")[job]
        )
        record = {"redis": address_of({"url": redis_url}), "bot": "bot", "crawl": entry["crawl"]}
        name = shared.crawl_of(Job("p", "one", job, counts={"shared": record}))
        assert name is not None
        letters = wait_until(lambda: result_of(shared.letters(name)))
        assert [letter.url for letter in letters] == ["http://127.0.0.1:9/%3Cb%3Enobody%3C/b%3E"]
        row = result_of(shared.show(name))
        assert (row["state"], row["workers"], row["failed"], row["projects"]) == ("open", 1, 1, ["p"])
        assert row["waiting"] == row["ready"] + row["leased"] + row["delayed"] > 0
        assert row["seconds_left"] > 0
        assert f":{entry['pid']}:" in row["workers_alive"][0]["worker"]
        assert result_of(shared.stop(name)) is True
        assert result_of(shared.stop(name)) is False
        assert result_of(shared.listing()).crawls[0]["state"] == "stopped"
        assert result_of(shared.resume(name)) is True
        assert result_of(shared.retry(name)) == (1, False)
        metrics = requests.get(f"{node.url}metrics", timeout=10).text
        assert redis_url not in metrics or "@" not in redis_url


def test_crawls_that_no_job_here_works_on_are_found(
    redis_url: str, crawls: Callable[..., SharedCrawls]
) -> None:
    with Redis.from_url(redis_url) as redis:
        redis.zadd("aioscrapy:{shop/books}:crawls", {"c1": 1000})
        redis.hset("aioscrapy:{shop/books}:c1:meta", mapping={"state": "open", "created": 1000, "done": 7})
        redis.zadd("aioscrapy:{shop/books}:c1:ready", {b"h\n00000000000001{}": 0})
    shared = crawls(redis_url)
    (row,) = result_of(shared.listing()).crawls
    assert (row["project"], row["spider"], row["crawl"], row["done"], row["projects"]) == (
        "shop",
        "books",
        "c1",
        7,
        [],
    )
    with pytest.raises(UnknownCrawlError):
        result_of(shared.show(CrawlName(row["server"], "shop", "books", "c2")))
    with pytest.raises(UnknownCrawlError):
        result_of(shared.show(CrawlName("00000000", "shop", "books", "c1")))


def test_a_redis_that_is_away_is_a_sentence_within_a_second_and_does_not_delay_the_next_one(
    tmp_path: Path, redis_url: str, crawls: Callable[..., SharedCrawls]
) -> None:
    with (
        RedisServer(tmp_path / "redis", options={"requirepass": "sesame"}) as locked,
        socket.create_server(("127.0.0.1", 0)) as deaf,
    ):
        plain = f"redis://127.0.0.1:{locked.port}/0"
        silent = f"redis://127.0.0.1:{deaf.getsockname()[1]}/0"
        shared = crawls(redis_url, plain, silent, "redis://:secret@127.0.0.1:9/0")
        for patience_s in (1.2, 0.2):  # the second time nobody asks again
            began = time.monotonic()
            listing = result_of(shared.listing())
            assert time.monotonic() - began < patience_s + 0.5
            texts = sorted(str(problem) for problem in listing.problems)
            assert len(texts) == 3
            assert "secret" not in "".join(texts)
            assert any("wants a password" in text for text in texts)
        assert shared.up()[plain] == 0.0
        with pytest.raises(AwayError):
            result_of(shared.show(CrawlName(next(iter(Servers([plain]))).id, "a", "b", "c")))
    known = crawls(f"redis://:sesame@127.0.0.1:{locked.port}/0").servers
    server = known.named(f"redis://localhost:{locked.port}/0")
    assert server is not None
    assert ":sesame@" in server.url
    assert "sesame" not in repr(server) + server.address


def test_a_project_that_names_ever_new_servers_does_not_fill_the_memory() -> None:
    servers = Servers()
    named = [servers.named(f"redis://10.0.0.{number}:6379/0") for number in range(1, 200)]
    assert len(list(servers)) == LIMIT
    assert named[-1] is None
    assert servers.named("http://example.com/") is None


def test_an_address_has_no_password() -> None:
    addresses = {
        "redis://:p%40ss@h:1/3?socket_timeout=5": "redis://h:1/3",
        "rediss://user:pass@[::1]/": "rediss://[::1]:6379/0",
        "unix://:p@/tmp/a b.sock?db=2": "unix:///tmp/a%20b.sock?db=2",
        "redis+sentinel://:p@a,b:1/main/4": "redis+sentinel://a:26379,b:1/main/4",
        "redis+cluster://:p@a:1,b": "redis+cluster://a:1,b:6379/0",
    }
    for url, address in addresses.items():
        assert address_of({"url": url, "password": "p"}) == address
        assert address_of({"url": address}) == address
    assert address_of({"host": "h", "db": 2, "password": "x"}) == "redis://h:6379/2"


def test_what_is_left_follows_the_last_minutes() -> None:
    now = [0.0]
    pace = Pace(lambda: now[0])
    assert pace.rate("c", 0, 5.0) == 5.0
    now[0] = 60.0
    assert pace.rate("c", 120, 5.0) == 120.0
    now[0] = 1000.0
    assert pace.rate("c", 120, 5.0) == 0.0 or pace.rate("c", 120, 5.0) == 5.0
    assert seconds_left(60, 120.0) == 30.0
    assert seconds_left(60, 0.0) is None
    assert seconds_left(0, 0.0) == 0.0


def test_a_damaged_crawl_is_an_error_of_this_crawl_only(
    redis_url: str, crawls: Callable[..., SharedCrawls]
) -> None:
    with Redis.from_url(redis_url) as redis:
        for spider, done in (("good", "1"), ("bad", "x")):
            redis.zadd(f"aioscrapy:{{shop/{spider}}}:crawls", {"c": 1000})
            redis.hset(f"aioscrapy:{{shop/{spider}}}:c:meta", mapping={"state": "open", "done": done})
    shared = crawls(redis_url)
    server = next(iter(shared.servers)).id
    states = [result_of(shared.show(CrawlName(server, "shop", spider, "c"))) for spider in ("good", "bad")]
    assert [state["state"] for state in states] == ["open", "damaged"]
    assert states[0]["done"] == 1
    assert list(shared.up().values()) == [1.0]
