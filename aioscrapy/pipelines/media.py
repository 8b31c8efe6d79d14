"""The base of pipelines that download files for an item: the item waits until they are stored."""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any, Self

from aioscrapy.context import CrawlContext
from aioscrapy.exceptions import IgnoreRequest
from aioscrapy.failure import as_failure
from aioscrapy.hooks import settle
from aioscrapy.http.no_callback import NO_CALLBACK
from aioscrapy.http.request import Request
from aioscrapy.http.response import Response
from aioscrapy.settings import Settings

logger = logging.getLogger(__name__)

FileInfo = dict[str, Any]
"""url, path, checksum and status of a stored file."""

FileInfoOrError = tuple[bool, Any]
"""(True, FileInfo) or (False, failure)."""

Results = list[FileInfoOrError]
"""One for each request of an item, in their order."""


class FileException(Exception):  # noqa: N818 Scrapy's name
    """A file can't be downloaded or stored."""


class _MediaRequestFiltered(FileException):
    """A request for a file was dropped by a middleware, for example as offsite."""


class MediaPipeline:
    """Downloads the requests of `get_media_requests` through the crawl: middlewares, host limits, retries.

    A request that several items have is downloaded once in a crawl of this process.

    Args:
        download_func: ignored; for subclasses that pass it.
        settings: of the crawl, if there is no crawler.
        crawler: of the pipeline.
    """

    LOG_FAILED_RESULTS = True

    class SpiderInfo:
        """What the pipeline knows of the files of a spider.

        Attributes:
            downloading: fingerprints of requests on their way.
            downloaded: fingerprint -> FileInfo, or the exception.
            waiting: fingerprint -> those that wait for it.
        """

        def __init__(self, spider: Any) -> None:
            self.spider = spider
            self.downloading: set[bytes] = set()
            self.downloaded: dict[bytes, Any] = {}
            self.waiting: defaultdict[bytes, list[asyncio.Future[Any]]] = defaultdict(list)

    spiderinfo: SpiderInfo
    handle_httpstatus_list: Any = None

    def __init__(
        self,
        download_func: Any = None,
        settings: Settings | Mapping[str, Any] | None = None,
        *,
        crawler: CrawlContext | None = None,
    ) -> None:
        if crawler is None:
            own = settings if isinstance(settings, Settings) else Settings(settings)
            crawler = CrawlContext.without_crawl(own)
        self.crawler = crawler
        self._fingerprinter = crawler.request_fingerprinter
        self.allow_redirects = bool(self._setting("MEDIA_ALLOW_REDIRECTS", False, base="MediaPipeline"))
        self._handle_statuses(self.allow_redirects)

    @classmethod
    def from_crawler(cls, crawler: CrawlContext) -> Self:
        """Create the pipeline."""
        return cls(crawler=crawler)

    def open_spider(self, spider: Any = None) -> None:
        """Begin with no file."""
        self.spiderinfo = self.SpiderInfo(self.crawler.spider if spider is None else spider)

    async def process_item(self, item: Any, spider: Any = None) -> Any:
        """Download the files of an item, then return what `item_completed` returns."""
        info = self.spiderinfo
        requests = _as_iterable(await settle(self.get_media_requests(item, info)))
        calls = [self._process_request(request, info, item) for request in requests]
        outcomes = await asyncio.gather(*calls, return_exceptions=True)
        results: Results = []
        for outcome in outcomes:
            if isinstance(outcome, asyncio.CancelledError):
                raise outcome
            failed = isinstance(outcome, BaseException)
            results.append((not failed, as_failure(outcome) if failed else outcome))
        return await settle(self.item_completed(results, item, info))

    def get_media_requests(self, item: Any, info: SpiderInfo) -> Any:
        """Return the requests for the files of an item."""
        raise NotImplementedError

    def media_to_download(self, request: Request, info: SpiderInfo, *, item: Any = None) -> Any:
        """Return the FileInfo of a file that need not be downloaded; None to download it."""
        raise NotImplementedError

    def media_downloaded(
        self, response: Response, request: Request, info: SpiderInfo, *, item: Any = None
    ) -> Any:
        """Store the file of a response, and return its FileInfo."""
        raise NotImplementedError

    def media_failed(self, failure: Any, request: Request, info: SpiderInfo) -> Any:
        """Raise the error of a download that has failed."""
        raise NotImplementedError

    def item_completed(self, results: Results, item: Any, info: SpiderInfo) -> Any:
        """Return the item when all its requests have ended."""
        if self.LOG_FAILED_RESULTS:
            for ok, failure in results:
                error = getattr(failure, "value", failure)  # a subclass may pass a Failure of Twisted
                if not ok and not isinstance(error, _MediaRequestFiltered):
                    name = type(self).__name__
                    logger.error("%s found errors processing %s", name, item, exc_info=error)
        return item

    def file_path(
        self,
        request: Request,
        response: Response | None = None,
        info: SpiderInfo | None = None,
        *,
        item: Any = None,
    ) -> str:
        """Return the path of a file below the store."""
        raise NotImplementedError

    async def _process_request(self, request: Request, info: SpiderInfo, item: Any) -> Any:
        fingerprint = self._fingerprinter.fingerprint(request)
        errback = request.errback
        request.callback, request.errback = NO_CALLBACK, None
        try:
            return await self._download_once(fingerprint, request, info, item)
        except Exception as exc:
            if errback is None:
                raise
            return await settle(errback(as_failure(exc, request)))  # type: ignore[operator]  # a name is for the frontier

    async def _download_once(
        self, fingerprint: bytes, request: Request, info: SpiderInfo, item: Any
    ) -> FileInfo:
        """Return the result of a request, which another item may have sent before."""
        if fingerprint in info.downloading:
            waiter: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
            info.waiting[fingerprint].append(waiter)
            await waiter
        elif fingerprint not in info.downloaded:
            info.downloading.add(fingerprint)
            try:
                info.downloaded[fingerprint] = await self._media_of(request, info, item)
            except Exception as exc:
                if not isinstance(exc, FileException):
                    logger.exception("%s: %s", type(self).__name__, request)
                info.downloaded[fingerprint] = exc.with_traceback(None)
            finally:
                info.downloading.discard(fingerprint)
                for other in info.waiting.pop(fingerprint, ()):
                    if not other.done():
                        other.set_result(None)
        if fingerprint not in info.downloaded:  # the one that downloaded it was cancelled
            return await self._download_once(fingerprint, request, info, item)
        result = info.downloaded[fingerprint]
        if isinstance(result, Exception):
            raise result
        known: FileInfo = result
        return known

    async def _media_of(self, request: Request, info: SpiderInfo, item: Any) -> Any:
        info_of_file = await settle(self.media_to_download(request, info, item=item))
        if info_of_file:
            return info_of_file
        try:
            self._modify_media_request(request)
            response = await self.crawler.engine.download_async(request)
            return await settle(self.media_downloaded(response, request, info, item=item))
        except Exception as exc:
            result = await settle(self.media_failed(as_failure(exc, request), request, info))
            if isinstance(result, Exception):
                raise result from exc
            return result

    def _modify_media_request(self, request: Request) -> None:
        """Let a response of any status reach `media_downloaded`, unless it is a redirect to follow."""
        if self.handle_httpstatus_list is None:
            request.meta["handle_httpstatus_all"] = True
        else:
            request.meta["handle_httpstatus_list"] = self.handle_httpstatus_list

    def _handle_statuses(self, allow_redirects: bool) -> None:
        self.handle_httpstatus_list = AllBut(range(300, 400)) if allow_redirects else None

    def _key_for_pipe(
        self, key: str, base_class_name: str | None = None, settings: Settings | None = None
    ) -> str:
        """Return the setting of this subclass, such as MYPIPELINE_FILES_EXPIRES, if it is set; else `key`."""
        name = type(self).__name__
        own = f"{name.upper()}_{key}"
        is_base = not base_class_name or name == base_class_name
        return key if is_base or (settings is not None and not settings.get(own)) else own

    def _setting(self, key: str, default: Any, *, base: str) -> Any:
        """Return a setting of this class, or `default`, an attribute of the class, if nothing sets it."""
        settings = self.crawler.settings
        value = settings[self._key_for_pipe(key, base, settings)]
        return default if value is None else value


class AllBut:
    """Contains everything but the elements of a container."""

    def __init__(self, excluded: Any) -> None:
        self._excluded = excluded

    def __contains__(self, value: object) -> bool:
        return value not in self._excluded


def is_filtered(failure: Any) -> bool:
    """Return True if a middleware has dropped the request of an exception, or of a Failure."""
    return isinstance(getattr(failure, "value", failure), IgnoreRequest)


def _as_iterable(requests: Any) -> Iterable[Request]:
    if requests is None:
        return ()
    return (requests,) if isinstance(requests, Request) else requests
