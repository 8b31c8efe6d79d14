"""Redirects are followed: those of the status 301, 302, 303, 307 and 308, and those of a meta refresh."""

import logging
from typing import Any
from urllib.parse import urldefrag, urljoin, urlsplit

from aioscrapy.context import CrawlContext
from aioscrapy.exceptions import IgnoreRequest, NotConfigured
from aioscrapy.http.request import Request
from aioscrapy.http.response import Response
from aioscrapy.http.text import HEAD, HtmlResponse
from aioscrapy.middlewares.referer import Policy, find_policy, origin, referrer, setting_policy
from aioscrapy.settings import Settings

logger = logging.getLogger(__name__)

_REDIRECTING = frozenset({301, 302, 303, 307, 308})
_OF_CONTENT = ("Type", "Length", "Encoding", "Language", "Location")
_SCHEMES = frozenset({"http", "https"})


class _Redirecting:
    """Builds the request that follows a redirect.

    Meta keys: redirect_times, redirect_ttl (how many more), redirect_urls, redirect_reasons; dont_redirect.
    """

    def __init__(self, max_times: int, priority_adjust: int, policy: Policy) -> None:
        self._max_times = max_times
        self._priority_adjust = priority_adjust
        self._policy = policy

    def _redirect(self, request: Request, url: str, reason: int | str) -> Request | None:
        """Return the request for `url` in place of `request`; None where `url` can't be crawled.

        Raises:
            IgnoreRequest: it was redirected REDIRECT_MAX_TIMES already.
        """
        redirected = _moved(request, url)
        if redirected is None:
            return None
        old = request.meta
        times, ttl = old.get("redirect_times", 0) + 1, old.get("redirect_ttl", self._max_times)
        if ttl <= 0 or times > self._max_times:
            raise IgnoreRequest(f"Discarding {request}: max redirections reached")
        visited = [*old.get("redirect_urls", ()), request.url]
        redirected.meta.update(
            redirect_times=times,
            redirect_ttl=ttl - 1,
            redirect_urls=visited,
            redirect_reasons=[*old.get("redirect_reasons", ()), reason],
        )
        redirected.priority = request.priority + self._priority_adjust
        if urldefrag(redirected.url).url in {urldefrag(url).url for url in visited}:
            # a page that sets a cookie and sends us back is no duplicate; redirect_times ends a circle
            redirected.dont_filter = True
        self._keep_secrets(request, redirected)
        logger.debug("Redirecting (%s) to %s from %s", reason, redirected, request)
        return redirected

    def _keep_secrets(self, request: Request, redirected: Request) -> None:
        """Take off the headers that the new host must not see.

        Source: https://fetch.spec.whatwg.org/#http-redirect-fetch and RFC 6265, section 5.4.
        """
        headers = redirected.headers
        old, new = urlsplit(request.url), urlsplit(redirected.url)
        if origin(request.url) != origin(redirected.url):
            headers.pop("Authorization", None)
        if old.hostname != new.hostname or new.scheme not in {old.scheme, "https"}:
            headers.pop("Cookie", None)
        told = headers.get("Referer")
        if told is None:
            return
        policy = find_policy(str(request.meta.get("referrer_policy", "none")))
        value = referrer(policy or self._policy, told.decode("latin-1"), redirected.url)
        headers.pop("Referer", None)
        if value is not None:
            headers["Referer"] = value


class RedirectMiddleware(_Redirecting):
    """Follows the Location of a response.

    Not where meta["dont_redirect"] is set, or the status is in `handle_httpstatus_list` of meta or spider.
    """

    @classmethod
    def from_crawler(cls, crawler: CrawlContext) -> "RedirectMiddleware":
        """Stay out where REDIRECT_ENABLED is false."""
        settings = crawler.settings
        if not settings.getbool("REDIRECT_ENABLED"):
            raise NotConfigured
        return cls(*_limits(settings))

    def process_response(self, request: Request, response: Response, spider: Any) -> Request | Response:
        """Return the request for where a response points to; the response itself where it doesn't."""
        if response.status not in _REDIRECTING or _is_wanted(request, response.status, spider):
            return response
        location = response.headers.get("Location")
        if location is None:
            return response
        url = _target(request.url, location)
        if url is None:
            return response
        source = _as_get(request) if _becomes_get(response.status, request.method) else request
        return self._redirect(source, url, response.status) or response


