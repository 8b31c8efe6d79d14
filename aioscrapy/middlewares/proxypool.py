"""Asks the pool that PROXY_HANDLER names for the proxy of each request, and tells it how it went."""

from typing import Any

from aioscrapy.components import build, load_object
from aioscrapy.context import CrawlContext
from aioscrapy.exceptions import NotConfigured
from aioscrapy.http.request import Request
from aioscrapy.http.response import Response


class ProxyPoolMiddleware:
    """Stands in front of HttpProxyMiddleware, which takes name and password out of the proxy's URL.

    The pool is the spider's `proxy`, as in aio-scrapy.
    """

    def __init__(self, pool: Any) -> None:
        self._pool = pool

    @classmethod
    async def from_crawler(cls, crawler: CrawlContext) -> "ProxyPoolMiddleware":
        """Make the pool; stay out where PROXY_HANDLER names none or USE_PROXY is false."""
        settings = crawler.settings
        if not settings["PROXY_HANDLER"] or not settings.getbool("USE_PROXY"):
            raise NotConfigured
        pool = await build(load_object(settings["PROXY_HANDLER"], "PROXY_HANDLER"), crawler)
        crawler.spider.proxy = pool
        return cls(pool)

    async def process_request(self, request: Request) -> None:
        """Set meta["proxy"]."""
        await self._pool.add_proxy(request)

    def process_response(self, request: Request, response: Response) -> Response:
        """Let the pool judge the proxy by the response's status."""
        self._pool.check(request, response=response)
        return response

    def process_exception(self, request: Request, exception: Exception) -> None:
        """Let the pool judge the proxy by the failure."""
        self._pool.check(request, exception=exception)
