"""Downloads http and https with curl_cffi, which can pass for a browser; the only file that knows it."""

import asyncio
import base64
import binascii
import re
from typing import Any

from aioscrapy import default_settings
from aioscrapy.context import CrawlContext
from aioscrapy.exceptions import DownloadError, DownloadTimeoutError, ResponseTooLargeError, SettingError
from aioscrapy.handlers.base import DownloadHandler
from aioscrapy.handlers.limits import Limits
from aioscrapy.http.headers import Headers
from aioscrapy.http.request import Request
from aioscrapy.http.response import Response
from aioscrapy.http.responsetypes import response_class
from aioscrapy.settings import Settings

try:
    from curl_cffi import AsyncSession, CurlECode, CurlError, CurlHttpVersion, CurlInfo, CurlOpt
    from curl_cffi import Headers as CurlHeaders
except ImportError:
    raise ImportError("curl_cffi is not installed: pip install 'aioscrapy-scrapyd[curl-cffi]'") from None

_PROXY_LOGIN = "Proxy-Authorization"
_NO_LINE = re.compile(r"[\r\n\0]")  # libcurl would send another header, or the half of it
_UNPACKED = {b"gzip", b"deflate", b"br", b"zstd"}
_PROTOCOLS = {
    CurlHttpVersion.V1_0: "HTTP/1.0",
    CurlHttpVersion.V1_1: "HTTP/1.1",
    CurlHttpVersion.V2_0: "HTTP/2",
    CurlHttpVersion.V3: "HTTP/3",
}
# What nobody asked for in the project: it would give away at once that this is no browser.
_OURS = {("User-Agent", default_settings.USER_AGENT), *default_settings.DEFAULT_REQUEST_HEADERS.items()}


class CurlCffiDownloadHandler(DownloadHandler):
    """One set of connections for the whole crawl; looks like the browser of meta["impersonate"].

    CURL_CFFI_ARGS are the arguments of curl_cffi's AsyncSession, such as `impersonate` for all requests.
    """

    def __init__(self, settings: Settings) -> None:
        self._limits = Limits(settings)
        self._verify = settings.getbool("DOWNLOAD_VERIFY_SSL")
        self._arguments = {
            "max_clients": settings.getint("CONCURRENT_REQUESTS"),
            **settings.getdict("CURL_CFFI_ARGS"),
        }
        self._browser = self._arguments.get("impersonate")
        self._first = self._session(settings.getint("DOWNLOAD_MAXSIZE"))
        self._sessions = {settings.getint("DOWNLOAD_MAXSIZE"): self._first}

    @classmethod
    def from_crawler(cls, crawler: CrawlContext) -> "CurlCffiDownloadHandler":
        """Read the limits and CURL_CFFI_ARGS.

        Raises:
            SettingError: AsyncSession has no such argument.
        """
        return cls(crawler.settings)

    async def download_request(self, request: Request, spider: Any) -> Response:
        meta = request.meta
        timeout_s = self._limits.timeout_s(meta)
        body = self._limits.body(request, meta)
        session = self._sessions.get(body.maxsize)
        if session is None:
            session = self._sessions[body.maxsize] = self._session(body.maxsize, self._first.acurl)

        def keep(part: bytes) -> int:
            body.add(part)  # an error of it ends the transfer and comes out of `request`
            return len(part)

        try:
            async with asyncio.timeout(timeout_s):
                answer = await session.request(
                    request.method,  # type: ignore[arg-type]  # any method is sent
                    request.url,
                    content_callback=keep,
                    **self._sent(request, meta),
                )
        except TimeoutError:
            raise DownloadTimeoutError(f"{request.url}: no answer within {timeout_s:g} s") from None
        except (CurlError, OSError, ValueError) as exc:
            if getattr(exc, "code", 0) == CurlECode.FILESIZE_EXCEEDED:
                raise ResponseTooLargeError(
                    f"{request.url}: more than DOWNLOAD_MAXSIZE ({body.maxsize}) bytes"
                ) from None
            reason = str(exc).partition(". See https://")[0]
            raise DownloadError(f"{request.url}: {type(exc).__name__}: {reason}") from exc
        request.meta["download_latency"] = answer.infos[CurlInfo.STARTTRANSFER_TIME]
        received = Headers.from_raw([(name, value or b"") for name, value in answer.headers.raw])
        if (packed := received.get(b"Content-Encoding")) and packed.lower() in _UNPACKED:
            del received[b"Content-Encoding"]  # it was said of the body that travelled
        content = body.whole()
        make = response_class(received, request.url, content)
        return make(
            request.url,
            status=answer.status_code,
            headers=received,
            body=content,
            request=request,
            ip_address=answer.primary_ip or None,
            protocol=_PROTOCOLS.get(CurlHttpVersion(answer.http_version)),
        )

    async def close(self) -> None:
        for session in reversed(self._sessions.values()):  # the first has the connections
            await session.close()

    def _session(self, maxsize: int, connections: Any = None) -> "AsyncSession[Any]":
        """Return a session of this DOWNLOAD_MAXSIZE: libcurl has the limit there, not in a request."""
        arguments = dict(self._arguments)
        options = {
            CurlOpt.PATH_AS_IS: 1,
            CurlOpt.SUPPRESS_CONNECT_HEADERS: 1,  # a proxy's answer is not the site's
            CurlOpt.MAXFILESIZE_LARGE: maxsize,
            CurlOpt.PROXY_SSL_VERIFYPEER: int(self._verify),
            CurlOpt.PROXY_SSL_VERIFYHOST: 2 if self._verify else 0,
            **arguments.pop("curl_options", {}),
        }
        try:
            return AsyncSession(
                **arguments,
                async_curl=connections,
                curl_options=options,
                curl_infos=[CurlInfo.STARTTRANSFER_TIME],
                trust_env=False,  # HttpProxyMiddleware reads the environment
            )
        except TypeError as exc:
            raise SettingError("CURL_CFFI_ARGS", exc) from None

    def _sent(self, request: Request, meta: dict[str, Any]) -> dict[str, Any]:
        """Return how a request is to be sent: headers, body, browser, proxy."""
        browser = meta.get("impersonate") or self._browser
        proxy = meta.get("proxy")
        headers: list[Any] = list(request.headers.to_tuple_list())
        if any(_NO_LINE.search(text) for line in headers for text in line):
            raise DownloadError(f"{request.url}: a header's name or value has a character that can't be sent")
        if browser:
            headers = [pair for pair in headers if pair not in _OURS]
        login = None
        if proxy and request.url.startswith("https:"):  # it must not go through the tunnel to the site
            login = next((value for name, value in headers if name == _PROXY_LOGIN), None)
            headers = [pair for pair in headers if pair[0] != _PROXY_LOGIN]
        if "Content-Type" not in request.headers:
            headers.append(("Content-Type", None))  # else libcurl says it is a form
        return {
            "headers": CurlHeaders(headers, encoding="utf-8"),
            "data": request.body or None,
            "impersonate": browser,
            "proxy": proxy,
            "proxy_auth": _login(request, login) if login else None,
            "verify": self._verify,
            "timeout": None,
            "allow_redirects": False,
            "discard_cookies": True,
            "accept_encoding": "gzip, deflate, br, zstd",
            "quote": False,
        }


def _login(request: Request, header: str) -> tuple[str, str]:
    """Return name and password of a Proxy-Authorization header."""
    kind, _, packed = header.partition(" ")
    try:
        name, _, password = base64.b64decode(packed, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        kind = ""
    if kind.lower() != "basic":
        raise DownloadError(f"{request.url}: curl_cffi logs in at a proxy only by name and password")
    return name, password
