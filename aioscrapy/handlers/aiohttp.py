"""Downloads http and https with aiohttp; the only file that knows aiohttp."""

import asyncio
import ssl
from typing import Any

import aiohttp
from yarl import URL

from aioscrapy.context import CrawlContext
from aioscrapy.exceptions import DownloadError, DownloadTimeoutError, ResponseTooLargeError
from aioscrapy.handlers.base import DownloadHandler
from aioscrapy.http.headers import Headers
from aioscrapy.http.request import Request
from aioscrapy.http.response import Response
from aioscrapy.http.responsetypes import response_class
from aioscrapy.log import logger
from aioscrapy.settings import Settings

_PROXY_LOGIN = "Proxy-Authorization"
_SKIPPED = ("User-Agent", "Content-Type", "Accept")
_PACKED = aiohttp.hdrs.CONTENT_ENCODING
_UNPACKED = {b"gzip", b"deflate", b"br", b"zstd"}  # what aiohttp unpacks, or fails


class AioHttpDownloadHandler(DownloadHandler):
    """One session for the whole crawl: connections are kept and shared."""

    def __init__(self, settings: Settings) -> None:
        self._timeout_s = settings.getfloat("DOWNLOAD_TIMEOUT")
        self._maxsize = settings.getint("DOWNLOAD_MAXSIZE")
        self._warnsize = settings.getint("DOWNLOAD_WARNSIZE")
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
        meta = request.meta if request._meta else {}
        timeout_s = float(meta.get("download_timeout") or self._timeout_s)
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
                body = await self._body(answer, request, meta)
        except TimeoutError:
            raise DownloadTimeoutError(f"{request.url}: no answer within {timeout_s:g} s") from None
        except (aiohttp.ClientError, OSError, ssl.SSLError, ValueError) as exc:
            raise DownloadError(f"{request.url}: {type(exc).__name__}: {exc}") from exc
        request.meta["download_latency"] = latency_s
        received = Headers.from_raw(answer.raw_headers)
        if (packed := received.get(b"Content-Encoding")) and packed.lower() in _UNPACKED:
            del received[b"Content-Encoding"]  # it was said of the body that travelled
        make = response_class(received, request.url, body)
        return make(
            request.url,
            status=answer.status,
            headers=received,
            body=body,
            request=request,
            ip_address=answer.peer if isinstance(answer, _Answer) else None,
        )

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

    async def _body(self, answer: aiohttp.ClientResponse, request: Request, meta: dict[str, Any]) -> bytes:
        """Read the body, at most DOWNLOAD_MAXSIZE bytes of it."""
        maxsize = int(meta.get("download_maxsize", self._maxsize))
        length = answer.content_length or 0
        if maxsize and length > maxsize:
            raise ResponseTooLargeError(
                f"{request.url}: {length} bytes, more than DOWNLOAD_MAXSIZE ({maxsize})"
            )
        if length and _PACKED not in answer.headers and (not self._warnsize or length <= self._warnsize):
            return await answer.read()  # as long as was said, and cheaper than piece by piece
        parts: list[bytes] = []
        size = 0
        async for part in answer.content.iter_any():
            parts.append(part)
            size += len(part)
            if maxsize and size > maxsize:
                raise ResponseTooLargeError(f"{request.url}: more than DOWNLOAD_MAXSIZE ({maxsize}) bytes")
        if self._warnsize and size > self._warnsize:
            logger.warning(
                "%s: body of %d bytes, more than DOWNLOAD_WARNSIZE (%d)", request.url, size, self._warnsize
            )
        return parts[0] if len(parts) == 1 else b"".join(parts)


class _Answer(aiohttp.ClientResponse):
    """Notes who answers: at the end of the body the connection is gone."""

    peer: str | None = None

    async def start(self, connection: Any) -> aiohttp.ClientResponse:
        if connection.transport is not None and (name := connection.transport.get_extra_info("peername")):
            self.peer = str(name[0])
        return await super().start(connection)
