"""A project as people write it for Scrapy: the same requests and items under Scrapy, here, and renamed."""

import json
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from support import child_environment
from support.site import Site

FILES = {
    "scrapy.cfg": "[settings]\ndefault = shop.settings\n",
    "shop/__init__.py": "",
    "shop/settings.py": """
BOT_NAME = "shop"
SPIDER_MODULES = ["shop.spiders"]
NEWSPIDER_MODULE = "shop.spiders"
ROBOTSTXT_OBEY = True
ITEM_PIPELINES = {"shop.pipelines.Unique": 300}
DOWNLOADER_MIDDLEWARES = {
    "shop.middlewares.Marking": 543,
    "scrapy.downloadermiddlewares.useragent.UserAgentMiddleware": None,
}
FEED_EXPORT_ENCODING = "utf-8"
LOG_LEVEL = "INFO"
TELNETCONSOLE_ENABLED = False
""",
    "shop/items.py": """
import scrapy
from itemloaders.processors import Join, MapCompose, TakeFirst
from scrapy.loader import ItemLoader


class Page(scrapy.Item):
    url = scrapy.Field()
    title = scrapy.Field(serializer=str.upper)
    links = scrapy.Field()
    opened = scrapy.Field()


class PageLoader(ItemLoader):
    default_item_class = Page
    default_output_processor = TakeFirst()
    title_in = MapCompose(str.strip)
    links_out = Join(" ")
""",
    "shop/pipelines.py": """
from itemadapter import ItemAdapter
from scrapy.exceptions import DropItem


class Unique:
    def open_spider(self, spider):
        self.seen = set()

    def process_item(self, item, spider):
        adapter = ItemAdapter(item)
        if adapter["url"] in self.seen:
            raise DropItem("seen")
        self.seen.add(adapter["url"])
        adapter["opened"] = spider.opened, spider.dispatched
        return item
""",
    "shop/middlewares.py": """
from scrapy.signalmanager import dispatcher
from scrapy.spiders import signals


class Marking:
    def __init__(self):
        dispatcher.connect(self.dispatched, signal=signals.spider_opened)

    @classmethod
    def from_crawler(cls, crawler):
        middleware = cls()
        crawler.signals.connect(middleware.spider_opened, signal=signals.spider_opened)
        return middleware

    def process_request(self, request, spider):
        request.headers.setdefault("X-Mark", spider.name)
        return None

    def process_response(self, request, response, spider):
        return response

    def spider_opened(self, spider):
        spider.opened = True

    def dispatched(self, spider):
        spider.dispatched = True
""",
    "shop/spiders/__init__.py": "",
    "shop/spiders/rules.py": """
from scrapy.http import HtmlResponse
from scrapy.linkextractors import LinkExtractor
from scrapy.spiders import CrawlSpider, Rule

from shop.items import PageLoader


class RulesSpider(CrawlSpider):
    name = "rules"
    allowed_domains = ["127.0.0.1"]
    rules = (
        Rule(LinkExtractor(allow=r"/page/1\\d$"), callback="parse_page", follow=True, process_links="few"),
        Rule(LinkExtractor(r"/page/2\\d$", restrict_css="a"), "parse_page", cb_kwargs={"deep": 1}),
    )

    def __init__(self, start="", *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.start_urls = [start]

    def few(self, links):
        return links[:3]

    def parse_page(self, response: HtmlResponse, deep=0):
        loader = PageLoader(response=response)
        loader.add_value("url", f"{response.url}#{deep}")
        loader.add_css("title", "title::text")
        loader.add_css("links", "a::attr(href)")
        return loader.load_item()
""",
    "shop/spiders/chain.py": """
import scrapy

from shop.items import Page


class ChainSpider(scrapy.Spider):
    name = "chain"

    def __init__(self, start=None, **kwargs):
        super().__init__(**kwargs)
        self.start_url_given = start

    async def start(self):
        yield scrapy.Request(self.start_url_given, meta={"left": 3}, dont_filter=True)

    def parse(self, response):
        item = Page(url=response.url, title=response.css("title::text").get())
        form = {"of": response.url}
        url = response.urljoin("/echo")
        yield scrapy.FormRequest(url, formdata=form, callback=self.parse_echo, meta={"item": item})
        if response.meta["left"]:
            number = int(response.url.rpartition("/")[2])
            yield response.follow(f"/page/{number + 1}", meta={"left": response.meta["left"] - 1})

    def parse_echo(self, response):
        item = response.meta["item"]
        item["links"] = response.json()["body"]
        yield item
""",
    "shop/spiders/home.py": """
import scrapy

from shop.items import Page


class HomeSpider(scrapy.Spider):
    name = "home"

    def __init__(self, start=None, **kwargs):
        super().__init__(**kwargs)
        self.start_urls = [start, start]

    def parse(self, response):
        yield Page(url=response.url)
        for path in ("/page/5", "/page/6"):
            yield response.follow(path)
""",
    "shop/spiders/loose.py": """
import scrapy
from scrapy.selector import Selector


class LooseSpider(scrapy.Spider):
    name = "loose"
    allowed_domains = ["127.0.0.1"]

    def __init__(self, start=None, **kwargs):
        super().__init__(**kwargs)
        self.start_urls = [start, start.replace("127.0.0.1", "localhost")]

    async def start(self):
        async for request in super().start():
            yield request
        elsewhere = self.start_urls[1]
        yield scrapy.Request(elsewhere + "1", self.parse)
        yield scrapy.Request(elsewhere + "2", self.parse, meta={"allow_offsite": True})

    def parse(self, response):
        yield {
            "url": response.urljoin(response.css("no-such-element::attr(href)").get()),
            "title": Selector(text=response.body).css("title::text").get(),
            "header": response.headers.get("No-Such-Header", def_val="none").decode(),
        }
""",
}


