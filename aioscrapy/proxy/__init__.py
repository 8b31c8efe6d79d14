"""Pools of proxies: what chooses the proxy of each request, and gives up those that fail."""

from abc import ABC, abstractmethod

from aioscrapy.context import CrawlContext
from aioscrapy.http.request import Request
from aioscrapy.http.response import Response
from aioscrapy.log import logger
from aioscrapy.settings import Settings

_TAKEN = "_pool_proxy"  # meta key: the proxy as the pool knows it, with its login


class AbsProxy(ABC):
    """A pool that PROXY_HANDLER names; `get` says the next proxy, the rest may be overridden too.

    Attributes:
        cache: the proxies that are at hand.
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
        """Make the pool from the settings."""

    @abstractmethod
    async def get(self) -> str:
        """Return the URL of the proxy for the next request."""

    async def add_proxy(self, request: Request) -> Request:
        """Set the request's meta["proxy"]; take it off where the request or USE_PROXY wants none."""
        if self.use_proxy and request.use_proxy:
            request.meta["proxy"] = request.meta[_TAKEN] = await self.get()
        else:
            request.meta.pop("proxy", None)
        return request

    def remove(self, proxy: str | None, reason: object = None) -> None:
        """Take a proxy off the cache."""
        if proxy in self.cache:
            logger.info("Proxy %s is given up: %s", proxy.rpartition("@")[2], reason)
            self.cache.remove(proxy)

    def check(
        self, request: Request, response: Response | None = None, exception: BaseException | None = None
    ) -> None:
        """Give up the request's proxy after an error, or a status from 400 on that is not allowed."""
        if not self.use_proxy:
            return
        if response is not None and response.status >= 400 and response.status not in self.allow_status_code:
            self.remove(request.meta.get(_TAKEN), f"status {response.status}")
        if exception is not None:
            self.remove(request.meta.get(_TAKEN), type(exception).__name__)
