"""Keeps responses on disk, and answers requests from there."""

import logging
from email.utils import formatdate
from typing import Any, Self

from aioscrapy import signals
from aioscrapy.components import load_object
from aioscrapy.context import CrawlContext
from aioscrapy.ends import Reason, error_text
from aioscrapy.exceptions import DownloadError, IgnoreRequest, NotConfigured
from aioscrapy.hooks import UNREAD
from aioscrapy.http.request import Request
from aioscrapy.http.response import Response
from aioscrapy.settings import Settings
from aioscrapy.stats import StatsCollector

logger = logging.getLogger(__name__)


class HttpCacheMiddleware:
    """Asks HTTPCACHE_POLICY what may be kept and reused, and HTTPCACHE_STORAGE for it.

    Meta key dont_cache: the request passes by. A response from the cache has the flag "cached".

    Stats, each after httpcache/:
        hit, miss             requests that were answered, and that were not in the cache
        firsthand, store      responses that came from the server, and those of them that were kept
        uncacheable           responses that the policy does not keep
        revalidate            responses that the server has called unchanged
        invalidate            responses that have changed
        errorrecovery         stale responses in the place of a download that failed
        ignore                requests that were dropped (HTTPCACHE_IGNORE_MISSING)
        retrieve_error        entries that could not be read
        store_error           responses that could not be kept
    """

    # Failures of a download that a stale response may replace.
    DOWNLOAD_EXCEPTIONS: tuple[type[Exception], ...] = (DownloadError, OSError)
    crawler: CrawlContext

    def __init__(self, settings: Settings, stats: StatsCollector) -> None:
        if not settings.getbool("HTTPCACHE_ENABLED"):
            raise NotConfigured
        self.policy = load_object(settings["HTTPCACHE_POLICY"], "HTTPCACHE_POLICY")(settings)
        self.storage = load_object(settings["HTTPCACHE_STORAGE"], "HTTPCACHE_STORAGE")(settings)
        self.ignore_missing = settings.getbool("HTTPCACHE_IGNORE_MISSING")
        self._is_open = False
        self.stats = stats

    @classmethod
    def from_crawler(cls, crawler: CrawlContext) -> Self:
        """Create the policy and the storage of the settings.

        Raises:
            NotConfigured: HTTPCACHE_ENABLED is False.
        """
        middleware = cls(crawler.settings, crawler.stats)
        middleware.crawler = crawler
        crawler.signals.connect(middleware.spider_opened, signals.spider_opened)
        crawler.signals.connect(middleware.spider_closed, signals.spider_closed)
        return middleware

    def spider_opened(self, spider: Any) -> None:
        """Open the storage; end the crawl before its first request if that fails."""
        try:
            self.storage.open_spider(spider)
        except Exception as exc:  # noqa: BLE001 a damaged file of a dbm module raises anything
            problem = f"the HTTP cache can't be opened: {error_text(exc)}: remove its file in HTTPCACHE_DIR"
            self.crawler.fail(Reason.NOT_STARTED, problem)
            return
        self._is_open = True

    def spider_closed(self, spider: Any) -> None:
        """Close the storage."""
        if self._is_open:
            self.storage.close_spider(spider)

    def process_request(self, request: Request, spider: Any = UNREAD) -> Response | None:
        """Return the kept response if it is fresh.

        Raises:
            IgnoreRequest: it is not in the cache, and HTTPCACHE_IGNORE_MISSING is True.
        """
        if request.meta.get("dont_cache", False):
            return None
        if not self.policy.should_cache_request(request):
            request.meta["_dont_cache"] = True
            return None
        cached = self._retrieve(request)
        if cached is None:
            self.stats.inc_value("httpcache/miss")
            if self.ignore_missing:
                self.stats.inc_value("httpcache/ignore")
                raise IgnoreRequest(f"Ignored request not in cache: {request}")
            return None
        cached.flags.append("cached")
        if self.policy.is_cached_response_fresh(cached, request):
            self.stats.inc_value("httpcache/hit")
            return cached
        request.meta["cached_response"] = cached  # until the next hook of this class
        return None

    def process_response(self, request: Request, response: Response, spider: Any = UNREAD) -> Response:
        """Keep a response of the server, or return the kept one that it confirms."""
        if request.meta.get("dont_cache", False):
            return response
        if "_dont_cache" in request.meta or "cached" in response.flags:
            request.meta.pop("_dont_cache", None)
            return response
        if b"Date" not in response.headers:
            response.headers[b"Date"] = formatdate(usegmt=True)
        cached: Response | None = request.meta.pop("cached_response", None)
        if cached is None:
            self.stats.inc_value("httpcache/firsthand")
            self._store(response, request)
            return response
        if self.policy.is_cached_response_valid(cached, response, request):
            self.stats.inc_value("httpcache/revalidate")
            if response.status == 304:
                _freshen(cached, response)
                self._store(cached, request)
            return cached
        self.stats.inc_value("httpcache/invalidate")
        request.meta.pop("cache_timestamp", None)
        self._store(response, request)
        return response

    def process_exception(
        self, request: Request, exception: Exception, spider: Any = UNREAD
    ) -> Response | None:
        """Return the stale response if the download has failed."""
        request.meta.pop("_dont_cache", None)
        cached: Response | None = request.meta.pop("cached_response", None)
        if cached is not None and isinstance(exception, self.DOWNLOAD_EXCEPTIONS):
            self.stats.inc_value("httpcache/errorrecovery")
            return cached
        return None

    def _retrieve(self, request: Request) -> Response | None:
        try:
            cached: Response | None = self.storage.retrieve_response(self.crawler.spider, request)
        except Exception:
            self.stats.inc_value("httpcache/retrieve_error")
            text = "Could not read the cache entry for %s, treating it as a cache miss."
            logger.warning(text, request, exc_info=True)
            return None
        return cached

    def _store(self, response: Response, request: Request) -> None:
        if not self.policy.should_cache_response(response, request):
            self.stats.inc_value("httpcache/uncacheable")
            return
        try:
            self.storage.store_response(self.crawler.spider, request, response)
        except Exception as exc:  # noqa: BLE001 a full disk loses an entry of the cache, not the page
            if not self.stats.get_value("httpcache/store_error"):
                text = "Responses are missing in the HTTP cache, the crawl goes on: %s: %s"
                logger.warning(text, request, error_text(exc))
            self.stats.inc_value("httpcache/store_error")
            return
        self.stats.inc_value("httpcache/store")


def _freshen(cached: Response, response: Response) -> None:
    """Take over the headers of a response that confirms a kept one (RFC 9111, 4.3.4)."""
    warnings = [text for text in cached.headers.getlist(b"Warning") if text.startswith(b"2")]
    cached.headers.update(response.headers)
    cached.headers.pop(b"Warning", None)
    if warnings:
        cached.headers[b"Warning"] = warnings
