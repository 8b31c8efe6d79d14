"""Downloads http and https with curl_cffi, which can pass for a browser; the only file that knows it."""

import asyncio
import base64
import binascii
import re
from typing import Any

from aioscrapy import default_settings
from aioscrapy.context import CrawlContext
from aioscrapy.exceptions import (
    CannotResolveHostError,
    DownloadConnectionRefusedError,
    DownloadError,
    DownloadTimeoutError,
    ResponseTooLargeError,
    SettingError,
    TunnelError,
)
from aioscrapy.handlers.base import LENGTH, DownloadHandler
from aioscrapy.handlers.certificates import Certificates, boringssl_ciphers, without_secret_names
from aioscrapy.handlers.failures import class_by_text
from aioscrapy.handlers.limits import Body, Limits, has_end
from aioscrapy.handlers.second_reader import SecondReader, UnreadableAnswerError
from aioscrapy.http.codings import ACCEPTED
from aioscrapy.http.headers import Headers
from aioscrapy.http.request import Request
from aioscrapy.http.response import Response
from aioscrapy.http.responsetypes import response_class, url_of
from aioscrapy.settings import Settings

try:
    from curl_cffi import AsyncSession, CurlECode, CurlError, CurlHttpVersion, CurlInfo, CurlOpt
    from curl_cffi import Headers as CurlHeaders
    from curl_cffi.requests.exceptions import CertificateVerifyError
except ImportError:
    raise ImportError("curl_cffi is not installed: pip install 'aioscrapy-scrapyd[curl-cffi]'") from None

_PROXY_LOGIN = "Proxy-Authorization"
_NO_LINE = re.compile(r"[\r\n\0]")  # libcurl would send another header, or the half of it
_token = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+").fullmatch
_CUT = (CurlECode.PARTIAL_FILE, CurlECode.RECV_ERROR, CurlECode.HTTP2_STREAM)
# libcurl's text about a TLS connection that ends without close_notify, as old servers do: browsers take the
# page if it has no length.
_NO_GOODBYE = "Connection closed abruptly"
_CHUNKS = b"transfer-encoding"
# A part of libcurl's text about an error -> our error; it has one code for all that keeps it from connecting.
_KINDS: dict[str, type[DownloadError]] = {
    "tunnel failed": TunnelError,
    "Could not resolve": CannotResolveHostError,
    "Could not connect to server": DownloadConnectionRefusedError,
    "curl: (28)": DownloadTimeoutError,
}
_UNREADABLE = (
    CurlECode.UNSUPPORTED_PROTOCOL,
    CurlECode.WEIRD_SERVER_REPLY,
    CurlECode.BAD_CONTENT_ENCODING,
    CurlECode.TOO_LARGE,
)
_TLS_VERSIONS = {"TLSv1.0": 4, "TLSv1.1": 5, "TLSv1.2": 6}  # CURL_SSLVERSION_TLSv1_x
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

    def __init__(self, crawler: CrawlContext) -> None:
        settings = crawler.settings
        self._limits = Limits(settings)
        self._certificates = Certificates(crawler)
        self._arguments = {
            "max_clients": settings.getint("CONCURRENT_REQUESTS"),
            **settings.getdict("CURL_CFFI_ARGS"),
        }
        self._browser = self._arguments.get("impersonate")
        self._tls = _tls_options(settings)
        self._second_reader = SecondReader(crawler)
        self._sessions: dict[tuple[int, bool], AsyncSession[Any]] = {}
        self._first = self._session(settings.getint("DOWNLOAD_MAXSIZE"), True)

    @classmethod
    def from_crawler(cls, crawler: CrawlContext) -> "CurlCffiDownloadHandler":
        """Read the limits, the settings of TLS and CURL_CFFI_ARGS.

        Raises:
            SettingError: AsyncSession has no such argument.
        """
        return cls(crawler)

    async def download_request(self, request: Request, spider: Any = None) -> Response:
        try:
            return await self._ask(request)
        except UnreadableAnswerError as exc:
            if self._browser_of(request):  # aiohttp would show that this is not a browser
                raise
            return await self._second_reader.download(request, spider, exc)

    async def _ask(self, request: Request) -> Response:
        certificates, proxy = self._certificates, request.meta.get("proxy")
        if certificates.verifies(request, proxy):
            try:
                return await self._download(request, request.headers, True)
            except CertificateVerifyError as exc:
                certificates.accept(request, proxy, _reason(exc))
        return await self._download(request, certificates.without_secrets(request.headers), False)

    async def _download(self, request: Request, headers: Headers, verify: bool) -> Response:
        meta = request.meta
        timeout_s = self._limits.timeout_s(meta)
        body = self._limits.body(request, meta)
        session = self._session(body.maxsize, verify)

        def keep(part: bytes) -> int:
            body.add(part)  # an error of it ends the transfer and comes out of `request`
            return len(part)

        loss = ""
        try:
            async with asyncio.timeout(timeout_s):
                reply = await session.request(
                    request.method,  # type: ignore[arg-type]  # any method is sent
                    request.url,
                    content_callback=keep,
                    verify=verify,
                    **self._sent(request, headers),
                )
        except TimeoutError:
            raise DownloadTimeoutError(f"{request.url}: no answer within {timeout_s:g} s") from None
        except (CurlError, OSError, ValueError, IndexError) as exc:
            reply, loss = _cut_reply(request, body, exc), _reason(exc)
        meta["download_latency"] = reply.infos[CurlInfo.STARTTRANSFER_TIME]
        return _response(request, reply, body, loss)

    async def close(self) -> None:
        await self._second_reader.close()
        for session in reversed(self._sessions.values()):  # the first has the connections
            await session.close()

    def _session(self, maxsize: int, verify: bool) -> "AsyncSession[Any]":
        """Return a session of this DOWNLOAD_MAXSIZE: libcurl has the limit there, not in a request."""
        session = self._sessions.get((maxsize, verify))
        if session is not None:
            return session
        arguments = dict(self._arguments)
        if not verify:  # no login of the settings goes to a host without a verified certificate
            arguments.update(auth=None, cookies=None)
            arguments["headers"] = without_secret_names(arguments.get("headers") or {})
        options = {
            CurlOpt.PATH_AS_IS: 1,
            CurlOpt.SUPPRESS_CONNECT_HEADERS: 1,  # a proxy's answer is not the site's
            CurlOpt.HTTP_CONTENT_DECODING: 0,
            CurlOpt.MAXFILESIZE_LARGE: maxsize,
            CurlOpt.PROXY_SSL_VERIFYPEER: int(verify),
            CurlOpt.PROXY_SSL_VERIFYHOST: 2 if verify else 0,
            **self._tls,
            **arguments.pop("curl_options", {}),
        }
        try:
            session = AsyncSession(
                **arguments,
                async_curl=self._first.acurl if self._sessions else None,
                curl_options=options,
                curl_infos=[CurlInfo.STARTTRANSFER_TIME],
                trust_env=False,  # HttpProxyMiddleware reads the environment
            )
        except TypeError as exc:
            raise SettingError("CURL_CFFI_ARGS", exc) from None
        self._sessions[maxsize, verify] = session
        return session

    def _browser_of(self, request: Request) -> Any:
        return request.meta.get("impersonate") or self._browser

    def _sent(self, request: Request, sent: Headers) -> dict[str, Any]:
        """Return headers, body, browser and proxy as arguments of curl_cffi."""
        browser = self._browser_of(request)
        proxy = request.meta.get("proxy")
        if not _token(request.method):  # libcurl would send what follows a line break as a header
            raise DownloadError(f"{request.url}: {request.method!r} is not a method of HTTP")
        headers: list[Any] = [pair for pair in sent.to_tuple_list() if pair[0] != LENGTH]
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
            "timeout": None,
            "allow_redirects": False,
            "discard_cookies": True,
            "accept_encoding": ACCEPTED,
            "quote": False,
        }


