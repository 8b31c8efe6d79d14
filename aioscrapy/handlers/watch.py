"""The signals headers_received and bytes_received of a download, and StopDownload, which ends it there."""

from typing import Any

from aioscrapy import signals
from aioscrapy.context import CrawlContext
from aioscrapy.exceptions import StopDownload
from aioscrapy.http.headers import Headers
from aioscrapy.http.request import Request
from aioscrapy.http.response import Response
from aioscrapy.log import logger


class Watch:
    """Sends the signals to the receivers.

    `on_headers`, `on_bytes`: the live lists of receivers; ask before you call `headers` or `part`.
    """

    def __init__(self, crawler: CrawlContext) -> None:
        self._crawler = crawler
        self.on_headers = crawler.signals.receivers(signals.headers_received)
        self.on_bytes = crawler.signals.receivers(signals.bytes_received)

    def headers(self, request: Request, headers: Headers, length: int | None) -> None:
        """Announce the headers of a response, before its body is read.

        Raises:
            StopDownload: a receiver wants no body.
        """
        self._send(signals.headers_received, request, headers=headers, body_length=length or -1)

    def part(self, request: Request, data: bytes) -> None:
        """Announce bytes of a body, as they came.

        Raises:
            StopDownload: a receiver wants no more.
        """
        self._send(signals.bytes_received, request, data=data)

    def ended(self, stopped: StopDownload, response: Response) -> Response:
        """Return the response as far as it came, or raise the exception with it.

        Raises:
            StopDownload: its `fail` is set.
        """
        response.flags.append("download_stopped")
        if stopped.fail:
            stopped.response = response
            raise stopped
        return response

    def _send(self, signal: Any, request: Request, **arguments: Any) -> None:
        spider = self._crawler.spider
        sent = self._crawler.signals.send_catch_log(signal, request=request, spider=spider, **arguments)
        for receiver, result in sent:
            if isinstance(result, StopDownload):
                name = getattr(receiver, "__qualname__", receiver)
                logger.debug("Download stopped for %s from signal handler %s", request, name)
                raise result
