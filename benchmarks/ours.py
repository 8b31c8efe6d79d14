"""The same crawl as a plain spider: `python benchmarks/ours.py URL OUT CONCURRENCY [SETTINGS as JSON]`."""

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
        "FEEDS": {OUT: {"format": "jsonlines", "overwrite": True}},
        "LOG_LEVEL": "INFO",
        "LOG_FILE": OUT + ".log",
        **json.loads(sys.argv[4] if len(sys.argv) > 4 else "{}"),
    }

    async def start_requests(self):
        first_request()
        yield Request(URL)

    async def parse(self, response):
        yield item_of(response.url, response)
        for href in response.css("a::attr(href)").getall():
            yield Request(response.urljoin(href))


if __name__ == "__main__":
    PagesSpider.start()
    workers = PagesSpider.custom_settings.get("CRAWL_PROCESSES", 1)
    print_figures(workers if workers > 1 else 0)
