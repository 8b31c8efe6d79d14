"""Pass only responses with status 200 to 299, or an allowed status, to callbacks."""

from collections.abc import Collection
from typing import Any

from aioscrapy.context import CrawlContext
from aioscrapy.exceptions import IgnoreRequest, NotConfigured
from aioscrapy.http.response import Response
from aioscrapy.stats import StatsCollector


class HttpError(IgnoreRequest):  # Scrapy's name
    """The status of a response is not allowed; the errback gets this error, the callback is not called."""

    fruitless = True

    def __init__(self, response: Response, *args: Any) -> None:
        text = f"Ignoring response {response}: HTTP status code is not handled or not allowed"
        super().__init__(*(args or (text,)))
        self.response = response


class HttpErrorMiddleware:
    """Rejects responses with other statuses, unless they are allowed.

    The first of these that is set applies: meta["handle_httpstatus_all"], meta["handle_httpstatus_list"], the
    spider's `handle_httpstatus_list`, HTTPERROR_ALLOWED_CODES.
    """

    def __init__(self, stats: StatsCollector, allowed: Collection[int]) -> None:
        self._stats = stats
        self._allowed = allowed

    @classmethod
    def from_crawler(cls, crawler: CrawlContext) -> "HttpErrorMiddleware":
        """Create the middleware; leave it out if HTTPERROR_ALLOW_ALL is true."""
        if crawler.settings.getbool("HTTPERROR_ALLOW_ALL"):
            raise NotConfigured
        return cls(crawler.stats, [int(code) for code in crawler.settings.getlist("HTTPERROR_ALLOWED_CODES")])

    def process_spider_input(self, response: Response, spider: Any) -> None:
        """Reject a response whose status is not allowed.

        Raises:
            HttpError: the status is not allowed.
        """
        status = response.status
        if 200 <= status < 300:
            return
        meta = response.meta
        if meta.get("handle_httpstatus_all"):
            return
        allowed = meta.get("handle_httpstatus_list")
        if allowed is None:
            allowed = getattr(spider, "handle_httpstatus_list", None) or self._allowed
        if status not in allowed:
            self._stats.inc_value("httperror/response_ignored_count")
            self._stats.inc_value(f"httperror/response_ignored_status_count/{status}")
            raise HttpError(response)
