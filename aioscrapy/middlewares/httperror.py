"""Callbacks get the responses with status 200 to 299, and those that they ask for."""

from collections.abc import Collection
from typing import Any

from aioscrapy.context import CrawlContext
from aioscrapy.exceptions import IgnoreRequest, NotConfigured
from aioscrapy.http.response import Response
from aioscrapy.stats import StatsCollector


class HttpError(IgnoreRequest):  # Scrapy's name
    """A response was not given to its callback because of its status; an errback gets this."""

    fruitless = True

    def __init__(self, response: Response) -> None:
        super().__init__(f"Ignoring response {response}: HTTP status code is not handled or not allowed")
        self.response = response


class HttpErrorMiddleware:
    """Refuses responses of other statuses, unless somebody handles them.

    In this order: meta["handle_httpstatus_all"], meta["handle_httpstatus_list"], the spider's
    `handle_httpstatus_list`, HTTPERROR_ALLOWED_CODES.
    """

    def __init__(self, stats: StatsCollector, allowed: Collection[int]) -> None:
        self._stats = stats
        self._allowed = allowed

    @classmethod
    def from_crawler(cls, crawler: CrawlContext) -> "HttpErrorMiddleware":
        """Stay out where HTTPERROR_ALLOW_ALL is true."""
        if crawler.settings.getbool("HTTPERROR_ALLOW_ALL"):
            raise NotConfigured
        return cls(crawler.stats, [int(code) for code in crawler.settings.getlist("HTTPERROR_ALLOWED_CODES")])

    def process_spider_input(self, response: Response, spider: Any) -> None:
        """Refuse a response that nobody handles.

        Raises:
            HttpError: the status of the response is not wanted.
        """
        status = response.status
        if 200 <= status < 300:
            return
        meta = response.meta
        if meta.get("handle_httpstatus_all"):
            return
        wanted = meta.get("handle_httpstatus_list")
        if wanted is None:
            wanted = getattr(spider, "handle_httpstatus_list", None) or self._allowed
        if status not in wanted:
            self._stats.inc_value("httperror/response_ignored_count")
            self._stats.inc_value(f"httperror/response_ignored_status_count/{status}")
            raise HttpError(response)
