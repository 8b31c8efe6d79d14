"""How a crawl ends, what it announces on its way, and what its settings do to it."""

import asyncio
from itertools import pairwise
from typing import Any

import pytest

from aioscrapy import Request, signals
from aioscrapy.crawler import Crawler
from aioscrapy.exceptions import CloseSpider, DontCloseSpider
from support.crawling import QUIET, Crawled, Everything, SiteSpider, crawl
from support.site import Site


async def test_a_callback_may_close_the_spider(site: Site) -> None:
    class Closing(Everything):
        def parse(self, response: Any) -> Any:
            yield {"path": response.url}
            raise CloseSpider("seen enough")

    crawled = await crawl(Closing, {"CONCURRENT_REQUESTS": 1}, site=site.url)
    assert crawled.reason == "seen enough"
    assert len(crawled.items) == 1
    assert crawled.stat("finish_reason") == "seen enough"
    assert crawled.stat("spider_exceptions/count") == 0


async def test_the_start_may_close_the_spider(site: Site) -> None:
    class Closing(SiteSpider):
        async def start_requests(self) -> Any:
            raise CloseSpider("not today")
            yield

    assert (await crawl(Closing, site=site.url)).reason == "not today"


@pytest.mark.parametrize("errback", [None, "failed"])
@pytest.mark.parametrize(
    ("setting", "hook"),
    [
        ("DOWNLOADER_MIDDLEWARES", "process_request"),
        ("DOWNLOADER_MIDDLEWARES", "process_response"),
        ("SPIDER_MIDDLEWARES", "process_spider_input"),
    ],
)
async def test_a_middleware_may_close_the_spider(
    site: Site, setting: str, hook: str, errback: str | None
) -> None:
    class Bans:
        pass

    def ban(self: Any, *arguments: Any, **named: Any) -> None:
        raise CloseSpider("banned")

    setattr(Bans, hook, ban)

    class Banned(SiteSpider):
        async def start_requests(self) -> Any:
            for number in range(1, 9):
                yield Request(f"{self.site}/page/{number}", errback=errback and getattr(self, errback))

        def failed(self, failure: Any) -> Any:
            yield {"failed": failure.value.reason}

    crawled = await crawl(Banned, {"CONCURRENT_REQUESTS": 1, setting: {Bans: 1}}, site=site.url)
    assert crawled.reason == "banned"
    assert crawled.items == ([{"failed": "banned"}] if errback else [])


@pytest.mark.parametrize(
    ("setting", "value", "reason"),
    [
        ("CLOSESPIDER_PAGECOUNT", 5, "closespider_pagecount"),
        ("CLOSESPIDER_ITEMCOUNT", 5, "closespider_itemcount"),
        ("CLOSESPIDER_TIMEOUT", 0.2, "closespider_timeout"),
    ],
)
async def test_a_close_condition_ends_a_crawl_early(
    site: Site, setting: str, value: float, reason: str
) -> None:
    slowly = {"CONCURRENT_REQUESTS": 2, "DOWNLOAD_DELAY": 0.02}
    crawled = await crawl(Everything, {**slowly, setting: value}, site=site.url)
    assert crawled.reason == reason
    assert 0 < len(crawled.items) < 40


async def test_errors_end_a_crawl_where_they_are_counted(site: Site) -> None:
    class Broken(SiteSpider):
        paths = tuple(f"/page/{number}" for number in range(1, 30))

        def parse(self, response: Any) -> Any:
            raise ValueError(response.url)

    crawled = await crawl(Broken, {"CLOSESPIDER_ERRORCOUNT": 3, "CONCURRENT_REQUESTS": 1}, site=site.url)
    assert crawled.reason == "closespider_errorcount"
    assert crawled.stat("spider_exceptions/ValueError") == 3


