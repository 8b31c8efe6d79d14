"""Drop requests outside the domains of the spider."""

import logging
import re
from collections.abc import Iterable
from contextlib import suppress
from typing import Any, ClassVar, Self
from urllib.parse import urlsplit

from aioscrapy import signals
from aioscrapy.context import CrawlContext
from aioscrapy.exceptions import IgnoreRequest
from aioscrapy.hooks import UNREAD, leave_out, uses_scrapy
from aioscrapy.http.request import Request
from aioscrapy.http.response import Response
from aioscrapy.http.url import clean_url
from aioscrapy.middlewares.base import SpiderStream
from aioscrapy.stats import StatsCollector

logger = logging.getLogger(__name__)

_has_port = re.compile(r"[^:]*:[0-9]*\s*").fullmatch
_REMEMBERED_HOSTS = 10_000


class OffsiteRequest(IgnoreRequest):
    """The host of a request is outside the domains of the spider; the request is dropped."""

    quiet = True  # the middleware logs the first request of every domain itself


class OffsiteMiddleware(SpiderStream):
    """Drops requests outside the spider's `allowed_domains` and their subdomains.

    It works in both roles: as a spider middleware it drops links before they enter the frontier, as a
    downloader middleware it drops requests that a redirect or another middleware sends elsewhere. Start
    requests, dont_filter and meta["allow_offsite"] pass; of a spider of Scrapy, only the start requests of
    `start_urls`. A spider may change its `allowed_domains` while it crawls. If a spider has no
    `allowed_domains`, every host is allowed. A subclass may override `should_follow`.
    """

    changes_requests: ClassVar[bool] = False
    host_regex: re.Pattern[str] | None = None

    def __init__(self, stats: StatsCollector) -> None:
        self.stats = stats
        self.domains_seen: set[str | None] = set()
        self._spider: Any = None
        self._checks_start = False
        cls = type(self)
        self._is_own = (
            cls.should_follow is not OffsiteMiddleware.should_follow
            or cls.get_host_regex is not OffsiteMiddleware.get_host_regex
        )
        self._domains: tuple[str, ...] = ()
        self._verdicts: dict[str, bool] = {}  # host and port as in the URL -> may be crawled
        self._start: tuple[Any, int] = (None, 0)  # start_urls, and its length, of `_start_urls`
        self._start_urls: frozenset[str] = frozenset()

    @classmethod
    def from_crawler(cls, crawler: CrawlContext) -> Self:
        """Create the middleware; no hook is called if the spider has no `allowed_domains`."""
        middleware = cls(crawler.stats)
        if crawler.spider is not None:
            middleware._spider = crawler.spider
            middleware._checks_start = uses_scrapy(crawler.spider)
            if cls is OffsiteMiddleware and getattr(crawler.spider, "allowed_domains", None) is None:
                leave_out(middleware)
        crawler.signals.connect(middleware.spider_opened, signals.spider_opened)
        return middleware

    def spider_opened(self, spider: Any) -> None:
        """Take the domains of this spider."""
        self._spider = spider
        self._update_host_regex(spider)

    def get_processed_request(self, request: Request, response: Response | None) -> Request | None:
        """Drop an offsite link."""
        if response is None or self._is_allowed(request):
            return request
        self._count(request)
        return None

    def process_request(self, request: Request, spider: Any = UNREAD) -> None:
        """Reject an offsite request.

        Raises:
            OffsiteRequest: its host is not in the domains of the spider.
        """
        meta = request.meta
        is_start = meta.get("depth") == 0 and "redirect_times" not in meta
        if is_start and not self._checks_start:
            return
        if not self._is_allowed(request) and not (is_start and self._is_start_url(request)):
            raise OffsiteRequest(f"Filtered offsite request to {self._count(request)!r}")

    def request_scheduled(self, request: Request, spider: Any = UNREAD) -> None:
        """Reject an offsite request; a method of Scrapy's, for subclasses."""
        self.process_request(request)

    def _is_allowed(self, request: Request) -> bool:
        if self._is_own:
            skips = request.dont_filter or request.meta.get("allow_offsite")
            return bool(skips or self.should_follow(request, self._spider))
        domains = getattr(self._spider, "allowed_domains", None)
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

    def _is_start_url(self, request: Request) -> bool:
        """Return True for a request of `start_urls`, which Scrapy never filters."""
        entries = getattr(self._spider, "start_urls", None) or ()
        if not hasattr(entries, "__len__"):  # a generator, which only the start requests may read
            return True
        known, length = self._start
        if entries is not known or len(entries) != length:
            self._start = entries, len(entries)
            self._start_urls = _urls_in(entries)
        return request.url in self._start_urls

    def should_follow(self, request: Request, spider: Any) -> bool:
        """Return True if the host of a request is in the domains of the spider."""
        self._update_host_regex(spider)
        return self.host_regex is None or bool(self.host_regex.search(urlsplit(request.url).hostname or ""))

    def get_host_regex(self, spider: Any) -> re.Pattern[str]:
        """Return the pattern of allowed hosts; called again if the spider changes its domains."""
        domains = [re.escape(domain) for domain in _domains_of(spider)]
        return re.compile(rf"^(.*\.)?({'|'.join(domains)})$" if domains else "")

    def _update_host_regex(self, spider: Any) -> None:
        domains = tuple(getattr(spider, "allowed_domains", None) or ())
        if domains != self._domains:
            _warn_of_others(spider)
        if self._is_own and domains and (self.host_regex is None or domains != self._domains):
            self.host_regex = self.get_host_regex(spider)
        elif not domains:
            self.host_regex = None
        self._domains = domains

    def _judge(self, host: str, url: str) -> bool:
        """Compare a host with the domains, and store the result."""
        if len(self._verdicts) >= _REMEMBERED_HOSTS:
            self._verdicts.clear()
        name = (urlsplit(url).hostname or "").removesuffix(".")
        allowed = _domains_of(self._spider)
        verdict = any(name == domain or name.endswith(f".{domain}") for domain in allowed)
        self._verdicts[host] = verdict
        return verdict

    def _count(self, request: Request) -> str | None:
        """Count a dropped request, log the first of every domain, and return the domain."""
        domain = urlsplit(request.url).hostname
        if domain not in self.domains_seen:
            self.domains_seen.add(domain)
            self.stats.inc_value("offsite/domains")
            logger.debug("Filtered offsite request to %r: %s", domain, request)
        self.stats.inc_value("offsite/filtered")
        return domain


