"""Repeat failed requests: those without a response, and those with a temporary status."""

import logging
import time
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any, Self

from aioscrapy.components import load_object
from aioscrapy.context import CrawlContext
from aioscrapy.exceptions import DownloadError, NotConfigured, ResponseTooLargeError
from aioscrapy.http.hosts import slot_of
from aioscrapy.http.request import Request
from aioscrapy.http.response import Response
from aioscrapy.settings import Settings
from aioscrapy.stats import StatsCollector
from aioscrapy.twisted_errors import ours_for

logger = logging.getLogger(__name__)

_BUSY = {429, 503}  # statuses whose Retry-After applies to the whole host

Reason = str | BaseException | type[BaseException]


def get_retry_request(
    request: Request,
    *,
    spider: Any,
    reason: Reason = "unspecified",
    max_retry_times: int | None = None,
    priority_adjust: int | None = None,
    logger: logging.Logger = logger,
    stats_base_key: str = "retry",
    give_up_log_level: int | str | None = None,
) -> Request | None:
    """Return a copy of `request` to send again; None after the last attempt.

    A callback that gets an incomplete page can `return get_retry_request(response.request, spider=self,
    reason="empty")`. The defaults of `max_retry_times` (attempts after the first) and `priority_adjust` are
    the meta keys of these names, then RETRY_TIMES and RETRY_PRIORITY_ADJUST; so for `give_up_log_level`, the
    level of the line after the last attempt. `reason` is part of a stat.
    """
    settings = spider.crawler.settings
    times, adjust = settings.getint("RETRY_TIMES"), settings.getint("RETRY_PRIORITY_ADJUST")
    retries = _Retries(times, adjust, spider.crawler.stats, logger, stats_base_key, spider)
    level = give_up_log_level or request.meta.get("give_up_log_level") or settings["RETRY_GIVE_UP_LOG_LEVEL"]
    retries.give_up_level = _level(level)
    return retries.again(request, reason, max_retry_times, priority_adjust)


class RetryMiddleware:
    """Retries statuses in RETRY_HTTP_CODES, and the RETRY_EXCEPTIONS except a body that is too large.

    A host that answers 429 or 503 with Retry-After gets no request for that long (RETRY_AFTER_MAX).

    Meta keys: dont_retry, max_retry_times, priority_adjust; retry_times counts the attempts.
    """

    def __init__(self, settings: Settings) -> None:
        if not settings.getbool("RETRY_ENABLED"):
            raise NotConfigured
        self.max_retry_times = settings.getint("RETRY_TIMES")
        self.retry_http_codes = {int(code) for code in settings.getlist("RETRY_HTTP_CODES")}
        self.priority_adjust = settings.getint("RETRY_PRIORITY_ADJUST")
        self.exceptions_to_retry = _exceptions(settings)
        self._longest_pause_s = settings.getfloat("RETRY_AFTER_MAX")
        self.give_up_log_level = settings["RETRY_GIVE_UP_LOG_LEVEL"]
        self.crawler: Any = None

    @classmethod
    def from_crawler(cls, crawler: CrawlContext) -> Self:
        """Create the middleware; leave it out if RETRY_ENABLED is false."""
        middleware = cls(crawler.settings)
        middleware.crawler = crawler
        return middleware

    def process_response(
        self, request: Request, response: Response, spider: Any = None
    ) -> Request | Response:
        """Return a new attempt for a status to retry; after the last attempt the response."""
        if response.status in _BUSY and "Retry-After" in response.headers:
            self._pause_host(request, response)
        if response.status not in self.retry_http_codes or request.meta.get("dont_retry"):
            return response
        return self._retry(request, _status_line(response.status), spider) or response

    def process_exception(self, request: Request, exception: Exception, spider: Any = None) -> Request | None:
        """Return a new attempt for a failed download; None after the last attempt."""
        if isinstance(exception, ResponseTooLargeError) or not self._is_listed(exception):
            return None
        return None if request.meta.get("dont_retry") else self._retry(request, exception, spider)

    def _is_listed(self, exception: Exception) -> bool:
        """Return True for an exception to retry; one of Twisted, which a project raises, stands for ours."""
        listed = self.exceptions_to_retry
        if isinstance(exception, (*listed, DownloadError)):
            return isinstance(exception, listed)
        paths = (f"{cls.__module__}.{cls.__qualname__}" for cls in type(exception).__mro__)
        return any(issubclass(ours, listed) for path in paths for ours in ours_for(path))

    def _retry(self, request: Request, reason: Reason, spider: Any = None) -> Request | None:
        """Return a new attempt; None after the last one. Subclasses call it, as in Scrapy."""
        spider = spider or self.crawler.spider
        stats = self.crawler.stats if self.crawler is not None else spider.crawler.stats
        retries = _Retries(self.max_retry_times, self.priority_adjust, stats, logger, "retry", spider)
        retries.give_up_level = _level(request.meta.get("give_up_log_level") or self.give_up_log_level)
        return retries.again(request, reason)

    def _pause_host(self, request: Request, response: Response) -> None:
        """Pause a host for the time in its Retry-After header."""
        crawler = self.crawler
        if crawler is None or not hasattr(crawler, "politeness"):
            return  # a subclass that was created without `from_crawler`
        requested_s = _seconds((response.headers.get("Retry-After") or b"").decode("latin-1"))
        pause_s = min(requested_s, self._longest_pause_s)
        if pause_s > 0:
            host = slot_of(request)
            logger.info(
                "No request to %s for %.1f s: it answered %d with Retry-After", host, pause_s, response.status
            )
            crawler.politeness.pause(host, pause_s)


