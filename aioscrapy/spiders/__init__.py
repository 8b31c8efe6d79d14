"""The base classes of spiders; each but `Spider` loads on first use."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from aioscrapy.http.request import Request
from aioscrapy.http.response import Response
from aioscrapy.spiders.spider import Spider

if TYPE_CHECKING:
    from aioscrapy.spiders.crawl import CrawlSpider, Rule
    from aioscrapy.spiders.feed import CSVFeedSpider, XMLFeedSpider
    from aioscrapy.spiders.init import InitSpider
    from aioscrapy.spiders.sitemap import SitemapSpider

__all__ = [
    "CSVFeedSpider",
    "CrawlSpider",
    "InitSpider",
    "Request",
    "Response",
    "Rule",
    "SitemapSpider",
    "Spider",
    "XMLFeedSpider",
]

_HOMES = {
    "CSVFeedSpider": "feed",
    "CrawlSpider": "crawl",
    "InitSpider": "init",
    "Rule": "crawl",
    "SitemapSpider": "sitemap",
    "XMLFeedSpider": "feed",
}


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{home}"), name)
    globals()[name] = value
    return value
