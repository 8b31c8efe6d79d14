"""What the downloader counts."""

import pytest

from aioscrapy.exceptions import DownloadTimeoutError, NotConfigured
from aioscrapy.http import Request, Response
from aioscrapy.middlewares.stats import DownloaderStats
from support.context import context


def test_requests_responses_and_failures_are_counted() -> None:
    crawler = context()
    middleware = DownloaderStats.from_crawler(crawler)
    request = Request("http://a.test/", method="POST", body=b"1234", headers={"X-A": "b"})
    response = Response("http://a.test/", status=404, body=b"none", headers={"X-C": ["d", "e"]})
    middleware.process_request(request)
    assert middleware.process_response(request, response) is response
    middleware.process_exception(request, DownloadTimeoutError("slow"))
    sent = b"POST http://a.test/ HTTP/1.1\r\nX-A: b\r\n\r\n1234"
    received = b"HTTP/1.1 200 OK\r\nX-C: d\r\nX-C: e\r\n\r\nnone"
    assert crawler.stats.get_stats() == {
        "downloader/request_count": 1,
        "downloader/request_method_count/POST": 1,
        "downloader/request_bytes": len(sent),
        "downloader/response_count": 1,
        "downloader/response_status_count/404": 1,
        "downloader/response_bytes": len(received),
        "downloader/exception_count": 1,
        "downloader/exception_type_count/aioscrapy.exceptions.DownloadTimeoutError": 1,
    }


def test_counting_can_be_switched_off() -> None:
    with pytest.raises(NotConfigured):
        DownloaderStats.from_crawler(context({"DOWNLOADER_STATS": False}))
