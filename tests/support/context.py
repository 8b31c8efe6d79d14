"""The context of a crawl that has not begun: real settings, stats, signals and spider."""

from typing import Any

from aioscrapy.context import CrawlContext
from aioscrapy.core.frontier import build_politeness
from aioscrapy.exceptions import DownloadError
from aioscrapy.settings import Settings
from aioscrapy.spiders import Spider


def context(settings: dict[str, Any] | None = None, **attributes: Any) -> CrawlContext:
    """Return a context with these settings, whose spider has these attributes."""
    crawler = CrawlContext.without_crawl(Settings(settings))
    crawler.spider = Spider.from_crawler(crawler, "tested", **attributes)
    crawler.download = _refuse
    crawler.politeness = build_politeness(crawler.settings, crawler.spider, shared=False)
    return crawler


async def _refuse(request: Any) -> Any:
    raise DownloadError(f"{request}: this crawl has not begun")
