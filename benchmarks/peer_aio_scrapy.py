"""The same crawl by aio-scrapy: `python benchmarks/peer_aio_scrapy.py URL OUT CONCURRENCY [SETTINGS]`.

Its best set-up: uvloop, which it uses by default, and as many parsers as requests. It has no feeds, so the
spider writes the items.
"""

import json
import sys

from figures import first_request, print_figures
from item import item_of

from aioscrapy import Request, Spider

URL, OUT, CONCURRENCY = sys.argv[1:4]


class PagesSpider(Spider):
    name = "pages"
    start_urls = [URL]
    custom_settings = {
        "CONCURRENT_REQUESTS": int(CONCURRENCY),
        "CONCURRENT_REQUESTS_PER_DOMAIN": int(CONCURRENCY),
        "CONCURRENT_PARSER": int(CONCURRENCY),
        "DUPEFILTER_CLASS": "aioscrapy.dupefilters.disk.RFPDupeFilter",  # without a JOBDIR a set in memory
        "CLOSE_SPIDER_ON_IDLE": True,
        "LOG_LEVEL": "INFO",
        "LOG_FILE": OUT + ".log",
        "LOG_STDOUT": False,
        **json.loads(sys.argv[4] if len(sys.argv) > 4 else "{}"),
    }

    async def start_requests(self):
        first_request()
        yield Request(URL)

    async def parse(self, response):
        FILE.write(json.dumps(item_of(response.url, response)) + "\n")
        for href in response.css("a::attr(href)").getall():
            yield Request(response.urljoin(href))


if __name__ == "__main__":
    with open(OUT, "w", encoding="utf-8") as FILE:  # noqa: PTH123 as its users write
        PagesSpider.start()
    print_figures()
