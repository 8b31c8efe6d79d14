"""Count the links between a start URL and a request."""

import logging
from typing import ClassVar, Self

from aioscrapy.context import CrawlContext
from aioscrapy.http.request import Request
from aioscrapy.http.response import Response
from aioscrapy.middlewares.base import SpiderStream
from aioscrapy.stats import StatsCollector

logger = logging.getLogger(__name__)


class DepthMiddleware(SpiderStream):
    """Sets meta["depth"], drops requests deeper than DEPTH_LIMIT, lowers the priority of deep requests.

    A link with meta["depth_reset"] has the depth 0, as a start request.
    """

    changes_requests: ClassVar[bool] = False

    def __init__(
        self, maxdepth: int, stats: StatsCollector, verbose_stats: bool = False, prio: int = 1
    ) -> None:
        self._stats = stats
        self._limit = maxdepth
        self._priority = prio
        self._verbose = verbose_stats
        self._deepest = 0
        self._reported = False

    @classmethod
    def from_crawler(cls, crawler: CrawlContext) -> Self:
        """Read the DEPTH_ settings."""
        settings = crawler.settings
        verbose = settings.getbool("DEPTH_STATS_VERBOSE")
        limit, priority = settings.getint("DEPTH_LIMIT"), settings.getint("DEPTH_PRIORITY")
        return cls(limit, crawler.stats, verbose, priority)

    def get_processed_request(self, request: Request, response: Response | None) -> Request | None:
        """Set the depth of a request; drop the request if it is too deep."""
        if response is None:
            depth = request.meta.setdefault("depth", 0)
        else:
            meta = request.meta
            if "depth_reset" in meta and meta.pop("depth_reset"):
                depth = 0
            else:
                depth = response.meta.get("depth", 0) + 1
            meta["depth"] = depth
            if self._limit and depth > self._limit:
                self._ignore(request)
                return None
            request.priority -= depth * self._priority
            if depth > self._deepest:
                self._deepest = depth
                self._stats.max_value("request_depth_max", depth)
        if self._verbose:
            self._stats.inc_value(f"request_depth_count/{depth}")
        return request

    def _ignore(self, request: Request) -> None:
        self._stats.inc_value("depth/request_ignored_count")
        if not self._reported:
            self._reported = True
            logger.debug(
                "Ignoring link (depth > %d): %s - further ignored links are not logged",
                self._limit,
                request.url,
            )
