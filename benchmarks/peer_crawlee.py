"""The same crawl by Crawlee: `python benchmarks/peer_crawlee.py URL OUT CONCURRENCY`.

Its best set-up: uvloop, storage in memory, no session pool, no scaling; links go straight to its queue, and
the items to a file, which is cheaper than its dataset.
"""

import asyncio
import json
import logging
import sys
from datetime import timedelta
from urllib.parse import urljoin

import uvloop
from crawlee import ConcurrencySettings
from crawlee.crawlers import ParselCrawler
from crawlee.storage_clients import MemoryStorageClient
from figures import first_request, print_figures
from item import item_of

URL, OUT, CONCURRENCY = sys.argv[1], sys.argv[2], int(sys.argv[3])


async def crawl() -> None:
    crawler = ParselCrawler(
        storage_client=MemoryStorageClient(),
        use_session_pool=False,
        retry_on_blocked=False,
        configure_logging=False,
        statistics_log_format="inline",
        status_message_logging_interval=timedelta(hours=1),
        concurrency_settings=ConcurrencySettings(
            min_concurrency=CONCURRENCY, desired_concurrency=CONCURRENCY, max_concurrency=CONCURRENCY
        ),
    )
    with open(OUT, "w") as file:  # noqa: ASYNC230, PTH123 as a hand-written program does

        @crawler.router.default_handler
        async def parse(context) -> None:
            url, selector = context.request.url, context.selector
            file.write(json.dumps(item_of(url, selector)) + "\n")
            links = [urljoin(url, href) for href in selector.css("a::attr(href)").getall()]
            await context.add_requests(links)

        first_request()
        await crawler.run([URL])


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, filename=OUT + ".log")
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(crawl())
    print_figures()