def _response(request: Request, reply: Any, body: Body, loss: str) -> Response:
    """Return the response; `loss`: why a part of the body is missing, "" where none is."""
    raw = reply.headers.raw
    if any(name.rstrip() != name and name.rstrip().lower() == _CHUNKS for name, _ in raw):
        raise UnreadableAnswerError(f"{request.url}: Transfer-Encoding with a blank before its colon")
    received = Headers.from_raw([(name.rstrip(), value or b"") for name, value in raw])
    if b"Content-Encoding" in received:
        body.unpack_by(received)
    if loss and (_NO_GOODBYE not in loss or has_end(received, None)):
        body.lose(loss)
    protocol = _PROTOCOLS.get(CurlHttpVersion(reply.http_version))
    content = body.whole(has_end(received, protocol))
    url = url_of(request)
    make = response_class(received, url, content)
    return make(
        url,
        status=reply.status_code,
        headers=received,
        body=content,
        flags=body.flags,
        request=request,
        ip_address=reply.primary_ip or None,
        protocol=protocol,
    )


def _cut_reply(request: Request, body: Body, exc: Exception) -> Any:
    """Return the answer whose body was cut short, if that is what an error means.

    Raises:
        CertificateVerifyError: that is the error.
        DownloadError: another error.
    """
    if isinstance(exc, CertificateVerifyError):
        raise exc
    code = getattr(exc, "code", 0)
    if code == CurlECode.FILESIZE_EXCEEDED:
        raise ResponseTooLargeError(
            f"{request.url}: larger than download max size ({body.maxsize}), see DOWNLOAD_MAXSIZE"
        ) from None
    reply = getattr(exc, "response", None)
    if code in _CUT and reply is not None and reply.status_code:
        return reply
    is_unreadable = code in _UNREADABLE or isinstance(exc, ValueError | IndexError)  # of odd lines
    text = _reason(exc)
    kind = UnreadableAnswerError if is_unreadable else class_by_text(text, _KINDS)
    raise kind(f"{request.url}: {type(exc).__name__}: {text}") from exc


def _reason(exc: Exception) -> str:
    return str(exc).partition(". See https://")[0]


def _tls_options(settings: Settings) -> dict[CurlOpt, Any]:
    """Return libcurl's side of the settings DOWNLOADER_CLIENT_TLS_CIPHERS and _METHOD."""
    options: dict[CurlOpt, Any] = {}
    if ciphers := boringssl_ciphers(settings):
        options[CurlOpt.SSL_CIPHER_LIST] = ciphers.encode()
    version = _TLS_VERSIONS.get(settings["DOWNLOADER_CLIENT_TLS_METHOD"])
    if version is not None:
        options[CurlOpt.SSLVERSION] = version | version << 16  # the least and the most
    return options


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
