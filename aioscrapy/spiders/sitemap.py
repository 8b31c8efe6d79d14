"""SitemapSpider: finds the pages of a site in its sitemaps."""

import logging
import re
from collections.abc import Iterable, Iterator, Sequence
from io import BytesIO
from typing import Any, Self
from urllib.parse import urljoin

from aioscrapy.context import CrawlContext
from aioscrapy.exceptions import ResponseTooLargeError
from aioscrapy.http.request import Request
from aioscrapy.http.text import XmlResponse
from aioscrapy.spiders.sitemap_file import LimitedGzipFile, Sitemap, is_gzip, sitemap_urls_from_robots
from aioscrapy.spiders.spider import Spider
from aioscrapy.spiders.start import StartRequests

logger = logging.getLogger(__name__)

Pattern = str | re.Pattern[str]

_LARGE = "%s body size after decompression (%d B) is larger than the download warning size (%d B)."


class SitemapSpider(Spider):
    """Requests the pages that sitemaps list.

    Attributes:
        sitemap_urls: of sitemaps, of indexes of sitemaps, or of a robots.txt that names them.
        sitemap_rules: (pattern, callback); the first rule whose pattern is found in a page's URL is used, and
            a page without a rule is left out.
        sitemap_follow: patterns of the sitemaps of an index that are read.
        sitemap_alternate_links: request the pages in other languages, too.
    """

    sitemap_urls: Sequence[str] = ()
    sitemap_rules: Sequence[tuple[Pattern, Any]] = (("", "parse"),)
    sitemap_follow: Sequence[Pattern] = ("",)
    sitemap_alternate_links = False
    _max_size = 0
    _warn_size = 0

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._cbs = [
            (regex(pattern), getattr(self, callback) if isinstance(callback, str) else callback)
            for pattern, callback in self.sitemap_rules
        ]
        self._follow = [regex(pattern) for pattern in self.sitemap_follow]

    @classmethod
    def from_crawler(cls, crawler: CrawlContext, *args: Any, **kwargs: Any) -> Self:
        spider = super().from_crawler(crawler, *args, **kwargs)
        settings = crawler.settings
        spider._max_size = int(getattr(spider, "download_maxsize", settings.getint("DOWNLOAD_MAXSIZE")))
        spider._warn_size = int(getattr(spider, "download_warnsize", settings.getint("DOWNLOAD_WARNSIZE")))
        return spider

    def start_requests(self) -> Any:
        return StartRequests(Request(url, self._parse_sitemap) for url in self.sitemap_urls)

    def sitemap_filter(self, entries: Any) -> Iterable[dict[str, Any]]:
        """Yield the entries of a sitemap that are used; `entries.type` is "urlset" or "sitemapindex"."""
        yield from entries

    def _parse_sitemap(self, response: Any) -> Iterator[Request]:
        if response.url.endswith("/robots.txt"):
            urls = sitemap_urls_from_robots(response.body, response.url)
            yield from response.follow_all(urls, self._parse_sitemap, encoding="utf-8")
            return
        sitemap = self._sitemap(response)
        entries = self.sitemap_filter(sitemap) if sitemap else ()
        if sitemap and sitemap.type == "sitemapindex":
            for url in _absolute(iterloc(entries, self.sitemap_alternate_links), response):
                if any(pattern.search(url) for pattern in self._follow):
                    yield from response.follow_all([url], self._parse_sitemap, encoding="utf-8")
        elif sitemap and sitemap.type == "urlset":
            for url in _absolute(iterloc(entries, self.sitemap_alternate_links), response):
                for pattern, callback in self._cbs:
                    if pattern.search(url):
                        yield from response.follow_all([url], callback, encoding="utf-8")
                        break
        else:
            logger.warning("Ignoring invalid sitemap: %s", response, extra={"spider": self})
        if sitemap and sitemap.is_cut:
            logger.warning(
                "The sitemap %s is cut short: URLs may be missing", response, extra={"spider": self}
            )

    def _sitemap(self, response: Any) -> Sitemap | None:
        source: Any = None
        if type(self)._get_sitemap_body is not SitemapSpider._get_sitemap_body:
            source = self._get_sitemap_body(response)  # of a subclass
        elif _is_packed(response):
            source = self._unpacked(response)
        else:
            source = _plain_body(response)
        try:
            return Sitemap(BytesIO(source) if isinstance(source, bytes) else source) if source else None
        except (ValueError, OSError):
            return None

    def _get_sitemap_body(self, response: Any) -> bytes | None:
        """Return the unpacked body of a sitemap; None if the response is not one."""
        if not _is_packed(response):
            return _plain_body(response)
        try:
            return self._unpacked(response).read_all()
        except ResponseTooLargeError:
            return None

    def _unpacked(self, response: Any) -> LimitedGzipFile:
        """Return the bytes of a packed sitemap; the limits are those of its request, else of the crawl."""
        meta = response.meta if response.request is not None else {}
        warn_size = int(meta.get("download_warnsize", self._warn_size))

        def warn(size: int) -> None:
            if len(response.body) < warn_size <= size:
                logger.warning(_LARGE, response, size, warn_size, extra={"spider": self})

        return LimitedGzipFile(response.body, int(meta.get("download_maxsize", self._max_size)), warn)


def regex(pattern: Pattern) -> re.Pattern[str]:
    """Return the compiled pattern."""
    return re.compile(pattern)


def iterloc(entries: Iterable[dict[str, Any]], alt: bool = False) -> Iterator[str]:
    """Yield the URLs of the entries; with `alt` those of their links, too."""
    for entry in entries:
        if entry["loc"]:
            yield entry["loc"]
        if alt:
            yield from entry.get("alternate", ())


def _absolute(urls: Iterable[str], response: Any) -> Iterator[str]:
    """Yield the URLs, relative ones as links of the sitemap; one that can't be joined unchanged."""
    for url in urls:
        try:
            yield urljoin(response.url, url)
        except ValueError:
            yield url


def _is_packed(response: Any) -> bool:
    return is_gzip(response.body)  # whatever its Content-Type says


def _plain_body(response: Any) -> bytes | None:
    is_sitemap = isinstance(response, XmlResponse) or response.url.endswith((".xml", ".xml.gz"))
    return response.body if is_sitemap else None
