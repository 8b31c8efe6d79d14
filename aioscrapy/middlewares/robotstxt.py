"""What a host's robots.txt forbids is not fetched."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import urljoin, urlsplit

from aioscrapy.context import CrawlContext
from aioscrapy.exceptions import IgnoreRequest, NotConfigured
from aioscrapy.http.hosts import slot_of
from aioscrapy.http.request import Request
from aioscrapy.http.response import Response

logger = logging.getLogger(__name__)

Download = Callable[[Request], Awaitable[Response]]

_MAX_REDIRECTS = 5
_MAX_BYTES = 500 * 1024
_REMEMBERED_SITES = 10_000
_EVERYTHING = None  # rules of a host that forbids nothing


class ForbiddenByRobotsTxt(IgnoreRequest):
    """The robots.txt of its host forbids a request."""

    fruitless = True


class RobotsTxtMiddleware:
    """Fetches the robots.txt of each host once, by `download`, and drops the requests that it forbids.

    A robots.txt that can't be fetched or is not there forbids nothing. meta["dont_obey_robotstxt"] lets a
    request through.

    Source: RFC 9309 (redirects followed, what is read, how rules are matched).
    """

    download: Download | None = None  # set by the chain: how to fetch

    def __init__(self, user_agent: str | None, default_user_agent: str, crawler: CrawlContext) -> None:
        self._user_agent = user_agent
        self._default_user_agent = default_user_agent
        self._politeness = crawler.politeness
        self._stats = crawler.stats
        self._longest_delay_s = crawler.settings.getfloat("ROBOTSTXT_CRAWL_DELAY_MAX")
        self._rules: dict[str, Any] = {}  # scheme and host -> what its robots.txt says
        self._locks: dict[str, asyncio.Lock] = {}  # of the hosts whose robots.txt is under way

    @classmethod
    def from_crawler(cls, crawler: CrawlContext) -> "RobotsTxtMiddleware":
        """Stay out where ROBOTSTXT_OBEY is false."""
        settings = crawler.settings
        if not settings.getbool("ROBOTSTXT_OBEY"):
            raise NotConfigured
        default = getattr(crawler.spider, "user_agent", None) or settings["USER_AGENT"] or "*"
        return cls(settings["ROBOTSTXT_USER_AGENT"], default, crawler)

    async def process_request(self, request: Request) -> None:
        """Refuse what robots.txt forbids.

        Raises:
            ForbiddenByRobotsTxt: it does.
        """
        if request.meta.get("dont_obey_robotstxt"):
            return
        parts = urlsplit(request.url)
        if parts.scheme not in {"http", "https"}:
            return
        site = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
        rules = self._rules[site] if site in self._rules else await self._learn(site, request)
        if rules is _EVERYTHING or rules.can_fetch(request.url, self._agent_of(request)):
            return
        self._stats.inc_value("robotstxt/forbidden")
        raise ForbiddenByRobotsTxt(f"Forbidden by robots.txt: {request}")

    def _agent_of(self, request: Request) -> str:
        if self._user_agent:
            return self._user_agent
        header = request.headers.get("User-Agent")
        return header.decode("latin-1") if header else self._default_user_agent

    async def _learn(self, site: str, request: Request) -> Any:
        """Fetch the rules of a site, or wait until another request has done so.

        A lock, not a future: where the request that fetches is cancelled, the next one fetches.
        """
        async with self._locks.setdefault(site, asyncio.Lock()):
            if site in self._rules:
                return self._rules[site]
            self._stats.inc_value("robotstxt/request_count")
            try:
                rules = await self._fetch(site, request)
            except Exception as exc:  # noqa: BLE001 whatever is wrong with robots.txt, the page itself may be fine
                cls = type(exc)
                self._stats.inc_value(f"robotstxt/exception_count/{cls.__module__}.{cls.__qualname__}")
                logger.warning("No robots.txt of %s: %s: %s", site, cls.__name__, exc)
                rules = _EVERYTHING
            if rules is not _EVERYTHING:
                self._slow_down(rules, request)
            if len(self._rules) >= _REMEMBERED_SITES:
                del self._rules[next(iter(self._rules))]
            self._rules[site] = rules
        self._locks.pop(site, None)
        return rules

    def _slow_down(self, rules: Any, request: Request) -> None:
        """Keep to the host's Crawl-delay, where it is longer than ours."""
        delay_s = min(rules.crawl_delay(self._agent_of(request)) or 0.0, self._longest_delay_s)
        host = slot_of(request)
        if delay_s > self._politeness.delay(host):
            logger.info("%s asks for %.1f s between two requests (robots.txt)", host, delay_s)
            self._politeness.set_delay(host, delay_s)

    async def _fetch(self, site: str, request: Request) -> Any:
        """Return the rules of a site: an object with `can_fetch(url, user_agent)`, or _EVERYTHING.

        As the user agent and through the proxy of the request that asks first.
        """
        assert self.download is not None  # noqa: S101 the chain sets it before the first request
        headers = {"User-Agent": request.headers.get("User-Agent") or self._default_user_agent}
        kept = {"proxy", "download_timeout"}
        meta = {name: value for name, value in request.meta.items() if name in kept}
        url = f"{site}/robots.txt"
        response = await self.download(Request(url, headers=headers, meta=meta))
        for _ in range(_MAX_REDIRECTS):
            location = response.headers.get("Location")
            if not 300 <= response.status < 400 or location is None:
                break
            url = urljoin(url, location.decode("latin-1"))
            response = await self.download(Request(url, headers=headers, meta=meta))
        self._stats.inc_value("robotstxt/response_count")
        self._stats.inc_value(f"robotstxt/response_status_count/{response.status}")
        if not 200 <= response.status < 300:
            return _EVERYTHING
        from protego import Protego

        return Protego.parse(response.body[:_MAX_BYTES].decode("utf-8-sig", "replace"))