async def test_an_idle_crawl_may_be_given_more(site: Site) -> None:
    class Refilled(SiteSpider):
        rounds = 0

        @classmethod
        def from_crawler(cls, crawler: Any, *args: Any, **kwargs: Any) -> Any:
            spider = super().from_crawler(crawler, *args, **kwargs)
            crawler.signals.connect(spider.idle, signals.spider_idle)  # type: ignore[attr-defined]
            return spider

        def idle(self) -> None:
            self.rounds += 1

    crawled = await crawl(Refilled, site=site.url)
    assert crawled.spider.rounds == 1
    assert crawled.reason == "finished"


async def test_a_crawl_that_is_kept_open_waits_until_it_is_stopped(site: Site) -> None:
    crawled = Crawled(Crawler(SiteSpider, {**QUIET, "CLOSE_SPIDER_ON_IDLE": False}))
    idle = asyncio.Event()
    crawled.crawler.signals.connect(idle.set, signals.spider_idle)
    running = asyncio.create_task(crawled.crawler.crawl(site=site.url))
    await asyncio.wait_for(idle.wait(), 5)
    assert not running.done()
    crawled.crawler.stop("enough")
    await asyncio.wait_for(running, 5)
    assert crawled.reason == "enough"


async def test_a_listener_that_raises_dont_close_spider_keeps_it_open(site: Site) -> None:
    crawled = Crawled(Crawler(SiteSpider, QUIET))
    idle = asyncio.Event()

    def keep_open() -> None:
        idle.set()
        raise DontCloseSpider

    crawled.crawler.signals.connect(keep_open, signals.spider_idle)
    running = asyncio.create_task(crawled.crawler.crawl(site=site.url))
    await asyncio.wait_for(idle.wait(), 5)
    crawled.crawler.stop("enough")
    await asyncio.wait_for(running, 5)


async def test_a_stop_before_the_crawl_runs_is_heard(site: Site) -> None:
    crawled = Crawled(Crawler(SiteSpider, QUIET))
    crawled.crawler.stop("too early")
    await asyncio.wait_for(crawled.crawler.crawl(site=site.url), 5)
    assert crawled.reason == "too early"
    assert site.counts() == {}


@pytest.mark.parametrize("name", ["memory", "redis"])
async def test_a_stop_lets_what_hangs_go_after_its_time(
    site: Site, name: str, shared: dict[str, Any]
) -> None:
    base = shared if name == "redis" else {}
    settings = {**base, **QUIET, "SHUTDOWN_TIMEOUT": 0.3, "CONCURRENT_REQUESTS": 2}
    crawled = Crawled(Crawler(SiteSpider, settings))
    arrived = asyncio.Event()
    crawled.crawler.signals.connect(arrived.set, signals.request_reached_downloader)
    running = asyncio.create_task(crawled.crawler.crawl(site=site.url, paths=("/hang", "/hang?2")))
    await asyncio.wait_for(arrived.wait(), 5)
    crawled.crawler.stop("shutdown")
    await asyncio.wait_for(running, 3)
    assert crawled.reason == "shutdown"
    if name == "redis":  # what was given back is there for the next worker
        site.reset()
        again = Crawled(Crawler(SiteSpider, {**settings, "DOWNLOAD_TIMEOUT": 0.2, "RETRY_ENABLED": False}))
        await asyncio.wait_for(again.crawler.crawl(site=site.url), 10)
        assert site.counts() == {"/hang": 1, "/hang?2": 1}


# -- What is announced, and what settings say


async def test_the_signals_of_a_crawl_come_in_their_order(site: Site) -> None:
    crawled = Crawled(Crawler(SiteSpider, QUIET))
    heard: list[str] = []
    for name in dir(signals):
        signal = getattr(signals, name)
        if isinstance(signal, signals.Signal) and name != "scheduler_empty":  # any number of times
            crawled.crawler.signals.connect(lambda name=name: heard.append(name), signal)
    await crawled.crawler.crawl(site=site.url, paths=("/page/1",))
    assert heard == [
        "spider_opened",
        "engine_started",
        "request_scheduled",
        "request_reached_downloader",
        "headers_received",
        "bytes_received",
        "request_left_downloader",
        "response_downloaded",
        "response_received",
        "item_scraped",
        "spider_idle",
        "spider_closed",
        "engine_stopped",
    ]


