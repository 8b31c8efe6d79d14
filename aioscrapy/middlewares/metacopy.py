"""Warn of meta keys that belong to one request, for a project that asks for it in SPIDER_MIDDLEWARES."""

import logging

from aioscrapy.context import CrawlContext
from aioscrapy.http.request import Request
from aioscrapy.http.response import Response
from aioscrapy.middlewares.base import BaseSpiderMiddleware

logger = logging.getLogger(__name__)

# What middlewares and handlers write into the meta of one request.
_OF_ONE_REQUEST = frozenset(
    {
        *("_auth_proxy", "_cookies_sent", "_dont_cache", "_scheme_proxy", "cache_timestamp"),
        *("download_latency", "redirect_reasons", "redirect_times", "redirect_ttl", "redirect_urls"),
        "retry_times",
    }
)


class MetaCopyDetectionMiddleware(BaseSpiderMiddleware):
    """Warns once of a request with such keys: a callback has copied `response.meta` into it.

    META_COPY_WARN_SKIP_KEYS: keys that may be copied.
    """

    changes_requests = False

    def __init__(self, crawler: CrawlContext) -> None:
        super().__init__(crawler)
        self._keys = _OF_ONE_REQUEST - set(crawler.settings.getlist("META_COPY_WARN_SKIP_KEYS"))
        self._warned = False

    def get_processed_request(self, request: Request, response: Response | None) -> Request | None:
        """Look at the keys."""
        if response is not None and not self._warned and (keys := self._keys & request.meta.keys()):
            self._warned = True
            logger.warning(
                "%s has meta keys of another request: %s. The callback of %s copied them from response.meta",
                request,
                sorted(keys),
                response,
            )
        return request
