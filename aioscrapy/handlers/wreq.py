"""Downloads http and https with wreq, a client written in Rust; the only file that knows wreq."""

import asyncio
from typing import Any

from aioscrapy.context import CrawlContext
from aioscrapy.exceptions import DownloadError, DownloadTimeoutError
from aioscrapy.handlers.base import DownloadHandler
from aioscrapy.handlers.limits import Body, Limits
from aioscrapy.http.headers import Headers
from aioscrapy.http.request import Request
from aioscrapy.http.response import Response
from aioscrapy.http.responsetypes import response_class
from aioscrapy.settings import Settings

try:
    import wreq
except ImportError:
    raise ImportError("wreq is not installed: pip install 'aioscrapy-scrapyd[wreq]'") from None

_PROXY_LOGIN = "Proxy-Authorization"
_ERRORS = tuple(getattr(wreq.exceptions, name) for name in wreq.exceptions.__all__)
_ADDED = ("Accept-Encoding", "Content-Length")
_WITH_BODY = ("POST", "PUT", "PATCH")
_METHODS = {
    name: getattr(wreq.Method, name)
    for name in ("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "TRACE", "PATCH")
}
_PROTOCOLS = {
    str(getattr(wreq.Version, name)): protocol
    for name, protocol in (("HTTP_10", "HTTP/1.0"), ("HTTP_11", "HTTP/1.1"), ("HTTP_2", "HTTP/2"))
}


class WreqDownloadHandler(DownloadHandler):
    """One client for the whole crawl: connections are kept and shared."""

    def __init__(self, settings: Settings) -> None:
        self._limits = Limits(settings)
        self._verify = settings.getbool("DOWNLOAD_VERIFY_SSL")
        self._client: wreq.Client | None = None

    @classmethod
    def from_crawler(cls, crawler: CrawlContext) -> "WreqDownloadHandler":
        """Read the limits."""
        return cls(crawler.settings)

    async def download_request(self, request: Request, spider: Any) -> Response:
        client = self._client or self._open()
        meta = request.meta
        method = _METHODS.get(request.method)
        if method is None:
            raise DownloadError(f"{request.url}: wreq sends only {', '.join(_METHODS)}, not {request.method}")
        arguments = _arguments(request, meta)
        timeout_s = self._limits.timeout_s(meta)
        body = self._limits.body(request, meta)
        clock = asyncio.get_running_loop().time
        started = clock()
        try:
            async with asyncio.timeout(timeout_s):
                answer = await client.request(method, request.url, **arguments)
                latency_s = clock() - started
                await _read(answer, body)
        except TimeoutError:
            raise DownloadTimeoutError(f"{request.url}: no answer within {timeout_s:g} s") from None
        except _ERRORS as exc:
            raise DownloadError(f"{request.url}: {type(exc).__name__}: {exc}") from exc
        request.meta["download_latency"] = latency_s
        received = Headers.from_raw([(bytes(name), bytes(value)) for name, value in answer.headers])
        content = body.whole()
        make = response_class(received, request.url, content)
        return make(
            request.url,
            status=answer.status.as_int(),
            headers=received,
            body=content,
            request=request,
            ip_address=_ip(answer),
            protocol=_PROTOCOLS.get(str(answer.version)),
        )

    async def close(self) -> None:
        if self._client is not None:
            self._client.close()
            self._client = None  # the last who holds it lets the idle connections go

    def _open(self) -> wreq.Client:
        self._client = wreq.Client(
            runtime=wreq.Runtime(workers=1, work_steal=False),  # a quarter less CPU time than the default
            redirect=wreq.redirect.Policy.none(),
            cookie_store=False,
            referer=False,
            no_proxy=True,  # HttpProxyMiddleware reads the environment
            tls_verify=self._verify,
            tls_verify_hostname=self._verify,
        )
        return self._client


async def _read(answer: wreq.Response, body: Body) -> None:
    """Read the body of an answer; one that is dropped unread takes its connection with it."""
    length = answer.content_length
    if length is not None:
        body.expect(length)
        body.add(bytes(await answer.bytes()))
        return
    async with answer.stream() as parts:  # not told, or packed: it may become any size
        async for part in parts:
            if isinstance(part, memoryview):  # else a trailer
                body.add(bytes(part))


def _ip(answer: wreq.Response) -> str | None:
    """Return who answered; of "[::1]:80" that is ::1."""
    address = answer.remote_addr
    return str(address).rpartition(":")[0].strip("[]") if address else None


def _arguments(request: Request, meta: dict[str, Any]) -> dict[str, Any]:
    """Return what else is to be sent: headers, body, proxy.

    Raises:
        DownloadError: a header can't be sent.
    """
    lines = request.headers.to_tuple_list()
    login = None
    proxy = meta.get("proxy")
    if proxy and request.url.startswith("https:"):  # it must not go through the tunnel to the site
        login = next((value for name, value in lines if name == _PROXY_LOGIN), None)
        lines = [line for line in lines if line[0] != _PROXY_LOGIN]
    headers = wreq.HeaderMap()
    for name, value in lines:
        headers.append(name, value)
    if len(headers) != len(lines):  # it leaves out what is no header, and says nothing
        raise DownloadError(f"{request.url}: a header's name or value has a character that can't be sent")
    arguments: dict[str, Any] = {
        "headers": headers,
        "orig_headers": ["Host", *(name for name, _ in lines), *_ADDED],  # else they go in lower case
    }
    if proxy:
        arguments["proxy"] = wreq.Proxy.all(proxy, custom_http_auth=login) if login else wreq.Proxy.all(proxy)
    if request.body:
        arguments["body"] = request.body
    elif request.method in _WITH_BODY and not headers.contains_key("Content-Length"):
        headers.append("Content-Length", "0")  # some servers refuse a POST without it
    return arguments