def _urls_in(entries: Iterable[Any]) -> frozenset[str]:
    """Return the URLs of `start_urls` as their requests have them, without entries that are not URLs."""
    urls = set()
    for entry in entries:
        with suppress(TypeError, ValueError):  # the spider reports it
            urls.add(clean_url(entry, "utf-8"))
    return frozenset(urls)


def _domains_of(spider: Any) -> list[str]:
    """Return the domains of a spider as they are in URLs: lower case, ASCII; a text is one domain."""
    domains = spider.allowed_domains or ()
    entries = [domains] if isinstance(domains, str) else domains
    return [_in_urls(entry.strip()) for entry in entries if isinstance(entry, str) and entry.strip()]


def _in_urls(domain: str) -> str:
    name = domain.lower().removeprefix("*").removeprefix(".")
    if name.isascii():
        return name
    return urlsplit(clean_url(f"http://{name}/", "utf-8")).hostname or name


def _warn_of_others(spider: Any) -> None:
    """Warn of what is not a domain and allows nothing, as in Scrapy."""
    domains = getattr(spider, "allowed_domains", None) or ()
    for entry in [domains] if isinstance(domains, str) else domains:
        if not isinstance(entry, str) or not entry.strip(" *.") or "/" in entry or _has_port(entry):
            logger.warning("allowed_domains has %r, which is not a domain: it allows nothing", entry)


def _host_of(url: str) -> str:
    """Return the part between the second and the third slash: 0.1 µs instead of the 2 µs of urlsplit.

    The part is longer than the host if a query follows the host directly. URLs with the same part always have
    the same host.
    """
    parts = url.split("/", 3)
    return parts[2] if len(parts) > 2 else ""
