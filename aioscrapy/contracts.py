"""What the parts of a crawl that a project may replace or add have to offer.

Derive a class from its contract, or write the same methods: only the methods that the class defines itself
are called. All methods of a middleware or a pipeline are optional, and each may be a plain function or a
coroutine function, if its contract does not say otherwise. A method with one more argument named `spider`
gets the spider. An extension has only `from_crawler`, where it connects to signals.

Every class may have `from_crawler(cls, crawler: CrawlContext)`, which creates it, and may raise NotConfigured
to leave it out. Without it, `from_settings(cls, settings)` or the constructor without arguments is used.
"""

from collections.abc import AsyncIterator, Awaitable
from typing import Any, Protocol, TypeAlias, TypeVar

from aioscrapy.dupefilters.base import DupeFilter, LocalDupeFilter
from aioscrapy.handlers.base import DownloadHandler
from aioscrapy.http.request import Request
from aioscrapy.http.response import Response
from aioscrapy.queue.base import Store
from aioscrapy.serializer import Serializer

__all__ = [
    "DownloadHandler",
    "DownloaderMiddleware",
    "DupeFilter",
    "LocalDupeFilter",
    "Pipeline",
    "Serializer",
    "SpiderMiddleware",
    "Store",
]

T = TypeVar("T")
Maybe: TypeAlias = T | Awaitable[T]
"""A value, or an awaitable of it: what a plain function and a coroutine function return."""


class DownloaderMiddleware(Protocol):
    """Sees every request on its way to the network, and every response on its way back."""

    def process_request(self, request: Request) -> Maybe[Request | Response | None]:
        """Return None to go on, a Response to answer in the place of the network, a Request to send instead.

        Raises:
            IgnoreRequest: drop the request.
        """
        return None

    def process_response(self, request: Request, response: Response) -> Maybe[Request | Response]:
        """Return the response, another one, or a Request to send instead (a retry)."""
        return response

    def process_exception(self, request: Request, exception: Exception) -> Maybe[Request | Response | None]:
        """Return None to go on, or what replaces the failed download."""
        return None


class SpiderMiddleware(Protocol):
    """Sees what goes into the callbacks of a spider and what comes out of them.

    Set `changes_requests = False` on the class if `get_processed_request` never changes the URL, the method
    or the body of a request: known links are then dropped before they reach it.
    """

    def process_spider_input(self, response: Response) -> Maybe[None]:
        """Look at a response before its callback; an exception goes to the errback."""
        return None

    def get_processed_request(self, request: Request, response: Response | None) -> Request | None:
        """Return a request that a callback (or, without a response, the start) yielded; None drops it.

        A plain function.
        """
        return request

    def get_processed_item(self, item: Any, response: Response | None) -> Any:
        """Return an item that a callback yielded; None drops it. A plain function."""
        return item

    def process_spider_output(self, response: Response | None, result: Any) -> Any:
        """Return or yield the output of a callback.

        `result` is an async iterator if this is an async generator, otherwise a list.
        """
        return result

    def process_spider_exception(self, response: Response | None, exception: BaseException) -> Maybe[Any]:
        """Return the output that replaces the exception of a callback; None goes on with the exception."""
        return None

    def process_start(self, start: AsyncIterator[Any]) -> Any:
        """Return or yield the start requests; `process_start_requests` is another name for it."""
        return start

    def process_start_requests(self, start: AsyncIterator[Any]) -> Any:
        """Return or yield the start requests."""
        return start


class Pipeline(Protocol):
    """Sees every item, in the order of ITEM_PIPELINES."""

    def open_spider(self) -> Maybe[None]:
        """Open what the pipeline needs; an exception ends the crawl before its first request."""
        return None

    def process_item(self, item: Any) -> Maybe[Any]:
        """Return the item, or another one in its place; None is an error.

        Raises:
            DropItem: drop the item.
        """
        return item

    def close_spider(self) -> Maybe[None]:
        """Write and close; after an exception the crawl ends with the reason `output_failed`."""
        return None
