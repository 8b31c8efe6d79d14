"""SCHEDULER: schedulers of Scrapy's interface in a crawl of one process."""

import time
from typing import Any

import pytest

from aioscrapy import signals
from aioscrapy.core.scheduler import BaseScheduler, Scheduler
from aioscrapy.crawler import Crawler
from aioscrapy.exceptions import ConfigError, DontCloseSpider, SettingError
from aioscrapy.http import Request
from aioscrapy.process import CrawlerProcess
from support.crawling import QUIET, Crawled, Everything, SiteSpider, crawl
from support.site import Site


class Stack:
    """The three methods of the interface, and no more."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.urls: set[str] = set()

    def has_pending_requests(self) -> bool:
        return bool(self.requests)

    def enqueue_request(self, request: Request) -> bool:
        if request.url in self.urls:
            return False
        self.urls.add(request.url)
        self.requests.append(request)
        return True

    def next_request(self) -> Request | None:
        return self.requests.pop() if self.requests else None


class OpenedAndClosed(Stack):
    """Also opens and closes, both as coroutines, and is created by `from_crawler`."""

    events: list[Any]

    @classmethod
    def from_crawler(cls, crawler: Any) -> Any:
        scheduler = cls()
        scheduler.events = crawler.settings["EVENTS"]
        return scheduler

    async def open(self, spider: Any) -> None:
        self.events.append(("open", spider.name))

    async def close(self, reason: str) -> None:
        self.events.append(("close", reason))

    def __len__(self) -> int:
        return len(self.requests)


class OfScrapy(Scheduler):
    """Derived from Scrapy's default scheduler, as most schedulers of projects are."""

    def enqueue_request(self, request: Request) -> bool:
        return "/page/3" not in request.url and super().enqueue_request(request)


class Late(Stack):
    """Has a request for some time before it gives one."""

    first_s = 0.0

    def next_request(self) -> Request | None:
        self.first_s = self.first_s or time.monotonic()
        return super().next_request() if time.monotonic() > self.first_s + 0.3 else None


@pytest.mark.parametrize("scheduler", [Stack, OpenedAndClosed, Late, f"{__name__}.Stack", Scheduler])
async def test_a_scheduler_of_the_project_gives_the_items_of_the_frontier(scheduler: Any, site: Site) -> None:
    path = "scrapy.core.scheduler.Scheduler" if scheduler is Scheduler else scheduler
    expected = await crawl(Everything, site=site.url)
    site.reset()
    crawled = await crawl(Everything, {"SCHEDULER": path, "EVENTS": (events := [])}, site=site.url)
    assert crawled.reason == "finished"
    assert sorted(map(str, crawled.items)) == sorted(map(str, expected.items))
    assert set(site.counts().values()) == {1}
    assert events == ([("open", "tested"), ("close", "finished")] if scheduler is OpenedAndClosed else [])


async def test_a_subclass_of_the_scheduler_of_scrapy_decides_what_it_takes(site: Site) -> None:
    crawler = Crawler(Everything, {**QUIET, "SCHEDULER": OfScrapy})
    crawled, dropped = Crawled(crawler), []
    crawler.signals.connect(lambda request: dropped.append(request.url), signals.request_dropped)
    await crawler.crawl(site=site.url)
    paths = {item["path"] for item in crawled.items}
    assert "/page/2" in paths
    assert not {path for path in paths if "/page/3" in path}
    assert f"{site.url}/page/3" in dropped


async def test_priorities_and_requests_of_components_pass_the_scheduler(site: Site) -> None:
    class Numbers(SiteSpider):
        order: list[str]

        async def start(self) -> Any:
            self.order = []
            for number in (1, 2, 3):
                yield self.request(f"/page/{number}", priority=number)

        def parse(self, response: Any) -> None:
            self.order.append(self.path_of(response.url))

    class Own(Scheduler):
        pass

    crawler = Crawler(Numbers, {**QUIET, "SCHEDULER": Own, "CONCURRENT_REQUESTS": 1})

    def idle() -> None:
        if len(crawler.spider.order) == 3:
            crawler.engine.crawl(crawler.spider.request("/page/9"))
            raise DontCloseSpider

    crawler.signals.connect(idle, signals.spider_idle)
    await crawler.crawl(site=site.url)
    assert crawler.spider.order[-1] == "/page/9"
    assert sorted(crawler.spider.order) == ["/page/1", "/page/2", "/page/3", "/page/9"]


async def test_a_scheduler_that_fails_fails_the_crawl_and_an_output_alone(site: Site) -> None:
    class Refuses(Stack):
        def enqueue_request(self, request: Request) -> bool:
            if request.url.endswith("/page/2"):
                raise ValueError("this one can't be kept")
            return super().enqueue_request(request)

    crawled = await crawl(Everything, {"SCHEDULER": Refuses}, site=site.url)
    paths = {item["path"] for item in crawled.items}
    assert "/page/1" in paths
    assert "/page/2" not in paths
    assert crawled.stat("spider_exceptions/ValueError") > 0


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"SCHEDULER": Stack, "JOBDIR": "job"}, "only in a crawl of one process in memory"),
        (
            {"SCHEDULER": Stack, "SCHEDULER_QUEUE_CLASS": "aioscrapy.queue.redis.SpiderQueue"},
            "only in a crawl of one process in memory",
        ),
        ({"SCHEDULER": object}, "has no 'enqueue_request'"),
        ({"SCHEDULER": "no.such.Scheduler"}, "setting SCHEDULER: can't load"),
    ],
)
async def test_a_scheduler_that_can_not_work_is_refused_in_one_line(
    settings: dict[str, Any], text: str, site: Site
) -> None:
    with pytest.raises(SettingError, match=text):
        await crawl(Everything, settings, site=site.url)
    assert not site.counts()


def test_worker_processes_refuse_a_scheduler_of_one_process() -> None:
    process = CrawlerProcess({"SCHEDULER": Stack, "CRAWL_PROCESSES": 2})
    process.crawl(Everything, site="http://127.0.0.1:1")
    with pytest.raises(ConfigError, match="works in one process"):
        process.start()


def test_every_class_with_the_three_methods_is_a_scheduler() -> None:
    assert issubclass(Stack, BaseScheduler)
    assert isinstance(Stack(), BaseScheduler)
    assert not issubclass(object, BaseScheduler)
    assert not isinstance(Stack(), Scheduler)
    with pytest.raises(NotImplementedError):
        BaseScheduler().next_request()
