"""What a host asks for, in its answers and its robots.txt, is kept to; real crawls of a real site."""

import time
from email.utils import formatdate
from itertools import pairwise
from typing import Any, ClassVar

import pytest

from aioscrapy import signals
from aioscrapy.middlewares.retry import _seconds
from aioscrapy.queue.redis import SpiderPriorityQueue
from support.crawling import SiteSpider, crawl
from support.site import Site

pytestmark = pytest.mark.server

QUEUE = f"{SpiderPriorityQueue.__module__}.{SpiderPriorityQueue.__name__}"


@pytest.fixture(params=["memory", "redis", "redis, together"])
def where(request: pytest.FixtureRequest) -> dict[str, Any]:
    if request.param == "memory":
        return {}
    scope = "crawl" if "together" in request.param else "worker"
    url = request.getfixturevalue("redis_url")
    return {
        "SCHEDULER_QUEUE_CLASS": QUEUE,
        "REDIS_ARGS": {"queue": {"url": url}},
        "POLITENESS_SCOPE": scope,
    }


class Busy(SiteSpider):
    """Asks a host that is busy first, and then for some pages."""

    def parse(self, response: Any) -> Any:
        yield {"path": self.path_of(response.url)}

    async def start_requests(self) -> Any:
        yield self.request("/retry-after", priority=10)
        for number in range(1, 11):
            yield self.request(f"/page/{number}")


async def test_retry_after_keeps_everybody_from_the_host(site: Site, where: dict[str, Any]) -> None:
    crawled = await crawl(Busy, {**where, "CONCURRENT_REQUESTS": 1, "SCHEDULER_PREFETCH": 0}, site=site.url)
    assert len(crawled.items) == 11
    times = sorted(seconds for seconds, _ in site.log()["times"])
    assert times[1] - times[0] >= 0.99
    assert len(times) == 12
    assert all(later - sooner < 0.9 for sooner, later in pairwise(times[1:])), "one pause, not one a page"


async def test_retry_after_is_cut_at_the_setting(site: Site, where: dict[str, Any]) -> None:
    crawled = await crawl(
        Busy,
        {**where, "CONCURRENT_REQUESTS": 1, "SCHEDULER_PREFETCH": 0, "RETRY_AFTER_MAX": 0},
        site=site.url,
    )
    assert len(crawled.items) == 11
    assert crawled.stat("retry/count") == 1
    times = sorted(seconds for seconds, _ in site.log()["times"])
    assert times[1] - times[0] < 0.9


def test_retry_after_may_be_seconds_or_a_date() -> None:
    assert _seconds("7") == 7
    assert 28 <= _seconds(formatdate(time.time() + 30, usegmt=True)) <= 30
    assert _seconds("soon") == 0


class Pages(SiteSpider):
    """Notes when each request is sent: a busy machine may let the site see it later."""

    sent: ClassVar[list[float]] = []

    @classmethod
    def from_crawler(cls, crawler: Any, *args: Any, **kwargs: Any) -> Any:
        cls.sent.clear()
        crawler.signals.connect(cls.note, signals.request_reached_downloader)
        return super().from_crawler(crawler, *args, **kwargs)

    @classmethod
    def note(cls, request: Any) -> None:
        if not request.url.endswith("/robots.txt"):
            cls.sent.append(time.monotonic())

    async def start_requests(self) -> Any:
        for number in range(1, 6):
            yield self.request(f"/page/{number}")

    def parse(self, response: Any) -> Any:
        yield {"path": self.path_of(response.url)}


@pytest.mark.parametrize("at_once", [1, 8])
@pytest.mark.parametrize(("asked_s", "longest_s"), [(0.2, 60.0), (9.0, 0.0)])
async def test_crawl_delay_of_robots_txt(
    where: dict[str, Any], asked_s: float, longest_s: float, at_once: int
) -> None:
    with Site(pages=5, robots=f"User-agent: *\nCrawl-delay: {asked_s}\n") as slow:
        settings = {
            "ROBOTSTXT_OBEY": True,
            "ROBOTSTXT_CRAWL_DELAY_MAX": longest_s,
            "RANDOMIZE_DOWNLOAD_DELAY": False,
            "CONCURRENT_REQUESTS": at_once,
            "SCHEDULER_PREFETCH": 0,
        }
        crawled = await crawl(Pages, {**where, **settings}, site=slow.url)
    assert len(crawled.items) == len(Pages.sent) == 5
    gaps = [later - sooner for sooner, later in pairwise(Pages.sent)]
    assert all(min(asked_s, longest_s) * 0.97 <= gap < 9.0 for gap in gaps), gaps
