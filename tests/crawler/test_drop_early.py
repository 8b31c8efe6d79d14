"""A known link is dropped before the spider middlewares, unless one of the user's may change it."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from aioscrapy.crawler import Crawler
from aioscrapy.http import Request, Response
from aioscrapy.spiders import Spider
from support.site import Site


class Numbered:
    """Gives every request a query of its own."""

    def __init__(self) -> None:
        self._number = 0

    def get_processed_request(self, request: Request, response: Response | None) -> Request:
        self._number += 1
        changed: Request = request.replace(url=f"{request.url}?n={self._number}")
        return changed


class Twice(Spider):
    name = "twice"

    async def parse(self, response: Any) -> AsyncIterator[Request]:
        if "/page/1" in response.url:
            for _ in range(2):
                yield response.follow("/page/2")


@pytest.mark.parametrize(
    ("middlewares", "fetched", "filtered"),
    [({}, ["/page/1", "/page/2"], 1), ({Numbered: 10}, ["/page/1?n=1", "/page/2?n=2", "/page/2?n=3"], None)],
    ids=["ours", "one of the user's"],
)
async def test_a_known_link_is_dropped_unless_a_middleware_makes_it_another(
    site: Site, middlewares: dict[Any, int], fetched: list[str], filtered: int | None
) -> None:
    Twice.start_urls = [f"{site.url}/page/1"]
    crawler = Crawler(Twice, {"SPIDER_MIDDLEWARES": middlewares})
    await crawler.crawl()
    assert sorted(site.counts()) == fetched
    assert crawler.stats.get_value("dupefilter/filtered") == filtered
