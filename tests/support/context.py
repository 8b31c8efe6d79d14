"""The context of a crawl that has not begun: real settings, stats, signals and spider."""

from typing import Any

from aioscrapy.context import CrawlContext
from aioscrapy.settings import Settings
from aioscrapy.signals import SignalManager
from aioscrapy.spiders import Spider
from aioscrapy.stats import StatsCollector


def context(settings: dict[str, Any] | None = None, **attributes: Any) -> CrawlContext:
    """Return a context with these settings, whose spider has these attributes."""
    crawler = CrawlContext(Settings(settings), StatsCollector(), SignalManager())
    crawler.spider = Spider.from_crawler(crawler, "tested", **attributes)
    return crawler
