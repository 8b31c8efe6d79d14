"""Downloads http and https with wreq, a client written in Rust; the only file that knows wreq."""

import asyncio
import re
from typing import Any

from aioscrapy.context import CrawlContext
from aioscrapy.exceptions import (
    CannotResolveHostError,
    DownloadConnectionRefusedError,
    DownloadError,
    DownloadTimeoutError,
    SettingError,
    TunnelError,
)
from aioscrapy.handlers.base import LENGTH, DownloadHandler
from aioscrapy.handlers.certificates import Certificates, boringssl_ciphers, is_default_tls
from aioscrapy.handlers.failures import class_by_text
from aioscrapy.handlers.limits import Body, Limits, has_end
from aioscrapy.handlers.repair import hides_chunks
from aioscrapy.handlers.second_reader import SecondReader, UnreadableAnswerError
from aioscrapy.http.codings import ACCEPTED
from aioscrapy.http.headers import Headers
from aioscrapy.http.request import Request
from aioscrapy.http.response import Response
from aioscrapy.http.responsetypes import response_class, url_of

try:
    import wreq
except ImportError:
    raise ImportError("wreq is not installed: pip install 'aioscrapy-scrapyd[wreq]'") from None

_PROXY_LOGIN = "Proxy-Authorization"
_ERRORS = tuple(getattr(wreq.exceptions, name) for name in wreq.exceptions.__all__)
_NO_CONNECTION = (wreq.exceptions.ConnectionError, wreq.exceptions.ProxyConnectionError)
_ADDED = ("Content-Length",)
_WITH_BODY = ("POST", "PUT", "PATCH")
_METHODS = {
    name: getattr(wreq.Method, name)
    for name in ("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "TRACE", "PATCH")
}
_TLS_VERSIONS = {
    "TLSv1.0": wreq.tls.TlsVersion.TLS_1_0,
    "TLSv1.1": wreq.tls.TlsVersion.TLS_1_1,
    "TLSv1.2": wreq.tls.TlsVersion.TLS_1_2,
}
_BAD_CHUNK = "Body, Custom { kind: Invalid"  # of the text of an error, too
_BAD_CERTIFICATE = "CERTIFICATE_VERIFY_FAILED"  # BoringSSL's word in the text of an error
# A part of wreq's text about an error -> our error.
_KINDS: dict[str, type[DownloadError]] = {
    "netty::Error(Parse(": UnreadableAnswerError,
    "TunnelUnsuccessful": TunnelError,
    "ProxyAuthRequired": TunnelError,
    "kind: ProxyConnect, source: Some(Parse(": TunnelError,
    '"dns error"': CannotResolveHostError,
    "kind: ConnectionRefused": DownloadConnectionRefusedError,
}
# A part of wreq's text about an error -> words for people.
_PLAIN = {
    '"dns error"': "the host has no address",
    "TunnelUnsuccessful": "the proxy refuses the tunnel",
    "ProxyAuthRequired": "the proxy wants a login (407)",
    "kind: ProxyConnect, source: Some(Parse(": "the answer of the proxy can't be read",
    "IncompleteMessage": "the connection was closed before the end of the answer's head",
    _BAD_CHUNK: "the chunks of the body are damaged",
    "IncompleteBody": "the connection was closed before the end of the body",
}
_os_message = re.compile(r'kind: \w+, message: "([^"]+)"').search
# The lenient side of its parser, and the size of a head that browsers take.
_HTTP_1 = wreq.http1.Http1Options(
    max_headers=10_000,
    max_buf_size=512 * 1024,
    allow_spaces_after_header_name_in_responses=True,
    ignore_invalid_headers_in_responses=True,
    allow_obsolete_multiline_headers_in_responses=True,
)
_RAW_BODIES: dict[str, Any] = dict.fromkeys(("gzip", "brotli", "deflate", "zstd"), False)
_PROTOCOLS = {
    str(getattr(wreq.Version, name)): protocol
    for name, protocol in (("HTTP_10", "HTTP/1.0"), ("HTTP_11", "HTTP/1.1"), ("HTTP_2", "HTTP/2"))
}


class WreqDownloadHandler(DownloadHandler):
    """One client for the whole crawl: connections are kept and shared."""

    def __init__(self, crawler: CrawlContext) -> None:
        self._limits = Limits(crawler.settings)
        self._certificates = Certificates(crawler)
        self._second_reader = SecondReader(crawler)
        self._settings = crawler.settings
        self._clients: dict[bool, wreq.Client] = {}
        if not is_default_tls(crawler.settings):
            self._open(True)

    @classmethod
    def from_crawler(cls, crawler: CrawlContext) -> "WreqDownloadHandler":
        """Read the limits and the settings of TLS.

        Raises:
            SettingError: BoringSSL does not know DOWNLOADER_CLIENT_TLS_CIPHERS.
        """
        return cls(crawler)

    async def download_request(self, request: Request, spider: Any = None) -> Response:
        try:
            return await self._ask(request)
        except UnreadableAnswerError as exc:
            return await self._second_reader.download(request, spider, exc)

    async def _ask(self, request: Request) -> Response:
        certificates, proxy = self._certificates, request.meta.get("proxy")
        if certificates.verifies(request, proxy):
            try:
                return await self._download(request, request.headers, True)
            except _NO_CONNECTION as exc:
                if _BAD_CERTIFICATE not in str(exc):
                    raise _failure(request, exc) from exc
                certificates.accept(request, proxy, "certificate verify failed")
        try:
            return await self._download(request, certificates.without_secrets(request.headers), False)
        except _NO_CONNECTION as exc:
            raise _failure(request, exc) from exc

    async def _download(self, request: Request, headers: Headers, verify: bool) -> Response:
        client = self._clients.get(verify) or self._open(verify)
        meta = request.meta
        method = _METHODS.get(request.method)
        if method is None:
            raise DownloadError(
                f"{request.url}: wreq sends only {', '.join(_METHODS)}, not {request.method!r}"
            )
        arguments = _arguments(request, headers, meta.get("proxy"))
        timeout_s = self._limits.timeout_s(meta)
        body = self._limits.body(request, meta)
        clock = asyncio.get_running_loop().time
        started = clock()
        try:
            async with asyncio.timeout(timeout_s):
                reply = await client.request(method, request.url, **arguments)
                latency_s = clock() - started
                received = Headers.from_raw([(bytes(name), bytes(value)) for name, value in reply.headers])
                if hides_chunks(received.getlist(b"Transfer-Encoding")):
                    raise UnreadableAnswerError(f"{request.url}: Transfer-Encoding does not end in chunked")
                await self._read(reply, request, body, received)
        except TimeoutError:
            raise DownloadTimeoutError(f"{request.url}: no answer within {timeout_s:g} s") from None
        except _NO_CONNECTION:
            raise
        except _ERRORS as exc:
            raise _failure(request, exc) from exc
        meta["download_latency"] = latency_s
        protocol = _PROTOCOLS.get(str(reply.version))
        content = body.whole(has_end(received, protocol))
        url = url_of(request)
        make = response_class(received, url, content)
        return make(
            url,
            status=reply.status.as_int(),
            headers=received,
            body=content,
            flags=body.flags,
            request=request,
            ip_address=_ip(reply),
            protocol=protocol,
        )

    async def _read(self, reply: wreq.Response, request: Request, body: Body, received: Headers) -> None:
        """Read the body of an answer; one that is dropped unread takes its connection with it."""
        length = reply.content_length
        body.expect(length or 0)
        is_packed = b"Content-Encoding" in received
        if is_packed:
            body.unpack_by(received)
        try:
            if length is not None and not is_packed and not body.may_be_cut:
                body.add(bytes(await reply.bytes()))
                return
            async with reply.stream() as parts:
                async for part in parts:
                    if isinstance(part, memoryview):  # else a trailer
                        body.add(bytes(part))
        except _ERRORS as exc:
            text = f"{type(exc).__name__}: {_reason(exc)}"
            if _BAD_CHUNK in str(exc) and self._second_reader.may_repeat(request):
                raise UnreadableAnswerError(f"{request.url}: {text}") from exc
            body.lose(text)

    async def close(self) -> None:
        await self._second_reader.close()
        for client in self._clients.values():
            client.close()
        self._clients.clear()  # the last who holds a client lets its idle connections go

    def _open(self, verify: bool) -> wreq.Client:
        settings = self._settings
        version = _TLS_VERSIONS.get(settings["DOWNLOADER_CLIENT_TLS_METHOD"])
        arguments: dict[str, Any] = {}
        if ciphers := boringssl_ciphers(settings):
            arguments["tls_options"] = wreq.tls.TlsOptions(cipher_list=ciphers)
        if version is not None:
            arguments.update(tls_min_version=version, tls_max_version=version)
        try:
            client = self._clients[verify] = wreq.Client(
                runtime=wreq.Runtime(workers=1, work_steal=False),  # a quarter less CPU time than the default
                redirect=wreq.redirect.Policy.none(),
                cookie_store=False,
                referer=False,
                no_proxy=True,  # HttpProxyMiddleware reads the environment
                tls_verify=verify,
                tls_verify_hostname=verify,
                http1_options=_HTTP_1,
                **_RAW_BODIES,
                **arguments,
            )
        except wreq.exceptions.TlsError as exc:
            raise SettingError("DOWNLOADER_CLIENT_TLS_CIPHERS", exc) from None
        return client


def _failure(request: Request, exc: Exception) -> DownloadError:
    return class_by_text(str(exc), _KINDS)(f"{request.url}: {type(exc).__name__}: {_reason(exc)}")


def _reason(exc: Exception) -> str:
    """Return wreq's reason without its internal objects, which are hundreds of characters."""
    text = str(exc)
    if match := _os_message(text):
        return match[1]
    plain = next((words for part, words in _PLAIN.items() if part in text), None)
    return plain or text.partition(", connect_info: ")[0]


def _text(value: bytes) -> str:
    """Return a header's name or value as text: wreq takes UTF-8 only, other bytes change their form."""
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.decode("latin-1")


def _ip(reply: wreq.Response) -> str | None:
    """Return who answered; of "[::1]:80" that is ::1."""
    address = reply.remote_addr
    return str(address).rpartition(":")[0].strip("[]") if address else None


def _arguments(request: Request, sent: Headers, proxy: str | None) -> dict[str, Any]:
    """Return headers, body and proxy as arguments of wreq.

    Raises:
        DownloadError: a header can't be sent, or the proxy is not a URL.
    """
    lines = [(_text(name), _text(value)) for name, value in sent.raw() if name != LENGTH.encode()]
    login = None
    if proxy and request.url.startswith("https:"):  # it must not go through the tunnel to the site
        login = next((value for name, value in lines if name == _PROXY_LOGIN), None)
        lines = [line for line in lines if line[0] != _PROXY_LOGIN]
    if b"Accept-Encoding" not in sent:
        lines.append(("Accept-Encoding", ACCEPTED))
    headers = wreq.HeaderMap()
    for name, value in lines:
        headers.append(name, value)
    if len(headers) != len(lines):  # wreq leaves out invalid headers without an error
        raise DownloadError(f"{request.url}: a header's name or value has a character that can't be sent")
    arguments: dict[str, Any] = {
        "headers": headers,
        "orig_headers": ["Host", *(name for name, _ in lines), *_ADDED],  # else they go in lower case
    }
    if proxy:
        where = proxy if "://" in proxy else f"http://{proxy}"
        options: dict[str, Any] = {"custom_http_auth": login} if login else {}
        try:
            arguments["proxy"] = wreq.Proxy.all(where, **options)
        except wreq.exceptions.BuilderError:
            raise DownloadError(f"{request.url}: {proxy!r} is not the URL of a proxy") from None
    if request.body:
        arguments["body"] = request.body
    elif request.method in _WITH_BODY:
        headers.append(LENGTH, "0")  # some servers refuse a POST without it
    return arguments
