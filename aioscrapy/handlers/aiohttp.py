"""Downloads http and https with aiohttp, made as lenient as a browser towards heads and cut bodies."""

import asyncio
import functools
import ssl
from typing import Any

import aiohttp
from aiohttp.client_proto import ResponseHandler
from yarl import URL

from aioscrapy.context import CrawlContext
from aioscrapy.exceptions import DownloadError, DownloadTimeoutError, StopDownload
from aioscrapy.handlers.aiohttp_errors import class_of, text_of
from aioscrapy.handlers.aiohttp_raw import RawRequest, escaped
from aioscrapy.handlers.aiohttp_repair import NOTHING, Repairing, is_misread
from aioscrapy.handlers.base import LENGTH, DownloadHandler, bind_address, http_proxy
from aioscrapy.handlers.certificates import Certificates, is_default_tls, tls_context
from aioscrapy.handlers.limits import Body, Limits, has_end
from aioscrapy.handlers.repair import MAX_HEAD, head_size
from aioscrapy.handlers.watch import Watch
from aioscrapy.http.codings import ACCEPTED
from aioscrapy.http.headers import Headers
from aioscrapy.http.request import Request
from aioscrapy.http.response import Response
from aioscrapy.http.responsetypes import response_class, url_of
from aioscrapy.log import logger

_PROXY_LOGIN = "Proxy-Authorization"
# aiohttp waits for a 100 before the body, for ever; browsers send no Expect
_NOT_SENT = frozenset({LENGTH.encode(), b"Expect"})
_SKIPPED = ("User-Agent", "Content-Type", "Accept")
_MAX_HEADERS = 10_000
_PROTOCOLS = {aiohttp.HttpVersion10: "HTTP/1.0", aiohttp.HttpVersion11: "HTTP/1.1"}
Lines = list[tuple[bytes, bytes]]


