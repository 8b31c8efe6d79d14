"""Drop links with a very long URL: these are usually endless chains of links."""

import logging
from typing import ClassVar, Self

from aioscrapy.context import CrawlContext
from aioscrapy.exceptions import NotConfigured
from aioscrapy.http.request import Request
from aioscrapy.http.response import Response
from aioscrapy.middlewares.base import SpiderStream
from aioscrapy.stats import StatsCollector

logger = logging.getLogger(__name__)


class UrlLengthMiddleware(SpiderStream):
    """Drops requests whose URL has more than URLLENGTH_LIMIT characters."""

    changes_requests: ClassVar[bool] = False

    def __init__(self, maxlength: int, stats: StatsCollector | None = None) -> None:
        self._limit = maxlength
        self._stats = stats

    @classmethod
    def from_crawler(cls, crawler: CrawlContext) -> Self:
        """Create the middleware; leave it out if URLLENGTH_LIMIT is 0."""
        limit = crawler.settings.getint("URLLENGTH_LIMIT")
        if not limit:
            raise NotConfigured
        return cls(limit, crawler.stats)

    def get_processed_request(self, request: Request, response: Response | None) -> Request | None:
        """Drop a request with a URL that is too long."""
        if len(request.url) <= self._limit:
            return request
        logger.info("Ignoring link (url length > %d): %s", self._limit, request.url)
        if self._stats is not None:  # else a subclass was created without `from_crawler`
            self._stats.inc_value("urllength/request_ignored_count")
        return None