async def test_custom_settings_win_over_the_projects(site: Site) -> None:
    class Own(SiteSpider):
        custom_settings = {"USER_AGENT": "own agent", "RETRY_TIMES": 5}  # noqa: RUF012 as users write it
        paths = ("/headers",)

        def parse(self, response: Any) -> Any:
            yield {"agent": response.json()["user-agent"], "times": self.settings.getint("RETRY_TIMES")}

    crawled = await crawl(Own, {"USER_AGENT": "the project's"}, site=site.url)
    assert crawled.items == [{"agent": "own agent", "times": 5}]


async def test_closed_is_called_with_the_reason(site: Site) -> None:
    reasons: list[str] = []

    class Closed(SiteSpider):
        async def closed(self, reason: str) -> None:
            reasons.append(reason)

    await crawl(Closed, site=site.url)
    assert reasons == ["finished"]


async def test_no_more_requests_are_carried_at_once_than_allowed(site: Site) -> None:
    paths = tuple(f"/slow/0.05?{number}" for number in range(24))
    await crawl(SiteSpider, {"CONCURRENT_REQUESTS": 5}, site=site.url, paths=paths)
    assert site.log()["max_concurrent"] == 5
    site.reset()
    await crawl(SiteSpider, {"CONCURRENT_REQUESTS_PER_DOMAIN": 3}, site=site.url, paths=paths)
    assert site.log()["max_concurrent"] == 3


async def test_a_delay_keeps_requests_apart(site: Site) -> None:
    settings = {"DOWNLOAD_DELAY": 0.1, "RANDOMIZE_DOWNLOAD_DELAY": False}
    await crawl(SiteSpider, settings, site=site.url, paths=tuple(f"/page/{n}" for n in range(1, 7)))
    times = [moment for moment, _ in site.log()["times"]]
    gaps = [later - earlier for earlier, later in pairwise(times)]
    assert min(gaps) > 0.08
    assert max(gaps) < 0.5


async def test_a_late_member_ends_with_that_reason(site: Site, shared: dict[str, Any]) -> None:
    assert (await crawl(SiteSpider, shared, site=site.url)).reason == "finished"
    site.reset()
    assert (await crawl(SiteSpider, shared, site=site.url)).reason == "late"
    assert site.counts() == {}


# -- Reasons that the project gives


@pytest.mark.parametrize("reason", ["finished", "late", "", None])
async def test_only_the_frontier_says_that_a_crawl_is_complete(site: Site, reason: Any) -> None:
    class Closes(SiteSpider):
        paths = ("/page/1", "/page/2", "/page/3")

        def parse(self, response: Any) -> Any:
            raise CloseSpider(reason)

    crawled = await crawl(Closes, {"CONCURRENT_REQUESTS": 1}, site=site.url)
    assert (crawled.reason, crawled.stat("finish_reason")) == ("cancelled", "cancelled")


@pytest.mark.parametrize("call", ["close_spider", "raise"])
@pytest.mark.parametrize("reason", ["finished", "no more shops"])
async def test_a_handler_of_spider_idle_names_the_reason(site: Site, call: str, reason: str) -> None:
    crawled = Crawled(Crawler(SiteSpider, QUIET))

    def idle() -> None:
        if call == "raise":
            raise CloseSpider(reason)
        crawled.crawler.engine.close_spider(reason=reason)

    crawled.crawler.signals.connect(idle, signals.spider_idle)
    await crawled.crawler.crawl(site=site.url)
    assert (crawled.reason, len(crawled.items)) == (reason, 1)


async def test_a_reason_is_one_line_of_plain_text(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    class Closes(SiteSpider):
        def parse(self, response: Any) -> Any:
            raise CloseSpider("a\ud800\nb\x1b[31m")

    assert (await crawl(Closes, site=site.url)).reason == "a? b?[31m"
    assert "\x1b" not in caplog.text
