"""What every handler sends and reads, byte by byte: headers, codings, proxies, TLS, HTTP/2."""

import asyncio
import base64
import contextlib
import gzip
import ssl
import zlib
from pathlib import Path
from typing import Any

import pytest

from aioscrapy import default_settings
from aioscrapy.exceptions import DownloadError, TunnelError, UnsupportedURLSchemeError
from aioscrapy.http import Request, Response
from support.handlers import HANDLERS, WireServer, open_handler, socks5_proxy, tls_context
from support.http2 import Http2Server
from support.site import Site

pytestmark = pytest.mark.server

LOGIN = "Basic " + base64.b64encode(b"user:p@ss:word").decode()
TEXT = b"<html><head><title>Compressed</title></head><body>Compressed</body></html>"
PACKED = {
    "gzip": gzip.compress(TEXT),
    "deflate": zlib.compress(TEXT),
    "br": b"\x1bI\x00@\xc4cl\x1f9\xde1\xc8\x81\x0c9pI4\xc1\xfc\x0b<\x86\xcf;J\xc9g\xe07lEd\xd5:\xab\\"
    b"\x07\xf4\x148\x81\x00",
    "zstd": b"(\xb5/\xfd J\xdd\x01\x00\xc4\x02<html><head><title>Compressed</</body</html>\x04\x004\x05 "
    b"\xd4!C\r|\r\xd3\t",
}


@pytest.fixture(params=HANDLERS)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


async def download(name: str, url: str, settings: dict[str, Any] | None = None, **arguments: Any) -> Response:
    async with open_handler(name, {"DOWNLOAD_TIMEOUT": 5, **(settings or {})}) as handler:
        return await handler.download_request(Request(url, **arguments), None)


def sent(request: bytes) -> tuple[bytes, list[bytes], bytes]:
    """Return the request line, the header lines without Host and Accept-Encoding, and the body."""
    head, _, body = request.partition(b"\r\n\r\n")
    first, *lines = head.split(b"\r\n")
    return first, [line for line in lines if not line.startswith((b"Host: ", b"Accept-Encoding: "))], body


# -- What is sent


async def test_headers_go_out_in_their_order_and_as_often_as_they_were_given(name: str) -> None:
    headers = [
        ("X-Zed", "1"),
        ("Accept", "*/*"),
        ("X-Two", "a"),
        ("X-Two", "b"),
        ("X-Empty", ""),
    ]
    async with WireServer() as server:
        await download(name, server.url + "/a?q=1", headers=headers)
    first, lines, body = sent(server.requests[0])
    assert first == b"GET /a?q=1 HTTP/1.1"
    assert [line.rstrip() for line in lines] == [
        b"X-Zed: 1",
        b"Accept: */*",
        b"X-Two: a",
        b"X-Two: b",
        b"X-Empty:",
    ]
    assert body == b""


async def test_no_header_is_sent_that_nobody_asked_for(name: str) -> None:
    async with WireServer() as server:
        await download(name, server.url)
        await download(name, server.url, method="POST")
        await download(name, server.url, method="POST", body=b"a\0b")
    assert [sent(request) for request in server.requests] == [
        (b"GET / HTTP/1.1", [], b""),
        (b"POST / HTTP/1.1", [b"Content-Length: 0"], b""),
        (b"POST / HTTP/1.1", [b"Content-Length: 3"], b"a\0b"),
    ]


async def test_text_that_is_no_ascii_travels_as_utf_8(name: str) -> None:
    async with WireServer() as server:
        await download(name, server.url, headers={"X-Name": "Zoë"})
    assert "X-Name: Zoë".encode() in server.requests[0]


async def test_a_header_can_not_bring_another_one_with_it(name: str) -> None:
    async with WireServer() as server:
        with pytest.raises(DownloadError, match=r"header"):
            await download(name, server.url, headers={"X-One": "1\r\nX-Two: 2"})
    assert server.requests == []


@pytest.mark.parametrize("method", ["GET / HTTP/1.1\r\nX-Two: 2\r\nX:", "G T", "GÉT"])
async def test_a_method_can_not_bring_a_header_with_it(name: str, method: str) -> None:
    async with WireServer() as server:
        with pytest.raises(DownloadError, match=r"\A.*(method|Method|sends only).*\Z"):
            await download(name, server.url, method=method)
    assert server.requests == []


async def test_a_body_does_not_wait_for_a_100(name: str) -> None:
    async with WireServer() as server:
        headers = {"Expect": "100-continue"}
        assert (await download(name, server.url, method="POST", body=b"x", headers=headers)).status == 200
    assert server.requests[0].endswith(b"\r\n\r\nx")


