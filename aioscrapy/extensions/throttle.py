"""Adapt the delay of a host to its latency."""

import logging
from typing import Any, Self

from aioscrapy import signals
from aioscrapy.context import CrawlContext
from aioscrapy.exceptions import NotConfigured, SettingError
from aioscrapy.http.hosts import slot_of
from aioscrapy.http.request import Request
from aioscrapy.http.response import Response

logger = logging.getLogger(__name__)


class AutoThrottle:
    """Adapts delays so that a host has AUTOTHROTTLE_TARGET_CONCURRENCY requests at once on average.

    A host with a latency of t seconds should get a request every t / target seconds. Every response moves the
    delay half the way to this value, or the whole way if the delay must grow. A response with a status other
    than 200 never lowers it, because error pages are fast. A response with
    meta["autothrottle_dont_adjust_delay"] is ignored.

    Subclasses of programs replace the methods with one underscore: they have Scrapy's names.

    Source: https://docs.scrapy.org/en/latest/topics/autothrottle.html
    """

    def __init__(self, crawler: CrawlContext) -> None:
        settings = crawler.settings
        self._crawler = crawler
        self.debug = settings.getbool("AUTOTHROTTLE_DEBUG")
        self.target_concurrency = settings.getfloat("AUTOTHROTTLE_TARGET_CONCURRENCY")
        if self.target_concurrency <= 0:
            raise SettingError("AUTOTHROTTLE_TARGET_CONCURRENCY", f"{self.target_concurrency} is not above 0")
        self.mindelay = self.maxdelay = self._start_s = 0.0
        self._started: set[str] = set()
        crawler.signals.connect(self._spider_opened, signals.spider_opened)
        crawler.signals.connect(self._request_reached_downloader, signals.request_reached_downloader)
        crawler.signals.connect(self._response_downloaded, signals.response_downloaded)

    @classmethod
    def from_crawler(cls, crawler: CrawlContext) -> Self:
        """Create the extension; leave it out if AUTOTHROTTLE_ENABLED is false."""
        if not crawler.settings.getbool("AUTOTHROTTLE_ENABLED"):
            raise NotConfigured
        return cls(crawler)

    def _spider_opened(self, spider: Any = None, /) -> None:
        self.mindelay = self._min_delay()
        self.maxdelay = self._max_delay()
        self._start_s = self._start_delay()

    def _min_delay(self) -> float:
        return self._crawler.settings.getfloat("DOWNLOAD_DELAY")

    def _max_delay(self) -> float:
        return self._crawler.settings.getfloat("AUTOTHROTTLE_MAX_DELAY")

    def _start_delay(self) -> float:
        return max(self.mindelay, self._crawler.settings.getfloat("AUTOTHROTTLE_START_DELAY"))

    def _request_reached_downloader(self, request: Request) -> None:
        """Set the first delay of a host, before its latency is known."""
        key = slot_of(request)
        if key not in self._started:
            self._started.add(key)
            _, slot = self._get_slot(request, None)
            if slot is not None:
                slot.delay = self._start_s

    def _response_downloaded(self, response: Response, request: Request, spider: Any = None) -> None:
        """Adapt the delay of the host of a response."""
        latency_s = request.meta.get("download_latency")
        if latency_s is None or request.meta.get("autothrottle_dont_adjust_delay"):
            return
        key, slot = self._get_slot(request, spider)
        if slot is None:
            return
        before_s = slot.delay
        self._adjust_delay(slot, latency_s, response)
        if self.debug:
            logger.info(
                "slot: %s | delay:%5d ms (%+d) | latency:%5d ms | size:%6d bytes",
                key,
                slot.delay * 1000,
                (slot.delay - before_s) * 1000,
                latency_s * 1000,
                len(response.body),
            )

    def _get_slot(self, request: Request, spider: Any) -> tuple[str, Any]:
        """Return the key and the limits of a request's host."""
        key = slot_of(request)
        return key, self._crawler.engine.downloader.slots.get(key)

    def _adjust_delay(self, slot: Any, latency: float, response: Response) -> None:
        """Set the new delay, within the limits of the settings; the latency is in seconds."""
        target_s = latency / self.target_concurrency
        new_s = min(max(target_s, (slot.delay + target_s) / 2, self.mindelay), self.maxdelay)
        if response.status == 200 or new_s > slot.delay:
            slot.delay = new_s
