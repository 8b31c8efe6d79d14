"""Pools of proxies: they choose the proxy of a request and remove proxies that fail."""

from abc import ABC, abstractmethod

from aioscrapy.context import CrawlContext
from aioscrapy.http.request import Request
from aioscrapy.http.response import Response
from aioscrapy.log import logger
from aioscrapy.settings import Settings

_POOL_PROXY = "_pool_proxy"  # meta key: the proxy as it is in the pool, with its login


class AbsProxy(ABC):
    """Base class of the pool of PROXY_HANDLER: `get` returns the next proxy; other methods can be overridden.

    Attributes:
        cache: the proxies that this process has.
    """

    def __init__(self, settings: Settings) -> None:
        self.use_proxy = settings.getbool("USE_PROXY")
        self.max_count = settings.getint("PROXY_MAX_COUNT")
        self.min_count = settings.getint("PROXY_MIN_COUNT")
        self.allow_status_code = [int(status) for status in settings.getlist("PROXY_ALLOW_STATUS_CODE")]
        self.cache: list[str] = []

    @classmethod
    @abstractmethod
    async def from_crawler(cls, crawler: CrawlContext) -> "AbsProxy":
        """Create the pool of the settings."""

    @abstractmethod
    async def get(self) -> str:
        """Return the URL of the proxy for the next request."""

    async def add_proxy(self, request: Request) -> Request:
        """Set the request's meta["proxy"]; remove it if the request or USE_PROXY excludes a proxy."""
        if self.use_proxy and request.use_proxy:
            request.meta["proxy"] = request.meta[_POOL_PROXY] = await self.get()
        else:
            request.meta.pop("proxy", None)
        return request

    def remove(self, proxy: str | None, reason: object = None) -> None:
        """Remove a proxy from the cache."""
        if proxy in self.cache:
            logger.info("Proxy %s is removed: %s", proxy.rpartition("@")[2], reason)
            self.cache.remove(proxy)

    def check(
        self, request: Request, response: Response | None = None, exception: BaseException | None = None
    ) -> None:
        """Remove the request's proxy after an error, or a status of 400 or more that is not allowed."""
        if not self.use_proxy:
            return
        if response is not None and response.status >= 400 and response.status not in self.allow_status_code:
            self.remove(request.meta.get(_POOL_PROXY), f"status {response.status}")
        if exception is not None:
            self.remove(request.meta.get(_POOL_PROXY), type(exception).__name__)
