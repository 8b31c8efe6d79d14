"""A second request, by aiohttp, for an answer that another library refuses to read and browsers read."""

from typing import Any

from aioscrapy.context import CrawlContext
from aioscrapy.exceptions import DownloadFailedError
from aioscrapy.handlers.aiohttp import AioHttpDownloadHandler
from aioscrapy.http.request import Request
from aioscrapy.http.response import Response
from aioscrapy.log import logger

_SAFE_METHODS = frozenset({"GET", "HEAD"})  # RFC 9110, 9.2.1: asking twice changes nothing


class UnreadableAnswerError(DownloadFailedError):
    """The server answered, but the library refuses the form of the answer."""


class SecondReader:
    """Downloads again what the library of a handler could not read; opened on its first use.

    Stats:
        downloader/answers_read_by_aiohttp    such downloads
    """

    def __init__(self, crawler: CrawlContext) -> None:
        self._crawler = crawler
        self._handler: AioHttpDownloadHandler | None = None

    @staticmethod
    def may_repeat(request: Request) -> bool:
        """Return True for a request that may be sent twice, and whose proxy aiohttp can use."""
        proxy = request.meta.get("proxy")
        return (
            request.method in _SAFE_METHODS and not request.body and (not proxy or proxy.startswith("http"))
        )

    async def download(self, request: Request, spider: Any, problem: UnreadableAnswerError) -> Response:
        """Return the response to a second request.

        Raises:
            UnreadableAnswerError: the request is not one to be sent twice, or its proxy is not for aiohttp.
            DownloadError: aiohttp fails, too.
        """
        if not self.may_repeat(request):
            raise problem
        if self._handler is None:
            self._handler = AioHttpDownloadHandler(self._crawler)
        logger.debug("%s: aiohttp asks again", problem)
        self._crawler.stats.inc_value("downloader/answers_read_by_aiohttp")
        return await self._handler.download_request(request, spider)

    async def close(self) -> None:
        """Close the connections."""
        if self._handler is not None:
            await self._handler.close()