@pytest.mark.parametrize("proxy", ["ht!tp://x", "http://\0"])
async def test_a_proxy_that_is_not_a_url_is_a_download_error(name: str, proxy: str) -> None:
    with pytest.raises(DownloadError):
        await download(name, "http://127.0.0.1:9/", meta={"proxy": proxy})


@pytest.mark.parametrize("value", ["abc", -1, [], float("nan"), float("inf")])
@pytest.mark.parametrize("key", ["download_timeout", "download_maxsize", "download_warnsize"])
async def test_a_limit_of_meta_that_is_not_a_number_is_named(key: str, value: Any) -> None:
    if (key, value) == ("download_timeout", []):
        return  # empty: the setting applies
    with pytest.raises(ValueError, match=rf"meta\['{key}'\]: .* is not a number from 0 on"):
        await download("aiohttp", "http://127.0.0.1:9/", meta={key: value})


async def test_the_path_is_sent_as_it_is(name: str) -> None:
    async with WireServer() as server:
        await download(name, server.url + "/a/../b//%2F/./c?x=%E4&y=a%20b+c&z")
    assert server.requests[0].startswith(b"GET /a/../b//%2F/./c?x=%E4&y=a%20b+c&z HTTP/1.1\r\n")


@pytest.mark.parametrize("method", ["GET", "DELETE", "PURGE"])
async def test_any_method_may_have_a_body(name: str, method: str) -> None:
    async with WireServer() as server:
        if (name, method) == ("wreq", "PURGE"):
            with pytest.raises(DownloadError, match=r"wreq sends only GET, HEAD, .*, not 'PURGE'"):
                await download(name, server.url, method=method, body=b"x")
            return
        await download(name, server.url, method=method, body=b"x")
    assert sent(server.requests[0]) == (f"{method} / HTTP/1.1".encode(), [b"Content-Length: 1"], b"x")


async def test_cookies_are_not_kept(name: str, site: Site) -> None:
    async with open_handler(name) as handler:
        await handler.download_request(Request(f"{site.url}/cookies/set?a=1"), None)
        assert (await handler.download_request(Request(f"{site.url}/cookies"), None)).json() == {}


# -- What comes back


async def test_headers_come_back_in_their_order_and_as_often_as_they_came(name: str) -> None:
    answer = (
        b"HTTP/1.1 200 OK\r\nX-Zed: 1\r\nSet-Cookie: a=1\r\nContent-Length: 0\r\nset-cookie: b=2; Path=/\r\n"
        b"Content-Disposition: attachment; filename=\xe4\xf6.txt\r\nX-Empty:\r\n\r\n"
    )
    async with WireServer(answer) as server:
        response = await download(name, server.url)
    assert list(response.headers) == [
        b"X-Zed",
        b"Set-Cookie",
        b"Content-Length",
        b"Content-Disposition",
        b"X-Empty",
    ]
    assert response.headers.getlist("Set-Cookie") == [b"a=1", b"b=2; Path=/"]
    assert response.headers["Content-Disposition"] == b"attachment; filename=\xe4\xf6.txt"
    assert response.headers["X-Empty"] == b""


@pytest.mark.parametrize("coding", sorted(PACKED))
async def test_a_body_is_unpacked(name: str, coding: str) -> None:
    packed = PACKED[coding]
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: {coding}\r\nContent-Length: {len(packed)}\r\n\r\n"
    async with WireServer(head.encode() + packed) as server:
        response = await download(name, server.url)
        asked = await download(name, server.url, headers={"Accept-Encoding": coding})
    assert response.body == asked.body == TEXT
    assert "Content-Encoding" not in response.headers
    assert coding in server.requests[0].decode().partition("Accept-Encoding: ")[2].splitlines()[0]
    assert f"Accept-Encoding: {coding}\r\n".encode() in server.requests[1]


async def test_a_damaged_body_is_a_download_error_unless_a_part_of_it_is_wanted(name: str) -> None:
    stream = zlib.compressobj(wbits=31)
    damaged = (
        stream.compress(TEXT * 2000) + stream.flush(zlib.Z_FULL_FLUSH) + b"\x07"
    )  # a block of no known type
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {len(damaged)}\r\n\r\n"
    async with WireServer(head.encode() + damaged) as server:
        with pytest.raises(DownloadError, match=r"damaged.*DOWNLOAD_FAIL_ON_DATALOSS"):
            await download(name, server.url)
        response = await download(name, server.url, {"DOWNLOAD_FAIL_ON_DATALOSS": False})
    assert response.flags == ["dataloss"]
    assert len(response.body) >= 64 * 1024
    assert (TEXT * 2000).startswith(response.body)


