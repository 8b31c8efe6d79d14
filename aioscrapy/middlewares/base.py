"""The base class of spider middlewares that look at single requests and items (Scrapy 2.13)."""

from collections.abc import AsyncIterator
from typing import Any, Self

from aioscrapy.context import CrawlContext
from aioscrapy.hooks import passive
from aioscrapy.http.request import Request
from aioscrapy.http.response import Response


class SpiderStream:
    """The hooks of Scrapy's own spider middlewares, for subclasses that call them by `super()`.

    They pass each element through `get_processed_request` or `get_processed_item`. Where a class does not
    override one of these hooks, the crawl calls the two methods itself.
    """

    @passive
    def process_spider_output(self, response: Response, result: Any, spider: Any = None) -> Any:
        """Yield the processed output."""
        for output in result:
            if (processed := self._processed(output, response)) is not None:
                yield processed

    @passive
    async def process_spider_output_async(
        self, response: Response, result: Any, spider: Any = None
    ) -> AsyncIterator[Any]:
        """Yield the processed output."""
        async for output in result:
            if (processed := self._processed(output, response)) is not None:
                yield processed

    @passive
    async def process_start(self, start: AsyncIterator[Any]) -> AsyncIterator[Any]:
        """Yield the processed start requests."""
        async for output in start:
            if (processed := self._processed(output, None)) is not None:
                yield processed

    def _processed(self, output: Any, response: Response | None) -> Any:
        if isinstance(output, Request):
            return self.get_processed_request(output, response)
        return self.get_processed_item(output, response)

    @passive
    def get_processed_request(self, request: Request, response: Response | None) -> Request | None:
        """Return the request; None drops it."""
        return request

    @passive
    def get_processed_item(self, item: Any, response: Response | None) -> Any:
        """Return the item; None drops it."""
        return item


class BaseSpiderMiddleware(SpiderStream):
    """Derive from it and write `get_processed_request`, `get_processed_item` or both."""

    def __init__(self, crawler: CrawlContext) -> None:
        self.crawler = crawler

    @classmethod
    def from_crawler(cls, crawler: CrawlContext) -> Self:
        """Create the middleware."""
        return cls(crawler)
