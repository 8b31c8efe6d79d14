"""The same crawl by Scrapy or scrapy-redis: `python benchmarks/peer_scrapy.py URL OUT CONCURRENCY [JSON]`.

Its best set-up: the asyncio reactor on uvloop, without the parts that the crawl does not need.
"""

import json
import sys

import scrapy
from figures import first_request, print_figures
from item import item_of
from scrapy.crawler import CrawlerProcess

URL, OUT, CONCURRENCY = sys.argv[1:4]


class PagesSpider(scrapy.Spider):
    name = "pages"
    custom_settings = {
        "CONCURRENT_REQUESTS": int(CONCURRENCY),
        "CONCURRENT_REQUESTS_PER_DOMAIN": int(CONCURRENCY),
        "DOWNLOAD_DELAY": 0,
        "ROBOTSTXT_OBEY": False,
        "FEEDS": {OUT: {"format": "jsonlines", "overwrite": True}},
        "LOG_LEVEL": "INFO",
        "LOG_FILE": OUT + ".log",
        "TWISTED_REACTOR": "twisted.internet.asyncioreactor.AsyncioSelectorReactor",
        "ASYNCIO_EVENT_LOOP": "uvloop.Loop",
        "TELNETCONSOLE_ENABLED": False,
        **json.loads(sys.argv[4] if len(sys.argv) > 4 else "{}"),
    }

    async def start(self):
        first_request()
        yield scrapy.Request(URL)

    def parse(self, response):
        yield item_of(response.url, response)
        for href in response.css("a::attr(href)").getall():
            yield scrapy.Request(response.urljoin(href))


if __name__ == "__main__":
    process = CrawlerProcess()
    process.crawl(PagesSpider)
    process.start()
    print_figures()
