"""The base class of spider middlewares that look at single requests and items (Scrapy 2.13)."""

from collections.abc import AsyncIterator
from typing import Any, Self

from aioscrapy.context import CrawlContext
from aioscrapy.hooks import passive
from aioscrapy.http.request import Request
from aioscrapy.http.response import Response


class SpiderStream:
    """The hooks of Scrapy's own spider middlewares, for subclasses that call them by `super()`.

    They pass everything on: the crawl calls `get_processed_request` and `get_processed_item` itself, for what
    comes out of all of these hooks.
    """

    @passive
    def process_spider_output(self, response: Response, result: Any, spider: Any = None) -> Any:
        """Return the output as it is."""
        return result

    @passive
    async def process_spider_output_async(
        self, response: Response, result: Any, spider: Any = None
    ) -> AsyncIterator[Any]:
        """Yield the output as it is."""
        async for output in result:
            yield output

    @passive
    async def process_start(self, start: AsyncIterator[Any]) -> AsyncIterator[Any]:
        """Yield the start requests as they are."""
        async for output in start:
            yield output


class BaseSpiderMiddleware(SpiderStream):
    """Derive from it and write `get_processed_request`, `get_processed_item` or both."""

    def __init__(self, crawler: CrawlContext) -> None:
        self.crawler = crawler

    @classmethod
    def from_crawler(cls, crawler: CrawlContext) -> Self:
        """Create the middleware."""
        return cls(crawler)

    @passive
    def get_processed_request(self, request: Request, response: Response | None) -> Request | None:
        """Return the request."""
        return request

    @passive
    def get_processed_item(self, item: Any, response: Response | None) -> Any:
        """Return the item."""
        return item
