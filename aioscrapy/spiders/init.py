"""InitSpider: visits a page, such as a login form, before its start URLs."""

from collections.abc import Iterable
from typing import Any

from aioscrapy.spiders.outputs import iterate_spider_output
from aioscrapy.spiders.spider import Spider
from aioscrapy.spiders.start import StartRequests


class InitSpider(Spider):
    """Begins with `init_request`; a callback that returns `self.initialized()` lets the start URLs follow."""

    def start_requests(self) -> Any:
        return StartRequests(iterate_spider_output(self.init_request()))

    def init_request(self) -> Any:
        """Return the request to begin with; its callback returns `self.initialized()` when all is ready."""
        return self.initialized()

    def initialized(self, response: Any = None) -> Iterable[Any]:
        """Return the requests of the start URLs."""
        return self._requests_of_start_urls()