class AioHttpDownloadHandler(DownloadHandler):
    """One session for the whole crawl: connections are kept and shared."""

    def __init__(self, crawler: CrawlContext) -> None:
        settings = crawler.settings
        self._limits = Limits(settings)
        self._watch = Watch(crawler)
        self._certificates = Certificates(crawler)
        self._tls = functools.cache(functools.partial(tls_context, settings))
        if not is_default_tls(settings):
            self._tls(True)
        self._limit = settings.getint("CONCURRENT_REQUESTS")
        self._has_warned = False
        self._bind_address = bind_address(settings["DOWNLOAD_BIND_ADDRESS"])
        self._session: aiohttp.ClientSession | None = None
        self._raw_session: aiohttp.ClientSession | None = None
        self._timeouts: dict[float, aiohttp.ClientTimeout] = {}

    @classmethod
    def from_crawler(cls, crawler: CrawlContext) -> "AioHttpDownloadHandler":
        """Read the limits and the settings of TLS.

        Raises:
            SettingError: OpenSSL does not know DOWNLOADER_CLIENT_TLS_CIPHERS.
        """
        return cls(crawler)

    async def download_request(self, request: Request, spider: Any = None) -> Response:
        certificates, proxy, raw = self._certificates, request.meta.get("proxy"), request.headers.raw()
        if not certificates.unverified or certificates.verifies(request, proxy):
            try:
                return await self._download(request, raw, proxy, True)
            except aiohttp.ClientConnectorCertificateError as exc:
                certificates.accept(request, proxy, exc.certificate_error)
        try:
            raw = certificates.without_secrets(request.headers).raw()
            return await self._download(request, raw, proxy, False)
        except aiohttp.ClientConnectorCertificateError as exc:  # not without verification
            raise DownloadError(f"{request.url}: {exc}") from exc

    async def _download(self, request: Request, raw: Lines, proxy: Any, verify: bool) -> Response:
        session, lines = self._session_for(raw)
        if "bindaddress" in request.meta and not self._has_warned:
            self._has_warned = True
            logger.warning(
                "The 'bindaddress' request meta key is not supported by aiohttp: set DOWNLOAD_BIND_ADDRESS"
            )
        timeout_s = self._limits.timeout_s(request.meta)
        body = self._limits.body(request, request.meta)
        proxy_headers = None
        is_tls = request.url.startswith("https:")
        if proxy:
            proxy = http_proxy(proxy)
        if proxy and is_tls:  # the password of the proxy must not go through the tunnel to the site
            proxy_headers = dict(pair for pair in lines if pair[0] == _PROXY_LOGIN)
            lines = [pair for pair in lines if pair[0] != _PROXY_LOGIN]
        started = asyncio.get_running_loop().time()
        try:
            async with session.request(
                request.method,
                URL(request.url, encoded=True),
                headers=lines,
                data=request.body or None,
                allow_redirects=False,
                timeout=self._timeout(timeout_s),
                proxy=proxy,
                proxy_headers=proxy_headers,
                ssl=self._tls(verify) if is_tls or proxy else True,
            ) as reply:
                latency_s = asyncio.get_running_loop().time() - started
                received = Headers.from_raw(reply.raw_headers)
                stopped = await _read(reply, body, received, request, self._watch)
        except TimeoutError:
            raise DownloadTimeoutError(f"{request.url}: no answer within {timeout_s:g} s") from None
        except aiohttp.ClientConnectorCertificateError:
            raise
        except (aiohttp.ClientError, OSError, ssl.SSLError, ValueError) as exc:
            raise class_of(exc)(f"{request.url}: {type(exc).__name__}: {text_of(exc)}") from exc
        request.meta["download_latency"] = latency_s
        assert isinstance(reply, _Reply)  # noqa: S101 the session makes no other
        content = (
            body.whole(stopped is not None or has_end(received, None)) if body.is_packed else body.whole()
        )
        protocol = _PROTOCOLS.get(reply.version) if reply.version else None
        url = url_of(request)
        make = response_class(received, url, content)
        response = make(
            url,
            reply.status,
            None,
            content,
            body.flags,
            request,
            reply.certificate,
            reply.peer,
            protocol,
        )
        response.headers = received  # as they are: the constructor would copy them
        return response if stopped is None else self._watch.ended(stopped, response)

    async def close(self) -> None:
        for session in (self._raw_session, self._session):  # the second one owns the connections
            if session is not None:
                await session.close()

    def _session_for(self, raw: Lines) -> tuple[aiohttp.ClientSession, list[tuple[str, str]]]:
        """Return the session for a request, and its header lines as text."""
        session = self._session or self._open()
        try:
            return session, [(name.decode(), value.decode()) for name, value in raw if name not in _NOT_SENT]
        except UnicodeDecodeError:
            if self._raw_session is None:
                self._raw_session = _new_session(session.connector, RawRequest)
            lines = [(escaped(name), escaped(value)) for name, value in raw if name not in _NOT_SENT]
            return self._raw_session, lines

    def _open(self) -> aiohttp.ClientSession:
        self._session = _new_session(
            _Connector(limit=self._limit, ttl_dns_cache=300, local_addr=self._bind_address),
            aiohttp.ClientRequest,
        )
        return self._session

    def _timeout(self, seconds: float) -> aiohttp.ClientTimeout:
        timeout = self._timeouts.get(seconds)
        if timeout is None:
            timeout = self._timeouts[seconds] = aiohttp.ClientTimeout(total=seconds)
        return timeout


def _new_session(connector: Any, request_class: type[aiohttp.ClientRequest]) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(
        connector=connector,
        connector_owner=request_class is aiohttp.ClientRequest,
        cookie_jar=aiohttp.DummyCookieJar(),
        headers={"Accept-Encoding": ACCEPTED},
        request_class=request_class,
        response_class=_Reply,
        skip_auto_headers=_SKIPPED,
        auto_decompress=False,
        max_line_size=MAX_HEAD,
        max_field_size=MAX_HEAD,
    )


async def _read(
    reply: aiohttp.ClientResponse, body: Body, received: Headers, request: Request, watch: Watch
) -> StopDownload | None:
    """Read the body of an answer; return the exception by which a signal handler ended it, if one did."""
    assert isinstance(reply, _Reply)  # noqa: S101 the session makes no other
    length, is_packed = reply.content_length, aiohttp.hdrs.CONTENT_ENCODING in reply.headers
    if length and (length > body.maxsize or length > body.warnsize):
        body.expect(length)
    if is_packed:
        body.unpack_by(received)
    try:
        if watch.on_headers:
            watch.headers(request, received, length)
        if length and not is_packed and not watch.on_bytes:
            body.add(await reply.read())  # it has the declared length, and costs less in one piece
        else:
            async for part in reply.content.iter_any():
                body.add(part)
                if watch.on_bytes:
                    watch.part(request, part)
    except StopDownload as stopped:
        reply.close()
        return stopped
    if reply.wire.loss:
        body.lose(reply.wire.loss)
    return None


