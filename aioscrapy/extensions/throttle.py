"""Adapt the delay of a host to its latency."""

import logging

from aioscrapy import signals
from aioscrapy.context import CrawlContext, PolitenessLike
from aioscrapy.exceptions import NotConfigured, SettingError
from aioscrapy.http.hosts import slot_of
from aioscrapy.http.request import Request
from aioscrapy.http.response import Response
from aioscrapy.settings import Settings

logger = logging.getLogger(__name__)


class AutoThrottle:
    """Adapts delays so that a host has AUTOTHROTTLE_TARGET_CONCURRENCY requests at once on average.

    A host with a latency of t seconds should get a request every t / target seconds. Every response moves the
    delay half the way to this value, or the whole way if the delay must grow. A response with a status other
    than 200 never lowers it, because error pages are fast. A response with
    meta["autothrottle_dont_adjust_delay"] is ignored.

    Source: https://docs.scrapy.org/en/latest/topics/autothrottle.html
    """

    def __init__(self, settings: Settings, politeness: PolitenessLike) -> None:
        self._politeness = politeness
        self._min_s = settings.getfloat("DOWNLOAD_DELAY")
        self._max_s = settings.getfloat("AUTOTHROTTLE_MAX_DELAY")
        self._start_s = max(self._min_s, settings.getfloat("AUTOTHROTTLE_START_DELAY"))
        self._target = settings.getfloat("AUTOTHROTTLE_TARGET_CONCURRENCY")
        if self._target <= 0:
            raise SettingError("AUTOTHROTTLE_TARGET_CONCURRENCY", f"{self._target} is not above 0")
        self._debug = settings.getbool("AUTOTHROTTLE_DEBUG")
        self._started: set[str] = set()

    @classmethod
    def from_crawler(cls, crawler: CrawlContext) -> "AutoThrottle":
        """Create the extension; leave it out if AUTOTHROTTLE_ENABLED is false."""
        if not crawler.settings.getbool("AUTOTHROTTLE_ENABLED"):
            raise NotConfigured
        extension = cls(crawler.settings, crawler.politeness)
        crawler.signals.connect(extension.request_reached_downloader, signals.request_reached_downloader)
        crawler.signals.connect(extension.response_downloaded, signals.response_downloaded)
        return extension

    def request_reached_downloader(self, request: Request) -> None:
        """Set the first delay of a host, before its latency is known."""
        host = slot_of(request)
        if host not in self._started:
            self._started.add(host)
            self._politeness.set_delay(host, self._start_s)

    def response_downloaded(self, response: Response, request: Request) -> None:
        """Adapt the delay of the host of a response."""
        latency_s = request.meta.get("download_latency")
        if latency_s is None or request.meta.get("autothrottle_dont_adjust_delay"):
            return
        host = slot_of(request)
        old_s = self._politeness.delay(host)
        new_s = self._adapted(old_s, latency_s)
        if response.status != 200 and new_s <= old_s:
            new_s = old_s
        else:
            self._politeness.set_delay(host, new_s)
        if self._debug:
            logger.info(
                "slot: %s | delay:%5d ms (%+d) | latency:%5d ms | size:%6d bytes",
                host,
                new_s * 1000,
                (new_s - old_s) * 1000,
                latency_s * 1000,
                len(response.body),
            )

    def _adapted(self, old_s: float, latency_s: float) -> float:
        """Return the new delay, within the limits of the settings."""
        target_s = latency_s / self._target
        return min(max(target_s, (old_s + target_s) / 2, self._min_s), self._max_s)
