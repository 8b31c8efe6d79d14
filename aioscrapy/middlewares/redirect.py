"""Follow redirects: by status 301, 302, 303, 307 and 308, and by meta refresh."""

import logging
from typing import Any, Self
from urllib.parse import SplitResult, urldefrag, urlsplit

from aioscrapy import signals
from aioscrapy.context import CrawlContext
from aioscrapy.exceptions import IgnoreRequest, NotConfigured
from aioscrapy.hooks import UNREAD
from aioscrapy.http.request import Request
from aioscrapy.http.response import Response
from aioscrapy.http.text import HtmlResponse
from aioscrapy.middlewares.redirect_target import location_of, meta_refresh, refresh_header, target_of
from aioscrapy.middlewares.referer import RefererMiddleware
from aioscrapy.settings import Settings

logger = logging.getLogger(__name__)

_REDIRECTING = frozenset({301, 302, 303, 307, 308})
_CONTENT_HEADERS = ("Type", "Length", "Encoding", "Language", "Location")  # after "Content-"
_PORTS = {"http": 80, "https": 443}


class BaseRedirectMiddleware:
    """Builds the request that follows a redirect.

    Meta keys: redirect_times, redirect_ttl (redirects left), redirect_urls, redirect_reasons; dont_redirect.
    """

    # the setting that leaves the middleware out
    enabled_setting = "REDIRECT_ENABLED"

    def __init__(self, settings: Settings) -> None:
        if not settings.getbool(self.enabled_setting):
            raise NotConfigured
        self.max_redirect_times = settings.getint("REDIRECT_MAX_TIMES")
        self.priority_adjust = settings.getint("REDIRECT_PRIORITY_ADJUST")
        self._referer_spider_middleware: RefererMiddleware | None = None
        self.crawler: Any = None

    @classmethod
    def from_crawler(cls, crawler: CrawlContext) -> Self:
        """Create the middleware; leave it out if its setting is false."""
        middleware = cls(crawler.settings)
        middleware.crawler = crawler
        crawler.signals.connect(middleware._engine_started, signals.engine_started)
        return middleware

    def handle_referer(self, request: Request, response: Response) -> None:
        """Set the Referer of a redirected request as that of a link on the page of its redirect.

        Without RefererMiddleware the request has no Referer. A subclass may override it.
        """
        request.headers.pop("Referer", None)
        if self._referer_spider_middleware is not None:
            self._referer_spider_middleware.get_processed_request(request, response)

    def _engine_started(self) -> None:
        self._referer_spider_middleware = self.crawler.get_spider_middleware(RefererMiddleware)

    def _build_redirect_request(
        self, source_request: Request, response: Response, *, url: str, **kwargs: Any
    ) -> Request:
        """Return a copy of a request for another URL, without what the new host must not get."""
        redirected: Request = source_request.replace(url=url, cookies=None, **kwargs)
        meta = redirected.meta
        if "_scheme_proxy" in meta and urlsplit(source_request.url).scheme != urlsplit(redirected.url).scheme:
            for name in ("_scheme_proxy", "proxy", "_auth_proxy"):
                meta.pop(name, None)
            redirected.headers.pop("Proxy-Authorization", None)
        _remove_secrets(source_request, redirected)
        self.handle_referer(redirected, response)
        return redirected

    def _redirect_request_using_get(self, request: Request, response: Response, redirect_url: str) -> Request:
        """Return the redirected request as a GET, without its body and the headers of the body."""
        redirected = self._build_redirect_request(request, response, url=redirect_url, method="GET", body=b"")
        for name in _CONTENT_HEADERS:
            redirected.headers.pop(f"Content-{name}", None)
        return redirected

    def _redirect(self, redirected: Request, request: Request, reason: int | str) -> Request:
        """Return the request for a target, with its chain in its meta.

        Raises:
            IgnoreRequest: the request was redirected REDIRECT_MAX_TIMES times.
        """
        old, most = request.meta, self.max_redirect_times
        times, ttl = old.get("redirect_times", 0) + 1, old.get("redirect_ttl", most)
        if ttl <= 0 or times > most:
            raise IgnoreRequest(f"Discarding {request}: max redirections reached")
        visited = [*old.get("redirect_urls", ()), request.url]
        redirected.meta.update(
            redirect_times=times,
            redirect_ttl=ttl - 1,
            redirect_urls=visited,
            redirect_reasons=[*old.get("redirect_reasons", ()), reason],
        )
        redirected.priority = request.priority + self.priority_adjust
        if urldefrag(redirected.url).url in {urldefrag(url).url for url in visited}:
            # a page that sets a cookie and redirects back is not a duplicate; redirect_times ends a loop
            redirected.dont_filter = True
        logger.debug("Redirecting (%s) to %s from %s", reason, redirected, request)
        return redirected