async def test_a_head_has_no_body(name: str) -> None:
    async with WireServer(b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n") as server:
        response = await download(name, server.url, method="HEAD")
    assert (response.body, response.headers["Content-Length"]) == (b"", b"5000")


@pytest.mark.parametrize(
    ("method", "status", "length"), [("GET", 302, 0), ("GET", 304, 40), ("HEAD", 200, 40)]
)
async def test_nothing_that_is_called_packed_is_no_body(
    name: str, method: str, status: int, length: int
) -> None:
    answer = f"HTTP/1.1 {status} So\r\nContent-Encoding: gzip\r\nContent-Length: {length}\r\n\r\n"
    async with WireServer(answer.encode()) as server:
        response = await download(name, server.url, method=method)
    assert (response.status, response.body) == (status, b"")


async def test_an_old_server_that_closes_at_the_end_is_understood(name: str) -> None:
    async with WireServer(b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok") as server:
        response = await download(name, server.url)
    assert (response.body, response.protocol) == (b"ok", "HTTP/1.0")


# -- Proxies


async def test_a_page_comes_by_a_proxy(name: str) -> None:
    async with WireServer() as proxy:
        meta = {"proxy": proxy.url}
        response = await download(
            name, "http://a.test/x?y", meta=meta, headers={"Proxy-Authorization": LOGIN}
        )
    assert response.body == b"ok"
    first, lines, _ = sent(proxy.requests[0])
    assert first == b"GET http://a.test/x?y HTTP/1.1"
    assert f"proxy-authorization: {LOGIN}".lower().encode() in [line.lower() for line in lines]
    assert b"Host: a.test\r\n" in proxy.requests[0]


async def test_https_goes_through_a_tunnel_and_the_proxys_password_stays_outside(
    name: str, tmp_path: Path
) -> None:
    async with WireServer(tls=tls_context(tmp_path)) as server, WireServer(tunnel=True) as proxy:
        headers = {"Proxy-Authorization": LOGIN, "X-One": "1"}
        response = await download(name, server.url + "/x", meta={"proxy": proxy.url}, headers=headers)
    assert response.body == b"ok"
    assert "X-Proxy" not in response.headers
    assert proxy.requests[0].startswith(b"CONNECT 127.0.0.1:")
    assert LOGIN.encode() in proxy.requests[0]
    assert b"X-One" not in proxy.requests[0]
    assert server.requests[0].startswith(b"GET /x HTTP/1.1\r\n")
    assert b"X-One: 1" in server.requests[0]
    assert b"proxy-authorization" not in server.requests[0].lower()


async def test_a_proxy_may_be_reached_by_tls(name: str, tmp_path: Path) -> None:
    async with WireServer(tls=tls_context(tmp_path)) as proxy:
        assert (await download(name, "http://a.test/", meta={"proxy": proxy.url})).body == b"ok"
    assert proxy.requests[0].startswith(b"GET http://a.test/ HTTP/1.1\r\n")


@pytest.mark.parametrize("name", ["wreq", "curl_cffi"])
async def test_a_proxy_may_be_one_of_socks(name: str, tmp_path: Path) -> None:
    targets: list[str] = []
    async with WireServer(tls=tls_context(tmp_path)) as server, socks5_proxy(targets) as proxy:
        assert (await download(name, server.url, meta={"proxy": proxy})).body == b"ok"
    assert set(targets) == {server.url.removeprefix("https://")}


async def test_aiohttp_names_a_proxy_that_it_can_not_use() -> None:
    with pytest.raises(UnsupportedURLSchemeError, match=r"socks5:// needs another library than aiohttp"):
        await download("aiohttp", "http://127.0.0.1:9/", meta={"proxy": "socks5://127.0.0.1:9"})


async def test_each_request_has_its_own_proxy(name: str) -> None:
    async with WireServer() as one, WireServer() as two, open_handler(name) as handler:
        for proxy in (one.url, two.url, one.url, None):
            await handler.download_request(Request(f"{two.url}/x", meta={"proxy": proxy}), None)
    target = f"GET {two.url}/x HTTP/1.1".encode()
    assert [sent(request)[0] for request in one.requests] == [target, target]
    assert [sent(request)[0] for request in two.requests] == [target, b"GET /x HTTP/1.1"]


async def test_a_proxy_that_refuses_is_a_download_error_without_the_password(
    name: str, tmp_path: Path
) -> None:
    refusal = b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n"
    async with WireServer(refusal) as proxy:
        headers = {"Proxy-Authorization": LOGIN}
        with pytest.raises(DownloadError) as failure:
            await download(name, "https://127.0.0.1:9/", meta={"proxy": proxy.url}, headers=headers)
    assert "p@ss" not in str(failure.value)
    assert LOGIN not in str(failure.value)


@pytest.mark.parametrize(
    "answer", [b"407 Login\r\nContent-Length: 0", b"502 Bad\r\nContent-Length: 0", b"302 Found"]
)
async def test_a_refused_tunnel_is_a_tunnel_error(name: str, answer: bytes) -> None:
    async with WireServer(b"HTTP/1.1 " + answer + b"\r\n\r\n") as proxy:
        with pytest.raises(TunnelError, match=r"^[^{}<>]+$"):
            await download(name, "https://127.0.0.1:9/", meta={"proxy": proxy.url})


async def test_a_proxy_that_is_gone_is_a_download_error(name: str) -> None:
    async with WireServer() as proxy:
        pass
    with pytest.raises(DownloadError, match=r"http://a\.test/"):
        await download(name, "http://a.test/", meta={"proxy": proxy.url})


async def test_the_environments_proxy_is_the_middlewares_business(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with WireServer() as server, WireServer() as proxy:
        monkeypatch.setenv("http_proxy", proxy.url)
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        monkeypatch.delenv("no_proxy", raising=False)
        await download(name, server.url)
    assert (len(server.requests), proxy.requests) == (1, [])


# -- TLS and HTTP/2


async def test_a_certificate_that_nobody_signed_is_taken_unless_the_settings_forbid_it(
    name: str, tmp_path: Path
) -> None:
    async with WireServer(tls=tls_context(tmp_path)) as server:
        assert (await download(name, server.url)).body == b"ok"
        with pytest.raises(DownloadError, match=r"(?i)certificate"):
            await download(name, server.url, {"DOWNLOAD_VERIFY_SSL": True})


@pytest.mark.parametrize("name", ["wreq", "curl_cffi"])
async def test_http_2_is_spoken_where_the_server_does(name: str, tmp_path: Path) -> None:
    async with Http2Server(tls_context(tmp_path, ("h2",))) as server:
        response = await download(name, server.url + "/x", headers={"X-One": "1"})
    assert (response.status, response.body, response.protocol) == (200, b"ok", "HTTP/2")
    assert response.headers["Content-Type"] == b"text/plain"
    assert ("x-one", "1") in server.headers


async def test_the_http_2_server_closes_its_connections(tmp_path: Path) -> None:
    trusting = ssl.create_default_context()
    trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE
    trusting.set_alpn_protocols(["h2"])
    async with Http2Server(tls_context(tmp_path, ("h2",))) as server:
        port = int(server.url.rpartition(":")[2])
        reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=trusting)
        assert await reader.read(1)  # the connection is established
    with contextlib.suppress(ConnectionError):
        await asyncio.wait_for(reader.read(), timeout=5)  # ends only if the server has closed it
    writer.transport.abort()


async def test_http_1_is_spoken_where_the_server_has_no_other(name: str, tmp_path: Path) -> None:
    async with WireServer(tls=tls_context(tmp_path, ("http/1.1",))) as server:
        assert (await download(name, server.url)).protocol == "HTTP/1.1"


# -- What a browser sends


@pytest.mark.parametrize("agent", [None, "mine"])
async def test_a_browser_brings_its_own_headers(agent: str | None, tmp_path: Path) -> None:
    ours = {"User-Agent": agent or default_settings.USER_AGENT, **default_settings.DEFAULT_REQUEST_HEADERS}
    async with Http2Server(tls_context(tmp_path, ("h2",))) as server:
        meta = {"impersonate": "chrome124"}
        await download("curl_cffi", server.url, meta=meta, headers={**ours, "X-One": "1"})
    headers = dict(server.headers)
    assert "Chromium" in headers["sec-ch-ua"]
    assert headers["x-one"] == "1"
    assert "image/avif" in headers["accept"]
    assert (agent or "Chrome/124") in headers["user-agent"]


async def test_a_browser_that_nobody_knows_is_a_download_error() -> None:
    async with WireServer() as server:
        with pytest.raises(DownloadError, match="netscape4"):
            await download("curl_cffi", server.url, meta={"impersonate": "netscape4"})
