"""Bodies that are still packed: a project that names Scrapy's middleware gets them unpacked."""

import gzip
import logging
import zlib
from typing import Any

import brotli
import pytest

from aioscrapy import Spider
from aioscrapy.exceptions import IgnoreRequest, NotConfigured
from aioscrapy.http import HtmlResponse, Request, Response
from aioscrapy.middlewares.httpcompression import ACCEPTED_ENCODINGS, HttpCompressionMiddleware
from aioscrapy.utils.test import get_crawler

PAGE = (
    b"<html><head><title>Prices of the whole year, month by month</title></head><body>"
    + b"\xe2\x82\xac 1 " * 3000
    + b"</body></html>"
)
URL = "http://a.test/page"


def made(**settings: Any) -> HttpCompressionMiddleware:
    return HttpCompressionMiddleware.from_crawler(get_crawler(Spider, settings))


def packed(body: bytes, *codings: str, **headers: str) -> Response:
    return Response(URL, body=body, headers={"Content-Encoding": list(codings), **headers})


@pytest.mark.parametrize(
    ("body", "codings", "left"),
    [
        (gzip.compress(PAGE), ["gzip"], []),
        (gzip.compress(PAGE), ["X-Gzip"], []),
        (zlib.compress(PAGE), ["deflate"], []),
        (zlib.compress(PAGE)[2:-4], ["deflate"], []),
        (brotli.compress(PAGE), ["br"], []),
        (zlib.compress(gzip.compress(PAGE)), ["gzip, deflate"], []),
        (gzip.compress(zlib.compress(gzip.compress(PAGE))), ["gzip", "deflate,gzip"], []),
        (gzip.compress(PAGE), ["rot13", "gzip"], [b"rot13"]),
        (gzip.compress(PAGE)[:-9], ["gzip"], []),
        (PAGE, ["gzip"], []),  # the header is wrong, as servers have it on error pages
    ],
)
def test_a_packed_body_is_unpacked_layer_by_layer(body: bytes, codings: list[str], left: list[bytes]) -> None:
    middleware = made()
    response = middleware.process_response(Request(URL), packed(body, *codings))
    assert isinstance(response, Response)
    assert PAGE.startswith(response.body)
    assert len(response.body) > len(PAGE) - 20
    assert response.headers.getlist("Content-Encoding") == left
    assert isinstance(response, HtmlResponse) is not left
    stats = middleware.stats
    assert stats.get_value("httpcompression/response_count") == 1
    assert stats.get_value("httpcompression/response_bytes") == len(response.body)


def test_what_has_no_coding_or_no_body_passes_unchanged() -> None:
    middleware = made()
    plain = Response(URL, body=PAGE)
    assert middleware.process_response(Request(URL), plain) is plain
    head = packed(b"", "gzip")
    assert middleware.process_response(Request(URL, method="HEAD"), head) is head


def test_a_body_above_the_limit_is_ignored_before_it_fills_the_memory(
    caplog: pytest.LogCaptureFixture,
) -> None:
    bomb = packed(gzip.compress(bytes(50_000_000)), "gzip")
    with pytest.raises(IgnoreRequest) as caught:
        made(DOWNLOAD_MAXSIZE=1_000_000).process_response(Request(URL), bomb)
    cause: Any = caught.value.__cause__
    assert 1_000_000 < cause.decompressed_size < 1_100_000
    assert caplog.messages == [str(caught.value)]
    by_meta = Request(URL, meta={"download_maxsize": 1000})
    with pytest.raises(IgnoreRequest):
        made().process_response(by_meta, packed(gzip.compress(PAGE), "gzip"))


def test_the_limits_of_the_spider_win(caplog: pytest.LogCaptureFixture) -> None:
    middleware = made()
    spider: Any = Spider("s")
    spider.download_warnsize = 10_000
    middleware.open_spider(spider)
    with caplog.at_level(logging.WARNING):
        middleware.process_response(Request(URL), packed(gzip.compress(PAGE), "gzip"))
    assert len(caplog.messages) == 1
    assert f"({len(PAGE)} B)" in caplog.messages[0]
    assert "(10000 B)" in caplog.messages[0]


def test_a_request_asks_for_what_can_be_unpacked_unless_it_asks_itself() -> None:
    bare, own = Request(URL), Request(URL, headers={"Accept-Encoding": "identity"})
    for request in (bare, own):
        made().process_request(request)
    assert bare.headers["Accept-Encoding"] == b", ".join(ACCEPTED_ENCODINGS)
    assert own.headers["Accept-Encoding"] == b"identity"


def test_compression_enabled_leaves_it_out() -> None:
    with pytest.raises(NotConfigured):
        made(COMPRESSION_ENABLED=False)