class RedirectMiddleware(BaseRedirectMiddleware):
    """Follows the Location header of a response.

    It does not if meta["dont_redirect"] is set, or if `handle_httpstatus_list` of meta or spider has the
    status.
    """

    def process_response(
        self, request: Request, response: Response, spider: Any = None
    ) -> Request | Response:
        """Return the request for the target of a redirect; any other response unchanged."""
        if response.status not in _REDIRECTING:
            return response
        spider = spider or getattr(self.crawler, "spider", None)
        if _is_handled(request, response.status, spider):
            return response
        location = location_of(response)
        url = target_of(request.url, location) if location is not None else None
        if url is None or not _can_be_crawled(url):
            return response
        try:
            if _becomes_get(response.status, request.method):
                redirected = self._redirect_request_using_get(request, response, url)
            else:
                redirected = self._build_redirect_request(request, response, url=url)
        except ValueError:
            return response
        return self._redirect(redirected, request, response.status)


class MetaRefreshMiddleware(BaseRedirectMiddleware):
    """Follows <meta http-equiv="refresh"> and the Refresh header, up to METAREFRESH_MAXDELAY seconds.

    A page that only reloads itself is not a redirect, unless it sets a cookie: the next answer may differ.
    """

    enabled_setting = "METAREFRESH_ENABLED"

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self._max_delay_s = settings.getfloat("METAREFRESH_MAXDELAY")
        self._ignored_tags = tuple(settings.getlist("METAREFRESH_IGNORE_TAGS"))

    def process_response(
        self, request: Request, response: Response, spider: Any = UNREAD
    ) -> Request | Response:
        """Return the request for the target of a meta refresh; any other response unchanged."""
        by_header = "Refresh" in response.headers
        if not by_header and not (isinstance(response, HtmlResponse) and "refresh" in response.lower_head()):
            return response
        if request.method == "HEAD" or request.meta.get("dont_redirect") or not _can_be_crawled(request.url):
            return response
        wait_s, url = refresh_header(response) if by_header else meta_refresh(response, self._ignored_tags)
        if url is None or wait_s >= self._max_delay_s or not _can_be_crawled(url):
            return response
        if urldefrag(url).url == urldefrag(response.url).url and "Set-Cookie" not in response.headers:
            return response
        try:
            redirected = self._redirect_request_using_get(request, response, url)
        except ValueError:
            return response
        return self._redirect(redirected, request, "meta refresh")


def _remove_secrets(request: Request, redirected: Request) -> None:
    """Remove the headers that the new host must not get.

    Source: https://fetch.spec.whatwg.org/#http-redirect-fetch and RFC 6265, section 5.4.
    """
    headers = redirected.headers
    old, new = urlsplit(request.url), urlsplit(redirected.url)
    if "Authorization" in headers and _origin(old) != _origin(new):
        headers.pop("Authorization", None)
    if old.hostname != new.hostname or new.scheme not in {old.scheme, "https"}:
        headers.pop("Cookie", None)


def _origin(parts: SplitResult) -> tuple[str, str | None, int | None]:
    return parts.scheme, parts.hostname, parts.port or _PORTS.get(parts.scheme)


def _is_handled(request: Request, status: int, spider: Any) -> bool:
    """Return True if the callback handles the redirecting response itself."""
    meta = request.meta
    return bool(
        meta.get("dont_redirect")
        or meta.get("handle_httpstatus_all")
        or _is_among(status, meta.get("handle_httpstatus_list"))
        or _is_among(status, getattr(spider, "handle_httpstatus_list", None))
    )


def _is_among(status: int, handled: Any) -> bool:
    """Return True if a `handle_httpstatus_list`, which may be one status, has a status."""
    return status == handled if isinstance(handled, int) else status in (handled or ())


def _becomes_get(status: int, method: str) -> bool:
    """Return True if the redirected request is a GET without a body. Source: RFC 9110, section 15.4."""
    if status == 303:
        return method not in {"GET", "HEAD"}
    return status in {301, 302} and method == "POST"


def _can_be_crawled(url: str) -> bool:
    """Return True for a URL of the web."""
    try:
        parts = urlsplit(url)
        return parts.scheme in _PORTS and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
