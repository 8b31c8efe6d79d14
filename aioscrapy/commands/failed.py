"""List the requests of a crawl that failed for good, or try them again."""

import argparse
import json
from dataclasses import asdict

from aioscrapy.commands.crawls import add_redis_option, bot_of, run_to_end, worker_command
from aioscrapy.crawls.catalog import Crawl, Crawls
from aioscrapy.frontier_settings import open_crawls


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("crawl", metavar="CRAWL", help="id of the crawl, or SPIDER for its current crawl")
    do = parser.add_mutually_exclusive_group()
    do.add_argument("--json", action="store_true", help="write JSON")
    do.add_argument("--retry", action="store_true", help="put all of them back among the waiting requests")
    add_redis_option(parser)


def run(options: argparse.Namespace) -> int:
    """Print URL and reason of each, or how many are tried again."""
    return run_to_end(_run(options))


async def _run(options: argparse.Namespace) -> int:
    async with open_crawls(options.settings, options.redis, bot=bot_of(options.settings)) as crawls:
        crawl = await crawls.find(options.crawl)
        if options.retry:
            await _retry(crawls, crawl)
        elif options.json:
            before = "["
            async for letter in crawls.failed(crawl):
                print(f"{before}\n  {json.dumps(asdict(letter))}", end="")
                before = ","
            print("[]" if before == "[" else "\n]")
        else:
            async for letter in crawls.failed(crawl):
                print(f"{letter.url}\t{' '.join(letter.reason.split())}")
    return 0


async def _retry(crawls: Crawls, crawl: Crawl) -> None:
    count, opened = await crawls.retry(crawl)
    if not count:
        print(f"Crawl {crawl.id} has no failed requests")
        return
    again = "; the crawl had finished and is open again" if opened else ""
    print(f"{count} requests of crawl {crawl.id} wait to be tried again{again}")
    print(f"Start a worker, where none is at work: {worker_command(crawl)}")