class _Reply(aiohttp.ClientResponse):
    """Keeps what is gone with the connection at the end of the body.

    `peer`: the address of the server. `certificate`: of the server, DER. `wire`: the connection's protocol.
    """

    peer: str | None = None
    certificate: bytes | None = None
    wire: Any = None

    async def start(self, connection: Any) -> aiohttp.ClientResponse:
        self.wire = connection.protocol
        if connection.transport is not None and (name := connection.transport.get_extra_info("peername")):
            self.peer = str(name[0])
            if (tls := connection.transport.get_extra_info("ssl_object")) is not None:
                self.certificate = tls.getpeercert(binary_form=True)
        return await super().start(connection)


class _Connector(aiohttp.TCPConnector):
    """Makes connections of the lenient kind."""

    def __init__(self, **arguments: Any) -> None:
        super().__init__(**arguments)
        protocol: Any = _Protocol
        self._factory = functools.partial(protocol, loop=self._loop)


class _Protocol(ResponseHandler):
    """A connection whose parser takes what browsers take.

    `loss`: why a part of the body is missing, "" where none is.
    """

    loss = ""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(loop)
        self._lenient = _Parser(self)
        self._arguments: dict[str, Any] = {}

    def set_response_params(self, **arguments: Any) -> None:
        self.loss = ""
        arguments["max_headers"] = _MAX_HEADERS
        self._arguments = arguments
        self._lenient.begin(self.new_parser())

    def new_parser(self) -> Any:
        """Return a new parser of aiohttp for the next response, behind the lenient one."""
        super().set_response_params(**self._arguments)
        parser, lenient = self._parser, self._lenient
        self._parser = lenient  # type: ignore[assignment]  # it has the parser's methods
        return parser

    def connection_lost(self, exc: BaseException | None) -> None:
        if isinstance(exc, ConnectionError):
            self._lenient.reset(exc)
        super().connection_lost(exc)

    def lose(self, payload: Any, reason: str) -> None:
        """End a body that is not complete, and the connection with it."""
        self.loss = reason
        payload.feed_eof()


class _Parser(Repairing):
    """aiohttp's parsers of the responses of a connection, with a second look at what they refuse."""

    def __init__(self, protocol: _Protocol) -> None:
        self._protocol = protocol
        self.begin(None)

    def begin(self, parser: Any) -> None:
        """Take the parser of the next response."""
        self._parser = parser
        self._seen = b""
        self._payload: Any = None
        self._is_waiting = False  # for the end of a head that was refused
        self._framed = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._parser, name)

    def feed_data(self, data: bytes) -> tuple[Any, bool, bytes]:
        if self._parser is None:
            return NOTHING
        if self._payload is not None:
            return self._feed_body(data)
        if self._is_waiting:
            return self.second_look(self._seen + data, None)
        try:
            result = self._parser.feed_data(data)
        except Exception as exc:  # noqa: BLE001 aiohttp's own errors and those of its extension
            return self.second_look(self._seen + data, exc)
        for message, _ in result[0]:
            if not message.chunked and "Transfer-Encoding" in message.headers and is_misread(message):
                return self.second_look(self._seen + data, None)
        if not self.note(result[0], self._seen + data):
            self._seen += data
        return result  # type: ignore[no-any-return]  # aiohttp's parser is not typed

    def _feed_body(self, data: bytes) -> tuple[Any, bool, bytes]:
        if self._framed is not None or (data and self._payload.is_eof()):
            return self.feed_body(data)
        try:
            return self._parser.feed_data(data)  # type: ignore[no-any-return]  # aiohttp's is not typed
        except Exception as exc:  # noqa: BLE001 the page that came before is what counts
            return self.end_body(exc)

    def note(self, messages: Any, data: bytes) -> bool:
        """Keep the body of the answer that has come with these bytes; interim answers (1xx) are not it."""
        for message, payload in messages:
            self._seen = b""
            if message.code >= 200:
                self._payload = payload
                if message.chunked and not payload.is_eof() and not payload.total_bytes:
                    self._framed = data[head_size(data) or len(data) :]
                return True
        return bool(messages)
