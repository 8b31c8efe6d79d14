"""Downloads http and https with aiohttp; the only file that knows aiohttp."""

import asyncio
import ssl
from typing import Any

import aiohttp
from yarl import URL

from aioscrapy.context import CrawlContext
from aioscrapy.exceptions import DownloadError, DownloadTimeoutError
from aioscrapy.handlers.base import DownloadHandler
from aioscrapy.handlers.limits import Body, Limits
from aioscrapy.http.headers import Headers
from aioscrapy.http.request import Request
from aioscrapy.http.response import Response
from aioscrapy.http.responsetypes import response_class
from aioscrapy.settings import Settings

_PROXY_LOGIN = "Proxy-Authorization"
_SKIPPED = ("User-Agent", "Content-Type", "Accept")
_PACKED = aiohttp.hdrs.CONTENT_ENCODING
_UNPACKED = {b"gzip", b"deflate", b"br", b"zstd"}  # what aiohttp unpacks, or fails
_PROTOCOLS = {aiohttp.HttpVersion10: "HTTP/1.0", aiohttp.HttpVersion11: "HTTP/1.1"}


class AioHttpDownloadHandler(DownloadHandler):
    """One session for the whole crawl: connections are kept and shared."""

    def __init__(self, settings: Settings) -> None:
        self._limits = Limits(settings)
        self._verify = settings.getbool("DOWNLOAD_VERIFY_SSL")
        self._limit = settings.getint("CONCURRENT_REQUESTS")
        self._session: aiohttp.ClientSession | None = None
        self._timeouts: dict[float, aiohttp.ClientTimeout] = {}

    @classmethod
    def from_crawler(cls, crawler: CrawlContext) -> "AioHttpDownloadHandler":
        """Read the limits."""
        return cls(crawler.settings)

    async def download_request(self, request: Request, spider: Any) -> Response:
        session = self._session or self._open()
        meta = request.meta
        timeout_s = self._limits.timeout_s(meta)
        body = self._limits.body(request, meta)
        proxy, proxy_headers = meta.get("proxy"), None
        headers = request.headers.to_tuple_list()
        if proxy and request.url.startswith(
            "https:"
        ):  # its password must not go through the tunnel to the site
            proxy_headers = dict(pair for pair in headers if pair[0] == _PROXY_LOGIN)
            headers = [pair for pair in headers if pair[0] != _PROXY_LOGIN]
        started = asyncio.get_running_loop().time()
        try:
            async with session.request(
                request.method,
                URL(request.url, encoded=True),
                headers=headers,
                data=request.body or None,
                allow_redirects=False,
                timeout=self._timeout(timeout_s),
                proxy=proxy,
                proxy_headers=proxy_headers,
            ) as answer:
                latency_s = asyncio.get_running_loop().time() - started
                await _read(answer, body)
        except TimeoutError:
            raise DownloadTimeoutError(f"{request.url}: no answer within {timeout_s:g} s") from None
        except (aiohttp.ClientError, OSError, ssl.SSLError, ValueError) as exc:
            raise DownloadError(f"{request.url}: {type(exc).__name__}: {exc}") from exc
        request.meta["download_latency"] = latency_s
        received = Headers.from_raw(answer.raw_headers)
        if (packed := received.get(b"Content-Encoding")) and packed.lower() in _UNPACKED:
            del received[b"Content-Encoding"]  # it was said of the body that travelled
        content = body.whole()
        ip_address = answer.peer if isinstance(answer, _Answer) else None
        protocol = _PROTOCOLS.get(answer.version) if answer.version else None
        make = response_class(received, request.url, content)
        response = make(request.url, answer.status, None, content, None, request, None, ip_address, protocol)
        response.headers = received  # as they are: the constructor would copy them
        return response

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()

    def _open(self) -> aiohttp.ClientSession:
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=self._limit, ssl=self._verify, ttl_dns_cache=300),
            cookie_jar=aiohttp.DummyCookieJar(),
            response_class=_Answer,
            skip_auto_headers=_SKIPPED,
            auto_decompress=True,
            max_line_size=32768,
            max_field_size=32768,
        )
        return self._session

    def _timeout(self, seconds: float) -> aiohttp.ClientTimeout:
        timeout = self._timeouts.get(seconds)
        if timeout is None:
            timeout = self._timeouts[seconds] = aiohttp.ClientTimeout(total=seconds)
        return timeout


async def _read(answer: aiohttp.ClientResponse, body: Body) -> None:
    length = answer.content_length or 0
    body.expect(length)
    if length and _PACKED not in answer.headers:
        body.add(await answer.read())  # it is as long as was said, and comes cheaper in one
        return
    async for part in answer.content.iter_any():
        body.add(part)


class _Answer(aiohttp.ClientResponse):
    """Notes who answers: at the end of the body the connection is gone."""

    peer: str | None = None

    async def start(self, connection: Any) -> aiohttp.ClientResponse:
        if connection.transport is not None and (name := connection.transport.get_extra_info("peername")):
            self.peer = str(name[0])
        return await super().start(connection)
