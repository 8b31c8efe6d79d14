"""Pass a request through the middlewares to the network, and its response back."""

import asyncio
import inspect
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Self

from aioscrapy import signals
from aioscrapy.base_settings import component_path
from aioscrapy.components import build_all, build_one
from aioscrapy.context import CrawlContext
from aioscrapy.contracts import DownloaderMiddleware
from aioscrapy.exceptions import CrawlError, NotSupported, SettingError
from aioscrapy.handlers.base import DownloadHandler
from aioscrapy.hooks import Hook, hooks, own_hooks, settle
from aioscrapy.http.foreign import own, own_exception
from aioscrapy.http.hosts import HostSlot, host_of, slot_of
from aioscrapy.http.request import Request
from aioscrapy.http.response import Response
from aioscrapy.log import logger
from aioscrapy.settings import Settings
from aioscrapy.twisted_errors import with_twisted

# Unpacks what a handler of a project leaves packed, at Scrapy's order; our handlers unpack themselves.
_UNPACKING = "aioscrapy.middlewares.httpcompression.HttpCompressionMiddleware"
_UNPACKING_ORDER = 590
# What these clients of aio-scrapy fetch, aiohttp fetches as well.
_PLAIN_CLIENTS = ("httpx", "requests")
_CLIENTS: dict[str, dict[str, str]] = {
    "aiohttp": {},  # DOWNLOAD_HANDLERS_BASE
    "wreq": dict.fromkeys(("http", "https"), "aioscrapy.handlers.wreq.WreqDownloadHandler"),
    "curl_cffi": dict.fromkeys(("http", "https"), "aioscrapy.handlers.curl_cffi.CurlCffiDownloadHandler"),
}


class Handlers:
    """The download handlers of the URL schemes, and the signals around a download.

    `unpacks`: all of them are ours, and return bodies without a content coding.
    """

    def __init__(self, crawler: CrawlContext, handlers: Mapping[str, DownloadHandler]) -> None:
        self._spider = crawler.spider
        self._handlers = handlers
        self._fetch = {scheme: _fetch_of(handler, self._spider) for scheme, handler in handlers.items()}
        self.unpacks = all(type(h).__module__.startswith("aioscrapy.") for h in handlers.values())
        self._send = crawler.signals.send
        self._on_reached = crawler.signals.receivers(signals.request_reached_downloader)
        self._on_left = crawler.signals.receivers(signals.request_left_downloader)
        self._on_downloaded = crawler.signals.receivers(signals.response_downloaded)

    @classmethod
    async def from_crawler(cls, crawler: CrawlContext) -> Self:
        """Create the handlers of the settings; one that several schemes name is created once.

        Raises:
            SettingError: a handler can't be loaded or created, or it is not a download handler.
        """
        created: dict[Any, DownloadHandler] = {}
        for path in handler_paths(crawler.settings).values():
            if path not in created:
                handler = await build_one(path, "DOWNLOAD_HANDLERS", crawler)
                if not hasattr(handler, "download_request"):
                    raise SettingError("DOWNLOAD_HANDLERS", f"{path!r} has no download_request")
                created[path] = handler
        paths = handler_paths(crawler.settings)
        return cls(crawler, {scheme: created[path] for scheme, path in paths.items()})

    async def download(self, request: Request) -> Response:
        """Download without any middleware."""
        scheme = request.url.partition(":")[0].lower()
        fetch = self._fetch.get(scheme)
        if fetch is None:
            raise NotSupported(
                f"Unsupported URL scheme {scheme!r}: no download handler for {request.url} "
                "(see DOWNLOAD_HANDLERS)"
            )
        if self._on_reached:
            await self._send(signals.request_reached_downloader, request=request, spider=self._spider)
        try:
            response: Response = await fetch(request)
        finally:
            if self._on_left:
                await self._send(signals.request_left_downloader, request=request, spider=self._spider)
        if self._on_downloaded:
            await self._send(
                signals.response_downloaded, response=response, request=request, spider=self._spider
            )
        return response

    async def close(self) -> None:
        """Close the handlers; an error of one does not keep the others open."""
        for handler in dict.fromkeys(self._handlers.values()):
            try:
                if hasattr(handler, "close"):
                    await settle(handler.close())
            except Exception:  # noqa: BLE001 the other handlers must close too
                logger.exception("%r did not close", handler)


def _fetch_of(handler: Any, spider: Any) -> Callable[[Request], Any]:
    """Return the method of a handler that takes only the request; one of Scrapy's may return a Deferred."""
    method: Callable[[Request], Any] = handler.download_request
    positional = [
        p for p in inspect.signature(method).parameters.values() if p.kind is p.POSITIONAL_OR_KEYWORD
    ]
    if len(positional) > 1:
        method = partial(method, **{positional[1].name: spider})
    if inspect.iscoroutinefunction(handler.download_request):
        return method
    return lambda request: settle(method(request))


