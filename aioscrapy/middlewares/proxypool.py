"""Take the proxy of every request from the pool of PROXY_HANDLER, and report the result to the pool."""

from typing import Any

from aioscrapy.components import build_one
from aioscrapy.context import CrawlContext
from aioscrapy.exceptions import NotConfigured
from aioscrapy.hooks import UNREAD
from aioscrapy.http.request import Request
from aioscrapy.http.response import Response


class ProxyPoolMiddleware:
    """Runs before HttpProxyMiddleware, which removes user name and password from the proxy's URL.

    The pool is the spider's `proxy`, as in aio-scrapy.
    """

    def __init__(self, pool: Any) -> None:
        self._pool = pool

    @classmethod
    async def from_crawler(cls, crawler: CrawlContext) -> "ProxyPoolMiddleware":
        """Create the pool; leave the middleware out without PROXY_HANDLER or USE_PROXY."""
        settings = crawler.settings
        if not settings["PROXY_HANDLER"] or not settings.getbool("USE_PROXY"):
            raise NotConfigured
        pool = await build_one(settings["PROXY_HANDLER"], "PROXY_HANDLER", crawler)
        crawler.spider.proxy = pool
        return cls(pool)

    async def process_request(self, request: Request, spider: Any = UNREAD) -> None:
        """Set meta["proxy"]."""
        await self._pool.add_proxy(request)

    def process_response(self, request: Request, response: Response, spider: Any = UNREAD) -> Response:
        """Report the status of the response to the pool."""
        self._pool.check(request, response=response)
        return response

    def process_exception(self, request: Request, exception: Exception, spider: Any = UNREAD) -> None:
        """Report the failure to the pool."""
        self._pool.check(request, exception=exception)
