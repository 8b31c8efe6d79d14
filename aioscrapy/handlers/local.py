"""Responses without a network: data: URLs, and file: URLs of start requests."""

import asyncio
from typing import Any

from aioscrapy.exceptions import DownloadError, NotSupported
from aioscrapy.handlers.base import DownloadHandler
from aioscrapy.http.headers import Headers
from aioscrapy.http.request import Request
from aioscrapy.http.response import Response
from aioscrapy.http.responsetypes import response_class
from aioscrapy.http.text import TextResponse


class DataDownloadHandler(DownloadHandler):
    """Answers with the contents of a data: URL."""

    async def download_request(self, request: Request, spider: Any = None) -> Response:
        from w3lib.url import parse_data_uri

        try:
            parsed = parse_data_uri(request.url)
        except ValueError as exc:
            raise DownloadError(f"{request.url[:80]}: {exc}") from exc
        make = response_class(Headers({"Content-Type": parsed.media_type}), "", parsed.data)
        charset = parsed.media_type_parameters.get("charset")
        encoding = {"encoding": charset} if charset and issubclass(make, TextResponse) else {}
        return make(request.url, 200, None, parsed.data, request=request, **encoding)

    async def close(self) -> None:
        """Do nothing."""


class FileDownloadHandler(DownloadHandler):
    """Answers with a file of this machine, for start requests only.

    A page of the web must not make a crawl read local files, so a link or a media URL to one is refused.
    """

    async def download_request(self, request: Request, spider: Any = None) -> Response:
        from w3lib.url import file_uri_to_path

        is_start = request.meta.get("depth") == 0 and "Referer" not in request.headers
        if not is_start or "redirect_times" in request.meta:
            raise NotSupported(f"{request.url}: file: URLs are for start requests, not for links of a page")
        try:
            body = await asyncio.to_thread(_read, file_uri_to_path(request.url))
        except (OSError, ValueError) as exc:
            raise DownloadError(f"{request.url}: {getattr(exc, 'strerror', None) or exc}") from exc
        make = response_class(Headers(), request.url, body)
        return make(request.url, 200, None, body, request=request)

    async def close(self) -> None:
        """Do nothing."""


def _read(path: str) -> bytes:
    with open(path, "rb") as file:  # noqa: PTH123 a path as the URL has it
        return file.read()
