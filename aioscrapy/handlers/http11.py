"""The HTTP handlers of Scrapy by name: for DOWNLOAD_HANDLERS of a project, and as base classes of its own."""

import importlib
import logging
from typing import Any

from aioscrapy.handlers.base import BaseDownloadHandler
from aioscrapy.http.request import Request
from aioscrapy.http.response import Response

logger = logging.getLogger(__name__)


class HTTP11DownloadHandler(BaseDownloadHandler):
    """Downloads by aiohttp, or by the client that the project names in DOWNLOAD_HANDLERS_BASE.

    A handler of a package derives from it and passes on the requests that it does not handle itself.
    """

    def __init__(self, crawler: Any) -> None:
        super().__init__(crawler)
        self._crawler = crawler
        self._handler = self._client_class().from_crawler(crawler)

    async def download_request(self, request: Request) -> Response:
        """Fetch one request."""
        response: Response = await self._handler.download_request(request, self._crawler.spider)
        return response

    async def close(self) -> None:
        """Close the connections."""
        await self._handler.close()

    def _client_class(self) -> Any:
        module, _, name = self.crawler.settings.getdict("DOWNLOAD_HANDLERS_BASE")["http"].rpartition(".")
        return getattr(importlib.import_module(module), name)


class H2DownloadHandler(HTTP11DownloadHandler):
    """Downloads by wreq, which has HTTP/2; by HTTP/1.1 and with a warning where wreq is not installed."""

    def _client_class(self) -> Any:
        try:
            return importlib.import_module("aioscrapy.handlers.wreq").WreqDownloadHandler
        except ImportError:
            logger.warning("HTTP/1.1 is used in place of HTTP/2: pip install 'aioscrapy-scrapyd[wreq]'")
            return super()._client_class()
