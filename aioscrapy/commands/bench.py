"""Measure how many pages a minute this machine crawls, from a site of its own."""

import argparse
import subprocess
import sys
from typing import Any

from aioscrapy.exceptions import ConfigError
from aioscrapy.process import CrawlerProcess
from aioscrapy.settings import Settings
from aioscrapy.spiders.spider import Spider

# Seconds of the measurement.
_SECONDS = 10


class BenchSpider(Spider):
    """Follows every link, again and again."""

    name = "bench"

    def parse(self, response: Any) -> Any:
        for link in response.css("a"):
            yield response.follow(link, self.parse, dont_filter=True, priority=-response.meta.get("depth", 0))


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("--seconds", type=int, default=_SECONDS, help=f"how long (default: {_SECONDS})")


def run(options: argparse.Namespace) -> int:
    """Crawl a demo site in a process of its own, log the speed each second, and print pages per minute.

    Raises:
        ConfigError: the site does not start.
    """
    command = [sys.executable, "-m", "aioscrapy.demo.site", "--delay", "0", "--until-stdin-closes"]
    pipe = subprocess.PIPE
    site: Any = subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True)  # noqa: S603 our own program
    with site:
        url = site.stdout.readline().partition(" ")[0]
        if not url:
            raise ConfigError("the demo site did not start")
        settings: Settings = options.settings
        log = {"LOG_LEVEL": "INFO", "LOGSTATS_INTERVAL": 1}
        for name, value in {"CLOSESPIDER_TIMEOUT": options.seconds, **log}.items():
            settings.set(name, value, "command")
        process = CrawlerProcess(settings)
        crawl = process.plan(BenchSpider, start_urls=[url])
        process.start()
        site.stdin.close()
    pages = crawl.stats.get_value("response_received_count", 0)
    seconds = max(0.1, crawl.stats.get_value("elapsed_time_seconds", 0))
    print(f"{pages} pages in {seconds:.1f} s: {pages * 60 / seconds:.0f} pages a minute")
    return 0
