"""Drop requests that robots.txt forbids."""

import asyncio
import inspect
import logging
from collections.abc import Awaitable, Callable
from typing import Any, Self
from urllib.parse import urljoin, urlsplit

from aioscrapy import signals
from aioscrapy.components import load_object
from aioscrapy.context import CrawlContext
from aioscrapy.exceptions import IgnoreRequest, NotConfigured
from aioscrapy.hooks import UNREAD
from aioscrapy.http.hosts import slot_of
from aioscrapy.http.no_callback import NO_CALLBACK
from aioscrapy.http.request import Request
from aioscrapy.http.response import Response

logger = logging.getLogger(__name__)

_MAX_REDIRECTS = 5
_MAX_BYTES = 500 * 1024
_MAX_SITES = 10_000
_ALL_ALLOWED = None  # rules of a host that forbids nothing


class ForbiddenByRobotsTxt(IgnoreRequest):
    """The robots.txt of its host forbids a request."""

    fruitless = True


class RobotsTxtMiddleware:
    """Fetches the robots.txt of a host once and drops the requests that it forbids.

    A robots.txt that is missing or can't be fetched forbids nothing. meta["dont_obey_robotstxt"] bypasses it.

    Source: RFC 9309 (redirects, size limit, matching of rules).
    """

    def __init__(self, crawler: CrawlContext) -> None:
        settings = crawler.settings
        if not settings.getbool("ROBOTSTXT_OBEY"):
            raise NotConfigured
        default = getattr(crawler.spider, "user_agent", None) or settings["USER_AGENT"] or "*"
        self.crawler = crawler
        self._parser: Any = load_object(settings["ROBOTSTXT_PARSER"], "ROBOTSTXT_PARSER")
        self._user_agent: str | None = settings["ROBOTSTXT_USER_AGENT"]
        self._default_user_agent: str = default
        self._politeness = crawler.politeness
        self._download: Callable[[Request], Awaitable[Response]] = crawler.download
        self._stats = crawler.stats
        self._longest_delay_s = crawler.settings.getfloat("ROBOTSTXT_CRAWL_DELAY_MAX")
        # a subclass may have the signature of an older Scrapy
        self._passes_spider = "spider" in inspect.signature(type(self).process_request_2).parameters
        self._rules: dict[str, Any] = {}  # host -> rules of its robots.txt
        self._locks: dict[str, asyncio.Lock] = {}  # of the hosts whose robots.txt is being fetched

    @classmethod
    def from_crawler(cls, crawler: CrawlContext) -> Self:
        """Create the middleware; leave it out if ROBOTSTXT_OBEY is false."""
        return cls(crawler)

    async def process_request(self, request: Request, spider: Any = UNREAD) -> None:
        """Reject a forbidden request.

        Raises:
            ForbiddenByRobotsTxt: robots.txt forbids the request.
        """
        if request.meta.get("dont_obey_robotstxt"):
            return
        parts = urlsplit(request.url)
        if parts.scheme not in {"http", "https"}:
            return
        host = parts.netloc.rpartition("@")[2]
        rules = self._rules[host] if host in self._rules else await self._read(host, parts.scheme, request)
        if self._passes_spider:
            self.process_request_2(rules, request, self.crawler.spider)
        else:
            self.process_request_2(rules, request)

    def process_request_2(self, rp: Any, request: Request, spider: Any = UNREAD) -> None:
        """Reject a request that the rules of its host forbid; a subclass may override it, as in Scrapy.

        Raises:
            ForbiddenByRobotsTxt: they do.
        """
        if rp is _ALL_ALLOWED or rp.allowed(request.url, self._agent_of(request)):
            return
        self._stats.inc_value("robotstxt/forbidden")
        raise ForbiddenByRobotsTxt(f"Forbidden by robots.txt: {request}")

    def _agent_of(self, request: Request) -> str:
        if self._user_agent:
            return self._user_agent
        header = request.headers.get("User-Agent")
        return header.decode("latin-1") if header else self._default_user_agent

    async def _read(self, host: str, scheme: str, request: Request) -> Any:
        """Fetch the rules of a host, or wait until another request has done so.

        A lock, not a future: if the request that fetches is cancelled, the next one fetches.
        """
        async with self._locks.setdefault(host, asyncio.Lock()):
            if host in self._rules:
                return self._rules[host]
            self._stats.inc_value("robotstxt/request_count")
            try:
                rules = await self._fetch(f"{scheme}://{host}", request)
            except Exception as exc:  # noqa: BLE001 the page itself may be fine
                cls = type(exc)
                self._stats.inc_value(f"robotstxt/exception_count/{cls.__module__}.{cls.__qualname__}")
                logger.warning("No robots.txt of %s: %s: %s", host, cls.__name__, exc)
                rules = _ALL_ALLOWED
            if rules is not _ALL_ALLOWED:
                self._slow_down(rules, request)
                await self.crawler.signals.send_catch_log_async(
                    signal=signals.robots_parsed, robotparser=rules, request=request
                )
            if len(self._rules) >= _MAX_SITES:
                del self._rules[next(iter(self._rules))]
            self._rules[host] = rules
        self._locks.pop(host, None)
        return rules

    def _slow_down(self, rules: Any, request: Request) -> None:
        """Apply the host's Crawl-delay if it is longer than the current delay."""
        crawl_delay = getattr(rules, "crawl_delay", None)  # a parser of a project may not have it
        requested_s = crawl_delay(self._agent_of(request)) if crawl_delay is not None else None
        delay_s = min(requested_s or 0.0, self._longest_delay_s)
        host = slot_of(request)
        if delay_s and delay_s > self._politeness.delay(host):
            logger.info("%s asks for %.1f s between two requests (robots.txt)", host, delay_s)
            self._politeness.set_delay(host, delay_s)

    async def _fetch(self, site: str, request: Request) -> Any:
        """Return the rules of a site: the parser with `allowed(url, user_agent)`, or _ALL_ALLOWED.

        It is fetched through the downloader middlewares, with the user agent and the proxy of the first
        request to the host if that has its own.
        """
        agent = request.headers.get("User-Agent")
        headers = {"User-Agent": agent} if agent else {}
        copied = {"proxy", "download_timeout", "download_slot"}
        meta = {name: value for name, value in request.meta.items() if name in copied}
        meta["dont_obey_robotstxt"] = True
        url = f"{site}/robots.txt"
        response = await self._download(Request(url, NO_CALLBACK, headers=headers, meta=meta))
        for _ in range(_MAX_REDIRECTS):
            location = response.headers.get("Location")
            if not 300 <= response.status < 400 or location is None:
                break
            url = urljoin(url, location.decode("latin-1"))
            response = await self._download(Request(url, NO_CALLBACK, headers=headers, meta=meta))
        self._stats.inc_value("robotstxt/response_count")
        self._stats.inc_value(f"robotstxt/response_status_count/{response.status}")
        if not 200 <= response.status < 300:
            return _ALL_ALLOWED
        return self._parser.from_crawler(self.crawler, response.body[:_MAX_BYTES])