class Downloader:
    """Downloader middlewares around the download handlers."""

    def __init__(self, crawler: CrawlContext, middlewares: list[Any], handlers: Handlers) -> None:
        self._spider = spider = crawler.spider
        self._handlers = handlers
        self._download = handlers.download
        self._politeness = crawler.politeness
        self._inc_value = crawler.stats.inc_value
        self._send = crawler.signals.send
        self._on_received = crawler.signals.receivers(signals.response_received)
        up = [*reversed(middlewares)]
        self._on_request = hooks(middlewares, DownloaderMiddleware.process_request, spider)
        self._on_request += own_hooks(spider, DownloaderMiddleware.process_request)
        self._on_response = hooks(up, DownloaderMiddleware.process_response, spider)
        self._on_response += own_hooks(spider, DownloaderMiddleware.process_response)
        self._on_exception = hooks(up, DownloaderMiddleware.process_exception, spider)
        self._on_exception += own_hooks(spider, DownloaderMiddleware.process_exception)

    @classmethod
    async def from_crawler(cls, crawler: CrawlContext) -> Self:
        """Create the handlers and the middlewares of the settings.

        Raises:
            SettingError: one of them can't be loaded or created; names the setting.
        """
        handlers = await Handlers.from_crawler(crawler)
        downloader: Self | None = None

        async def download(request: Request) -> Response:
            if downloader is None:
                raise CrawlError(f"{request}: a request of a middleware before all middlewares are created")
            return await downloader.download(request)

        crawler.download = download
        try:
            orders = middleware_orders(crawler.settings, unpacks=handlers.unpacks)
            middlewares = await build_all("DOWNLOADER_MIDDLEWARES", orders, crawler)
        except BaseException:
            await handlers.close()
            raise
        downloader = cls(crawler, middlewares, handlers)
        return downloader

    async def fetch(self, request: Request, host: str = "") -> Response | Request:
        """Pass a page's request through the middlewares; return its response, or a request to send instead.

        Args:
            request: of the page.
            host: of its lease; "" if it has none.

        Raises:
            DownloadError: there is no response, and no middleware replaced it.
            IgnoreRequest: a middleware drops the request.
        """
        result = await self._pass(request, host)
        if isinstance(result, Request):
            return result
        self._inc_value("response_received_count")
        if self._on_received:
            await self._send(signals.response_received, response=result, request=request, spider=self._spider)
        return result

    async def download(self, request: Request) -> Response:
        """Return the response to a middleware's own request; retries and redirects are followed.

        Raises: as `fetch`.
        """
        result: Request | Response = request
        while isinstance(result, Request):
            result = await self._pass(result)
        return result

    async def _pass(self, request: Request, host: str = "") -> Response | Request:
        try:
            result = await self._down(request, host)
        except Exception as exc:  # noqa: BLE001 middlewares may handle every failure of a request
            result = await self._rescue(request, with_twisted(own_exception(exc)))
        if isinstance(result, Request):
            return result
        response = result
        response.request = response.request or request
        for hook in self._on_response:
            result = hook(request, response)
            if result is response:
                continue
            if not isinstance(result, (Response, Request)):
                result = _checked(await settle(result), hook)
            if isinstance(result, Request):
                return result
            response = result
        return response

    async def close(self) -> None:
        """Close the handlers."""
        await self._handlers.close()

    async def _down(self, request: Request, host: str) -> Response | Request:
        for hook in self._on_request:
            result = hook(request)
            if result is not None:
                result = await settle(result)
                if result is not None and result is not request:  # the request itself means: go on
                    return _checked(result, hook)
        meta, politeness = request.meta, self._politeness
        if not meta.get("download_slot"):
            meta["download_slot"] = HostSlot(host or host_of(request.url))
        while politeness.waits and (wait_s := politeness.turn(slot_of(request))):  # noqa: ASYNC110 many at a host
            await asyncio.sleep(wait_s)
        return await self._download(request)

    async def _rescue(self, request: Request, exc: Exception) -> Response | Request:
        for hook in self._on_exception:
            result = await settle(hook(request, exc))
            if result is not None:
                return _checked(result, hook)
        raise exc


def middleware_orders(settings: Settings, *, unpacks: bool) -> Mapping[Any, Any]:
    """Return the middlewares, with the one that unpacks bodies if a handler does not and none is named."""
    orders = settings.getwithbase("DOWNLOADER_MIDDLEWARES")
    named = settings.getdict("DOWNLOADER_MIDDLEWARES")
    is_named = any(component_path(part).endswith(".HttpCompressionMiddleware") for part in named)
    return orders if unpacks or is_named else {**orders, _UNPACKING: _UNPACKING_ORDER}


def handler_paths(settings: Settings) -> dict[str, Any]:
    """Return URL scheme -> download handler: the built-in ones, DOWNLOAD_HANDLERS_TYPE, DOWNLOAD_HANDLERS.

    A plain HTTP client of aio-scrapy that does not exist here is replaced by aiohttp.

    Raises:
        SettingError: DOWNLOAD_HANDLERS_TYPE names a client that does more than fetch: it runs a browser.
    """
    name = settings["DOWNLOAD_HANDLERS_TYPE"]
    if name in _PLAIN_CLIENTS:
        logger.warning("DOWNLOAD_HANDLERS_TYPE: %s is not supported, aiohttp is used", name)
    elif name not in _CLIENTS:
        clients = ", ".join(map(repr, _CLIENTS))
        raise SettingError(
            "DOWNLOAD_HANDLERS_TYPE", f"{name!r} is not supported, only {clients} (see DOWNLOAD_HANDLERS)"
        )
    paths = {
        **settings.getdict("DOWNLOAD_HANDLERS_BASE"),
        **_CLIENTS.get(name, {}),
        **settings.getdict("DOWNLOAD_HANDLERS"),
    }
    return {scheme: path for scheme, path in paths.items() if path is not None}


def _checked(result: Any, hook: Hook) -> Response | Request:
    result = own(result)
    if isinstance(result, (Response, Request)):
        return result
    name = getattr(hook, "func", hook)
    raise TypeError(f"{name!r} returned {type(result).__name__}, not a Request or a Response")
