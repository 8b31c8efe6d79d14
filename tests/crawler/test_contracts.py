"""Components that derive from a contract, in whole or in part."""

from typing import Any

import pytest

from aioscrapy.contracts import DownloaderMiddleware, Pipeline, SpiderMiddleware
from aioscrapy.hooks import UNREAD, hooks
from aioscrapy.http import Request, Response
from support.crawling import SiteSpider, crawl
from support.site import Site


class Marks(DownloaderMiddleware):
    async def process_request(self, request: Request) -> None:
        request.meta["marked"] = True


class Drops(SpiderMiddleware):
    def get_processed_item(self, item: Any, response: Response | None) -> Any:
        return item if item["path"] != "/page/2" else None


class Adds(Pipeline):
    def process_item(self, item: Any, spider: Any) -> Any:
        return {**item, "by": spider.name}


async def test_only_what_a_class_defines_itself_is_called(site: Site) -> None:
    class Shows(SiteSpider):
        paths = ("/page/1", "/page/2")

        def parse(self, response: Any) -> Any:
            yield {"path": self.path_of(response.url), "marked": response.meta["marked"]}

    settings = {
        "DOWNLOADER_MIDDLEWARES": {Marks: 1},
        "SPIDER_MIDDLEWARES": {Drops: 1},
        "ITEM_PIPELINES": {Adds: 1},
    }
    crawled = await crawl(Shows, settings, site=site.url)
    assert crawled.items == [{"path": "/page/1", "marked": True, "by": "tested"}]
    assert crawled.reason == "finished"


def test_an_inherited_method_of_a_contract_is_not_a_hook() -> None:
    for contract in (DownloaderMiddleware.process_response, DownloaderMiddleware.process_exception):
        assert hooks([Marks()], contract, None) == []
    assert len(hooks([Marks()], DownloaderMiddleware.process_request, None)) == 1
    assert hooks([Adds()], Pipeline.open_spider, None) == []


class Named:
    def process_item(self, item: Any, spider: Any) -> Any:
        return item, spider


class KeywordOnly:
    def process_item(self, item: Any, *, spider: Any) -> Any:
        return item, spider


class OtherName:
    def process_item(self, item: Any, crawling: Any) -> Any:
        return item, crawling


class Anything:
    def process_item(self, *args: Any) -> Any:
        return args


class Defaulted:
    def process_item(self, item: Any, spider: Any = None) -> Any:
        return item, spider


@pytest.mark.parametrize("component", [Named, KeywordOnly, OtherName, Anything, Defaulted])
def test_a_hook_with_one_more_argument_gets_the_spider(component: type) -> None:
    (hook,) = hooks([component()], Pipeline.process_item, "the spider")
    assert hook("item") == ("item", "the spider")


def test_a_hook_that_never_reads_the_spider_is_called_directly() -> None:
    class Counts:
        def process_request(self, request: Request, spider: Any = UNREAD) -> Any:
            return "base", spider is UNREAD

    class Overrides(Counts):
        def process_request(self, request: Request, spider: Any = None) -> Any:
            return spider

    base, override = Counts(), Overrides()
    bound = hooks([base, override], DownloaderMiddleware.process_request, "the spider")
    assert bound[0] == base.process_request, "no call stands between"
    assert [hook(Request("http://a.example")) for hook in bound] == [("base", True), "the spider"]
