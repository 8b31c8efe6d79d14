"""Programs as users of aio-scrapy write them, each run as a script of its own."""

import csv
import json
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from redis import Redis

from support import child_environment
from support.site import Site

TIMEOUT_S = 60


def run(folder: Path, program: str, *, status: int = 0, name: str = "program.py") -> tuple[list[str], str]:
    """Run a script; returns the lines that it printed, and its log."""
    path = folder / name
    path.write_text(textwrap.dedent(program), "utf-8")
    done = subprocess.run(
        [sys.executable, "-W", "error::DeprecationWarning:aioscrapy", name],
        cwd=folder,
        env=child_environment(),
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
    )
    assert done.returncode == status, done.stderr
    return done.stdout.splitlines(), done.stderr


SPIDER_HOOKS = """
    from aioscrapy import Request, Spider, logger

    class Pages(Spider):
        name = "pages"
        custom_settings = {{"LOG_LEVEL": "INFO", "CLOSE_SPIDER_ON_IDLE": True}}
        start_urls = ["{url}/headers"]

        @staticmethod
        async def process_request(request, spider):
            request.headers["X-Spider"] = spider.name
            {request_answer}

        @staticmethod
        async def process_response(request, response, spider):
            return response

        @staticmethod
        async def process_exception(request, exception, spider):
            pass

        async def parse(self, response):
            yield {{"seen": response.json()["x-spider"]}}

        async def process_item(self, item):
            print(item["seen"])
            logger.info("kept %s", item)

    if __name__ == "__main__":
        Pages.start(use_windows_selector_eventLoop=True)
"""


@pytest.mark.parametrize("answer", ["pass", "return request"])
def test_a_spiders_own_hooks_are_called(tmp_path: Path, site: Site, answer: str) -> None:
    printed, log = run(tmp_path, SPIDER_HOOKS.format(url=site.url, request_answer=answer))
    assert printed == ["pages"]
    assert "kept {'seen': 'pages'}" in log
    assert site.counts() == {"/headers": 1}


def test_a_hook_that_gives_back_the_request_of_a_failure_sends_it_again(tmp_path: Path, site: Site) -> None:
    program = f"""
        from aioscrapy import Spider

        class Again(Spider):
            name = "again"
            custom_settings = {{"RETRY_ENABLED": False}}
            start_urls = ["{site.url}/flaky/2"]

            async def process_response(self, request, response):
                return request if response.status == 503 else response

            async def parse(self, response):
                print(response.status)

        Again.start()
    """
    assert run(tmp_path, program)[0] == ["200"]
    assert site.counts() == {"/flaky/2": 3}


def test_params_data_and_json_say_what_is_sent(tmp_path: Path, site: Site) -> None:
    program = f"""
        import json
        from aioscrapy import Spider
        from aioscrapy.http import FormRequest, JsonRequest, Request, Response

        class Senders(Spider):
            name = "senders"
            custom_settings = dict(DOWNLOAD_HANDLERS_TYPE="requests")

            async def start_requests(self):
                yield Request("{site.url}/echo?a=1&b=2", params=dict(b="3", c=["4", "5"]))
                yield Request("{site.url}/echo", method="POST", data=dict(one="1", two=[2, 3]))
                yield Request("{site.url}/echo", method="POST", data="raw=1")
                yield Request("{site.url}/echo", method="POST", json={{"a": [1]}})
                yield FormRequest("{site.url}/echo", formdata=dict(form="1"))
                yield JsonRequest("{site.url}/echo", data=dict(b=None))

            async def parse(self, response: Response):
                answer = response.json()
                kind = answer["headers"].get("content-type", "")
                print(json.dumps([answer["path"], answer["body"], kind]))

        Senders.start()
    """
    printed, log = run(tmp_path, program)
    form, body = "application/x-www-form-urlencoded", "application/json"
    assert sorted(json.loads(line) for line in printed) == sorted(
        [
            ["/echo?a=1&b=3&c=4&c=5", "", ""],
            ["/echo", "one=1&two=2&two=3", form],
            ["/echo", "raw=1", form],
            ["/echo", '{"a":[1]}', body],
            ["/echo", "form=1", form],
            ["/echo", '{"b": null}', body],
        ]
    )
    assert "DOWNLOAD_HANDLERS_TYPE: requests is not supported, aiohttp is used" in log


