"""The base classes of spiders; each but `Spider` loads on first use."""

from typing import TYPE_CHECKING

from aioscrapy.http.request import Request
from aioscrapy.http.response import Response
from aioscrapy.lazy_names import load_on_first_use
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

__getattr__ = load_on_first_use(
    __name__,
    {
        "CSVFeedSpider": "feed",
        "CrawlSpider": "crawl",
        "InitSpider": "init",
        "Rule": "crawl",
        "SitemapSpider": "sitemap",
        "XMLFeedSpider": "feed",
    },
)