class MetaRefreshMiddleware(_Redirecting):
    """Follows <meta http-equiv="refresh"> of HTML pages, unless its wait is METAREFRESH_MAXDELAY or longer.

    A page that only reloads itself is taken as it is.
    """

    def __init__(self, max_times: int, priority_adjust: int, policy: Policy, max_delay_s: float) -> None:
        super().__init__(max_times, priority_adjust, policy)
        self._max_delay_s = max_delay_s

    @classmethod
    def from_crawler(cls, crawler: CrawlContext) -> "MetaRefreshMiddleware":
        """Stay out where METAREFRESH_ENABLED is false."""
        settings = crawler.settings
        if not settings.getbool("METAREFRESH_ENABLED"):
            raise NotConfigured
        return cls(*_limits(settings), settings.getfloat("METAREFRESH_MAXDELAY"))

    def process_response(self, request: Request, response: Response) -> Request | Response:
        """Return the request for where a page sends its readers; the response itself where it doesn't."""
        if not isinstance(response, HtmlResponse) or "refresh" not in response.lower_head():
            return response
        if request.method == "HEAD" or request.meta.get("dont_redirect"):
            return response
        wait_s, url = _meta_refresh(response)
        if url is None or wait_s >= self._max_delay_s or urldefrag(url).url == urldefrag(request.url).url:
            return response
        return self._redirect(_as_get(request), url, "meta refresh") or response


def _limits(settings: Settings) -> tuple[int, int, Policy]:
    """Return what both kinds of redirect need."""
    policy = setting_policy(settings["REFERRER_POLICY"])
    return settings.getint("REDIRECT_MAX_TIMES"), settings.getint("REDIRECT_PRIORITY_ADJUST"), policy


def _is_wanted(request: Request, status: int, spider: Any) -> bool:
    """Tell whether a callback wants the redirecting response itself."""
    meta = request.meta
    return bool(
        meta.get("dont_redirect")
        or meta.get("handle_httpstatus_all")
        or status in (meta.get("handle_httpstatus_list") or ())
        or status in (getattr(spider, "handle_httpstatus_list", None) or ())
    )


def _becomes_get(status: int, method: str) -> bool:
    """Tell whether the redirected request is a GET without a body. Source: RFC 9110, section 15.4."""
    if status == 303:
        return method not in {"GET", "HEAD"}
    return status in {301, 302} and method == "POST"


def _target(base: str, location: bytes) -> str | None:
    """Return the absolute URL that a Location header means; None where it is no URL."""
    try:
        text = location.decode().strip()
    except UnicodeDecodeError:
        text = location.decode("latin-1").strip()
    if text.startswith("//"):
        text = f"//{text.lstrip('/')}"  # as browsers do: three slashes are two
    try:
        url = urljoin(base, text)
        fragment = urlsplit(base).fragment
        return url if not fragment or urlsplit(url).fragment else f"{urldefrag(url).url}#{fragment}"
    except ValueError:
        return None


def _moved(request: Request, url: str) -> Request | None:
    """Return a copy of a request for another URL, without its own cookies; None where it can't be crawled."""
    try:
        parts = urlsplit(url)
        if parts.scheme not in _SCHEMES or not parts.hostname:
            return None
        moved: Request = request.replace(url=url, cookies=None)
    except ValueError:
        return None
    return moved


def _as_get(request: Request) -> Request:
    """Return a copy of a request as a GET without a body and what describes it."""
    copy: Request = request.replace(method="GET", body=b"")
    for name in _OF_CONTENT:
        copy.headers.pop(f"Content-{name}", None)
    return copy


def _meta_refresh(response: HtmlResponse) -> tuple[float, str | None]:
    """Return the wait in seconds and the absolute URL of a page's meta refresh; None for no URL."""
    from w3lib.html import get_meta_refresh

    # URLs in a page are in its encoding, unless that is UTF-16: https://url.spec.whatwg.org/#get-an-output-encoding
    encoding = "utf-8" if response.encoding.lower().startswith("utf") else response.encoding
    head = response.text[:HEAD]
    try:
        wait_s, url = get_meta_refresh(head, response.url, encoding, ignore_tags=("noscript",))
    except ValueError:
        return 0.0, None
    return wait_s or 0.0, url