class _Retries:
    """Decides on further attempts and counts them."""

    give_up_level: int = logging.ERROR

    def __init__(
        self, times: int, adjust: int, stats: StatsCollector, log: logging.Logger, key: str, spider: Any
    ) -> None:
        self._times = times
        self._priority_adjust = adjust
        self._stats = stats
        self._log = log
        self._key = key
        self._extra = {"spider": spider}  # log filters of projects look for it

    def again(
        self, request: Request, reason: Reason, times: int | None = None, adjust: int | None = None
    ) -> Request | None:
        """Return the next attempt, which bypasses the duplicate filter; None after the last one."""
        meta = request.meta
        attempt = meta.get("retry_times", 0) + 1
        if attempt > _first(times, meta.get("max_retry_times"), self._times):
            self._stats.inc_value(f"{self._key}/max_reached")
            text = "Gave up retrying %s (failed %d times): %s"
            self._log.log(self.give_up_level, text, request, attempt, reason, extra=self._extra)
            return None
        text = "Retrying %s (failed %d times): %s"
        self._log.debug(text, request, attempt, reason, extra=self._extra)
        self._stats.inc_value(f"{self._key}/count")
        self._stats.inc_value(f"{self._key}/reason_count/{_named(reason)}")
        retried = request.copy()
        retried.meta["retry_times"] = attempt
        retried.dont_filter = True
        retried.priority += _first(adjust, meta.get("priority_adjust"), self._priority_adjust)
        return retried


def _exceptions(settings: Settings) -> tuple[type[BaseException], ...]:
    """Return the exceptions of RETRY_EXCEPTIONS; every DownloadError if it is not set.

    A class of Scrapy or Twisted is ours for the same error; one for which there is none is left out.

    Raises:
        SettingError: a class can't be loaded.
    """
    listed = settings["RETRY_EXCEPTIONS"]
    classes: list[type[BaseException]] = []
    for path in listed if not isinstance(listed, str) else settings.getlist("RETRY_EXCEPTIONS"):
        name = path if isinstance(path, str) else f"{path.__module__}.{path.__qualname__}"
        if name.startswith(("scrapy.", "twisted.")):
            classes += ours_for(name)
        else:
            classes.append(load_object(path, "RETRY_EXCEPTIONS"))
    return tuple(classes)


def _level(value: int | str) -> int:
    """Return the number of a level.

    Raises:
        ValueError: there is no level of this name.
    """
    number = value if isinstance(value, int) else logging.getLevelNamesMapping().get(str(value).upper())
    if number is None:
        raise ValueError(f"Invalid give-up log level: {value!r}")
    return number


def _seconds(retry_after: str) -> float:
    """Return the seconds of a Retry-After header, a number or a date; 0 if it is neither."""
    if retry_after.strip().isdigit():
        return float(retry_after)
    try:
        return parsedate_to_datetime(retry_after).timestamp() - time.time()
    except ValueError:
        return 0.0


def _first(*numbers: int | None) -> int:
    """Return the first number that is not None."""
    return next(number for number in numbers if number is not None)


def _named(reason: Reason) -> str:
    """Return a reason as part of the name of a stat: for an exception its dotted path."""
    if isinstance(reason, str):
        return reason
    cls = reason if isinstance(reason, type) else type(reason)
    return f"{cls.__module__}.{cls.__qualname__}"


def _status_line(status: int) -> str:
    """Return "503 Service Unavailable", for example; "Unknown Status" if no RFC defines the status."""
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return f"{status} Unknown Status"