def write_project(folder: Path, name: str) -> Path:
    for path, text in FILES.items():
        renamed = re.sub(r"\bscrapy\b", name, text)
        file = folder / re.sub(r"^scrapy\.cfg", f"{name}.cfg", path)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(renamed, "utf-8")
    return folder


def crawl_project(folder: Path, program: str, spider: str, site: Site, start: str) -> tuple[Any, Any]:
    """Return the items of a crawl and the requests that the site saw, both counted."""
    site.reset()
    done = subprocess.run(
        [sys.executable, "-m", program, "crawl", spider, "-a", f"start={site.url}{start}", "-o", "items.jl"],
        cwd=folder,
        env=child_environment(),
        capture_output=True,
        text=True,
        timeout=90,
    )
    assert done.returncode == 0, done.stderr
    lines = (folder / "items.jl").read_text("utf-8").splitlines()
    return Counter(json.dumps(json.loads(line), sort_keys=True) for line in lines), site.counts()


@pytest.mark.server
@pytest.mark.parametrize(("spider", "start"), [("rules", "/page/10"), ("chain", "/page/5")])
def test_a_project_of_scrapy_has_the_same_requests_and_items_here(
    spider: str, start: str, tmp_path: Path, site: Site
) -> None:
    results = [
        crawl_project(write_project(tmp_path / folder, name), program, spider, site, start)
        for folder, name, program in (
            ("real", "scrapy", "scrapy"),
            ("unmodified", "scrapy", "aioscrapy"),
            ("renamed", "aioscrapy", "aioscrapy"),
        )
    ]
    assert results[0][0]
    assert results[1] == results[0]
    assert results[2] == results[0]


@pytest.mark.server
def test_start_requests_pass_the_filter_of_domains_as_in_scrapy(tmp_path: Path, site: Site) -> None:
    real, unmodified = (
        crawl_project(write_project(tmp_path / program, "scrapy"), program, "loose", site, "/page/5")
        for program in ("scrapy", "aioscrapy")
    )
    assert unmodified == real
    assert real[1]["/page/5"] == 2  # both start URLs
    assert "/page/51" not in real[1]
    assert real[1]["/page/52"] == 1


@pytest.mark.server
def test_a_start_url_is_fetched_as_often_as_by_scrapy(tmp_path: Path, site: Site) -> None:
    real, unmodified, renamed = (
        crawl_project(write_project(tmp_path / folder, name), program, "home", site, "/page/5")
        for folder, name, program in (
            ("real", "scrapy", "scrapy"),
            ("unmodified", "scrapy", "aioscrapy"),
            ("renamed", "aioscrapy", "aioscrapy"),
        )
    )
    assert unmodified == real
    assert real[1]["/page/5"] == 3
    assert renamed[1]["/page/5"] == 1  # FILTER_START_URLS
