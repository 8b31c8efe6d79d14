"""Only what is in the domains of the spider is fetched."""

import logging
from typing import Any
from urllib.parse import urlsplit

from aioscrapy.context import CrawlContext
from aioscrapy.exceptions import IgnoreRequest, NotConfigured
from aioscrapy.http.request import Request
from aioscrapy.http.response import Response
from aioscrapy.stats import StatsCollector

logger = logging.getLogger(__name__)

_REMEMBERED_HOSTS = 10_000


class OffsiteRequest(IgnoreRequest):
    """A request was dropped because of its host."""

    quiet = True  # not logged: the first of each domain was


class OffsiteMiddleware:
    """Drops what is outside the spider's `allowed_domains` and their subdomains.

    Works in both roles: as a spider middleware it drops links before they enter the frontier, as a downloader
    middleware what a redirect (or another middleware) has led astray. Start requests, dont_filter and
    meta["allow_offsite"] go through. A spider may change its `allowed_domains` while it crawls; one that
    has no such list has no such filter.
    """

    def __init__(self, spider: Any, stats: StatsCollector) -> None:
        self._spider = spider
        self._stats = stats
        self._domains: tuple[str, ...] = ()
        self._verdicts: dict[str, bool] = {}  # host and port as in the URL -> may be crawled
        self._reported: set[str | None] = set()

    @classmethod
    def from_crawler(cls, crawler: CrawlContext) -> "OffsiteMiddleware":
        """Stay out where the spider names no domains."""
        if getattr(crawler.spider, "allowed_domains", None) is None:
            raise NotConfigured
        return cls(crawler.spider, crawler.stats)

    def get_processed_request(self, request: Request, response: Response | None) -> Request | None:
        """Drop a link that leads offsite."""
        if response is None or self._is_allowed(request):
            return request
        self._count(request)
        return None

    def process_request(self, request: Request) -> None:
        """Refuse a request that leads offsite.

        Raises:
            OffsiteRequest: its host is not in the domains of the spider.
        """
        meta = request.meta
        is_start = not meta.get("depth") and "redirect_times" not in meta
        if not is_start and not self._is_allowed(request):
            raise OffsiteRequest(f"Filtered offsite request to {self._count(request)!r}")

    def _is_allowed(self, request: Request) -> bool:
        domains = self._spider.allowed_domains
        if not domains or request.dont_filter:
            return True
        if len(domains) != len(self._domains) or tuple(domains) != self._domains:
            self._domains = tuple(domains)
            self._verdicts.clear()
        host = _host_of(request.url)
        verdict = self._verdicts.get(host)
        if verdict is None:
            verdict = self._judge(host, request.url)
        return verdict or bool(request.meta.get("allow_offsite"))

    def _judge(self, host: str, url: str) -> bool:
        """Compare one host with the domains, and remember the result."""
        if len(self._verdicts) >= _REMEMBERED_HOSTS:
            self._verdicts.clear()
        name = urlsplit(url).hostname or ""
        allowed = [domain.lower() for domain in self._domains if domain]
        verdict = any(name == domain or name.endswith(f".{domain}") for domain in allowed)
        self._verdicts[host] = verdict
        return verdict

    def _count(self, request: Request) -> str | None:
        """Count one dropped request; log the first of each domain. Returns the domain."""
        domain = urlsplit(request.url).hostname
        if domain not in self._reported:
            self._reported.add(domain)
            self._stats.inc_value("offsite/domains")
            logger.debug("Filtered offsite request to %r: %s", domain, request)
        self._stats.inc_value("offsite/filtered")
        return domain


def _host_of(url: str) -> str:
    """Return the part between the second and the third slash: 0.1 µs instead of the 2 µs of urlsplit.

    Longer than the host where a query follows it at once; all URLs with the same part have the same host.
    """
    parts = url.split("/", 3)
    return parts[2] if len(parts) > 2 else ""