@pytest.mark.server
def test_a_client_that_is_not_there_is_refused_in_one_line(tmp_path: Path) -> None:
    program = """
        from aioscrapy import Spider

        class Browser(Spider):
            name = "browser"
            custom_settings = {"DOWNLOAD_HANDLERS_TYPE": "playwright", "LOG_ENABLED": False}

        Browser.start()
    """
    _, log = run(tmp_path, program, status=1)
    assert log == (
        "browser: setting DOWNLOAD_HANDLERS_TYPE: 'playwright' is not supported, only 'aiohttp', 'wreq', "
        "'curl_cffi' (see DOWNLOAD_HANDLERS)\n"
    )


def test_curl_cffi_looks_like_the_browser_that_is_asked_for(tmp_path: Path, site: Site) -> None:
    program = f"""
        import json
        from aioscrapy import Request, Spider

        class Browsers(Spider):
            name = "browsers"
            custom_settings = dict(
                DOWNLOAD_HANDLERS_TYPE="curl_cffi", CURL_CFFI_ARGS=dict(impersonate="chrome124")
            )

            async def start_requests(self):
                yield Request("{site.url}/headers?1")
                yield Request("{site.url}/headers?2", meta=dict(impersonate="firefox135"))
                yield Request("{site.url}/headers?3", headers=dict({{"User-Agent": "mine"}}))

            async def parse(self, response):
                print(json.dumps([response.url[-1], response.json()["user-agent"]]))

        Browsers.start()
    """
    printed, _ = run(tmp_path, program)
    chrome, firefox, mine = (agent for _, agent in sorted(json.loads(line) for line in printed))
    assert "Chrome/124" in chrome
    assert "Firefox/135" in firefox
    assert mine == "mine"


