"""List the requests of a crawl that failed permanently, or retry them."""

import argparse
from dataclasses import asdict

from aioscrapy.commands.crawls import CRAWL_HELP, add_redis_option, bot_of, run_to_end, say, worker_command
from aioscrapy.crawls.catalog import Crawl, Crawls
from aioscrapy.open_crawls import open_crawls
from aioscrapy_deploy.terminal.table import json_text
from aioscrapy_deploy.terminal.text import one_line


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("crawl", metavar="CRAWL", help=CRAWL_HELP)
    action = parser.add_mutually_exclusive_group()
    action.add_argument("--json", action="store_true", help="print JSON")
    action.add_argument("--retry", action="store_true", help="retry all of them")
    add_redis_option(parser)


def run(options: argparse.Namespace) -> int:
    """Print URL and reason of every failed request, or how many are retried."""
    return run_to_end(_run(options))


async def _run(options: argparse.Namespace) -> int:
    async with open_crawls(options.settings, options.redis, bot=bot_of(options.settings)) as crawls:
        crawl = await crawls.find(options.crawl)
        if options.retry:
            await _retry(crawls, crawl)
        elif options.json:
            before = "["
            async for letter in crawls.failed(crawl):
                print(f"{before}\n  {json_text(asdict(letter))}", end="")
                before = ","
            print("[]" if before == "[" else "\n]")
        else:
            async for letter in crawls.failed(crawl):
                print(f"{one_line(letter.url)}\t{one_line(letter.reason)}")
    return 0


async def _retry(crawls: Crawls, crawl: Crawl) -> None:
    count, reopened = await crawls.retry(crawl)
    if not count:
        say(f"Crawl {crawl.id} has no failed requests")
        return
    again = "; the crawl had finished and is open again" if reopened else ""
    say(f"{count} requests of crawl {crawl.id} wait for another attempt{again}")
    say(f"If no worker is running, start one: {worker_command(crawl)}")