def test_items_go_to_the_csv_file_that_they_name(tmp_path: Path, site: Site) -> None:
    program = f"""
        from aioscrapy import Spider

        class Table(Spider):
            name = "table"
            custom_settings = {{"ITEM_PIPELINES": {{"aioscrapy.libs.pipelines.csv.CsvPipeline": 100}}}}
            start_urls = ["{site.url}/page/1"]

            async def parse(self, response):
                for link in response.css("a.link::attr(href)").getall():
                    yield {{"link": link, "__csv__": {{"filename": "links"}}}}

        Table.start()
    """
    run(tmp_path, program)
    with (tmp_path / "links.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))
    assert rows == [["link"], ["/page/2"], ["/page/3"]]


REDIS_SPIDER = """
    from aioscrapy.spiders import Request, Spider

    class Numbers(Spider):
        name = "numbers"
        custom_settings = {{
            "CONCURRENT_REQUESTS": 2,
            "REDIS_ARGS": {{"{alias}": {{"url": "{redis}", "max_connections": 2, "timeout": None,
                                        "retry_on_timeout": True, "health_check_interval": 30}}}},
            {settings}
        }}

        async def start_requests(self):
            {start}
            yield Request("{url}/page/1", fingerprint="1")

        async def parse(self, response):
            print(response.url.rsplit("/", 1)[1])
            number = int(response.url.rsplit("/", 1)[1])
            if number < 4:
                for _ in range(2):
                    yield response.follow(f"/page/{{number + 1}}", self.parse, fingerprint=str(number + 1))

    if __name__ == "__main__":
        Numbers.start()
"""


@pytest.mark.parametrize(
    "settings",
    [
        '"SCHEDULER_QUEUE_CLASS": "aioscrapy.queue.redis.SpiderPriorityQueue",',
        '"DUPEFILTER_CLASS": "aioscrapy.dupefilters.redis.RedisBloomDupeFilter", "BLOOMFILTER_BIT": 20,',
        '"DUPEFILTER_CLASS": "aioscrapy.dupefilters.redis.ExRedisRFPDupeFilter",',
    ],
    ids=["queue", "bloom filter alone", "exact filter alone"],
)
def test_a_redis_queue_or_a_redis_filter_is_enough_to_share(
    tmp_path: Path, site: Site, redis_url: str, settings: str
) -> None:
    program = REDIS_SPIDER.format(alias="queue", redis=redis_url, url=site.url, start="", settings=settings)
    assert run(tmp_path, program)[0] == ["1", "2", "3", "4"]
    assert site.counts() == {f"/page/{number}": 1 for number in range(1, 5)}
    with Redis.from_url(redis_url) as client:
        assert client.keys("aioscrapy:{aioscrapybot/numbers}:*")


def test_requests_pushed_by_another_program_are_crawled_with_the_urgent_first(
    tmp_path: Path, site: Site, redis_url: str
) -> None:
    program = f"""
        import asyncio
        from aioscrapy import Request
        from aioscrapy.db import db_manager
        from aioscrapy.queue.redis import SpiderPriorityQueue

        async def push():
            try:
                await db_manager.from_dict({{"redis": {{"other": {{"url": "{redis_url}"}}}}}})
                queue = SpiderPriorityQueue.from_dict({{
                    "alias": "other",
                    "spider_name": "numbers",
                    "serializer": "aioscrapy.serializer.JsonSerializer",
                }})
                for page in (11, 12, 13):
                    await queue.push(Request("{site.url}/page/%d" % page, priority=page))
            finally:
                await db_manager.close_all()

        asyncio.run(push())
    """
    run(tmp_path, program, name="push.py")
    settings = '"SCHEDULER_QUEUE_ALIAS": "other", "CONCURRENT_REQUESTS_PER_DOMAIN": 1, ' + (
        '"SCHEDULER_QUEUE_CLASS": "aioscrapy.queue.redis.SpiderPriorityQueue",'
    )
    spider = REDIS_SPIDER.format(
        alias="other", redis=redis_url, url=site.url, start="return", settings=settings
    )
    assert run(tmp_path, spider)[0] == ["13", "12", "11"]


POOL_SPIDER = """
    from aioscrapy import Spider
    from aioscrapy.proxy.redis import AbsProxy

    class Mine(AbsProxy):
        def __init__(self, settings):
            super().__init__(settings)

        @classmethod
        async def from_crawler(cls, crawler) -> AbsProxy:
            return cls(crawler.settings)

        async def get(self) -> str:
            return "{proxy}"

    class Hidden(Spider):
        name = "hidden"
        custom_settings = dict(
            USE_PROXY=True,
            RETRY_TIMES=1,
            PROXY_HANDLER="{handler}",
            PROXY_QUEUE_ALIAS="proxy",
            PROXY_KEY="proxies:universal",
            REDIS_ARGS={{"proxy": {{"url": "{redis}"}}}},
        )
        start_urls = ["http://nowhere.invalid/page/3"]

        async def parse(self, response):
            print(response.css("title::text").get(), self.proxy.cache)

    if __name__ == "__main__":
        Hidden.start()
"""


def test_a_pool_of_ones_own_chooses_the_proxy(tmp_path: Path, site: Site, redis_url: str) -> None:
    program = POOL_SPIDER.format(proxy=site.url, handler="program.Mine", redis=redis_url)
    assert run(tmp_path, program)[0] == ["Page 3 []"]
    assert site.log()["proxied"] == 1


def test_the_pool_in_redis_gives_the_best_proxies(tmp_path: Path, site: Site, redis_url: str) -> None:
    with Redis.from_url(redis_url) as client:
        client.zadd("proxies:universal", {site.url.removeprefix("http://"): 100, "127.0.0.1:9": 50})
    program = POOL_SPIDER.format(proxy="", handler="aioscrapy.proxy.redis.RedisProxy", redis=redis_url)
    assert run(tmp_path, program)[0] == [f"Page 3 ['{site.url}']"]


def test_a_proxy_that_fails_is_removed_and_an_empty_pool_ends_the_crawl(
    tmp_path: Path, site: Site, redis_url: str
) -> None:
    with Redis.from_url(redis_url) as client:
        client.zadd("proxies:universal", {f"user:secret@127.0.0.1:{site.port}/": 100})
    program = POOL_SPIDER.format(proxy="", handler="aioscrapy.proxy.redis.RedisProxy", redis=redis_url)
    program = program.replace("/page/3", "/status/403").replace("RETRY_TIMES=1", "RETRY_TIMES=0")
    _, log = run(tmp_path, program, status=1)  # its only page is refused
    assert f"Proxy 127.0.0.1:{site.port}/ is removed: status 403" in log
    assert "secret" not in log
    program = program.replace('PROXY_KEY="proxies:universal"', 'PROXY_KEY="nothing"')
    _, log = run(tmp_path, program)
    assert "there is no proxy in nothing (PROXY_KEY)" in log
    assert "Spider closed (no proxy)" in log


MANY = """
    from aioscrapy.process import multi_process_run, single_process_run
    from program import Numbers

    class Others(Numbers):
        name = "others"

    if __name__ == "__main__":
        {run}
"""


@pytest.mark.parametrize(
    "call",
    [
        "single_process_run((Numbers, None), (Others, None))",
        "multi_process_run((Numbers, None), (Others, None))",
        "multi_process_run([(Numbers, None), (Others, None)])",
    ],
)
def test_spiders_run_side_by_side(tmp_path: Path, site: Site, redis_url: str, call: str) -> None:
    settings = '"SCHEDULER_QUEUE_CLASS": "aioscrapy.queue.redis.SpiderPriorityQueue",'
    spider = REDIS_SPIDER.format(alias="queue", redis=redis_url, url=site.url, start="", settings=settings)
    (tmp_path / "program.py").write_text(textwrap.dedent(spider), "utf-8")
    printed, log = run(tmp_path, MANY.format(run=call), name="many.py")
    assert sorted(printed) == ["1", "1", "2", "2", "3", "3", "4", "4"]
    assert log.count("Spider closed (finished)") == 2


@pytest.mark.server
def test_a_spider_that_fails_in_its_process_makes_the_script_fail(tmp_path: Path) -> None:
    program = """
        from aioscrapy import Spider
        from aioscrapy.process import multi_process_run

        class Broken(Spider):
            name = "broken"
            custom_settings = {"SCHEDULER_QUEUE_CLASS": "nowhere.Queue", "LOG_ENABLED": False}

        if __name__ == "__main__":
            multi_process_run((Broken, None))
    """
    _, log = run(tmp_path, program, status=1)
    assert log.startswith("Broken: setting SCHEDULER_QUEUE_CLASS: ")
    assert len(log.splitlines()) == 1


def test_plain_middlewares_may_walk_over_start_requests_and_results(tmp_path: Path, site: Site) -> None:
    program = f"""
        from aioscrapy import Spider, signals

        class Walks:
            @classmethod
            def from_crawler(cls, crawler):
                made = cls()
                crawler.signals.connect(made.spider_opened, signal=signals.spider_opened)
                return made

            def process_start_requests(self, start_requests, spider):
                for request in start_requests:
                    yield request

            def process_spider_output(self, response, result, spider):
                for each in result:
                    yield each
                yield {{"from": "middleware"}}

            def spider_opened(self, spider):
                print("opened", spider.name)

        class Streams:
            async def process_spider_output(self, response, result, spider):
                async for each in result:
                    yield each

        class Walked(Spider):
            name = "walked"
            custom_settings = {{"SPIDER_MIDDLEWARES": {{Walks: 543, Streams: 544}}}}
            start_urls = ["{site.url}/page/1"]

            async def parse(self, response):
                yield {{"from": "spider"}}

            async def process_item(self, item):
                print(item["from"])

        Walked.start()
    """
    assert run(tmp_path, program)[0] == ["opened walked", "spider", "middleware"]


def test_a_project_starts_by_execute(tmp_path: Path, site: Site) -> None:
    (tmp_path / "aioscrapy.cfg").write_text("[settings]\ndefault = shop.settings\n", "utf-8")
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "settings.py").write_text('SPIDER_MODULES = ["shop.goods"]\n', "utf-8")
    (tmp_path / "shop" / "goods.py").write_text(
        textwrap.dedent(f"""
            from aioscrapy import Spider

            class Goods(Spider):
                name = "goods"
                start_urls = ["{site.url}/page/2"]

                async def parse(self, response):
                    print(response.css("title::text").get())
        """),
        "utf-8",
    )
    program = """
        from aioscrapy.cmdline import execute

        execute("aioscrapy crawl goods".split())
    """
    assert run(tmp_path, program)[0] == ["Page 2"]
